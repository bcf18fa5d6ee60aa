# SPDX-License-Identifier: GPL-2.0
"""What is wrong with TQUIC on this host, in plain words, and the command that mends it.

`doctor_facts` looks, this module judges: each check takes the facts and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from .record import Address


class Level(StrEnum):
    """A problem keeps something from working; a note is worth knowing."""

    PROBLEM = "problem"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, and what mends it ("" when only the words help)."""

    level: Level
    what: str
    mend: str = ""


@dataclass(frozen=True)
class Way:
    """How packets from an endpoint leave.

    id, address   the endpoint's
    device        interface it is on or bound to, "" when no interface has the address
    up            that interface is up and has a carrier
    leaves_by     interface of the route from this address, without regard to a binding; "": none
    bound_route   there is a route when bound to the device (True when it is not bound)
    rp_filter     the larger of the interface's and the namespace's setting, 0 for IPv6
    """

    id: int
    address: Address
    device: str
    up: bool
    leaves_by: str
    bound_route: bool
    rp_filter: int


@dataclass(frozen=True)
class Facts:
    """What was seen. Where the module is missing the rest keeps its default.

    release, vermagic    of the running kernel, and what the module file says ("": no file)
    loaded, usable       the module is there; a socket of the protocol could be made
    module_btf           /sys/kernel/btf has the module and the kernel
    admin                CAP_NET_ADMIN in this namespace
    agent                an agent answers for plain sockets
    settings             sysctls by name
    """

    release: str
    vermagic: str = ""
    loaded: bool = False
    usable: bool = False
    module_btf: bool = True
    kernel_btf: bool = True
    admin: bool = True
    agent: bool = True
    extra_paths: int = 0
    ways: tuple[Way, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()

    def setting(self, name: str) -> str:
        """A sysctl's value, "" when it is not there."""
        return dict(self.settings).get(name, "")


def _problem(what: str, mend: str = "") -> Finding:
    return Finding(Level.PROBLEM, what, mend)


def _note(what: str, mend: str = "") -> Finding:
    return Finding(Level.NOTE, what, mend)


def _module(facts: Facts) -> Iterator[Finding]:
    built_for = facts.vermagic.split(" ")[0]
    if facts.vermagic and built_for != facts.release:
        yield _problem(
            f"the module was built for kernel {built_for}, but {facts.release} runs",
            f"dkms autoinstall -k {facts.release}",
        )
    if facts.loaded and not facts.usable:
        yield _problem(
            "the module is loaded, but no socket of protocol 253 can be made here",
            "dmesg | grep tquic",
        )
    if not facts.loaded and facts.vermagic:
        yield _problem("the module is not loaded", "modprobe tquic")
    if not facts.loaded and not facts.vermagic:
        yield _problem(
            f"there is no module for kernel {facts.release}",
            "dkms install tquic/0.1.0",
        )


def _btf(facts: Facts) -> Iterator[Finding]:
    if not facts.kernel_btf:
        yield _note("the kernel has no type information (BTF), so `tquic trace` cannot work")
    elif facts.loaded and not facts.module_btf:
        yield _note(
            "the module has no type information (BTF): it was built without pahole",
            "apt-get install pahole && dkms build --force tquic/0.1.0",
        )


def _agent(facts: Facts) -> Iterator[Finding]:
    if facts.usable and not facts.agent:
        yield _problem(
            "no agent does the handshakes of plain programs in this network namespace; their "
            "connect() and listen() fail with EPROTONOSUPPORT",
            "systemctl start tquicd",
        )


def _rights(facts: Facts) -> Iterator[Finding]:
    if facts.loaded and not facts.admin:
        yield _note("without CAP_NET_ADMIN paths and endpoints cannot be looked at: run as root")


def _paths(facts: Facts) -> Iterator[Finding]:
    if not facts.ways:
        return
    if facts.setting("multipath") == "0":
        yield _problem(
            "there are endpoints, but connections are told not to use more than one path",
            "tquic sysctl set multipath=1",
        )
    if facts.setting("max_path_id") == "0":
        yield _problem(
            "there are endpoints, but connections may have one path only",
            "tquic sysctl set max_path_id=7",
        )
    if not facts.extra_paths:
        yield _problem(
            "there are endpoints, but the limit of paths the kernel opens is 0",
            f"tquic limits set extra-paths {max(2, len(facts.ways))}",
        )


def _way(way: Way) -> Iterator[Finding]:
    host = way.address.host
    if not way.device:
        yield _problem(
            f"endpoint {host}: no interface has this address",
            f"tquic endpoint del {way.id}; or: ip address add {host} dev IFACE",
        )
        return
    if not way.up:
        yield _problem(
            f"endpoint {host}: {way.device} is down or has no carrier",
            f"ip link set {way.device} up",
        )
        return
    routed = "; ".join(
        (
            f"ip route add default via GATEWAY dev {way.device} table 101",
            f"ip rule add from {host} lookup 101",
        )
    )
    if not way.leaves_by and not way.bound_route:
        yield _problem(f"endpoint {host}: there is no route to the peer from it", routed)
    elif way.leaves_by != way.device and way.rp_filter == 1:
        yield _problem(
            f"endpoint {host}: answers that come in by {way.device} are dropped by the reverse "
            "path filter, as the route to the peer is another",
            f"{routed}; or: sysctl -w net.ipv4.conf.{way.device}.rp_filter=2",
        )
    elif way.leaves_by != way.device:
        yield _problem(
            f"endpoint {host}: what is sent from it leaves by {way.leaves_by or 'no interface'}, "
            f"not by {way.device}",
            routed,
        )


def _ways(facts: Facts) -> Iterator[Finding]:
    for way in facts.ways:
        yield from _way(way)
    devices = {way.device for way in facts.ways if way.device}
    if len(facts.ways) > 1 and len(devices) == 1:
        yield _note(f"all endpoints are on {devices.pop()}: one link, whatever its paths are")


_CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    _module,
    _btf,
    _agent,
    _rights,
    _paths,
    _ways,
)


def judge(facts: Facts) -> list[Finding]:
    """Return everything that is wrong, what comes first first; empty when all is well."""
    return [finding for check in _CHECKS for finding in check(facts)]
