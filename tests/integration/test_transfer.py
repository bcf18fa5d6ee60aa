# SPDX-License-Identifier: GPL-2.0
"""Bytes over TQUIC between two namespaces: whole, in order, over good links and bad ones."""

from __future__ import annotations

import errno
import hashlib
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import LabMaker
from leftovers import insert_module, remove_module
from running import (
    DATA,
    NAME,
    STALL_S,
    Certificates,
    RunningServer,
    Sender,
    dial,
    echo,
    exchange,
    wait_active,
    wait_for,
)

from tquic.errors import ConnectionFailedError, HandshakeFailedError
from tquic.handshake import Options, complete, connect, listen
from tquic.lab import Link
from tquic.mux import StreamMux
from tquic.perf import PerfExchange, measure
from tquic.record import Address
from tquic.sock import Datagram, StreamData, TquicSocket
from tquic.tls import Role
from tquic.uapi import CloseFlag, Config, Event, EventType, PathState, RecvMask, State

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

Start = Callable[..., RunningServer]
CONNECTIONS = 200
PLAIN = Link()
WIRE = Link(rate_mbit=100, delay_ms=5)
#: Slow enough to need both even where the processor is emulated
THIN = Link(rate_mbit=15, delay_ms=5)
BAD_LINKS = {
    "clean": {},
    "loss 1 %": {"loss": 1},
    "loss 5 %": {"loss": 5},
    "reorder 10 %": {"reorder": 10},
    "corrupt 1 %": {"corrupt": 1},
    "duplicate 1 %": {"duplicate": 1},
}


def wait_confirmed(sock: TquicSocket, wait_s: float = 20) -> None:
    """Wait until the client knows that the server has completed the handshake too."""
    deadline = time.monotonic() + wait_s
    while not sock.info().confirmed:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_handshake_and_close(
    make_lab: LabMaker, start_server: Start, certificates: Certificates, v6: bool
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo, v6=v6)
    options = Options(local=lab.client_address(0, v6=v6))
    with dial(lab, server.address, certificates.client(), options=options) as sock:
        info = sock.info()
        assert info.state == State.ESTABLISHED
        assert (info.server, info.verified, info.paths) == (0, 1, 1)
        assert sock.peer == server.address
        assert sock.local.host == lab.client_address(0, v6=v6).host
        wait_confirmed(sock)
        sock.close_with(7, reason="done")
        assert sock.close_info().error_code == 7
        assert sock.close_info().flags == CloseFlag.APP
        assert sock.close_info().text == "done"
    assert server.log == []


@pytest.mark.parametrize("size", [0, 1, 1200, 100_000, 1 << 20])
def test_sizes(
    make_lab: LabMaker, start_server: Start, certificates: Certificates, size: int
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client()) as sock:
        exchange(sock, [Sender(DATA[:size])])


def test_many_streams(make_lab: LabMaker, start_server: Start, certificates: Certificates) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo, config=Config.of(max_streams_bidi=8))
    with dial(lab, server.address, certificates.client()) as sock:
        exchange(sock, [Sender(DATA[: 1000 * index]) for index in range(1, 31)])
        assert sock.info().streams_opened == 30


def test_stream_socket_behaves_as_tcp(make_lab: LabMaker, certificates: Certificates) -> None:
    lab = make_lab(PLAIN, PLAIN)
    address = lab.server_address(port=4434)
    options = Options(kind=socket.SOCK_STREAM)
    with lab.server.entered():
        listener = listen(address, options)
    got = bytearray()

    def serve() -> None:
        child, _peer = listener.accept()
        with child:
            child.settimeout(0)
            complete(child, certificates.server(), Role.SERVER, "client", STALL_S)
            child.settimeout(STALL_S)
            while data := child.recv(65536):
                got.extend(data)
            child.sendall(bytes(got))
            child.shutdown()
            assert child.recv(1) == b""

    thread = threading.Thread(target=serve)
    thread.start()
    with listener, lab.client.entered():
        sock = connect(address, certificates.client(), options)
        with sock:
            sock.settimeout(STALL_S)
            sock.sendall(DATA)
            sock.shutdown()
            back = bytearray()
            while data := sock.recv(65536):
                back += data
        thread.join(STALL_S)
    assert not thread.is_alive()
    assert bytes(got) == bytes(back) == DATA


def test_poll_tells_the_truth(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client()) as sock:
        poller = select.poll()
        poller.register(sock.fileno(), select.POLLIN | select.POLLOUT)
        assert [events for _, events in poller.poll(1000)] == [select.POLLOUT]
        stream = sock.open_stream()
        sock.send_stream(stream, b"hello", fin=True)
        poller.modify(sock.fileno(), select.POLLIN)
        assert [events for _, events in poller.poll(20_000)] == [select.POLLIN]
        message = sock.recv_message()
        assert getattr(message, "data", None) == b"hello"
        server.server.stop()
        assert poller.poll(20_000)[0][1] & select.POLLHUP


