# SPDX-License-Identifier: GPL-2.0
"""Streams with sockets of their own: what a program, or another one, does with a stream alone."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import LabMaker
from running import DATA, STALL_S, Ends, Joined, wait_for

from tquic.lab import Link, TwoLinks
from tquic.sock import StreamData, TquicSocket
from tquic.uapi import (
    SOL_TQUIC,
    Cmsg,
    SockOpt,
    State,
    StreamAbort,
    StreamFd,
    StreamInfo,
    StreamPriority,
)

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

MSG_ZEROCOPY = 0x400_0000
SO_ZEROCOPY = 60
REFCOUNT = Path("/sys/module/tquic/refcnt")


class Pair(NamedTuple):
    """A stream's two sockets, and the connection's."""

    near: socket.socket
    far: socket.socket
    ends: Ends


@pytest.fixture
def lab(make_lab: LabMaker) -> TwoLinks:
    """Two hosts on plain links."""
    return make_lab(Link(), Link())


def adopt(sock: TquicSocket) -> socket.socket:
    """A socket for the stream whose data is next, of which nothing is taken."""
    assert isinstance(sock.raw, socket.socket)
    _data, cmsgs, _flags, _address = sock.raw.recvmsg(1, 64, socket.MSG_PEEK)
    (payload,) = [data for level, kind, data in cmsgs if (level, kind) == (SOL_TQUIC, Cmsg.STREAM)]
    return sock.stream_socket(StreamInfo.unpack(payload).stream_id)


def pair(ends: Ends, held: contextlib.ExitStack) -> Pair:
    """Open a stream and give it a socket on either side; its first byte is a dot."""
    near = held.enter_context(ends.client.stream_socket(ends.client.open_stream()))
    near.settimeout(STALL_S)
    assert near.send(b".") == 1
    far = held.enter_context(adopt(ends.server))
    far.settimeout(STALL_S)
    assert far.recv(10) == b"."
    return Pair(near, far, ends)


@pytest.fixture
def stream(joined: Joined) -> Iterator[Pair]:
    """A connection with one stream."""
    with contextlib.ExitStack() as held:
        yield pair(joined(socket.SOCK_DGRAM), held)


def read_all(sock: socket.socket) -> bytes:
    """Everything up to the end."""
    data = bytearray()
    while piece := sock.recv(65536):
        data += piece
    return bytes(data)


def code_of(action: Callable[[], object]) -> int | None:
    """The error that a call raises."""
    with pytest.raises(OSError, match="Errno") as error:
        action()
    return error.value.errno


def test_bytes_both_ways(stream: Pair) -> None:
    def back() -> None:
        stream.far.sendall(read_all(stream.far))
        stream.far.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=back)
    thread.start()
    stream.near.sendall(DATA)
    stream.near.shutdown(socket.SHUT_WR)
    assert read_all(stream.near) == DATA
    thread.join(STALL_S)
    assert not thread.is_alive()
    assert stream.near.getpeername() == stream.ends.c.getpeername()
    # Read and write are as good as recv and send; a second read tells the end again.
    assert os.read(stream.near.fileno(), 1) == b""
    assert code_of(lambda: stream.near.send(b"x")) == errno.EPIPE


def test_streams_beside_each_other(stream: Pair) -> None:
    with contextlib.ExitStack() as held:
        other = pair(stream.ends, held)
        stream.near.sendall(b"one")
        other.near.sendall(b"two")
        # An unread stream holds up no other, and the connection's socket tells of neither.
        assert other.far.recv(10) == b"two"
        new = stream.ends.client.open_stream()
        stream.ends.client.send_stream(new, b"three", fin=True)
        assert stream.ends.server.recv_message() == StreamData(new, b"three", True)
        assert stream.far.recv(10) == b"one"


def test_shutdown_of_reading_stops_the_peer(stream: Pair) -> None:
    stream.far.shutdown(socket.SHUT_RD)
    assert stream.far.recv(1) == b""
    poller = select.poll()
    poller.register(stream.near, 0)
    assert poller.poll(STALL_S * 1000)[0][1] == select.POLLERR
    assert code_of(lambda: stream.near.send(b"x")) == errno.EPIPE
    # The other direction goes on.
    stream.far.sendall(b"still")
    assert stream.near.recv(10) == b"still"


def test_shutdown_wakes_the_reader(stream: Pair) -> None:
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(stream.near.recv(1)))
    thread.start()
    time.sleep(0.2)
    stream.near.shutdown(socket.SHUT_RD)
    thread.join(STALL_S)
    assert got == [b""]


def test_close_ends_what_was_written(stream: Pair) -> None:
    stream.near.sendall(DATA[:300_000])
    stream.near.close()
    assert read_all(stream.far) == DATA[:300_000]
    # Nobody reads any more.
    wait_for(lambda: _broken(stream.far))


def _broken(sock: socket.socket) -> bool:
    try:
        sock.send(b"x", socket.MSG_NOSIGNAL)
    except BrokenPipeError:
        return True
    return False


def test_close_without_lingering_resets(stream: Pair) -> None:
    stream.near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.near.close()
    assert code_of(lambda: stream.far.recv(1)) == errno.ECONNRESET


def test_epoll(stream: Pair) -> None:
    everything = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
    with select.epoll() as epoll:
        epoll.register(stream.near, everything)
        assert epoll.poll(STALL_S) == [(stream.near.fileno(), select.EPOLLOUT)]
        assert epoll.poll(0.2) == []
        stream.far.sendall(b"x")
        assert epoll.poll(STALL_S) == [(stream.near.fileno(), select.EPOLLIN | select.EPOLLOUT)]
        stream.far.shutdown(socket.SHUT_WR)
        seen = 0
        while not seen & select.EPOLLRDHUP:
            ((_fd, mask),) = epoll.poll(STALL_S)
            seen |= mask
        assert not seen & (select.EPOLLHUP | select.EPOLLERR)
        stream.ends.server.close_with(9)
        while not seen & select.EPOLLHUP:
            ((_fd, mask),) = epoll.poll(STALL_S)
            seen |= mask
        assert seen & select.EPOLLERR


def fill(sock: socket.socket) -> int:
    """Write until there is no room and none comes; the bytes that were taken."""
    poller = select.poll()
    poller.register(sock, select.POLLOUT)
    sock.setblocking(False)
    sent = 0
    while poller.poll(500):
        with contextlib.suppress(BlockingIOError):
            sent += sock.send(DATA[:100_000])
    return sent


def test_writer_waits_for_room(stream: Pair) -> None:
    sent = fill(stream.near)
    poller = select.poll()
    poller.register(stream.near, select.POLLOUT)
    got = 0
    while got < sent:
        got += len(stream.far.recv(1 << 20))
    assert [mask for _fd, mask in poller.poll(STALL_S * 1000)] == [select.POLLOUT]
    assert stream.near.send(b"more") == 4


def test_part_of_the_send_buffer(stream: Pair) -> None:
    with contextlib.ExitStack() as held:
        other = pair(stream.ends, held)
        stream.near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 20_000)
        sent = fill(stream.near)
        assert stream.ends.client.info().send_queue_bytes < 200_000
        # Nobody reads the one; the other has room all the same.
        other.near.setblocking(False)
        assert other.near.send(b"room") == 4
        # The credit of the connection is one for all: it comes when somebody reads.
        while sent:
            sent -= len(stream.far.recv(1 << 20))
        assert other.far.recv(10) == b"room"


CHILD = """
import socket, sys
link = socket.socket(fileno=int(sys.argv[1]))
_data, fds, _flags, _address = socket.recv_fds(link, 1, 1)
stream = socket.socket(fileno=fds[0])
link.close()
stream.settimeout(60)
data = b""
while piece := stream.recv(65536):
    data += piece
