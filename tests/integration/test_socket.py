# SPDX-License-Identifier: GPL-2.0
"""What programs know of sockets: shutdown, close, peek, waiting, errors, listeners that go away."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import LabMaker
from running import DATA, PORT, STALL_S, Certificates, Ends, Joined, counter, wait_for
from test_sysctl import tuned

from tquic.handshake import Handshake, Options, complete, connect, listen, new_socket
from tquic.lab import Link, TwoLinks
from tquic.multipath import PathSpec, add_paths
from tquic.netlink import TquicNetlink
from tquic.record import Address
from tquic.sock import Datagram, Message, StreamData, TquicSocket
from tquic.tls import Role
from tquic.uapi import (
    IPPROTO_TQUIC,
    SOL_TQUIC,
    CloseFlag,
    Cmsg,
    Config,
    Deadline,
    Event,
    EventType,
    HandshakeInfo,
    HandshakeMode,
    PathState,
    RecvMask,
    State,
    StreamInfo,
)

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

PLAIN = Link()


@pytest.fixture
def lab(make_lab: LabMaker) -> TwoLinks:
    """Two hosts on plain links."""
    return make_lab(PLAIN, PLAIN)


def read_all(sock: socket.socket) -> bytes:
    """Everything up to the end."""
    data = bytearray()
    while piece := sock.recv(65536):
        data += piece
    return bytes(data)


def test_no_connection_waits_for_algorithms(first_algorithms: frozenset[str]) -> None:
    """The module has looked for what any suite needs when it was loaded."""
    assert first_algorithms >= {
        "gcm(aes)",
        "hmac(sha256)",
        "hmac(sha384)",
        "rfc7539(chacha20,poly1305)",
    }


def test_shutdown_before_the_first_byte(joined: Joined) -> None:
    ends = joined()
    ends.s.shutdown(socket.SHUT_WR)  # its stream is not there yet
    ends.c.shutdown(socket.SHUT_WR)
    assert ends.s.recv(1) == b""
    assert ends.c.recv(1) == b""
    with pytest.raises(BrokenPipeError):
        ends.c.send(b"x")
    with pytest.raises(BrokenPipeError):
        ends.s.send(b"x")


def test_peer_that_lost_the_connection(lab: TwoLinks, joined: Joined) -> None:
    ends = joined()
    ends.c.sendall(b"x")
    assert ends.s.recv(1) == b"x"
    before = counter(lab.server, "TxStatelessResets")
    # The port stays open, as that of a server does.
    with (
        lab.server.entered(),
        listen(lab.server_address(port=PORT), Options()),
        TquicNetlink() as netlink,
    ):
        lab.cut(0)
        try:
            # Its last words are lost, and after a while it knows nothing any more.
            ends.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            ends.server.close()
            deadline = time.monotonic() + STALL_S
            while netlink.connections():
                assert time.monotonic() < deadline
                time.sleep(0.02)
        finally:
            lab.restore(0)
        ends.c.sendall(b"y")
        with pytest.raises(ConnectionResetError):
            ends.c.recv(1)
        assert ends.client.close_info().flags == CloseFlag.PEER | CloseFlag.RESET
    assert counter(lab.server, "TxStatelessResets") > before


def test_shutdown_of_reading_wakes_the_reader(joined: Joined) -> None:
    ends = joined()
    got: list[bytes] = []
    ends.c.sendall(b"x")
    assert ends.s.recv(1) == b"x"
    thread = threading.Thread(target=lambda: got.append(ends.s.recv(1)))
    thread.start()
    time.sleep(0.2)
    ends.s.shutdown(socket.SHUT_RD)
    thread.join(20)
    assert got == [b""]
    poller = select.poll()
    poller.register(ends.s, select.POLLIN | select.POLLRDHUP)
    assert poller.poll(0)[0][1] == select.POLLIN | select.POLLRDHUP
    with pytest.raises(BrokenPipeError):  # the peer was asked to stop
        for _ in range(100):
            ends.c.send(b"y" * 1000)
            time.sleep(0.05)
    assert ends.s.recv(1) == b""  # and what it answered is nothing to read


def test_peek_takes_nothing_away(joined: Joined) -> None:
    ends = joined()
    ends.c.sendall(b"bytes")
    assert ends.s.recv(5, socket.MSG_PEEK) == b"bytes"
    assert ends.s.recv(2, socket.MSG_PEEK) == b"by"
    assert ends.s.recv(5) == b"bytes"


def test_peek_sees_all_there_is(joined: Joined) -> None:
    """Not the first packet's bytes alone."""
    ends = joined()
    ends.c.sendall(DATA[:20_000])
    wait_for(lambda: len(ends.s.recv(1 << 20, socket.MSG_PEEK)) == 20_000)
    assert ends.s.recv(15_000, socket.MSG_PEEK) == DATA[:15_000]
    assert ends.s.recv(1 << 20) == DATA[:20_000]