def test_datagrams(make_lab: LabMaker, certificates: Certificates) -> None:
    lab = make_lab(PLAIN, PLAIN)
    options = Options(
        config=Config.of(max_datagram_bytes=65535),
        recv_mask=RecvMask.CRYPTO | RecvMask.DATAGRAM,
    )
    address = lab.server_address(port=4435)
    with lab.server.entered():
        listener = listen(address, options)
    done = threading.Event()

    def serve() -> None:
        child, _peer = listener.accept()
        with child:
            child.settimeout(0)
            complete(child, certificates.server(), Role.SERVER, "client", STALL_S)
            mux = StreamMux(child, server=True, peer="client")
            mux.on_datagram = child.send_datagram
            mux.run(done.is_set, tick_s=0.05)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with lab.client.entered():
            sock = connect(address, certificates.client(), options)
        with sock:
            sock.settimeout(STALL_S)
            largest = sock.info().max_datagram_bytes
            assert largest >= 1100
            for size in (0, 1, 100, largest):
                sock.send_datagram(DATA[:size])
                assert sock.recv_message() == Datagram(DATA[:size])
            with pytest.raises(OSError, match="too long"):
                sock.send_datagram(DATA[:65_000])  # more than any path carries
            info = sock.info()
            assert (info.datagrams_sent, info.datagrams_received) == (4, 4)
    finally:
        done.set()
        thread.join(STALL_S)
        listener.close()


@contextmanager
def both_ends(
    make_lab: LabMaker, certificates: Certificates, link: Link, options: Options
) -> Iterator[tuple[TquicSocket, TquicSocket]]:
    """A connection between two namespaces: the client's end and the server's."""
    lab = make_lab(link, link)
    address = lab.server_address(port=4436)
    with lab.server.entered():
        listener = listen(address, options)
    children: list[TquicSocket] = []

    def serve() -> None:
        child, _peer = listener.accept()
        child.settimeout(0)
        complete(child, certificates.server(), Role.SERVER, "client", STALL_S)
        children.append(child)

    thread = threading.Thread(target=serve)
    thread.start()
    with lab.client.entered():
        sock = connect(address, certificates.client(), options)
    thread.join(STALL_S)
    with listener, sock, children[0] as child:
        child.settimeout(STALL_S)
        yield sock, child


def test_events_tell_of_streams(make_lab: LabMaker, certificates: Certificates) -> None:
    options = Options(recv_mask=RecvMask.CRYPTO | RecvMask.EVENT)
    with both_ends(make_lab, certificates, PLAIN, options) as (sock, child):
        stream = sock.open_stream()
        sock.send_stream(stream, b"x")
        sock.reset_stream(stream, 11)
        sock.stop_stream(stream, 12)
        seen = set()
        while {EventType.STREAM_RESET, EventType.STREAM_STOP} - seen:
            message = child.recv_message()
            assert message is not None
            if isinstance(message, Event):
                seen.add(EventType(message.type))
                if message.type == EventType.STREAM_RESET:
                    assert (message.id, message.error_code) == (stream, 11)
                if message.type == EventType.STREAM_STOP:
                    assert (message.id, message.error_code) == (stream, 12)


def test_reset_behind_the_first_bytes(make_lab: LabMaker, certificates: Certificates) -> None:
    """What is promised arrives over a link that loses, then the reset.

    What was read before the reset came may reach further: that is up to the machine.
    """
    reliable = 30_000
    lossy = replace(WIRE, loss=5)
    with both_ends(make_lab, certificates, lossy, Options()) as (sock, child):
        stream = sock.open_stream()
        sock.send_stream(stream, DATA[:40_000])
        with pytest.raises(OSError, match=str(errno.EINVAL)) as refused:
            sock.reset_stream_at(stream, 11, 40_001)
        assert refused.value.errno == errno.EINVAL
        with pytest.raises(OSError, match=str(errno.ENOENT)):
            sock.reset_stream_at(stream + 4, 11, 1)
        sock.reset_stream_at(stream, 11, reliable)
        with pytest.raises(BrokenPipeError):
            sock.reset_stream_at(stream, 11, reliable)
        with pytest.raises(BrokenPipeError):
            sock.send_stream(stream, b"more")
        got, code = b"", None
        while code is None:
            message = child.recv_message()
            assert isinstance(message, StreamData)
            got += message.data
            code = message.reset_code
        assert (got, code) == (DATA[: max(len(got), reliable)], 11)


