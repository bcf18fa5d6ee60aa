# SPDX-License-Identifier: GPL-2.0
"""Who can be at an end, how it is started, and what it cannot do."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from . import aioquic_end, caddy_end, tquic_end
from .plan import Feature, Plan, Protocol

__all__ = ["PEERS", "Peer", "Role", "missing", "protocol"]

_CHACHA20 = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305"


class Role(StrEnum):
    """Which end TQUIC plays in a pairing."""

    CLIENT = "client"
    SERVER = "server"


_NO_MARKS = "aioquic neither marks packets nor reports marks"


@dataclass(frozen=True)
class Peer:
    """An implementation. ``lacks`` says why it cannot take part, by its role and the feature;
    ``never`` why it cannot play a role at all. Without a ``module`` it is ngtcp2's programs.
    """

    name: str
    protocols: tuple[Protocol, ...]
    programs: tuple[str, ...] = ()
    package: str = ""
    lacks: Mapping[tuple[Role, Feature], str] = field(default_factory=dict)
    never: Mapping[Role, str] = field(default_factory=dict)
    module: str = ""

    def reason(self, role: Role, features: Sequence[Feature]) -> str:
        """Why it cannot play a role in a case, empty when it can."""
        if why := self.never.get(role):
            return why
        for feature in features:
            if why := self.lacks.get((role, feature)):
                return why
        return ""

    def commands(self, role: Role, plan: Plan, path: Path) -> list[list[str]]:
        """The programs that play a role, one after the other; ``path`` is where the plan is."""
        if self.module:
            return [[sys.executable, "-m", self.module, role, str(path)]]
        return _gtls_clients(plan) if role is Role.CLIENT else [_gtls_server(plan)]


def _gtls_clients(plan: Plan) -> list[list[str]]:
    """gtlsclient, once for each connection."""
    base = ["gtlsclient", "-q", "--exit-on-all-streams-close", f"--download={plan.folder}"]
    base += [f"--sni={plan.server_name}", f"--timeout={plan.timeout_s:g}s"]
    if plan.wants(Feature.CHACHA20):
        base.append(f"--ciphers={_CHACHA20}")
    if plan.wants(Feature.KEY_UPDATE):
        base.append("--key-update=100ms")
    if plan.other:
        base.append("--change-local-addr=500ms")
    if plan.wants(Feature.V2):
        base += ["--version=v1", "--available-versions=v2,v1"]
    if plan.wants(Feature.RESUMPTION):
        base.append(f"--session-file={plan.folder}/../session")
    if plan.wants(Feature.EARLY):
        base.append(f"--tp-file={plan.folder}/../params")
    elif plan.wants(Feature.RESUMPTION):
        base.append("--disable-early-data")
    url = f"https://{plan.server_name}:{plan.port}/"
    return [
        [*base, plan.host, str(plan.port), *(url + name for name in names)]
        for names in plan.requests
    ]


def _gtls_server(plan: Plan) -> list[str]:
    words = ["gtlsserver", "-q", f"--htdocs={plan.folder}", f"--timeout={plan.timeout_s:g}s"]
    if plan.wants(Feature.RETRY):
        words.append("--validate-addr")
    if plan.wants(Feature.V2):
        words.append("--preferred-versions=v2,v1")
    if plan.preferred:
        words.append(f"--preferred-ipv4-addr={plan.preferred}:{plan.port}")
    return [*words, plan.host, str(plan.port), plan.key, plan.certificate]


PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer(
            "tquic",
            (Protocol.HQ, Protocol.H3),
            module=tquic_end.__name__,
        ),
        Peer(
            "aioquic",
            (Protocol.HQ, Protocol.H3),
            module=aioquic_end.__name__,
            lacks={
                (Role.SERVER, Feature.V2): "aioquic takes the client's order of versions, and "
                "TQUIC's client names the one it began with first",
                **{(role, Feature.ECN): _NO_MARKS for role in Role},
                (Role.CLIENT, Feature.PREFERRED_ADDRESS): "aioquic reads where a server prefers to "
                "be, and stays",
                (Role.SERVER, Feature.PREFERRED_ADDRESS): "aioquic has no setting for an address "
                "it prefers",
            },
        ),
        Peer(
            "ngtcp2",
            (Protocol.H3,),
            programs=("gtlsclient", "gtlsserver"),
            package="ngtcp2-client ngtcp2-server",
        ),
        Peer(
            "caddy",
            (Protocol.H3,),
            programs=("caddy",),
            package="caddy",
            module=caddy_end.__name__,
            never={Role.CLIENT: "Caddy (quic-go) is a server"},
            lacks={
                (Role.SERVER, Feature.RETRY): "Caddy has no setting that demands a Retry",
                (Role.SERVER, Feature.ECN): "quic-go 0.29 neither marks packets nor reports marks",
                (Role.SERVER, Feature.V2): "quic-go 0.29 speaks version 2 with a client that "
                "begins with it, but never moves one there",
                (Role.SERVER, Feature.PREFERRED_ADDRESS): "quic-go has no preferred address",
                (Role.SERVER, Feature.REBIND): "quic-go 0.29 sends to where the client was first, "
                "also when it comes from elsewhere",
                (Role.SERVER, Feature.LIMIT): "quic-go 0.29 sends as long as it is below the "
                "limit, the last packet goes over it",
                (Role.SERVER, Feature.MOVE): "quic-go 0.29 forbids it (disable_active_migration)",
            },
        ),
    )
}


def missing(peer: Peer) -> str:
    """What has to be installed first, empty when nothing has."""
    if all(shutil.which(program) for program in peer.programs):
        return ""
    return f"not installed: apt-get install {peer.package}, as scripts/setup.sh does"


def protocol(client: Peer, server: Peer) -> Protocol:
    """What two of them speak."""
    return next(name for name in client.protocols if name in server.protocols)