def test_peek_at_datagrams_and_events(joined: Joined) -> None:
    mask = RecvMask.CRYPTO | RecvMask.DATAGRAM | RecvMask.EVENT
    ends = joined(socket.SOCK_DGRAM, mask)
    event = ends.s.recv(100, socket.MSG_PEEK)  # the connection is established
    assert len(event) == 24
    assert ends.s.recv(100) == event
    ends.client.send_datagram(b"datagram")
    while (data := ends.s.recv(100, socket.MSG_PEEK)) != b"datagram":
        assert ends.s.recv(100) == data
    message = ends.server.recv_message()
    assert message == Datagram(b"datagram")


STREAM = (SOL_TQUIC, Cmsg.STREAM, StreamInfo(0).pack())
DATAGRAM = (SOL_TQUIC, Cmsg.DATAGRAM, b"")
CRYPTO = (SOL_TQUIC, Cmsg.HANDSHAKE, HandshakeInfo(3).pack())


@pytest.mark.parametrize(
    ("what", "deadline"),
    [
        (DATAGRAM, struct.pack("QQII", 0, 0, 0, 0)),
        (DATAGRAM, struct.pack("QQII", 1 << 63, 0, 0, 0)),
        (DATAGRAM, struct.pack("QQII", 1000, 1, 1, 0)),
        (DATAGRAM, struct.pack("QQII", 1000, 0, 2, 0)),
        (DATAGRAM, struct.pack("QQII", 1000, 0, 0, 1)),
        (DATAGRAM, struct.pack("QQI", 1000, 0, 0)),
        (STREAM, struct.pack("QQII", 0, 0, 1, 0)),
        (STREAM, struct.pack("QQII", 1000, 1 << 62, 1, 0)),
        (CRYPTO, struct.pack("QQII", 1000, 0, 0, 0)),
    ],
)
def test_deadlines_that_make_no_sense(
    joined: Joined, what: tuple[int, int, bytes], deadline: bytes
) -> None:
    ends = joined(socket.SOCK_DGRAM)
    ends.client.send_new(b"0", deadline=Deadline())  # none is one that makes sense
    with pytest.raises(OSError) as refused:
        ends.c.sendmsg([b"x"], [what, (SOL_TQUIC, Cmsg.DEADLINE, deadline)])
    assert refused.value.errno == errno.EINVAL


def messages(sock: TquicSocket) -> Iterator[Message]:
    """What comes, without the events of the connection's beginning."""
    while (message := sock.recv_message()) is not None:
        if not isinstance(message, Event) or message.type == EventType.STREAM_LATE:
            yield message


def test_what_is_late_is_dropped_when_asked(joined: Joined, lab: TwoLinks) -> None:
    ends = joined(socket.SOCK_DGRAM, RecvMask.ALL)
    missed = counter(lab.client, "DeadlinesMissed")
    dropped = counter(lab.client, "QuicDatagramsDropped")
    reset = counter(lab.server, "StreamsResetReceived")
    late = Deadline.of(1e-9, drop=True)
    ends.client.send_datagram(b"late", deadline=late)
    ends.client.send_datagram(b"late but wanted", deadline=Deadline.of(1e-9))
    ends.client.send_datagram(b"in time", deadline=Deadline.of(60, drop=True))
    got = messages(ends.server)
    assert [next(got), next(got)] == [Datagram(b"late but wanted"), Datagram(b"in time")]
    ends.client.send_new(b"late", fin=True, deadline=Deadline.of(1e-9, drop=True, code=9))
    assert next(got) == StreamData(0, b"", reset_code=9)
    ends.client.send_new(b"in time", fin=True, deadline=Deadline.of(60, drop=True, code=9))
    assert next(got) == StreamData(4, b"in time", fin=True)
    told = next(messages(ends.client))
    assert told == Event(EventType.STREAM_LATE, 0, 9)
    info = ends.client.info()
    assert (info.deadlines_missed, info.datagrams_dropped, info.datagrams_sent) == (2, 1, 2)
    assert counter(lab.client, "DeadlinesMissed") == missed + 2
    assert counter(lab.client, "QuicDatagramsDropped") == dropped + 1
    assert counter(lab.server, "StreamsResetReceived") == reset + 1


