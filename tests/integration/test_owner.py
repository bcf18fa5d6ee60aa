# SPDX-License-Identifier: GPL-2.0
"""Whose a packet is: its socket's user, mark, priority and DSCP are those of what it sends."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import LabMaker
from libc import LIBC
from running import (
    DATA,
    STALL_S,
    Certificates,
    RunningServer,
    Sender,
    dial,
    echo,
    exchange,
    wait_for,
)

from tquic.errors import ConnectionFailedError
from tquic.handshake import Options, complete, listen, new_socket
from tquic.lab import Link, Namespace, TwoLinks
from tquic.record import Address
from tquic.sock import TquicSocket
from tquic.tls import Role

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

Start = Callable[..., RunningServer]
PLAIN = Link()
PORT = 4433
UID = 4242
_IPV6_TCLASS = 67
_IP_XFRM_POLICY, _IPV6_XFRM_POLICY = 17, 35
_EF = 46 << 2
_HOPS = 17


@pytest.fixture
def lab(make_lab: LabMaker) -> TwoLinks:
    """Two hosts on plain links."""
    return make_lab(PLAIN, PLAIN)


def users_socket(lab: TwoLinks, address: Address) -> TquicSocket:
    """A socket of a user on the network's client."""
    before = LIBC.setfsuid(UID)  # the calling thread's alone
    try:
        with lab.client.entered():
            return new_socket(address.family, Options())
    finally:
        LIBC.setfsuid(before)


@contextlib.contextmanager
def counted(host: Namespace, *matches: str) -> Iterator[Callable[[], list[int]]]:
    """Packets that leave a host and fit each of some expressions of nft."""
    lines = "\n".join(f"{match} counter" for match in matches)
    hook = "type filter hook output priority 0;"
    rules = f"table inet owner {{ chain out {{ {hook}\n{lines}\n}}\n}}"
    host.run(["nft", "-f", "-"], input=rules, text=True, check=True)

    def counts() -> list[int]:
        words = ["nft", "-j", "list", "table", "inet", "owner"]
        done = host.run(words, stdout=subprocess.PIPE, text=True, check=True)
        listed: list[dict[str, Any]] = json.loads(done.stdout)["nftables"]
        found = [item["rule"]["expr"] for item in listed if "rule" in item]
        return [part["counter"]["packets"] for expr in found for part in expr if "counter" in part]

    try:
        yield counts
    finally:
        host.run(["nft", "delete", "table", "inet", "owner"], check=True)


def say(sock: TquicSocket, *, v6: bool) -> None:
    """Set what :func:`said` looks for."""
    assert isinstance(sock.raw, socket.socket)
    sock.raw.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 7)
    if v6:
        sock.raw.setsockopt(socket.IPPROTO_IPV6, _IPV6_TCLASS, _EF)
        sock.raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, _HOPS)
    else:
        sock.raw.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EF)
        sock.raw.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, _HOPS)
    # After the DSCP, which gives a socket a priority too.
    sock.raw.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 6)


def said(which: str, *, v6: bool) -> tuple[str, ...]:
    """All packets, and those that say everything."""
    header = "ip6 dscp ef ip6 hoplimit" if v6 else "ip dscp ef ip ttl"
    return (which, f"{which} meta priority 0:6 meta mark 7 {header} {_HOPS}")


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_accepted_sockets_are_like_their_listener(
    lab: TwoLinks, certificates: Certificates, v6: bool
) -> None:
    """From the first packet on."""
    with lab.server.entered():
        listener = listen(lab.server_address(v6=v6, port=PORT), Options())
    say(listener, v6=v6)
    sent, fit = said(f"udp sport {PORT}", v6=v6)
    with (
        counted(lab.server, sent, fit) as counts,
        RunningServer(lab, certificates.server(), echo, v6=v6, listener=listener) as server,
        dial(lab, server.address, certificates.client(), options=Options()) as sock,
    ):
        exchange(sock, [Sender(DATA)])
        every, ours = counts()
    assert every == ours > 10


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_what_a_connection_is_told_later(
    lab: TwoLinks, certificates: Certificates, start_server: Start, v6: bool
) -> None:
    """Options take effect at once, and the route is looked up for them."""
    server = start_server(lab, echo, v6=v6)
    with users_socket(lab, server.address) as sock:
        sock.connect(server.address)
        sock.settimeout(0)
        complete(sock, certificates.client(), Role.CLIENT, "server", STALL_S)
        exchange(sock, [Sender(DATA)])
        say(sock, v6=v6)
        sent, fit = said(f"udp dport {PORT} meta skuid {UID}", v6=v6)
        with counted(lab.client, sent, fit) as counts:
            exchange(sock, [Sender(DATA)])
            every, ours = counts()
        assert every == ours > 10
        lab.client.ip("rule add fwmark 8 prohibit", v6=v6)
        try:
            assert isinstance(sock.raw, socket.socket)
            sock.raw.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 8)
            with pytest.raises(ConnectionFailedError):
                exchange(sock, [Sender(b"x")], stall_s=0.5)
        finally:
            lab.client.ip("rule del fwmark 8", v6=v6)


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_policies_go_with_their_socket(lab: TwoLinks, v6: bool) -> None:
    """Those of IPsec that a program has set."""
    subprocess.run(["modprobe", "xfrm_user"], check=True)
    address = lab.server_address(v6=v6, port=1)

    def count() -> str:
        words = ["ip", "-s", "xfrm", "policy", "count"]
        done = lab.client.run(words, stdout=subprocess.PIPE, text=True, check=True)
        return str(done.stdout).partition("Sock: ")[2]

    before = count()
    family = socket.AF_INET6 if v6 else socket.AF_INET
    selector = struct.pack("=32x8xHBBBxxxiI", family, 0, 0, 0, 0, 0)
    policy = selector + struct.pack("=8Q4QIIBBBBxxxx", *[2**64 - 1] * 4, *[0] * 10, 1, 0, 0, 0)
    with lab.client.entered():
        sock = new_socket(family, Options())
    with sock:
        assert isinstance(sock.raw, socket.socket)
        if v6:
            sock.raw.setsockopt(socket.IPPROTO_IPV6, _IPV6_XFRM_POLICY, policy)
        else:
            sock.raw.setsockopt(socket.IPPROTO_IP, _IP_XFRM_POLICY, policy)
        assert count() != before
        sock.connect(address)
    wait_for(lambda: count() == before)


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_a_users_routes(lab: TwoLinks, v6: bool) -> None:
    """A rule for a user's packets is one for that user's connections, and for no other's."""
    address = lab.server_address(v6=v6, port=PORT)
    lab.client.ip(f"rule add uidrange {UID}-{UID} prohibit", v6=v6)
    try:
        with users_socket(lab, address) as sock, pytest.raises(PermissionError):
            sock.connect(address)
        with lab.client.entered(), new_socket(address.family, Options()) as sock:
            sock.connect(address)
    finally:
        lab.client.ip(f"rule del uidrange {UID}-{UID}", v6=v6)
