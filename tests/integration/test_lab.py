# SPDX-License-Identifier: GPL-2.0
"""tquic.lab: the links between the two namespaces do what they are told, and nothing else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tquic.lab import Link, TwoLinks
from tquic.record import Address

_PORT = 7777
_UDP_SEGMENT = 103


@pytest.fixture(name="lab", scope="module")
def _lab() -> Iterator[TwoLinks]:
    with TwoLinks([Link(rate_mbit=50, delay_ms=20), Link()], prefix="lt") as lab:
        yield lab


@pytest.fixture(name="echo", scope="module")
def _echo(lab: TwoLinks) -> Iterator[None]:
    """UDP echo in the server's namespace, on all its addresses, v4 and v6."""
    with lab.server.entered():
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.bind(("::", _PORT))

    def work() -> None:
        while True:
            data, peer = sock.recvfrom(65536)
            if data == b"end":
                return
            sock.sendto(data, peer)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    with (
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as _unused,
        lab.server.entered(),
    ):
        ender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        ender.sendto(b"end", ("::1", _PORT))
        ender.close()
    thread.join(5)
    sock.close()


def answers(lab: TwoLinks, source: Address, target: Address, wait_s: float = 0.5) -> float | None:
    """Round-trip seconds, or None when nothing came back."""
    with lab.client.entered():
        sock = socket.socket(source.family, socket.SOCK_DGRAM)
    with sock:
        sock.settimeout(wait_s)
        sock.bind(source.sockaddr)
        started = time.monotonic()
        try:  # not connected: the answer may come from another of the server's addresses
            sock.sendto(b"x", target.sockaddr)
            sock.recv(10)
        except OSError:
            return None
        return time.monotonic() - started


def eventually(lab: TwoLinks, source: Address, target: Address) -> bool:
    """Whether an answer comes within some tries: neighbours must be found again."""
    return any(answers(lab, source, target) is not None for _ in range(10))


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize("v6", [False, True])
@pytest.mark.parametrize("link", [0, 1])
def test_every_address_of_the_server_is_reached(lab: TwoLinks, link: int, v6: bool) -> None:
    for target in (0, 1):
        here = lab.client_address(link, v6=v6)
        before = lab.counters(1 - link).tx_packets
        assert eventually(lab, here, lab.server_address(target, v6=v6, port=_PORT))
        assert lab.counters(1 - link).tx_packets - before <= 1  # a late neighbour message at most


@pytest.mark.usefixtures("echo")
def test_delay(lab: TwoLinks) -> None:
    here, there = lab.client_address(0), lab.server_address(0, port=_PORT)
    times = [t for _ in range(5) if (t := answers(lab, here, there)) is not None]
    assert min(times) >= 0.04


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize("carrier", [False, True])
@pytest.mark.parametrize("link", [0, 1])
def test_cut_and_restore(lab: TwoLinks, link: int, carrier: bool) -> None:
    here, there = lab.client_address(link), lab.server_address(link, port=_PORT)
    assert eventually(lab, here, there)
    lab.cut(link, carrier=carrier)
    try:
        assert answers(lab, here, there) is None
        other = lab.client_address(1 - link)
        assert eventually(lab, other, lab.server_address(1 - link, port=_PORT))
    finally:
        lab.restore(link)
    assert eventually(lab, here, there)
    here, there = (
        lab.client_address(link, v6=True),
        lab.server_address(link, v6=True, port=_PORT),
    )
    assert eventually(lab, here, there)


def test_a_shaped_link_carries_packets_of_wire_size(lab: TwoLinks) -> None:
    for link, expected in ((0, 20), (1, 1)):
        with lab.client.entered():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sock:
            sock.bind(lab.client_address(link).sockaddr)
            there = lab.server_address(link, port=9).sockaddr
            sock.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, 1000)
            sock.sendto(b"x", there)  # finds the neighbour
            time.sleep(0.2)
            before = lab.counters(link)
            sock.sendto(bytes(20_000), there)
            time.sleep(0.2)
            sent = lab.counters(link) - before
        # IPv6 may have a word to say to its neighbours in between.
        assert expected <= sent.tx_packets < expected + 5
        assert sent.tx_bytes >= 20_000


def test_rate(lab: TwoLinks) -> None:
    lab.change(0, Link(rate_mbit=2, delay_ms=1, limit=1000))
    with lab.client.entered():
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with lab.server.entered():
        come = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with out, come:
        come.bind(lab.server_address(0, port=7778).sockaddr)
        come.settimeout(2)
        out.bind(lab.client_address(0).sockaddr)
        started = time.monotonic()
        for _ in range(50):
            out.sendto(bytes(1000), lab.server_address(0, port=7778).sockaddr)
        for _ in range(50):
            come.recv(2000)
        took_s = time.monotonic() - started
    assert took_s > 0.2  # 50 packets of 1042 bytes at 2 Mbit/s: 0.208 s