def test_wait_for_all(joined: Joined) -> None:
    ends = joined()
    ends.s.settimeout(None)  # with a timeout Python never lets the kernel wait

    def send() -> None:
        for start in range(0, 50_000, 1000):
            ends.c.sendall(DATA[start : start + 1000])

    thread = threading.Thread(target=send)
    thread.start()
    assert ends.s.recv(50_000, socket.MSG_WAITALL) == DATA[:50_000]
    thread.join(20)
    ends.c.sendall(b"rest")
    ends.c.shutdown(socket.SHUT_WR)
    assert ends.s.recv(100, socket.MSG_WAITALL) == b"rest"


def test_waiting_for_all_is_how_one_writes(joined: Joined) -> None:
    """MSG_WAITALL says what a blocking send does anyway."""
    ends = joined()
    assert ends.c.send(b"bytes", socket.MSG_WAITALL) == 5
    assert ends.s.recv(5, socket.MSG_WAITALL) == b"bytes"


def test_packets_leave_in_batches(lab: TwoLinks, joined: Joined) -> None:
    ends = joined()
    ends.c.sendall(b"x")  # the client's first byte makes the stream
    assert ends.s.recv(1) == b"x"
    names = ("TxGsoBatches", "TxDatagrams", "TxErrors")
    before = [counter(lab.server, name) for name in names]
    thread = threading.Thread(target=lambda: ends.s.sendall(DATA))
    thread.start()
    got = bytearray()
    while len(got) < len(DATA):
        got += ends.c.recv(65536)
    thread.join(STALL_S)
    assert bytes(got) == DATA
    after = [counter(lab.server, name) for name in names]
    batches, datagrams, errors = (now - was for now, was in zip(after, before, strict=True))
    assert errors == 0
    assert batches > 0
    assert datagrams > 4 * batches, "a batch holds more than a few"


def test_sendfile(joined: Joined, tmp_path: Path) -> None:
    ends = joined()
    path = tmp_path / "file"
    path.write_bytes(DATA)
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(read_all(ends.s)))
    thread.start()
    ends.c.settimeout(None)
    with path.open("rb") as file:
        assert ends.c.sendfile(file) == len(DATA)
    ends.c.shutdown(socket.SHUT_WR)
    thread.join(STALL_S)
    assert got == [DATA]


def test_more_that_never_comes(joined: Joined) -> None:
    ends = joined()
    ends.c.send(b"held", socket.MSG_MORE)
    assert ends.s.recv(100) == b"held"


def test_close_delivers_what_was_written(joined: Joined) -> None:
    ends = joined()
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(read_all(ends.s)))
    ends.c.sendall(DATA)
    ends.client.close()
    thread.start()
    thread.join(STALL_S)
    assert got == [DATA]


def test_data_is_there_after_the_peer_has_closed(joined: Joined) -> None:
    ends = joined()
    ends.c.sendall(DATA[:100_000])
    ends.client.close()
    deadline = time.monotonic() + 20
    while ends.server.info().state == State.ESTABLISHED and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ends.server.info().state > State.ESTABLISHED
    assert read_all(ends.s) == DATA[:100_000]
    with pytest.raises(BrokenPipeError):
        ends.s.send(b"x")


def test_a_stream_cut_off_is_no_end(joined: Joined) -> None:
    ends = joined()
    ends.c.sendall(b"begin")
    assert ends.s.recv(5) == b"begin"
    ends.client.close_with(7)
    for _ in range(3):
        with pytest.raises(ConnectionResetError):
            ends.s.recv(1)


def test_close_with_unread_data_ends_soon(joined: Joined) -> None:
    ends = joined()
    ends.c.sendall(b"request")
    assert ends.s.recv(7) == b"request"
    ends.s.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while True:
            ends.s.send(DATA[:100_000])  # more than the windows take
    ends.s.settimeout(STALL_S)
    ends.client.close()  # has read nothing
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        while True:
            ends.s.send(DATA[:100_000])


