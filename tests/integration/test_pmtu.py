# SPDX-License-Identifier: GPL-2.0
"""The size of datagrams where a router on the way carries less than the devices at the ends."""

from __future__ import annotations

import secrets
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from running import DATA, Certificates, Echo, RunningServer, Sender, dial, exchange
from test_migrate import Midway, counter

from tquic.handshake import Options
from tquic.lab import Link, TwoLinks
from tquic.record import Address
from tquic.sock import TquicSocket

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

BASE = 1200
V4_HEADERS, V6_HEADERS = 28, 48
NARROW = 1390  # no common size, so that it cannot be found but only be told
SEARCHED_V4, SEARCHED_V6 = 1352, 1332  # the common sizes below

Start = Callable[..., RunningServer]


def echo(_stream: int) -> Echo:
    return Echo()


class Routed(TwoLinks):
    """Client and server of a network with a router between them, whose addresses are used."""

    def __init__(self) -> None:
        super().__init__([Link()], prefix="rt")
        try:
            self._build_router()
        except BaseException:
            self.close()
            raise

    def _build_router(self) -> None:
        self.router = self._namespace("rt-router")
        for host, end, side, net in ((self.client, "c", "rt0", 77), (self.server, "s", "rt1", 78)):
            self.router.ip(f"link add {side} type veth peer name r{end} netns {host.name}")
            self.router.ip(
                f"link set {side} up",
                f"addr add 10.{net}.0.254/24 dev {side}",
                f"addr add fd{net}::254/64 dev {side} nodad",
            )
            host.ip(
                f"link set r{end} up",
                f"addr add 10.{net}.0.1/24 dev r{end}",
                f"addr add fd{net}::1/64 dev r{end} nodad",
                f"route add default via 10.{net}.0.254",
            )
            host.ip(f"route add default via fd{net}::254", v6=True)
        self.router.sysctl("net.ipv4.ip_forward", 1)
        self.router.sysctl("net.ipv6.conf.all.forwarding", 1)

    def client_address(self, index: int = 0, *, v6: bool = False, port: int = 0) -> Address:
        """The client's address on the way through the router."""
        return Address("fd77::1" if v6 else "10.77.0.1", port)

    def server_address(self, index: int = 0, *, v6: bool = False, port: int = 0) -> Address:
        """The server's address behind the router."""
        return Address("fd78::1" if v6 else "10.78.0.1", port)

    def narrow(self, mtu: int) -> None:
        """What the router carries to the server, and takes from it, from now on."""
        self.router.ip(f"link set rt1 mtu {mtu}")

    @contextmanager
    def silent(self) -> Iterator[None]:
        """In the block the router tells nobody about what it drops."""
        rules = """
            table inet quiet {
              chain out {
                type filter hook output priority 0;
                icmp type destination-unreachable drop
                icmpv6 type packet-too-big drop
              }
            }
        """
        self.router.run(["nft", "-f", "-"], input=rules, text=True, check=True)
        try:
            yield
        finally:
            self.router.run(["nft", "delete", "table", "inet", "quiet"], check=True)


@pytest.fixture
def lab() -> Iterator[Routed]:
    """A new network for each test: routers' reports are remembered."""
    with Routed() as made:
        yield made


@pytest.fixture
def small() -> Iterator[TwoLinks]:
    """A link whose devices carry less than others."""
    with TwoLinks([Link(mtu=1400)], prefix="sm") as made:
        yield made


def size(sock: TquicSocket) -> int:
    """UDP payload of the datagrams."""
    return sock.path_info(0).mtu_bytes


def wait_size(sock: TquicSocket, bytes_: int) -> None:
    """Wait for a size to be found."""
    deadline = time.monotonic() + 20
    while size(sock) != bytes_:
        assert time.monotonic() < deadline, f"{size(sock)} bytes, not {bytes_}"
        time.sleep(0.02)


