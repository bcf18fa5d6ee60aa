# SPDX-License-Identifier: GPL-2.0
"""tquic.mux with serve, get and perf on it, over a fake that keeps the ABI's rules."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_sock import FakeSocket, socket_pair

from tquic import mux as mux_module
from tquic.errors import ConnectionFailedError, TquicError
from tquic.get import Download
from tquic.http09 import ServedDirectory, Url
from tquic.mux import Exchange, StreamMux, StreamRefusedError
from tquic.perf import MAX_BYTES, Order, PerfExchange, _ClientExchange
from tquic.serve import BAD_REQUEST, NOT_SERVED, FileExchange
from tquic.sock import Datagram, StreamData
from tquic.uapi import Event

Ends = tuple[FakeSocket, FakeSocket]


@pytest.fixture(name="ends")
def _ends() -> Iterator[Ends]:
    pair = socket_pair()
    yield pair
    for end in pair:
        end.close()


@pytest.fixture(name="served")
def _served(tmp_path: Path) -> Iterator[ServedDirectory]:
    folder = tmp_path / "served"
    folder.mkdir()
    random.seed(1)
    for name, size in (("small", 10), ("empty", 0), ("large", 1_000_000)):
        (folder / name).write_bytes(random.randbytes(size))
    with ServedDirectory(folder) as directory:
        yield directory


def pump(client: StreamMux, server: StreamMux, turns: int = 2000) -> None:
    """Let both sides work until nobody has anything to do."""
    for _ in range(turns):
        for side in (client, server):
            side.write()
            side.read()


def file_server(ends: Ends, served: ServedDirectory) -> StreamMux:
    return StreamMux(
        ends[1], server=True, peer="client", accept=lambda _stream: FileExchange(served)
    )


def download(name: str, folder: Path) -> Download:
    return Download(Url.parse(f"https://server.test/{name}"), folder / name)


@pytest.mark.parametrize("chunk", [700, 1 << 20])
def test_files(ends: Ends, served: ServedDirectory, tmp_path: Path, chunk: int) -> None:
    for end in ends:
        end.room, end.chunk = 3000 if chunk == 700 else 1 << 20, chunk
    client, server = (
        StreamMux(ends[0], server=False, peer="server"),
        file_server(ends, served),
    )
    wanted = [download(name, tmp_path) for name in ("small", "empty", "large")]
    for item in wanted:
        client.open(item)
    pump(client, server, 20_000 if chunk == 700 else 200)
    for item in wanted:
        assert item.problem is None
        there = (tmp_path / "served" / item.path.name).read_bytes()
        assert hashlib.sha256(item.path.read_bytes()).digest() == hashlib.sha256(there).digest()
    assert len(client) == len(server) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "large", "served", "small"]


def test_what_is_not_served(ends: Ends, served: ServedDirectory, tmp_path: Path) -> None:
    client, server = StreamMux(ends[0], server=False, peer="server"), file_server(ends, served)
    missing = download("missing", tmp_path)
    client.open(missing)
    pump(client, server, 10)
    assert missing.ended
    assert missing.problem == f"/missing: the server refused it (code {NOT_SERVED:#x})"
    assert [p.name for p in tmp_path.iterdir()] == ["served"]
    assert len(client) == len(server) == 0


@pytest.mark.parametrize("sent", [b"POST /\r\n", b"GET /small\r\nmore", b"G" * 5000])
def test_bad_requests(ends: Ends, served: ServedDirectory, sent: bytes) -> None:
    server = file_server(ends, served)
    ends[0].send_stream(0, sent)
    server.read()
    assert ends[1].resets == ends[1].stops == [(0, BAD_REQUEST)]
    ends[0].send_stream(4, b"GET /small\r\n")
    server.read()  # the refused stream's rest does not make a new one
    ends[0].peer.deliver(StreamData(0, b"x" * 10, True))
    server.read()
    assert len(server) == 1


def test_data_after_the_request_is_refused(ends: Ends, served: ServedDirectory) -> None:
    server = file_server(ends, served)
    ends[0].send_stream(0, b"GET /large\r\n")
    server.read()
    ends[0].send_stream(0, b"more")
    server.read()
    assert ends[1].resets == [(0, BAD_REQUEST)]


def test_a_file_that_shrinks_is_not_cut_silently(
    ends: Ends, served: ServedDirectory, tmp_path: Path
) -> None:
    server = file_server(ends, served)
    ends[0].send_stream(0, b"GET /large\r\n", fin=True)
    server.read()
    (tmp_path / "served/large").write_bytes(b"short")
    for _ in range(5):
        server.write()
    assert ends[1].resets == [(0, NOT_SERVED)]


def test_the_disk_refuses(ends: Ends, served: ServedDirectory, tmp_path: Path) -> None:
    client, server = StreamMux(ends[0], server=False, peer="server"), file_server(ends, served)
    item = Download(Url.parse("https://server.test/small"), tmp_path / "nowhere" / "small")
    client.open(item)
    pump(client, server, 10)
    assert item.ended
    assert item.problem is not None and "No such file" in item.problem


def test_unwanted_streams(ends: Ends) -> None:
    server = StreamMux(ends[1], server=True, peer="client")
    ends[0].send_stream(0, b"x")
    ends[0].send_stream(2, b"x")  # unidirectional: there is nothing to reset
    ends[0].send_stream(1, b"x")  # not the client's to open
    server.read()
    assert [stream for stream, _ in ends[1].stops] == [0, 2]
    assert [stream for stream, _ in ends[1].resets] == [0]
    assert len(server) == 0


def test_streams_without_end_are_an_attack(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mux_module, "_UNFINISHED_MAX", 5)
    server = StreamMux(ends[1], server=True, peer="client")
    for index in range(6):
        ends[0].send_stream(index * 4, b"x")
    with pytest.raises(ConnectionFailedError, match="does not use"):
        server.read()
    assert server.closed


def test_the_peer_stops_a_stream(ends: Ends, served: ServedDirectory) -> None:
    server = file_server(ends, served)
    ends[0].send_stream(0, b"GET /large\r\n", fin=True)
    server.read()
    server.write()
    ends[0].stop_stream(0, 9)
    for _ in range(20):
        server.write()
    assert len(server) == 0
    assert not server.wants_write


def test_the_connection_ends(ends: Ends, tmp_path: Path) -> None:
    client = StreamMux(ends[0], server=False, peer="server")
    item = download("large", tmp_path)
    client.open(item)
    client.write()
    ends[0].deliver(StreamData(0, b"some"))
    ends[1].close_with(3)
    client.read()
    assert client.closed
    assert item.ended
    assert list(tmp_path.iterdir()) == []


def test_too_many_streams(ends: Ends, tmp_path: Path) -> None:
    ends[0].max_streams = 1
    client = StreamMux(ends[0], server=False, peer="server")
    client.open(download("a", tmp_path))
    with pytest.raises(BlockingIOError):
        client.open(download("b", tmp_path))


def test_datagrams_and_events(ends: Ends) -> None:
    client = StreamMux(ends[0], server=False, peer="server")
    seen: list[object] = []
    ends[0].deliver(Datagram(b"nobody wants it"))
    client.read()
    client.on_datagram = seen.append
    client.on_event = seen.append
    ends[0].deliver(Datagram(b"d"))
    ends[0].deliver(Event(5, 1))
    client.read()
    assert seen == [b"d", Event(5, 1)]


class _Refuser(Exchange):
    ended = False

    def on_data(self, data: bytes, fin: bool) -> None: ...

    def on_end(self, code: int | None) -> None:
        assert not self.ended
        self.ended = True

    def pull(self, limit: int) -> tuple[bytes, bool] | None:
        raise StreamRefusedError(7)


def test_an_exchange_that_gives_up(ends: Ends) -> None:
    client = StreamMux(ends[0], server=False, peer="server")
    exchange = _Refuser()
    client.open(exchange)
    client.write()
    assert exchange.ended
    assert ends[0].resets == ends[0].stops == [(0, 7)]


def run_both(ends: Ends, work: list[Exchange], accept: Callable[[int], Exchange]) -> StreamMux:
    """A server in a thread, a client that runs until all its streams have ended."""
    server = StreamMux(ends[1], server=True, peer="client", accept=accept)
    over = threading.Event()
    thread = threading.Thread(target=lambda: server.run(over.is_set, tick_s=0.01))
    thread.start()
    try:
        client = StreamMux(ends[0], server=False, peer="server")
        for exchange in work:
            client.open(exchange)
        client.run(lambda: len(client) == 0, stall_s=5, tick_s=0.01)
        return client
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("is_download", [False, True])
def test_perf_bytes(ends: Ends, is_download: bool) -> None:
    work = [_ClientExchange(Order(is_download, 0, size)) for size in (1, 70_000, 1_000_000)]
    run_both(ends, list(work), lambda _stream: PerfExchange())
    assert [item.meter.count for item in work] == [1, 70_000, 1_000_000]
    assert all(item.ended and item.refused is None for item in work)


@pytest.mark.parametrize("is_download", [False, True])
def test_perf_time(ends: Ends, is_download: bool) -> None:
    for end in ends:
        end.room = 1 << 18
    exchange = _ClientExchange(Order(is_download, duration_ms=100))
    run_both(ends, [exchange], lambda _stream: PerfExchange())
    assert exchange.meter.count > 0
    assert 0.05e9 < exchange.meter.span_ns < 3e9


def test_perf_orders() -> None:
    order = Order(True, 5, 7)
    assert Order.unpack(order.pack()) == order
    bad = (Order(False), Order(True, 0, MAX_BYTES + 1), Order(True, 3_600_001))
    for wrong in (b"x" * 20, *(item.pack() for item in bad)):
        with pytest.raises(ValueError, match="order"):
            Order.unpack(wrong)


@pytest.mark.parametrize(
    ("data", "fin"),
    [(b"short", True), (b"x" * 20, False), (Order(True, 0, 9).pack() + b"more", False)],
)
def test_perf_refuses(data: bytes, fin: bool) -> None:
    with pytest.raises(StreamRefusedError):
        PerfExchange().on_data(data, fin)


def test_a_stall_is_an_error(ends: Ends, tmp_path: Path) -> None:
    client = StreamMux(ends[0], server=False, peer="server")
    client.open(download("a", tmp_path))
    with pytest.raises(TquicError, match=r"nothing moved for 0.02 s"):
        client.run(lambda: False, stall_s=0.02, tick_s=0.01)