def test_linger_of_zero_closes_at_once(joined: Joined) -> None:
    ends = joined()
    ends.c.sendall(b"begin")
    assert ends.s.recv(5) == b"begin"
    ends.c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ends.client.close()
    with pytest.raises(ConnectionResetError):
        ends.s.recv(1)


def cut_short(lab: TwoLinks, ends: Ends, how: str) -> None:
    """A write of more than there is room for, which waits as the connection ends."""
    wrote: list[int] = []
    thread = threading.Thread(target=lambda: wrote.append(ends.c.send(32 * DATA)))
    thread.start()
    wait_for(lambda: ends.server.info().bytes_received > 0)
    if how == "closed":
        ends.server.close_with(7)
    else:
        lab.cut(0)
    try:
        thread.join(STALL_S)
    finally:
        if how == "silent":
            lab.restore(0)
    assert 0 < wrote[0] < 32 * len(DATA)


@pytest.mark.parametrize("asked", ["write", "SO_ERROR"])
@pytest.mark.parametrize(
    ("how", "code"), [("closed", errno.ECONNRESET), ("silent", errno.ETIMEDOUT)]
)
def test_a_write_cut_short_leaves_the_error(
    lab: TwoLinks, joined: Joined, how: str, code: int, asked: str
) -> None:
    """It tells what it wrote, and the next call, or SO_ERROR, why it was not more."""
    with tuned(lab.client, idle_timeout_ms=5000):
        ends = joined()
    ends.c.settimeout(None)
    cut_short(lab, ends, how)
    if asked == "write":
        with pytest.raises(OSError) as caught:
            ends.c.send(b"x")
        assert caught.value.errno == code
    else:
        error = ends.client.take_error()
        assert error is not None
        assert error.errno == code
    with pytest.raises(BrokenPipeError):
        ends.c.send(b"x")


def test_receive_buffer_bounds_the_credit(lab: TwoLinks, certificates: Certificates) -> None:
    address = lab.server_address(port=PORT)
    options = Options(kind=socket.SOCK_STREAM)
    with lab.server.entered():
        listener = new_socket(address.family, options)
    assert isinstance(listener.raw, socket.socket)
    listener.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000)
    listener.bind(address)
    listener.listen(4)
    children: list[TquicSocket] = []

    def serve() -> None:
        child, _peer = listener.accept()
        child.settimeout(0)
        complete(child, certificates.server(), Role.SERVER, "client", STALL_S)
        children.append(child)

    thread = threading.Thread(target=serve)
    thread.start()
    with listener, lab.client.entered():
        client = connect(address, certificates.client(), options)
        thread.join(STALL_S)
    with client, children[0] as child:
        assert client.info().max_data_peer == 100_000
        client.settimeout(STALL_S)

        def send() -> None:
            client.sendall(DATA)
            client.shutdown()

        sender = threading.Thread(target=send)
        sender.start()
        child.settimeout(STALL_S)
        assert isinstance(child.raw, socket.socket)
        assert read_all(child.raw) == DATA
        sender.join(STALL_S)


def test_nobody_listens_is_told_at_once(lab: TwoLinks, certificates: Certificates) -> None:
    blamed = counter(lab.client, "RxProtocolErrors")
    with lab.client.entered():
        sock = new_socket(socket.AF_INET, Options())
    with sock:
        sock.settimeout(0)
        address = lab.server_address(port=9)
        start = time.monotonic()
        sock.connect(address)
        Handshake(sock, certificates.client(), Role.CLIENT, str(address)).start()
        poller = select.poll()
        poller.register(sock.fileno(), select.POLLIN)
        assert poller.poll(20_000)
        error = sock.take_error()
        assert error is not None
        assert error.errno == errno.ECONNREFUSED
        assert time.monotonic() - start < 8
    assert counter(lab.client, "RxProtocolErrors") == blamed


def test_connect_again(joined: Joined, lab: TwoLinks, certificates: Certificates) -> None:
    joined()
    with lab.client.entered():
        sock = new_socket(socket.AF_INET, Options())
    with sock:
        for _ in range(3):
            with pytest.raises(OSError, match="unreachable") as caught:
                sock.connect(Address("203.0.113.9", PORT))
            assert caught.value.errno == errno.ENETUNREACH
        with pytest.raises(OSError, match="not connected"):
            assert sock.peer
        sock.connect(lab.server_address(port=PORT))
        assert sock.peer == lab.server_address(port=PORT)
        with pytest.raises(OSError, match="already"):
            sock.connect(lab.server_address(port=PORT))


