# SPDX-License-Identifier: GPL-2.0
"""The interop runner's cases: files, network, and what must be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..lab import Link
from . import checks
from .checks import Check
from .plan import Feature
from .trouble import Corruption, LoseNth, Loss, Outages, Rebinding, Trouble

__all__ = ["CASES", "Case"]

KIB = 1 << 10
MIB = 1 << 20

#: The runner's own default: 10 Mbit/s, 15 ms one way, 25 packets of queue beside those under way.
_LINK = Link(rate_mbit=10, delay_ms=15, limit=38)
_SATELLITE = Link(rate_mbit=10, delay_ms=750, limit=1300)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case. ``files`` are sizes in bytes, divided evenly among ``connections``.

    ``chain`` is how many certificates the server sends, ``timeout_s`` is for all connections.
    ``measured``: how fast it went is its result; ``beside_tcp``: a TCP flow shares the link.
    """

    name: str
    title: str
    files: tuple[int, ...]
    connections: int = 1
    features: tuple[Feature, ...] = ()
    link: Link = _LINK
    trouble: Callable[[], Trouble] = Trouble
    checks: tuple[Check, ...] = ()
    timeout_s: float = 60
    chain: int = 1
    measured: bool = False
    beside_tcp: bool = False
    v6: bool = False

    @property
    def all_checks(self) -> tuple[Check, ...]:
        """What is checked of every case, and of this one."""
        version = () if Feature.V2 in self.features else (checks.only_version_1,)
        seen = (checks.handshakes(self.connections), checks.extensions_agreed)
        return (*version, *seen, *self.checks)


_LIST = (
    Case(
        name="handshake", title="one small file, no Retry", files=(KIB,), checks=(checks.no_retry,)
    ),
    Case(name="transfer", title="2, 3 and 5 MB at once", files=(2 * MIB, 3 * MIB, 5 * MIB)),
    Case(
        name="retry",
        title="the server has the client prove its address",
        files=(10 * KIB,),
        features=(Feature.RETRY,),
        checks=(checks.retried,),
    ),
    Case(
        name="resumption",
        title="a second connection resumes the session of the first",
        files=(5 * KIB, 10 * KIB),
        connections=2,
        features=(Feature.RESUMPTION,),
        checks=(checks.resumed,),
    ),
    Case(
        name="zerortt",
        title="40 files of 32 bytes, half of them asked for with 0-RTT packets",
        files=(32,) * 40,
        connections=2,
        features=(Feature.RESUMPTION, Feature.EARLY),
        checks=(checks.resumed, checks.early_used),
    ),
    Case(
        name="chacha20",
        title="the client offers ChaCha20-Poly1305 only",
        files=(3 * MIB,),
        features=(Feature.CHACHA20,),
        checks=(checks.chacha20_used,),
    ),
    Case(
        name="keyupdate",
        title="the client updates keys early on",
        files=(3 * MIB,),
        features=(Feature.KEY_UPDATE,),
        checks=(checks.keys_updated,),
    ),
    Case(
        name="ecn",
        title="both ends mark packets and report the marks",
        files=(100 * KIB,),
        features=(Feature.ECN,),
        checks=(checks.marks_counted,),
    ),
    Case(
        name="longrtt",
        title="1.5 s round trip",
        files=(KIB,),
        link=_SATELLITE,
        checks=(checks.initial_sent_again(_SATELLITE.delay_ms / 1e3),),
    ),
    Case(
        name="multiplexing",
        title="1999 files of 32 bytes on one connection",
        files=(32,) * 1999,
    ),
    Case(
        name="blackhole",
        title="the link is silent for 2 of each 7 seconds",
        files=(10 * MIB,),
        trouble=lambda: Outages(5, 2),
    ),
    Case(
        name="handshakeloss",
        title="50 connections, 30 % of packets lost",
        files=(KIB,) * 50,
        connections=50,
        trouble=lambda: Loss(30),
        timeout_s=300,
    ),
    Case(
        name="transferloss",
        title="2 MB, 2 % of packets lost",
        files=(2 * MIB,),
        trouble=lambda: Loss(2),
    ),
    Case(
        name="handshakecorruption",
        title="50 connections, 30 % of packets with a bit flipped",
        files=(KIB,) * 50,
        connections=50,
        trouble=lambda: Corruption(30),
        timeout_s=300,
    ),
    Case(
        name="transfercorruption",
        title="2 MB, 2 % of packets with a bit flipped",
        files=(2 * MIB,),
        trouble=lambda: Corruption(2),
    ),
    Case(name="ipv6", title="transfer over IPv6", files=(2 * MIB, 3 * MIB), v6=True),
    Case(
        name="v2",
        title="the client begins with version 1, the server answers in version 2",
        files=(KIB,),
        features=(Feature.V2,),
        checks=(checks.version_2_negotiated,),
    ),
    Case(
        name="rebind-port",
        title="10 MB; a NAT gives the client another port after 1 s, then every 5 s",
        files=(10 * MIB,),
        features=(Feature.REBIND,),
        trouble=lambda: Rebinding(1, 5, address=False),
        checks=(checks.rebound(2),),
    ),
    Case(
        name="rebind-addr",
        title="10 MB; a NAT gives the client another address after 1 s, then every 5 s",
        files=(10 * MIB,),
        features=(Feature.REBIND,),
        trouble=lambda: Rebinding(1, 5, address=True),
        checks=(checks.rebound(2),),
    ),
    Case(
        name="connectionmigration",
        title="the client moves to the address that the server prefers",
        files=(2 * MIB,),
        features=(Feature.PREFERRED_ADDRESS,),
        checks=(checks.moved_to_preferred,),
    ),
    Case(
        name="clientmigration",
        title="the client moves to another address of its own; not a case of the runner's now",
        files=(2 * MIB,),
        features=(Feature.MOVE,),
        checks=(checks.client_moved,),
    ),
    Case(name="goodput", title="10 MB, measured", files=(10 * MIB,), measured=True),
    Case(
        name="crosstraffic",
        title="25 MB beside a TCP flow with CUBIC, measured; in brackets TCP's share",
        files=(25 * MIB,),
        measured=True,
        beside_tcp=True,
        timeout_s=180,
    ),
    Case(
        name="amplificationlimit",
        title="9 certificates; the client's packets 2 to 7 are lost",
        files=(5 * KIB,),
        trouble=lambda: LoseNth(range(2, 8)),
        features=(Feature.LIMIT,),
        checks=(checks.amplification_limited,),
        chain=9,
    ),
)

CASES: dict[str, Case] = {case.name: case for case in _LIST}
