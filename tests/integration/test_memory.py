# SPDX-License-Identifier: GPL-2.0
"""Received data that the machine has no memory for is sent again, and right in the end."""

from __future__ import annotations

import contextlib
import resource
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import LabMaker
from leftovers import used_pages
from running import DATA, Joined, counter, wait_for
from test_sysctl import tuned

from tquic.lab import Link, TwoLinks
from tquic.sock import StreamData, TquicSocket

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

MIB = 1 << 20
MEM = Path("/proc/sys/net/tquic/mem")
PAGE_BYTES = resource.getpagesize()
#: What is sent to a program that does not read; the peer may send all of it.
SENT_MIB = 16
#: What sockets may have beyond what they have at first, and what a full softirq adds at most.
MORE_MIB, BURST_MIB = 4, 2
#: What a receiver may still be given while nobody reads: a sender's buffer that was emptied.
LATE_BYTES = 256 << 10
#: <asm-generic/socket.h>; the first of its numbers is for what was received.
SO_MEMINFO = 55
_SO_SNDBUFFORCE = 32
#: Sockets beside the one that sends, more than the kernel's rough count of them overlooks
SHARERS = 200
#: What a stream without bytes takes at least.
STREAM_BYTES = 300


@pytest.fixture
def lab(make_lab: LabMaker) -> TwoLinks:
    """Links slow enough that a sender does not outrun an emulated processor."""
    return make_lab(Link(rate_mbit=100, delay_ms=2), Link(rate_mbit=100, delay_ms=2))


@contextlib.contextmanager
def limited(pages: int) -> Iterator[None]:
    """Sockets of the machine have so many pages, under pressure from half of them on."""
    before = MEM.read_text()
    MEM.write_text(f"{pages // 2} {pages // 2} {pages}\n")
    try:
        yield
    finally:
        MEM.write_text(before)


@contextlib.contextmanager
def links_down(lab: TwoLinks) -> Iterator[None]:
    """Nothing leaves the client."""
    for index in range(2):
        lab.device_down(index)
    try:
        yield
    finally:
        for index in range(2):
            lab.device_up(index)


def rmem_bytes(sock: socket.socket) -> int:
    """What a socket is charged for what it received."""
    return int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 4), sys.byteorder)


def test_a_reader_who_stops(lab: TwoLinks, joined: Joined) -> None:
    """All stays within the limit, and then every byte comes, though the limit stays."""
    sent = DATA * (SENT_MIB * MIB // len(DATA))
    window = 2 * len(sent)
    dropped = counter(lab.client, "MemoryDrops")
    pages = used_pages() + MORE_MIB * MIB // PAGE_BYTES
    with tuned(lab.client, max_data=window, max_stream_data=window), limited(pages):
        ends = joined()
        ends.c.sendall(b"go on")
        ends.s.recv(5)
        thread = threading.Thread(target=ends.s.sendall, args=(sent,))
        thread.start()
        wait_for(lambda: counter(lab.client, "MemoryDrops") > dropped)
        held = rmem_bytes(ends.c)
        assert held < pages * PAGE_BYTES + BURST_MIB * MIB
        time.sleep(2)
        assert rmem_bytes(ends.c) < held + LATE_BYTES
        assert used_pages() < pages + BURST_MIB * MIB // PAGE_BYTES
        got = bytearray()
        while len(got) < len(sent):
            got += ends.c.recv(MIB)
        thread.join()
    assert got == sent


@pytest.mark.parametrize("others", [0, SHARERS])
def test_a_sender_in_need(lab: TwoLinks, joined: Joined, others: int) -> None:
    """What cannot leave takes little when sockets have all they may have; later it goes on.

    Where there are many the kernel refuses each what is more than its share, before all is used.
    """
    plenty = SENT_MIB * MIB
    with contextlib.ExitStack() as held:
        for _ in range(others):
            held.enter_context(TquicSocket.open())
        ends = held.enter_context(joined())
        ends.c.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, plenty)
        ends.c.sendall(b"go on")
        ends.s.recv(5)
        ends.c.setblocking(False)
        with links_down(lab), limited(used_pages() + MORE_MIB * MIB // PAGE_BYTES):
            taken = 0
            with contextlib.suppress(BlockingIOError):
                while taken < plenty:
                    taken += ends.c.send(bytes(64 << 10))
            # Each processor has as much in reserve as a full softirq adds.
            assert MIB < taken < (MORE_MIB + BURST_MIB) * MIB
        ends.c.setblocking(True)
        ends.c.sendall(DATA)
        got = bytearray()
        while len(got) < taken + len(DATA):
            got += ends.s.recv(MIB)
    assert got[taken:] == DATA


def test_streams_are_charged(lab: TwoLinks, joined: Joined) -> None:
    """A peer that opens streams takes memory, whether they hold bytes or not, until they end."""
    count = 800
    with tuned(lab.server, max_streams_uni=count), joined(socket.SOCK_DGRAM) as ends:
        before = rmem_bytes(ends.s)
        for _ in range(count):
            ends.client.send_stream(ends.client.open_stream(uni=True), b"x")
        streams: set[int] = set()
        while len(streams) < count:
            message = ends.server.recv_message()
            if isinstance(message, StreamData):
                streams.add(message.stream_id)
        assert rmem_bytes(ends.s) - before > count * STREAM_BYTES
        for stream in streams:
            ends.client.send_stream(stream, b"", fin=True)
        while streams:
            message = ends.server.recv_message()
            if isinstance(message, StreamData) and message.fin:
                streams.remove(message.stream_id)
        wait_for(lambda: rmem_bytes(ends.s) <= before)