@pytest.mark.parametrize("only", [False, True], ids=["both", "v6 only"])
def test_connect_from_the_bound_port(lab: TwoLinks, only: bool) -> None:
    with lab.client.entered():
        sock = TquicSocket.open(socket.AF_INET6)
    with sock:
        sock.handshake_mode = HandshakeMode.SELF
        assert isinstance(sock.raw, socket.socket)
        sock.raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(only))
        sock.bind(Address("::"))
        port = sock.local.port
        assert port
        v4 = Address(f"::ffff:{lab.server_address().host}", PORT)
        if only:
            with pytest.raises(OSError, match="family"):
                sock.connect(v4)
            sock.connect(lab.server_address(v6=True, port=PORT))
        else:
            sock.connect(v4)
            assert sock.peer == v4
            assert sock.local.host == f"::ffff:{lab.client_address().host}"
        assert sock.local.port == port


def test_v6_only_goes_nowhere_over_v4(lab: TwoLinks) -> None:
    """Nor when the kernel is to choose the address."""
    with lab.client.entered():
        sock = TquicSocket.open(socket.AF_INET6)
    with sock:
        sock.handshake_mode = HandshakeMode.SELF
        assert isinstance(sock.raw, socket.socket)
        sock.raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with pytest.raises(OSError, match="family"):
            sock.connect(Address(f"::ffff:{lab.server_address().host}", PORT))
        sock.connect(lab.server_address(v6=True, port=PORT))


def test_a_listener_goes_while_connections_come(lab: TwoLinks, certificates: Certificates) -> None:
    address = lab.server_address(port=PORT)
    for turn in range(10):
        with lab.server.entered():
            listener = listen(address, Options(), backlog=turn)
        listener.settimeout(0)
        with contextlib.ExitStack() as held:
            for _ in range(8):
                with lab.client.entered():
                    sock = held.enter_context(new_socket(socket.AF_INET, Options()))
                sock.settimeout(0)
                sock.connect(address)
                Handshake(sock, certificates.client(), Role.CLIENT, "server").start()
            if turn % 2:
                with contextlib.suppress(BlockingIOError):
                    held.enter_context(listener.accept()[0])
            listener.close()


def test_settings_of_a_listener_change_while_connections_come(
    lab: TwoLinks, certificates: Certificates
) -> None:
    address = lab.server_address(port=PORT)
    with lab.server.entered():
        listener = listen(address, Options())
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            listener.alpn = ("one", "two")
            listener.congestion = "newreno"
            listener.alpn = ("a-longer-name-than-the-others",)
            listener.congestion = "cubic"

    thread = threading.Thread(target=change)
    with listener, contextlib.ExitStack() as held:
        thread.start()
        for _ in range(20):
            with lab.client.entered():
                sock = held.enter_context(new_socket(socket.AF_INET, Options()))
            sock.settimeout(0)
            sock.connect(address)
            Handshake(sock, certificates.client(), Role.CLIENT, "server").start()
            time.sleep(0.02)
        stop.set()
        thread.join(20)


def test_a_handshake_nobody_finishes(lab: TwoLinks, certificates: Certificates) -> None:
    address = lab.server_address(port=PORT)
    before = counter(lab.server, "HandshakesTimedOut")
    with lab.server.entered():
        listener = listen(address, Options())
    with listener:
        listener.settimeout(STALL_S)
        clients = []
        for _ in range(2):
            with lab.client.entered():
                sock = new_socket(socket.AF_INET, Options())
            sock.settimeout(0)
            sock.connect(address)
            Handshake(sock, certificates.client(), Role.CLIENT, "server").start()
            clients.append(sock)
        child, _peer = listener.accept()  # the other one stays in the backlog
        lab.cut(0)
        try:
            for sock in clients:
                sock.close()
            start = time.monotonic()
            with child, pytest.raises(OSError, match="timed out") as caught:
                child.settimeout(None)
                while True:
                    child.recv_message()
            assert caught.value.errno == errno.ETIMEDOUT
            assert 5 < time.monotonic() - start < 25
            deadline = time.monotonic() + 20
            while counter(lab.server, "HandshakesTimedOut") < before + 2:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        finally:
            lab.restore(0)


