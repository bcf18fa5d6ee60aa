# SPDX-License-Identifier: GPL-2.0
"""tquic.agent: real TLS over sockets in memory, handed over by a fake of the netlink family."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_netlink import GROUP_ID, FakeNetlink, Refusal, Reply
from fake_sock import FakeSocket, socket_pair
from tls_certs import Authority
from tls_pair import NAME, World

from tquic import cmd_agent
from tquic.agent import Agent, Policy, notify_ready
from tquic.genl import Family, encode
from tquic.netlink import HANDSHAKE, Command, HandshakeQueue, HandshakeRequest, TquicNetlink
from tquic.record import Address
from tquic.tls import Role, TlsConfig
from tquic.uapi import CloseFlag

ALPN = ("tquic",)
PEER = Address("192.0.2.1", 443)


@dataclass
class FakeSource:
    """The family as far as an agent uses it."""

    waiting: deque[HandshakeRequest | OSError] = field(default_factory=deque)
    serving: bool = False

    def __post_init__(self) -> None:
        self._ready, self._signal = socket.socketpair()

    def fileno(self) -> int:
        return self._ready.fileno()

    def close(self) -> None:
        self._ready.close()
        self._signal.close()

    def serve(self) -> None:
        self.serving = True

    def drain(self) -> None:
        self._ready.recv(100)

    def accept(self) -> HandshakeRequest | None:
        item = self.waiting.popleft() if self.waiting else None
        if isinstance(item, OSError):
            raise item
        return item

    def add(self, *items: HandshakeRequest | OSError) -> None:
        self.waiting.extend(items)
        self._signal.send(b"x")


class Running:
    """An agent in a thread."""

    def __init__(self, policy: Policy) -> None:
        self.source = FakeSource()
        self.ends: dict[int, FakeSocket] = {}
        self.log: list[str] = []
        self.agent = Agent(self.source, policy, self.log.append, lambda fd: self.ends[fd])
        self._thread = threading.Thread(target=self.agent.run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.agent.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()
        self.source.close()

    def ask(self, fd: int, end: FakeSocket, role: Role, **values: object) -> None:
        self.ends[fd] = end
        base = {"token": fd, "fd": fd, "role": role, "peer": PEER, "uid": 0, "timeout_ms": 10_000}
        self.source.add(HandshakeRequest(**{**base, **values}))  # type: ignore[arg-type]

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not true():
            assert time.monotonic() < deadline, (self.log, self.agent.stats)
            time.sleep(0.005)


@pytest.fixture(name="world", scope="module")
def _world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("tls")
    ca = Authority(folder)
    return World(folder, ca, ca.issue(NAME))


def policy(world: World, leaf: object = None, **changes: object) -> Policy:
    leaf = leaf or world.leaf
    base = {
        "client": TlsConfig(alpn=ALPN, ca_file=world.ca.file),
        "server": TlsConfig(alpn=ALPN, cert_file=leaf.cert_file, key_file=leaf.key_file),  # type: ignore[attr-defined]
        "alpn": ALPN,
    }
    return Policy(**{**base, **changes})  # type: ignore[arg-type]


@pytest.fixture(name="pair")
def _pair() -> Iterator[tuple[FakeSocket, FakeSocket]]:
    pair = socket_pair()
    yield pair
    for end in pair:
        end.close()


Pair = tuple[FakeSocket, FakeSocket]


def shake(world: World, pair: Pair, rules: Policy, client: dict[str, object],
          server: dict[str, object]) -> Running:  # fmt: skip
    """Both ends by one agent, until it is done with both."""
    running = Running(rules)
    try:
        running.ask(1, pair[0], Role.CLIENT, **client)
        running.ask(2, pair[1], Role.SERVER, **server)
        running.until(lambda: running.agent.stats.established + running.agent.stats.failed == 2)
    finally:
        running.stop()
    assert running.source.serving
    return running


def test_both_ends(world: World, pair: Pair) -> None:
    running = shake(world, pair, policy(world), {"server_name": NAME}, {})
    assert running.agent.stats.established == 2
    assert running.log == []
    assert (pair[0].verified, pair[1].verified) == (True, False)
    assert pair[0].fileno() == pair[1].fileno() == -1  # closed


def test_the_name_and_protocols_of_the_program_count(world: World, pair: Pair) -> None:
    running = shake(
        world, pair, policy(world), {"server_name": NAME, "alpn": "h3,,other"}, {"alpn": "x,other"}
    )
    assert running.agent.stats.established == 2
    assert running.ends[1].agreed() == "other"  # type: ignore[attr-defined]


def test_without_a_name_the_address_is_verified(world: World, pair: Pair) -> None:
    running = shake(world, pair, policy(world), {}, {})
    assert running.agent.stats.failed == 2
    assert pair[0].alert == 42
    assert "client 192.0.2.1:443" in running.log[0]


def test_unknown_ca(world: World, pair: Pair, tmp_path: Path) -> None:
    leaf = Authority(tmp_path, "other").issue(NAME)
    running = shake(world, pair, policy(world, leaf), {"server_name": NAME}, {})
    assert pair[0].alert == 48
    assert pair[1].closed.flags & CloseFlag.PEER
    assert len(running.log) == 2


@pytest.mark.parametrize(
    ("role", "changes", "request_changes", "text"),
    [
        (Role.SERVER, {}, {"uid": 1000}, "user 1000 may not serve"),
        (Role.SERVER, {"server": None}, {}, "no certificate"),
        (Role.CLIENT, {"client": None}, {}, "does not serve clients"),
    ],
)
def test_who_is_not_served(
    world: World, pair: Pair, role: Role, changes: dict[str, object],
    request_changes: dict[str, object], text: str,
) -> None:  # fmt: skip
    running = Running(policy(world, **changes))
    try:
        running.ask(1, pair[0], role, server_name=NAME, **request_changes)
        running.until(lambda: running.agent.stats.failed == 1)
    finally:
        running.stop()
    assert text in running.log[0]
    assert pair[0].alert == 49


@pytest.mark.parametrize("names", [{"server_name": "a" * 300}, {"alpn": "b" * 300}])
def test_names_that_cannot_be(world: World, pair: Pair, names: dict[str, str]) -> None:
    running = Running(policy(world))
    try:
        running.ask(1, pair[0], Role.CLIENT, **{"server_name": NAME, **names})
        running.until(lambda: running.agent.stats.failed == 1)
    finally:
        running.stop()
    assert pair[0].alert == 80


def test_it_goes_on_after_errors(world: World, pair: Pair) -> None:
    running = Running(policy(world))
    try:
        running.source.add(OSError(errno.EMFILE, "too many open files"))
        running.until(lambda: bool(running.log))
        running.ask(1, pair[0], Role.CLIENT, server_name=NAME)
        running.ask(2, pair[1], Role.SERVER)
        running.until(lambda: running.agent.stats.established == 2)
    finally:
        running.stop()
    assert "too many open files" in running.log[0]


def test_an_end_that_closes_midway(world: World, pair: Pair) -> None:
    running = Running(policy(world))
    try:
        running.ask(1, pair[0], Role.CLIENT, server_name=NAME)
        running.until(lambda: running.agent.stats.taken == 1)
        pair[1].close_with(2, app=False)
        running.until(lambda: running.agent.stats.failed == 1)
    finally:
        running.stop()
    assert "connection refused" in running.log[0]


def test_stopping_closes_what_is_under_way(world: World, pair: Pair) -> None:
    running = Running(policy(world))
    running.ask(1, pair[0], Role.CLIENT, server_name=NAME)
    running.until(lambda: running.agent.stats.taken == 1)
    running.stop()
    assert pair[0].fileno() == -1
    running.agent.stop()  # once more does no harm


def test_trust_is_read_once(world: World) -> None:
    base = TlsConfig(alpn=ALPN, ca_file=world.ca.file)
    one = base.for_peer(Role.CLIENT, alpn=("a",), server_name="one.test")
    two = base.for_peer(Role.CLIENT, alpn=("b",), server_name="two.test")
    assert one.credentials(Role.CLIENT) is two.credentials(Role.CLIENT)
    assert (one.alpn, two.server_name) == (("a",), "two.test")
    with pytest.raises(ValueError, match="server_name"):
        base.for_peer(Role.CLIENT, alpn=("a",), server_name=None)
    with pytest.raises(ValueError, match="alpn"):
        base.for_peer(Role.CLIENT, alpn=(), server_name="x")


def test_requests_from_netlink() -> None:
    values = {
        "token": 4, "fd": 9, "role": 1, "local": {"ip6": "::1", "port": 4433},
        "peer": {"ip4": "10.0.0.1", "port": 1}, "alpn": "h3", "uid": 1000, "timeout_ms": 9999,
    }  # fmt: skip
    answers: deque[Reply | Refusal] = deque(
        [Reply(Command.HANDSHAKE_ACCEPT, encode(values, HANDSHAKE)), Refusal(errno.EAGAIN),
         Refusal(errno.EMFILE, "no file descriptor is left")]
    )  # fmt: skip
    fake, news = FakeNetlink(lambda *_: [answers.popleft()]), FakeNetlink(lambda *_: [])
    queue = HandshakeQueue(*(TquicNetlink(Family("tquic", raw=raw)) for raw in (fake, news)))
    queue.serve()
    assert (fake.joined, news.joined) == ([], [GROUP_ID + 1])
    request = queue.accept()
    assert request is not None
    assert (request.fd, request.role, request.local) == (9, Role.SERVER, Address("::1", 4433))
    assert (request.server_name, request.alpn, request.uid) == ("", "h3", 1000)
    assert queue.accept() is None
    with pytest.raises(OSError, match="no file descriptor"):
        queue.accept()
    for _ in range(3):
        news.notify(Reply(Command.HANDSHAKE_READY, b""))
    queue.drain()
    assert not news.inbox
    queue.close()
    assert fake.closed
    assert news.closed


def test_notify_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notify_ready()
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        notify_ready()
        assert manager.recv(100) == b"READY=1"


def test_wrong_usage(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeNetlink(lambda *_: [])
    netlink = TquicNetlink(Family("tquic", raw=fake))
    monkeypatch.setattr(cmd_agent, "HandshakeQueue", lambda: HandshakeQueue(netlink, netlink))

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(cmd_agent.command, list(words))
        return done.exit_code, done.output

    assert run("--cert", "x")[0] == 2
    assert run("--server-user", "no-such-user")[0] == 2
    code, text = run("--ca", str(world.ca.file), "--cert", "/nowhere", "--key", "/nowhere")
    assert (code, text) == (1, "tquic: /nowhere: No such file or directory\n")
