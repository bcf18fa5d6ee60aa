# SPDX-License-Identifier: GPL-2.0
"""Streams of one connection beside each other: which of them sends next."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

import pytest
from conftest import LabMaker
from running import DATA, Ends, Joined

from tquic.lab import Link, TwoLinks
from tquic.sock import StreamData, TquicSocket
from tquic.uapi import SOL_TQUIC, SockOpt, StreamInfo, StreamPriority

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

#: Slow enough for all that a test writes to wait
SLOW = Link(rate_mbit=8, delay_ms=5)
BUFFER_BYTES = 4 << 20
SO_SNDBUFFORCE = 32


@pytest.fixture
def lab(make_lab: LabMaker) -> TwoLinks:
    """Two hosts on slow links."""
    return make_lab(SLOW, SLOW)


@pytest.fixture
def ends(joined: Joined) -> Ends:
    """A connection that takes all a test writes at once."""
    ends = joined(socket.SOCK_DGRAM)
    ends.c.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES)
    return ends


def write(sock: TquicSocket, stream: int, size: int) -> None:
    """All of a stream."""
    assert sock.send_stream(stream, DATA[:size], fin=True) == size


def arrivals(sock: TquicSocket, streams: Sequence[int]) -> list[tuple[int, dict[int, int]]]:
    """The streams in the order they ended, each with the bytes of all that had come by then."""
    got = dict.fromkeys(streams, 0)
    ended: list[tuple[int, dict[int, int]]] = []
    while len(ended) < len(streams):
        message = sock.recv_message()
        assert isinstance(message, StreamData)
        start = got[message.stream_id]
        assert message.data == DATA[start : start + len(message.data)]
        got[message.stream_id] += len(message.data)
        if message.fin:
            ended.append((message.stream_id, dict(got)))
    return ended


def test_the_urgent_one_arrives_first(ends: Ends) -> None:
    bulk, urgent = ends.client.open_stream(), ends.client.open_stream()
    ends.client.set_priority(urgent, 0)
    write(ends.client, bulk, 600_000)
    write(ends.client, urgent, 300_000)
    first, then = arrivals(ends.server, [bulk, urgent])
    assert (first[0], then[0]) == (urgent, bulk)
    # Taking turns, as much of the one as of the other would have come.
    assert first[1][bulk] < 150_000


def test_a_change_holds_for_what_waits(ends: Ends) -> None:
    streams = [ends.client.open_stream() for _ in range(3)]
    for stream in streams:
        write(ends.client, stream, 200_000)
    ends.client.set_priority(streams[0], 7)
    ends.client.set_priority(streams[2], 1)
    assert [stream for stream, _got in arrivals(ends.server, streams)] == [
        streams[2],
        streams[1],
        streams[0],
    ]


def test_one_after_the_other(ends: Ends) -> None:
    streams = [ends.client.open_stream() for _ in range(3)]
    for stream in reversed(streams):
        ends.client.set_priority(stream, 3, incremental=False)
        write(ends.client, stream, 200_000)
    assert [stream for stream, _got in arrivals(ends.server, streams)] == streams


def test_what_was_lost_keeps_its_place(ends: Ends, lab: TwoLinks) -> None:
    lab.change(0, Link(rate_mbit=8, delay_ms=5, loss=3))
    try:
        bulk, urgent = ends.client.open_stream(), ends.client.open_stream()
        ends.client.set_priority(urgent, 2)
        write(ends.client, bulk, 600_000)
        write(ends.client, urgent, 300_000)
        first, then = arrivals(ends.server, [bulk, urgent])
    finally:
        lab.change(0, SLOW)
    assert (first[0], then[0]) == (urgent, bulk)
    assert ends.client.info().bytes_retransmitted > 0
    assert first[1][bulk] < 300_000


def test_priority_is_told_back(ends: Ends) -> None:
    stream = ends.client.open_stream()
    assert ends.client.priority(stream) == StreamPriority(stream, 3, 1)
    ends.client.set_priority(stream, 5, incremental=False)
    assert ends.client.priority(stream) == StreamPriority(stream, 5, 0)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (StreamPriority(0, 8).pack(), errno.ERANGE),
        (StreamPriority(0, 0xFFFF_FFFF).pack(), errno.ERANGE),
        (StreamPriority(0, 256).pack(), errno.ERANGE),
        (StreamPriority(0, 3, 2).pack(), errno.EINVAL),
        (StreamPriority(0, 0).pack()[:-1], errno.EINVAL),
        (StreamPriority(0, 0).pack() + b"\0", errno.EINVAL),
        (StreamPriority(4, 0).pack(), errno.ENOENT),
        (StreamPriority((1 << 64) - 4, 0).pack(), errno.ENOENT),
    ],
    ids=["8", "32 bit", "8 bit", "kind", "short", "long", "no stream", "no id"],
)
def test_priorities_that_are_refused(ends: Ends, value: bytes, code: int) -> None:
    stream = ends.client.open_stream()
    assert stream == 0
    with pytest.raises(OSError, match="Errno") as error:
        ends.c.setsockopt(SOL_TQUIC, SockOpt.STREAM_PRIORITY, value)
    assert error.value.errno == code
    assert ends.client.priority(stream) == StreamPriority(stream, 3, 1)


def test_priority_of_no_sender(ends: Ends) -> None:
    stream = ends.server.open_stream(uni=True)
    ends.server.set_priority(stream, 0)
    ends.server.send_stream(stream, b"x")
    assert ends.client.recv_message() == StreamData(stream, b"x")
    with pytest.raises(BrokenPipeError):
        ends.client.set_priority(stream, 0)
    with pytest.raises(BrokenPipeError):
        ends.client.priority(stream)
    with pytest.raises(FileNotFoundError):
        ends.client.priority(400)
    # The id has to fit, and so has the answer.
    with pytest.raises(OSError, match="Errno") as error:
        ends.c.getsockopt(SOL_TQUIC, SockOpt.STREAM_PRIORITY, StreamInfo.size() // 3)
    assert error.value.errno == errno.EINVAL


def refused(sock: TquicSocket) -> set[int | None]:
    """The errors of setting a priority and of asking for one."""
    codes: set[int | None] = set()
    for call in (lambda: sock.set_priority(0, 0), lambda: sock.priority(0)):
        with pytest.raises(OSError, match="Errno") as error:
            call()
        codes.add(error.value.errno)
    return codes


def test_priority_without_a_connection(ends: Ends) -> None:
    with TquicSocket.open() as other:
        assert refused(other) == {errno.ENOTCONN}
    assert ends.client.open_stream() == 0
    ends.client.close_with(0)
    assert refused(ends.client) == {errno.ENOTCONN}
