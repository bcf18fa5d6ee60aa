# SPDX-License-Identifier: GPL-2.0
"""tquic.server with connections that exist only in memory: many clients, limits, an orderly end."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_sock import FakeSocket, socket_pair
from tls_certs import Authority
from tls_pair import NAME, World

from tquic.errors import HandshakeFailedError
from tquic.get import Download
from tquic.handshake import complete
from tquic.http09 import ServedDirectory, Url
from tquic.mux import StreamMux
from tquic.record import Address
from tquic.serve import FileExchange
from tquic.server import Limits, Server
from tquic.tls import Role


class FakeListener:
    """Hands out the server's ends of connections made by :meth:`dial`."""

    def __init__(self) -> None:
        self._ready, self._signal = socket.socketpair()
        self._waiting: deque[FakeSocket] = deque()
        self.made: list[FakeSocket] = []

    def fileno(self) -> int:
        return self._ready.fileno()

    def settimeout(self, seconds: float | None) -> None:
        """It never blocks anyway."""

    def close(self) -> None:
        self._ready.close()
        self._signal.close()

    def dial(self) -> FakeSocket:
        """The client's end of a new connection."""
        client, server = socket_pair()
        self.made += [client, server]
        self._waiting.append(server)
        self._signal.send(b"x")
        return client

    def accept(self) -> tuple[FakeSocket, Address]:
        """The server's end of one."""
        if not self._waiting:
            raise BlockingIOError
        self._ready.recv(1)
        return self._waiting.popleft(), Address("192.0.2.9", 1000 + len(self.made))


class Running:
    """A server in a thread."""

    def __init__(self, world: World, served: ServedDirectory, limits: Limits) -> None:
        self.listener = FakeListener()
        self.log: list[str] = []
        tls = world.server()
        self.server = Server(
            self.listener,  # type: ignore[arg-type]
            tls,
            lambda _stream: FileExchange(served),
            limits,
            self.log.append,
        )
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()

    def end(self) -> None:
        """Stop it, twice: that must do no harm."""
        self.server.stop()
        self.thread.join(5)
        assert not self.thread.is_alive()
        self.server.stop()


@pytest.fixture(name="world", scope="module")
def _world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("tls")
    ca = Authority(folder)
    return World(folder, ca, ca.issue(NAME))


@pytest.fixture(name="running")
def _running(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    (tmp_path / "served").mkdir()
    (tmp_path / "served/file").write_bytes(b"content" * 10_000)
    limits = getattr(request, "param", Limits())
    with ServedDirectory(tmp_path / "served") as served:
        running = Running(world, served, limits)
        yield running
        running.end()


def fetch(world: World, client: FakeSocket, target: Path) -> Download:
    complete(client, world.client(), Role.CLIENT, "server", 5)
    mux = StreamMux(client, server=False, peer="server")
    item = Download(Url.parse("https://server.test/file"), target)
    mux.open(item)
    mux.run(lambda: item.ended, stall_s=5, tick_s=0.01)
    return item


def test_clients_one_after_another_and_together(
    running: Running, world: World, tmp_path: Path
) -> None:
    clients = [running.listener.dial() for _ in range(5)]
    for index, client in enumerate(clients):
        item = fetch(world, client, tmp_path / str(index))
        assert item.problem is None
        assert item.path.read_bytes() == b"content" * 10_000
    assert running.server.stats.established == 5
    for client in clients:
        client.close_with(0)
    assert running.log == []


def test_a_client_that_fails_does_not_disturb_others(
    running: Running, world: World, tmp_path: Path
) -> None:
    bad, good = running.listener.dial(), running.listener.dial()
    with pytest.raises(HandshakeFailedError):
        complete(bad, world.client(server_name="other.test"), Role.CLIENT, "server", 5)
    assert fetch(world, good, tmp_path / "got").problem is None
    running.end()
    assert running.server.stats.failed == 1
    assert len(running.log) == 1
    assert running.log[0].startswith("192.0.2.9:")
    assert "bad certificate" in running.log[0]


@pytest.mark.parametrize("running", [Limits(connections=1)], indirect=True)
def test_too_many_connections(running: Running, world: World, tmp_path: Path) -> None:
    first, second = running.listener.dial(), running.listener.dial()
    assert fetch(world, first, tmp_path / "got").problem is None
    assert second.closed.error_code == 0x02
    assert "too many" in second.closed.text
    assert running.server.stats.refused == 1


@pytest.mark.parametrize("running", [Limits(handshake_s=0.1)], indirect=True)
def test_silent_clients_are_given_up(running: Running) -> None:
    running.listener.dial()
    for _ in range(100):
        if running.log:
            break
        threading.Event().wait(0.05)
    assert "not completed in time" in running.log[0]