stream.sendall(data[::-1])
"""


def test_another_process_serves_the_stream(stream: Pair) -> None:
    ours, theirs = socket.socketpair()
    with (
        ours,
        subprocess.Popen(
            [sys.executable, "-c", CHILD, str(theirs.fileno())], pass_fds=[theirs.fileno()]
        ) as child,
    ):
        theirs.close()
        socket.send_fds(ours, [b"x"], [stream.far.fileno()])
        stream.far.close()
        # Not even the connection's socket is needed any more.
        stream.ends.server.close()
        stream.near.sendall(DATA[:100_000])
        stream.near.shutdown(socket.SHUT_WR)
        assert read_all(stream.near) == DATA[:100_000][::-1]
        assert child.wait(STALL_S) == 0
    wait_for(lambda: stream.ends.client.info().state > State.ESTABLISHED)


def test_connection_lives_as_long_as_a_stream(stream: Pair) -> None:
    unclaimed = stream.ends.server.open_stream()
    stream.ends.server.send_stream(unclaimed, b"for nobody")
    stream.ends.client.close()
    stream.near.sendall(DATA[:50_000])
    got = b""
    while len(got) < 50_000:
        got += stream.far.recv(65536)
    assert got == DATA[:50_000]
    # What the connection's program would have read is refused, also what comes now.
    later = stream.ends.server.open_stream(uni=True)
    stream.ends.server.send_stream(later, b"for nobody")
    for left in (unclaimed, later):
        wait_for(lambda left=left: _stopped(stream.ends.server, left))
    assert stream.ends.server.info().state == State.ESTABLISHED
    stream.near.close()
    assert stream.far.recv(1) == b""
    wait_for(lambda: stream.ends.server.info().state > State.ESTABLISHED)


def _stopped(sock: TquicSocket, stream_id: int) -> bool:
    assert isinstance(sock.raw, socket.socket)
    info = StreamInfo(stream_id).pack()
    try:
        sock.raw.sendmsg([b"x"], [(SOL_TQUIC, Cmsg.STREAM, info)], socket.MSG_NOSIGNAL)
    except (BrokenPipeError, FileNotFoundError):
        return True
    return False


def test_connection_closed_at_once_takes_the_streams_along(stream: Pair) -> None:
    stream.ends.c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.ends.client.close()
    assert code_of(lambda: stream.near.send(b"x")) == errno.EPIPE
    # A stream that was cut off is not one that ended.
    assert code_of(lambda: stream.far.recv(1)) == errno.ECONNRESET
    assert code_of(lambda: stream.near.shutdown(socket.SHUT_WR)) == errno.ENOTCONN


def test_who_else_may_use_the_stream(stream: Pair) -> None:
    client = stream.ends.client
    assert code_of(lambda: client.send_stream(0, b"x")) == errno.EBUSY
    assert code_of(lambda: client.stream_socket(0)) == errno.EBUSY
    # Who holds the connection may still end it.
    client.reset_stream(0, 5)
    assert code_of(lambda: stream.near.send(b"x")) == errno.EPIPE
    assert code_of(lambda: stream.far.recv(1)) == errno.ECONNRESET


def test_options_of_the_stream_alone(stream: Pair) -> None:
    other = stream.ends.client.open_stream()

    def set_option(option: SockOpt, value: bytes) -> None:
        stream.near.setsockopt(SOL_TQUIC, option, value)

    set_option(SockOpt.STREAM_PRIORITY, StreamPriority(0, 6, 0).pack())
    told = stream.near.getsockopt(SOL_TQUIC, SockOpt.STREAM_PRIORITY, StreamPriority.size())
    assert StreamPriority.unpack(told) == StreamPriority(0, 6, 0)
    for option, value, code in (
        (SockOpt.STREAM_PRIORITY, StreamPriority(other, 6).pack(), errno.ENOENT),
        (SockOpt.STREAM_RESET, StreamAbort(other, 1).pack(), errno.ENOENT),
        (SockOpt.STREAM_RESET, StreamAbort(0, 1 << 62).pack(), errno.ERANGE),
        (SockOpt.STREAM_STOP, b"12345678", errno.EINVAL),
        (SockOpt.CLOSE, bytes(16), errno.ENOPROTOOPT),
    ):
        assert code_of(lambda o=option, v=value: set_option(o, v)) == code
    for option, size, code in (
        (SockOpt.INFO, 500, errno.ENOPROTOOPT),
        (SockOpt.STREAM_PRIORITY, 8, errno.EINVAL),
    ):
        assert code_of(lambda o=option, n=size: stream.near.getsockopt(SOL_TQUIC, o, n)) == code
    set_option(SockOpt.STREAM_RESET, StreamAbort(0, 1).pack())
    assert code_of(lambda: stream.far.recv(1)) == errno.ECONNRESET


def test_streams_of_one_direction(stream: Pair) -> None:
    near = stream.ends.client.stream_socket(stream.ends.client.open_stream(uni=True))
    with near:
        near.sendall(b"x")
        far = adopt(stream.ends.server)
    with far:
        far.settimeout(STALL_S)
        assert read_all(far) == b"x"
        assert code_of(lambda: far.send(b"x")) == errno.EPIPE
        far.shutdown(socket.SHUT_RDWR)
    with stream.ends.client.stream_socket(stream.ends.client.open_stream(uni=True)) as near:
        assert code_of(lambda: near.recv(1)) == errno.EOPNOTSUPP


def test_sendfile_and_splice(stream: Pair, tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(DATA)
    with path.open("rb") as file:
        thread = threading.Thread(target=lambda: _send_file(stream.near, file.fileno()))
        thread.start()
        stream.far.setblocking(True)
        reader, writer = os.pipe()
        got = bytearray()
        while moved := os.splice(stream.far.fileno(), writer, 65536):
            got += os.read(reader, moved)
        thread.join(STALL_S)
    os.close(reader)
    os.close(writer)
    assert bytes(got) == DATA


def _send_file(sock: socket.socket, file: int) -> None:
    sock.setblocking(True)
    sent = 0
    while sent < len(DATA):
        sent += os.sendfile(sock.fileno(), file, sent, len(DATA) - sent)
    sock.shutdown(socket.SHUT_WR)


def test_calls_that_are_refused(stream: Pair) -> None:
    near = stream.near
    assert code_of(lambda: near.send(b"x", MSG_ZEROCOPY)) == errno.EOPNOTSUPP
    assert code_of(lambda: near.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)) == errno.EOPNOTSUPP
    assert code_of(lambda: near.send(b"x", socket.MSG_OOB)) == errno.EOPNOTSUPP
    assert code_of(lambda: near.recv(1, socket.MSG_OOB)) == errno.EOPNOTSUPP
    cmsg = [(SOL_TQUIC, Cmsg.STREAM, StreamInfo(0).pack())]
    assert code_of(lambda: near.sendmsg([b"x"], cmsg)) == errno.EINVAL
    assert code_of(near.listen) == errno.EOPNOTSUPP
    assert code_of(lambda: near.connect(("192.0.2.1", 1))) == errno.EOPNOTSUPP


def test_files_that_are_refused(joined: Joined, stream: Pair) -> None:
    client = stream.ends.client
    assert code_of(lambda: client.stream_socket(400)) == errno.ENOENT
    with TquicSocket.open() as other:
        assert code_of(lambda: other.stream_socket(0)) == errno.ENOTCONN
    before = len(list(Path("/proc/self/fd").iterdir()))
    size = StreamFd.size() - 1
    assert code_of(lambda: stream.ends.c.getsockopt(SOL_TQUIC, SockOpt.STREAM_FD, size)) == (
        errno.EINVAL
    )
    for _ in range(10):
        assert code_of(lambda: client.stream_socket(0)) == errno.EBUSY
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_stream_of_a_stream_socket_is_its_own(joined: Joined) -> None:
    ends = joined(socket.SOCK_STREAM)
    ends.c.sendall(b"x")
    assert ends.s.recv(1) == b"x"
    for sock in ends:
        assert code_of(lambda s=sock: s.stream_socket(0)) == errno.EBUSY


def test_peek(stream: Pair) -> None:
    stream.far.sendall(b"hello")
    assert stream.near.recv(3, socket.MSG_PEEK) == b"hel"
    assert stream.near.recv(5, socket.MSG_WAITALL) == b"hello"


def test_close_under_traffic(joined: Joined) -> None:
    ends = joined(socket.SOCK_DGRAM)
    with contextlib.ExitStack() as held:
        pairs = [pair(ends, held) for _ in range(4)]
        threads = [
            threading.Thread(target=_pump, args=(one, other))
            for item in pairs
            for one, other in ((item.near, item.far), (item.far, item.near))
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        ends.client.close()
        pairs[0].near.shutdown(socket.SHUT_RDWR)
        pairs[1].far.shutdown(socket.SHUT_RD)
        time.sleep(0.2)
        ends.server.close_with(3)
        ends.server.close()
        for thread in threads:
            thread.join(STALL_S)
            assert not thread.is_alive()


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Write to the one and read what comes at the other, until either fails."""
    with contextlib.suppress(OSError):
        while True:
            one.send(DATA[:50_000], socket.MSG_NOSIGNAL)
            if not other.recv(50_000):
                return


def settled() -> int:
    """The module's references once those of connections that were closed are gone."""
    seen = -1
    while seen != (now := int(REFCOUNT.read_text())):
        seen = now
        time.sleep(3)
    return seen


def test_module_stays_while_a_stream_has_a_file(stream: Pair) -> None:
    stream.ends.server.close_with(0)
    stream.ends.server.close()
    stream.ends.client.close()
    stream.far.close()
    before = settled()
    done = subprocess.run(["rmmod", "tquic"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "in use" in done.stderr
    assert read_or_error(stream.near)
    stream.near.close()
    wait_for(lambda: int(REFCOUNT.read_text()) < before)


def read_or_error(sock: socket.socket) -> bool:
    """Whether a read ends, one way or the other."""
    try:
        return sock.recv(1) == b""
    except OSError:
        return True
