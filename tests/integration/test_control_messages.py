# SPDX-License-Identifier: GPL-2.0
"""Every control message: what it carries, as bytes at the two sockets, and what is refused.

The kinds come from the ABI: one without a function and a row here fails the tests. What a deadline
must not be is in test_socket.py.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import socket
import struct
import time
from collections.abc import Callable, Iterator

import pytest
from libc import LIBC, Iovec, Msghdr
from running import DATA, wait_for
from test_options import Stage, stage
from test_sysctl import Ends

from tquic.sock import StreamData, TquicSocket
from tquic.tls import Level
from tquic.uapi import (
    SOL_TQUIC,
    Cmsg,
    Deadline,
    Event,
    EventType,
    HandshakeInfo,
    MsgFlag,
    RecvMask,
    StreamInfo,
)

__all__ = ["stage"]

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

_STREAM, _CRYPTO = StreamInfo(0), HandshakeInfo(3)
#: What recvmsg() gave: the kind of its one control message, that one's payload, the data.
Came = tuple[int, bytes, bytes]


def send(ends: Ends, data: bytes, *messages: tuple[Cmsg, bytes]) -> None:
    """From the client."""
    cmsgs = [(SOL_TQUIC, int(kind), payload) for kind, payload in messages]
    assert ends.client.raw.sendmsg([data], cmsgs) == len(data)


def receive(ends: Ends) -> Came:
    """What comes next at the server."""
    got: list[Came] = []

    def come() -> bool:
        try:
            data, cmsgs, flags, _ = ends.server.raw.recvmsg(4096, 256)
        except BlockingIOError:
            return False
        assert not flags & (socket.MSG_CTRUNC | socket.MSG_TRUNC)
        ((level, kind, payload),) = cmsgs
        assert level == SOL_TQUIC
        got.append((kind, payload, data))
        return True

    wait_for(come)
    return got[0]


# --- what they carry

Good = Callable[[Ends], None]
GOOD: dict[Cmsg, Good] = {}


def carries(of: Cmsg) -> Callable[[Good], Good]:
    """The function shows what this control message carries."""

    def keep(function: Good) -> Good:
        GOOD[of] = function
        return function

    return keep


@carries(Cmsg.STREAM)
def _stream(ends: Ends) -> None:
    new = MsgFlag.NEW | MsgFlag.UNI
    send(ends, b"one way", (Cmsg.STREAM, StreamInfo(flags=int(new | MsgFlag.FIN)).pack()))
    assert receive(ends) == (
        Cmsg.STREAM,
        StreamInfo(2, flags=int(MsgFlag.FIN)).pack(),
        b"one way",
    )
    send(ends, b"both", (Cmsg.STREAM, StreamInfo(flags=int(MsgFlag.NEW)).pack()))
    assert receive(ends) == (Cmsg.STREAM, StreamInfo(0).pack(), b"both")
    send(ends, b" ways", (Cmsg.STREAM, StreamInfo(0).pack()))
    assert receive(ends) == (Cmsg.STREAM, StreamInfo(0).pack(), b" ways")


@carries(Cmsg.HANDSHAKE)
def _handshake(ends: Ends) -> None:
    send(ends, b"tls", (Cmsg.HANDSHAKE, HandshakeInfo(Level.APP).pack()))
    assert receive(ends) == (Cmsg.HANDSHAKE, HandshakeInfo(Level.APP).pack(), b"tls")


@carries(Cmsg.DATAGRAM)
def _datagram(ends: Ends) -> None:
    for data in (b"datagram", b""):
        send(ends, data, (Cmsg.DATAGRAM, b""))
        assert receive(ends) == (Cmsg.DATAGRAM, b"", data)


@carries(Cmsg.EVENT)
def _event(ends: Ends) -> None:
    ends.client.close_with(7)
    kind, payload, data = receive(ends)
    assert (kind, payload) == (Cmsg.EVENT, b"")
    assert Event.unpack(data).type == EventType.CLOSED


@carries(Cmsg.DEADLINE)
def _deadline(ends: Ends) -> None:
    late, soon = Deadline.of(1e-9, drop=True), Deadline.of(60, drop=True)
    for data, due in ((b"late", late), (b"in time", soon)):
        send(ends, data, (Cmsg.DATAGRAM, b""), (Cmsg.DEADLINE, due.pack()))
    assert receive(ends) == (Cmsg.DATAGRAM, b"", b"in time")
    assert ends.client.info().deadlines_missed == 1


def fill(ends: Ends) -> None:
    """Open the first stream, and write to it until the peer's window and the buffer are full."""
    taken, before = ends.client.send_new(DATA), 0
    while taken > before:
        time.sleep(1)
        before = taken
        with contextlib.suppress(BlockingIOError):
            while True:
                taken += ends.client.send_stream(0, DATA)


def take(ends: Ends, news: list[StreamData]) -> bool:
    """Read all the server has; keep what is not the first stream's. Is there some?"""
    with contextlib.suppress(BlockingIOError):
        while isinstance(message := ends.server.recv_message(), StreamData):
            if message.stream_id:
                news.append(message)
    return bool(news)