@pytest.mark.parametrize(
    ("leaf", "alert"), [("wrong_name", 42), ("expired", 45), ("unknown_ca", 48)]
)
def test_bad_certificates_are_refused(
    make_lab: LabMaker, certificates: Certificates, leaf: str, alert: int
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    tls = certificates.server(getattr(certificates, leaf))
    with RunningServer(lab, tls, echo) as server, lab.client.entered():
        with pytest.raises(HandshakeFailedError) as caught:
            connect(server.address, certificates.client())
        assert caught.value.alert == alert
        deadline = time.monotonic() + 20
        while not server.log and time.monotonic() < deadline:
            time.sleep(0.05)
        assert f"({alert})" in server.log[0]


def test_unverified_is_visible(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client(verify=False)) as sock:
        assert sock.info().verified == 0


def test_nobody_listens(make_lab: LabMaker, certificates: Certificates) -> None:
    lab = make_lab(PLAIN, PLAIN)
    with lab.client.entered(), pytest.raises(ConnectionFailedError):
        connect(lab.server_address(port=9), certificates.client(), Options(timeout_s=2))


@pytest.mark.parametrize("cipher", [0x1301, 0x1302, 0x1303])
def test_ciphers(
    make_lab: LabMaker, start_server: Start, certificates: Certificates, cipher: int
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client(ciphers=(cipher,))) as sock:
        assert sock.info().cipher == cipher
        exchange(sock, [Sender(DATA[:200_000])])


def update_keys(sock: TquicSocket, wait_s: float = 20) -> None:
    """Update keys as soon as the update before has been confirmed."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return sock.update_keys()
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def test_key_update(make_lab: LabMaker, start_server: Start, certificates: Certificates) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client()) as sock:
        exchange(sock, [Sender(DATA[:50_000])])
        for count in range(1, 4):
            update_keys(sock)
            exchange(sock, [Sender(DATA[:50_000])])
            assert sock.info().key_updates >= count


@pytest.mark.parametrize("name", list(BAD_LINKS))
@pytest.mark.parametrize("count", [1, 2], ids=["one path", "two paths"])
def test_bad_links(
    make_lab: LabMaker,
    start_server: Start,
    certificates: Certificates,
    name: str,
    count: int,
) -> None:
    lab = make_lab(THIN, THIN)
    server = start_server(lab, echo)
    sock = dial(lab, server.address, certificates.client(), paths=count)
    try:
        for index in range(2):
            lab.change(index, replace(THIN, **BAD_LINKS[name]))
        with sock:
            exchange(sock, [Sender(DATA)])
            if count == 2:
                used = [path.bytes_sent for path in sock.paths()]
                assert min(used) > len(DATA) // 10, used
    finally:
        for index in range(2):
            lab.change(index, THIN)


@pytest.mark.parametrize("loss", [2, 20])
def test_handshake_on_a_lossy_link(
    make_lab: LabMaker, start_server: Start, certificates: Certificates, loss: int
) -> None:
    lab = make_lab(WIRE, WIRE)
    server = start_server(lab, echo)
    lab.change(0, Link(rate_mbit=100, delay_ms=5, loss=loss))
    try:
        for _ in range(5):
            options = Options(local=lab.client_address(0), timeout_s=STALL_S)
            begun_s = time.monotonic()
            with lab.client.entered():
                sock = connect(server.address, certificates.client(), options)
            print(f"handshake {time.monotonic() - begun_s:.1f} s")
            with sock:
                exchange(sock, [Sender(b"small")])
        print(server.log)
    finally:
        lab.change(0, WIRE)


@pytest.mark.parametrize("name", ["balia", "bbr", "cubic", "lia", "newreno", "olia"])
def test_every_congestion_controller(
    make_lab: LabMaker, start_server: Start, certificates: Certificates, name: str
) -> None:
    lab = make_lab(WIRE, WIRE)
    server = start_server(lab, echo)
    server.listener.congestion = name
    with dial(lab, server.address, certificates.client(), paths=2) as sock:
        # On paths that are in use, as on those to come
        sock.congestion = name
        assert sock.info().congestion == name
        assert len({path.path_id for path in sock.paths()}) == 2
        exchange(sock, [Sender(DATA[:400_000])])
        with pytest.raises(FileNotFoundError):
            sock.congestion = "no-such-one"
        assert sock.congestion == name


def in_use(sock: TquicSocket) -> set[int]:
    """Paths that data goes over: they work here, and the other side has not said to spare them."""
    paths = sock.paths()
    return {
        path.path_id for path in paths if path.state == PathState.ACTIVE and not path.peer_flags
    }


@pytest.mark.parametrize("dead", [0, 1])
def test_a_link_dies_midway(
    make_lab: LabMaker, start_server: Start, certificates: Certificates, dead: int
) -> None:
    lab = make_lab(Link(rate_mbit=8, delay_ms=10), Link(rate_mbit=8, delay_ms=10))
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client(), paths=2) as sock:

        def cut_midway() -> None:
            while sock.info().bytes_sent < len(DATA) // 2:
                time.sleep(0.01)
            lab.cut(dead)

        cutter = threading.Thread(target=cut_midway)
        cutter.start()
        try:
            exchange(sock, [Sender(DATA * 2)])
            cutter.join()
            # A link nothing was under way on is found dead when it is used next.
            until = time.monotonic() + STALL_S
            while dead in in_use(sock) and time.monotonic() < until:
                exchange(sock, [Sender(DATA)])
            assert dead not in in_use(sock), sock.paths()
            # An emulated machine that stood still for a second has paths suspected.
            wait_for(lambda: 1 - dead in in_use(sock))
        finally:
            cutter.join()
            lab.restore(dead)


def test_paths_come_and_go(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client()) as sock:
        wait_confirmed(sock)
        for _ in range(3):
            sock.add_path(lab.client_address(1))
            wait_active(sock, 2)
            exchange(sock, [Sender(DATA[:300_000])])
            second = max(path.path_id for path in sock.paths())
            sock.set_path_status(second, backup=True)
            exchange(sock, [Sender(DATA[:300_000])])
            sock.del_path(second)
            exchange(sock, [Sender(DATA[:300_000])])
        with pytest.raises(OSError, match=r".") as caught:
            sock.add_path(Address("192.0.2.99"))
        assert caught.value.errno is not None


def test_connections_one_after_another(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    tls = certificates.client()
    for index in range(CONNECTIONS):
        with dial(lab, server.address, tls) as sock:
            exchange(sock, [Sender(DATA[:100])])
            if index % 2:
                sock.close_with(0)
    wait_for(lambda: server.server.stats.established == CONNECTIONS)
    assert server.log == []


@pytest.mark.parametrize("download", [False, True], ids=["upload", "download"])
def test_perf(
    make_lab: LabMaker, start_server: Start, certificates: Certificates, download: bool
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, lambda _stream: PerfExchange())
    host, port = server.address.host, server.address.port
    with lab.client.entered():
        report = measure(
            host,
            port,
            certificates.client(),
            download=download,
            size=3 << 20,
            streams=3,
        )
        assert report.received_bytes == 3 << 20
        assert report.mbit_s > 0
        report = measure(host, port, certificates.client(), download=download, duration_ms=500)
        assert report.received_bytes > 0
        assert 0.2 < report.seconds < 30


def tquic(*words: str) -> list[str]:
    """The command line, by this interpreter."""
    return [sys.executable, "-c", "from tquic.cli import main; main()", *words]


def test_serve_and_get(make_lab: LabMaker, certificates: Certificates, tmp_path: Path) -> None:
    lab = make_lab(WIRE, WIRE)
    served, got = tmp_path / "served", tmp_path / "got"
    served.mkdir()
    got.mkdir()
    (served / "one").write_bytes(DATA)
    (served / "two").write_bytes(DATA[:1000])
    leaf = certificates.good
    address = lab.server_address(port=4437)
    words = tquic("serve", str(served), "--listen", str(address))
    words += ["--cert", str(leaf.cert_file), "--key", str(leaf.key_file)]
    both = [f"--path={lab.client_address(index).host}" for index in (0, 1)]

    def get(*urls: str, ca: Path) -> subprocess.CompletedProcess[str]:
        line = tquic("get", "-o", str(got), "--server-name", NAME, "--ca", str(ca), "--json")
        line += [*both, *(f"https://{address}/{url}" for url in urls)]
        return lab.client.run(line, capture_output=True, text=True, timeout=240)

    with lab.server.popen(words, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        assert "serving" in server.stderr.readline()
        done = get("one", "two", "three", ca=certificates.ca.file)
        assert done.returncode == 5, done.stderr
        assert "/three: the server refused it" in done.stderr
        assert '"verified": true' in done.stdout
        assert done.stdout.count('"path_id"') == 2
        for name in ("one", "two"):
            there = hashlib.sha256((served / name).read_bytes()).digest()
            assert hashlib.sha256((got / name).read_bytes()).digest() == there
        refused = get("one", ca=certificates.unknown_ca.cert_file)
        assert refused.returncode == 4
        assert "Traceback" not in done.stderr + refused.stderr
        server.terminate()
        assert server.wait(20) == 0


def test_module_can_be_removed(make_lab: LabMaker) -> None:
    """Last: after all that traffic nothing holds the module. Kept loaded for other tests."""
    make_lab(PLAIN)
    remove_module()
    insert_module()