def wait_counter(lab: Routed, name: str, least: int) -> None:
    """Wait for a counter of the client's; those of paths are added up when the paths are gone."""
    deadline = time.monotonic() + 20
    while counter(lab.client, name) < least:
        assert time.monotonic() < deadline, f"{name} is {counter(lab.client, name)}"
        time.sleep(0.02)


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_a_silent_router(
    v6: bool, lab: Routed, start_server: Start, certificates: Certificates
) -> None:
    lab.narrow(NARROW)
    server = start_server(lab, echo, v6=v6)
    options = Options(local=lab.client_address(v6=v6))
    with (
        lab.silent(),
        dial(lab, server.address, certificates.client(), options=options) as sock,
    ):
        wait_size(sock, SEARCHED_V6 if v6 else SEARCHED_V4)
        exchange(sock, [Sender(DATA)])
        assert sock.path_info(0).packets_lost
    wait_counter(lab, "MtuProbesLost", 3)
    assert counter(lab.client, "MtuProbes") > counter(lab.client, "MtuProbesLost")
    assert counter(lab.client, "IcmpPacketTooBig") == 0
    assert counter(lab.client, "MtuBlackHoles") == 0


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_a_router_that_says_what_fits(
    v6: bool, lab: Routed, start_server: Start, certificates: Certificates
) -> None:
    lab.narrow(NARROW)
    told = NARROW - (V6_HEADERS if v6 else V4_HEADERS)
    server = start_server(lab, echo, v6=v6)
    options = Options(local=lab.client_address(v6=v6))
    with dial(lab, server.address, certificates.client(), options=options) as sock:
        wait_size(sock, told)
        exchange(sock, [Sender(DATA)])
        assert size(sock) == told
    assert counter(lab.client, "IcmpPacketTooBig")
    assert counter(lab.client, "IcmpPacketTooBigInvalid") == 0


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "told"])
def test_the_way_becomes_narrow_midway(
    silent: bool, lab: Routed, start_server: Start, certificates: Certificates
) -> None:
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client()) as sock:
        wait_size(sock, 1472)
        if silent:
            with lab.silent():
                exchange(sock, [Midway(lambda: lab.narrow(NARROW))])
                wait_size(sock, SEARCHED_V4)
        else:
            exchange(sock, [Midway(lambda: lab.narrow(NARROW))])
            wait_size(sock, NARROW - V4_HEADERS)
    if silent:
        wait_counter(lab, "MtuBlackHoles", 1)


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_devices_carry_more_midway(
    v6: bool, small: TwoLinks, start_server: Start, certificates: Certificates
) -> None:
    """What the devices are set to while the connection lives is made use of."""
    headers = V6_HEADERS if v6 else V4_HEADERS
    server = start_server(small, echo, v6=v6)
    options = Options(local=small.client_address(v6=v6))
    with dial(small, server.address, certificates.client(), options=options) as sock:
        exchange(sock, [Sender(DATA)])
        wait_size(sock, 1400 - headers)
        small.server.ip("link set s0 mtu 1500")
        small.client.ip("link set c0 mtu 1500")
        exchange(sock, [Sender(DATA)])
        wait_size(sock, 1500 - headers)


def report(lab: Routed, sock: TquicSocket, mtu: int) -> None:
    """A forged report to the client: its addresses are right, the id is not."""
    here, there = sock.path_info(0).local, sock.path_info(0).peer
    assert here and there
    payload = b"\x40" + secrets.token_bytes(40)
    udp = struct.pack("!HHHH", here.port, there.port, 8 + len(payload), 0) + payload
    ends = socket.inet_aton(here.host) + socket.inet_aton(there.host)
    quoted = struct.pack("!BBHHHBBH", 0x45, 0, 1500, 1, 0x4000, 60, 17, 0) + ends + udp
    head = struct.pack("!BBHHH", 3, 4, 0, 0, mtu)
    words = struct.iter_unpack("!H", head + quoted + b"\0" * (len(quoted) % 2))
    total = sum(word for (word,) in words)
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~(total + (total >> 16)) & 0xFFFF
    with (
        lab.router.entered(),
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw,
    ):
        raw.sendto(head[:2] + struct.pack("!H", checksum) + head[4:] + quoted, (here.host, 0))


def test_who_does_not_know_the_id_is_not_believed(
    lab: Routed, start_server: Start, certificates: Certificates
) -> None:
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client()) as sock:
        wait_size(sock, 1472)
        for n in range(1, 4):
            deadline = time.monotonic() + 20
            while counter(lab.client, "IcmpPacketTooBigInvalid") < n:
                assert time.monotonic() < deadline
                report(lab, sock, 1300)
                time.sleep(0.05)
            assert size(sock) == 1472
        exchange(sock, [Sender(DATA)])
        assert size(sock) == 1472


def test_the_floor(lab: Routed, start_server: Start, certificates: Certificates) -> None:
    """A true report of less than QUIC needs is none, and the connection survives the time."""

    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client()) as sock:
        wait_size(sock, 1472)
        lab.narrow(1000)
        sock.send_new(DATA[:20_000], fin=True)
        wait_counter(lab, "IcmpPacketTooBigInvalid", 1)
        lab.narrow(1500)
        exchange(sock, [Sender(DATA)])
        assert size(sock) >= BASE
        wait_size(sock, 1472)