@pytest.mark.parametrize(("uni", "opened"), [(False, 4), (True, 2)], ids=["bidi", "uni"])
def test_no_stream_is_opened_without_room(stage: Stage, uni: bool, opened: int) -> None:
    """Calls that would have to wait use up no id."""
    with stage.bench.joined() as ends:
        news: list[StreamData] = []

        def sent() -> bool:
            take(ends, news)
            with contextlib.suppress(BlockingIOError):
                return ends.client.send_new(b"new", uni=uni) == 3
            return False

        fill(ends)
        for _ in range(5):
            with pytest.raises(BlockingIOError):
                ends.client.send_new(b"new", uni=uni)
        assert ends.client.info().streams_opened == 1
        wait_for(sent)
        wait_for(lambda: take(ends, news))
        assert news == [StreamData(opened, b"new")]
        assert ends.client.info().streams_opened == 2


def send_from_nowhere(sock: TquicSocket, info: StreamInfo) -> int:
    """The errno of a sendmsg() whose data is at an address where there is none."""
    payload = info.pack()
    length = socket.CMSG_LEN(len(payload))
    control = struct.pack("@Nii", length, SOL_TQUIC, Cmsg.STREAM) + payload
    control = control.ljust(socket.CMSG_SPACE(len(payload)), b"\0")
    nowhere = Iovec(8, 100)
    there = ctypes.cast(control, ctypes.c_void_p)
    message = Msghdr(None, 0, ctypes.pointer(nowhere), 1, there, len(control), 0)
    done = LIBC.sendmsg(sock.fileno(), ctypes.byref(message), 0)
    return ctypes.get_errno() if done < 0 else 0


def test_no_stream_is_opened_without_data(stage: Stage) -> None:
    """Calls whose data cannot be read use up no id."""
    with stage.bench.joined() as ends:
        for flags in (MsgFlag.NEW, MsgFlag.NEW | MsgFlag.FIN, MsgFlag.NEW | MsgFlag.UNI):
            assert send_from_nowhere(ends.client, StreamInfo(flags=int(flags))) == errno.EFAULT
        assert ends.client.info().streams_opened == 0
        assert (ends.client.send_new(b"new"), ends.client.open_stream()) == (3, 4)
        assert ends.client.open_stream(uni=True) == 2
        assert receive(ends) == (Cmsg.STREAM, StreamInfo(0).pack(), b"new")


def test_every_control_message_is_shown_and_refused_something() -> None:
    assert set(GOOD) == set(Cmsg)
    assert {kind for kind, _, _ in REFUSED} >= set(Cmsg)


@pytest.fixture
def ends(stage: Stage) -> Iterator[Ends]:
    """A connection whose server gets all there is, and has read what its beginning brought."""
    with stage.bench.joined(recv_mask=RecvMask.ALL) as made:
        assert receive(made)[0] == Cmsg.EVENT
        made.server.recv_mask = RecvMask.ALL  # the handshake's end took CRYPTO away
        yield made


@pytest.mark.parametrize("kind", list(Cmsg), ids=lambda kind: kind.name)
def test_it_carries_what_it_says(ends: Ends, kind: Cmsg) -> None:
    GOOD[kind](ends)


# --- what is refused

#: Kind, payload, errno.
REFUSED: list[tuple[int, bytes, int]] = [
    (Cmsg.STREAM, _STREAM.pack()[:-1], errno.EINVAL),
    (Cmsg.STREAM, _STREAM.pack() + b"\0", errno.EINVAL),
    (Cmsg.STREAM, StreamInfo(0, 1).pack(), errno.EINVAL),
    (Cmsg.STREAM, StreamInfo(0, 0, int(MsgFlag.RESET)).pack(), errno.EINVAL),
    (Cmsg.STREAM, StreamInfo(0, 0, 16).pack(), errno.EINVAL),
    (Cmsg.STREAM, _STREAM.pack()[:-4] + b"\1\0\0\0", errno.EINVAL),
    (Cmsg.STREAM, StreamInfo(4000).pack(), errno.ENOENT),
    (Cmsg.HANDSHAKE, b"", errno.EINVAL),
    (Cmsg.HANDSHAKE, HandshakeInfo(1).pack(), errno.EINVAL),
    (Cmsg.HANDSHAKE, HandshakeInfo(4).pack(), errno.EINVAL),
    (Cmsg.HANDSHAKE, _CRYPTO.pack()[:-1] + b"\1", errno.EINVAL),
    (Cmsg.DATAGRAM, b"\0", errno.EINVAL),
    (Cmsg.EVENT, b"", errno.EINVAL),
    (Cmsg.DEADLINE, b"", errno.EINVAL),
    (0, b"", errno.EINVAL),
    (max(Cmsg) + 1, b"", errno.EINVAL),
]


@pytest.mark.parametrize(("kind", "payload", "code"), REFUSED)
def test_control_messages_that_make_no_sense(
    stage: Stage, kind: int, payload: bytes, code: int
) -> None:
    raw = stage.ends.client.raw
    with pytest.raises(OSError) as caught:
        raw.sendmsg([b"x"], [(SOL_TQUIC, int(kind), payload)])
    assert caught.value.errno == code


def test_control_messages_of_two_kinds(stage: Stage) -> None:
    raw = stage.ends.client.raw
    pairs = [(Cmsg.STREAM, _STREAM.pack()), (Cmsg.DATAGRAM, b""), (Cmsg.HANDSHAKE, _CRYPTO.pack())]
    for first, second in ((0, 1), (1, 2), (0, 2)):
        both = [(SOL_TQUIC, int(kind), data) for kind, data in (pairs[first], pairs[second])]
        with pytest.raises(OSError) as caught:
            raw.sendmsg([b"x"], both)
        assert caught.value.errno == errno.EINVAL
    with pytest.raises(OSError) as caught:
        raw.send(b"x")
    assert caught.value.errno == errno.EDESTADDRREQ
