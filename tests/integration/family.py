# SPDX-License-Identifier: GPL-2.0
"""The operations of the netlink family as the spec has them, and a network to try them on."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from running import Certificates, RunningServer, dial, echo, opened, wait_active, wait_confirmed

from tquic.genl import Message, Schema
from tquic.handshake import Handshake, Options, listen, new_socket
from tquic.lab import Link, TwoLinks
from tquic.netlink import (
    CONN,
    ENDPOINT,
    HANDSHAKE,
    LIMITS,
    PATH,
    REGISTRY,
    Command,
    TquicNetlink,
)
from tquic.record import Address
from tquic.sock import TquicSocket
from tquic.tls import Role
from tquic.uapi import NO_MULTIPATH, Config

_ROOT = Path(__file__).resolve().parents[2]
SPEC = yaml.safe_load((_ROOT / "Documentation/netlink/specs/tquic.yaml").read_text())
SCHEMAS: dict[str, Schema] = {
    "conn": CONN,
    "path": PATH,
    "endpoint": ENDPOINT,
    "limits": LIMITS,
    "handshake": HANDSHAKE,
    "registry": REGISTRY,
}
#: Answers to a path that is given up come for as long as three of these take.
LINKS = (Link(delay_ms=40), Link(delay_ms=40))
SECOND = "10.66.1.1"
FIXED_PORT = 4572
SINK_PORT = 4573


class Op(NamedTuple):
    """One operation in one of its modes."""

    name: str
    dump: bool
    schema: Schema
    attributes: tuple[str, ...]
    attribute_set: str

    @property
    def command(self) -> Command:
        """Its number."""
        return Command[self.name.replace("-", "_").upper()]

    def __str__(self) -> str:
        return f"{self.name} dump" if self.dump else self.name


def _ops() -> Iterator[Op]:
    for item in SPEC["operations"]["list"]:
        kind = item["attribute-set"]
        for mode in ("do", "dump"):
            if mode in item:
                request = (item[mode].get("request") or {}).get("attributes", [])
                names = tuple(name.replace("-", "_") for name in request)
                yield Op(item["name"], mode == "dump", SCHEMAS[kind], names, kind)


OPS = {str(op): op for op in _ops()}
SETS = {item["name"]: item["attributes"] for item in SPEC["attribute-sets"]}


def spec_of(op: Op, attribute: str) -> dict[str, Any]:
    """What the spec says of an attribute."""
    name = attribute.replace("_", "-")
    return next(item for item in SETS[op.attribute_set] if item["name"] == name)


@dataclass
class World:
    """A network with connections of several kinds."""

    lab: TwoLinks
    certificates: Certificates
    server: RunningServer
    netlink: TquicNetlink
    far: TquicNetlink
    held: contextlib.ExitStack
    socks: dict[str, TquicSocket] = field(default_factory=dict)

    def token(self, kind: str) -> int:
        """A connection's token: of one that is under way, or of one that is made for it."""
        if kind == "begun":
            return self.begin()
        if kind == "served":
            local = self.sock("multi").local
            return next(c.token for c in self.far.connections() if c.peer == local)
        return self.sock(kind).info().token

    def sock(self, kind: str) -> TquicSocket:
        """A connection of the client's that stays: ``plain`` has no multipath, ``full`` has no
        more path ids, and the server of ``fixed`` wants no other paths.
        """
        if kind not in self.socks:
            limits = {"plain": {"max_path_id": NO_MULTIPATH}, "full": {"max_path_id": 0}}
            config = Config.of(keepalive_ms=1000, **limits.get(kind, {}))
            options = Options(config=config, local=self.lab.client_address(0))
            address = self._fixed() if kind == "fixed" else self.server.address
            tls = self.certificates.client()
            sock = self.held.enter_context(dial(self.lab, address, tls, options=options))
            wait_confirmed(self.netlink, sock.info().token)
            self.socks[kind] = sock
        return self.socks[kind]

    def _fixed(self) -> Address:
        address = self.lab.server_address(0, port=FIXED_PORT)
        with self.lab.server.entered():
            listener = listen(address, Options(config=Config.of(no_migration=1)))
        tls = self.certificates.server()
        self.held.enter_context(RunningServer(self.lab, tls, echo, listener=listener))
        return address

    def begin(self) -> int:
        """A connection whose handshake nobody answers."""
        with self.lab.client.entered():
            sock = self.held.enter_context(new_socket(socket.AF_INET, Options()))
        sock.settimeout(0)
        address = self.lab.server_address(0, port=SINK_PORT)
        with self.lab.server.entered():
            sink = self.held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sink.bind(address.sockaddr)
        with contextlib.suppress(BlockingIOError):
            sock.connect(address)
        Handshake(sock, self.certificates.client(), Role.CLIENT, str(address)).start()
        return sock.info().token

    def add_path(self) -> int:
        """A second path of the multipath connection."""
        path_id = self.netlink.add_path(self.token("multi"), self.lab.client_address(1))
        wait_active(self.sock("multi"), 2)
        return path_id

    def drop_path(self, path_id: int) -> None:
        """Give it up."""
        self.netlink.del_path(self.token("multi"), path_id)

    def ask(self, op: str, values: dict[str, Any], schema: Schema | None = None) -> list[Message]:
        """Make a request; the words for tokens become numbers."""
        of = OPS[op]
        kind = values.get("token")
        netlink = self.far if kind == "served" else self.netlink
        if isinstance(kind, str):
            values = {**values, "token": self.token(kind)}
        return netlink.family.request(of.command, values, schema or of.schema, dump=of.dump)


@contextlib.contextmanager
def made(lab: TwoLinks, certificates: Certificates) -> Iterator[World]:
    """The world of a test file: what a good call changes in it, that test takes back."""
    with contextlib.ExitStack() as held:
        server = held.enter_context(RunningServer(lab, certificates.server(), echo))
        netlink = held.enter_context(opened(lab.client))
        far = held.enter_context(opened(lab.server))
        world = World(lab, certificates, server, netlink, far, held)
        world.sock("multi")
        yield world
        netlink.flush_endpoints()