def test_writers_do_not_wait_for_packets_to_leave(joined: Joined, lab: TwoLinks) -> None:
    """What waits at a device is not what there is no room for."""
    ends = joined(socket.SOCK_DGRAM, RecvMask.ALL)
    lab.client.tc("qdisc replace dev c0 root tbf rate 8mbit burst 3000 limit 10000000")
    ends.client.settimeout(None)  # with a timeout Python never lets the kernel wait
    try:
        for _ in range(1500):  # far more than wait here, and than half of SO_SNDBUF at the device
            ends.client.send_datagram(bytes(1000))
        ends.client.send_new(DATA + DATA, fin=True)
        wait_for(lambda: ends.client.info().datagrams_sent == 1500)
    finally:
        lab.client.tc("qdisc del dev c0 root")


def test_datagrams_use_all_paths(joined: Joined, lab: TwoLinks) -> None:
    """More wait than the fast path takes; alone on the connection, with the usual scheduler."""
    ends = joined(socket.SOCK_DGRAM, RecvMask.ALL)
    lab.client.tc("qdisc replace dev c0 root netem rate 4mbit delay 10ms limit 20")
    lab.client.tc("qdisc replace dev c1 root netem rate 4mbit delay 50ms limit 40")
    try:
        add_paths(ends.client, [PathSpec(lab.client_address(1))])
        wait_for(lambda: [path.state for path in ends.client.paths()].count(PathState.ACTIVE) == 2)
        ends.client.settimeout(None)
        before = [lab.counters(index).tx_bytes for index in range(2)]
        for _ in range(2000):
            ends.client.send_datagram(bytes(1000))
        sent = [lab.counters(index).tx_bytes - before[index] for index in range(2)]
        assert sum(sent) > 1_200_000
        assert sent[1] > sent[0] / 4
    finally:
        for device in ("c0", "c1"):
            lab.client.tc(f"qdisc del dev {device} root")


def test_poll_of_a_server_that_speaks_first(joined: Joined) -> None:
    """It has no stream to write to before the client wrote."""
    ends = joined(socket.SOCK_STREAM)
    with select.epoll() as epoll:
        epoll.register(ends.s, select.EPOLLOUT | select.EPOLLET)
        assert epoll.poll(0) == []
        ends.s.setblocking(False)
        with pytest.raises(BlockingIOError):
            ends.s.send(b"x")
        ends.c.send(b"x")
        assert epoll.poll(STALL_S) == [(ends.s.fileno(), select.EPOLLOUT)]
        assert ends.s.send(b"x") == 1


def test_poll_where_datagrams_wait(joined: Joined, lab: TwoLinks) -> None:
    ends = joined(socket.SOCK_DGRAM)
    poller = select.poll()
    poller.register(ends.c, select.POLLOUT)
    assert poller.poll(0)
    with tuned(lab.client, datagram_queue_max=4):
        ends.client.settimeout(0)
        lab.cut(0)
        try:
            deadline = time.monotonic() + STALL_S
            while poller.poll(50):  # the window fills
                assert time.monotonic() < deadline
                with contextlib.suppress(BlockingIOError):
                    ends.client.send_datagram(bytes(1000))
        finally:
            lab.restore(0)
        assert poller.poll(1000 * STALL_S)
        ends.client.send_datagram(bytes(1000))


def test_keepalive_of_an_idle_connection(joined: Joined, lab: TwoLinks) -> None:
    with tuned(lab.client, idle_timeout_ms=4000):
        ends = joined()
    time.sleep(1)  # nothing else is due before it ends
    ends.client.config = Config.of(keepalive_ms=500)
    time.sleep(6)
    ends.c.sendall(b"x")
    assert ends.s.recv(1) == b"x"


_BIND_AS_NOBODY = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
for port in map(int, sys.argv[3:]):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, int(sys.argv[1]))
    try:
        sock.bind((sys.argv[2], port))
    except OSError as error:
        print(error.errno)
    else:
        print(0)
"""


def test_the_port_of_another_user(lab: TwoLinks) -> None:
    """Who could bind to it would have it when its owner starts again."""
    address = lab.server_address(port=PORT)
    command = [sys.executable, "-c", _BIND_AS_NOBODY, str(IPPROTO_TQUIC), address.host]
    with lab.server.entered():
        listener = listen(address, Options())
    with listener:
        done = lab.server.run(
            [*command, str(PORT), str(PORT + 1), str(PORT + 1)], capture_output=True, text=True
        )
    assert done.stdout.split() == [str(errno.EADDRINUSE), "0", "0"], done.stderr
