# SPDX-License-Identifier: GPL-2.0
"""tquic.handshake over a fake that keeps the ABI's rules, and tquic.errors."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any

import pytest
from fake_sock import FakeSocket, os_error, socket_pair
from tls_certs import Authority
from tls_pair import NAME, World

from tquic.errors import (
    ConnectionFailedError,
    HandshakeFailedError,
    UnavailableError,
    close_text,
    connection_error,
    socket_error,
)
from tquic.handshake import Handshake, complete
from tquic.sock import CryptoData, StreamData
from tquic.tls import Level, Role, SavedSession, Secret
from tquic.uapi import CloseFlag, CloseInfo

Ends = tuple[FakeSocket, FakeSocket]


@pytest.fixture(name="world", scope="module")
def _world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("tls")
    ca = Authority(folder)
    return World(folder, ca, ca.issue(NAME))


@pytest.fixture(name="ends")
def _ends() -> Iterator[Ends]:
    pair = socket_pair()
    yield pair
    for end in pair:
        end.close()


def shake(world: World, ends: Ends, leaf: Any = None, **client: Any) -> tuple[Handshake, Handshake]:
    """Run a handshake to its end; what either side raises is raised."""
    one = Handshake(ends[0], world.client(**client), Role.CLIENT, "server")
    two = Handshake(ends[1], world.server(leaf), Role.SERVER, "client")
    one.start()
    two.start()
    for _ in range(200):
        if one.done and two.done:
            break
        two.proceed()
        one.proceed()
    return one, two


def test_complete(world: World, ends: Ends) -> None:
    ends[0].params, ends[1].params = b"client parameters", b"server parameters"
    one, two = shake(world, ends)
    assert one.done and two.done
    client, server = ends
    assert (client.verified, server.verified) == (True, False)
    assert client.peer_params == b"server parameters"
    assert server.peer_params == b"client parameters"
    seen = {(s.level, s.send, s.secret) for s in client.secrets}
    assert seen == {(s.level, not s.send, s.secret) for s in server.secrets}
    assert one.session.alpn == "hq-interop"


@pytest.mark.parametrize("chunk", [1, 100])
def test_the_kernel_takes_little_at_a_time(world: World, ends: Ends, chunk: int) -> None:
    ends[0].chunk = ends[1].chunk = chunk
    ends[0].room = ends[1].room = 150
    one, two = shake(world, ends)
    assert one.done and two.done


def test_the_server_answers_first(
    world: World, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before keys for what the client cannot read yet: its packets would only wait there."""
    said: list[Level] = []
    begun: list[list[Level]] = []
    send, install = FakeSocket.send_crypto, FakeSocket.set_secret

    def sends(sock: FakeSocket, level: Level, data: bytes | memoryview) -> int:
        if sock.server:
            said.append(level)
        return send(sock, level, data)

    def installs(sock: FakeSocket, secret: Secret) -> None:
        if sock.server and secret.level == Level.APP and secret.send:
            begun.append(list(said))
        install(sock, secret)

    monkeypatch.setattr(FakeSocket, "send_crypto", sends)
    monkeypatch.setattr(FakeSocket, "set_secret", installs)
    test_complete(world, ends)
    assert len(begun) == 1
    assert begun[0][0] == Level.INITIAL
    assert begun[0][-1] == Level.HANDSHAKE


def test_unverified_is_said(world: World, ends: Ends) -> None:
    shake(world, ends, server_name=None, verify=False)
    assert ends[0].verified is False


@pytest.mark.parametrize(
    ("name", "ends_days", "foreign", "alert"),
    [("other.test", 30, False, 42), (NAME, -1, False, 45), (NAME, 30, True, 48)],
)
def test_bad_certificates(
    world: World, ends: Ends, name: str, ends_days: int, foreign: bool, alert: int
) -> None:
    ca = Authority(world.folder, "another CA") if foreign else world.ca
    leaf = ca.issue(name, starts_days=-10, ends_days=ends_days)
    with pytest.raises(HandshakeFailedError, match="server: handshake refused here") as caught:
        shake(world, ends, leaf)
    assert caught.value.alert == alert
    assert not caught.value.by_peer
    assert ends[0].alert == alert
    assert ends[0].verified is None
    assert not any(s.level == Level.APP and s.send for s in ends[0].secrets)
    # and the other side hears of it
    late = Handshake(ends[1], world.server(), Role.SERVER, "client")
    with pytest.raises(HandshakeFailedError, match=f"TLS alert .*{alert}") as caught:
        late.proceed()
    assert caught.value.by_peer


def test_an_error_that_is_no_alert(world: World, ends: Ends) -> None:
    one = Handshake(ends[0], world.client(), Role.CLIENT, "server")
    one.start()
    ends[0].deliver(CryptoData(Level.EARLY, b"x"))
    with pytest.raises(HandshakeFailedError):
        one.proceed()
    assert ends[0].closed.error_code == 0x0A
    assert not ends[0].closed.flags & CloseFlag.APP


def test_the_peer_goes_away(world: World, ends: Ends) -> None:
    ends[1].close_with(0x02, app=False, reason="too many connections")
    one = Handshake(ends[0], world.client(), Role.CLIENT, "192.0.2.1:443")
    with pytest.raises(ConnectionFailedError, match=r"192.0.2.1:443: the peer closed .*too many"):
        one.proceed()


def test_a_call_fails(world: World, ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: FakeSocket) -> None:
        raise os_error(errno.ECONNREFUSED)

    monkeypatch.setattr(FakeSocket, "recv_message", refuse)
    one = Handshake(ends[0], world.client(), Role.CLIENT, "192.0.2.1:443")
    with pytest.raises(ConnectionFailedError, match=r"192.0.2.1:443: connection refused"):
        one.proceed()


def test_nobody_answers(world: World, ends: Ends) -> None:
    with pytest.raises(ConnectionFailedError, match=r"no complete handshake within 0.05 s"):
        complete(ends[0], world.client(), Role.CLIENT, "server", 0.05)


def test_socket_errors() -> None:
    error = socket_error(os_error(errno.EPROTONOSUPPORT))
    assert isinstance(error, UnavailableError)
    assert "modprobe tquic" in str(error)
    assert "not permitted" in str(socket_error(os_error(errno.EPERM)))


def test_close_text() -> None:
    idle = CloseInfo(flags=CloseFlag.IDLE)
    assert "idle timeout" in close_text(idle)
    assert close_text(CloseInfo.of(7, app=True, reason="why")) == (
        "this end closed with application code 0x7: why"
    )
    assert "flow control error" in close_text(CloseInfo(3, 0, CloseFlag.PEER))
    assert "certificate expired (45)" in close_text(CloseInfo(0x12D))
    assert "unknown" in close_text(CloseInfo(0x1FF))
    assert str(connection_error("x", CloseInfo(), None)) == "x: the connection ended"


def save(world: World, ends: Ends) -> SavedSession:
    """What a first connection to a server that takes early data leaves behind."""
    server = world.server(early_data=True)
    one = Handshake(ends[0], world.client(), Role.CLIENT, "server")
    two = Handshake(ends[1], server, Role.SERVER, "client")
    run(one, two)
    message = ends[0].recv_message()
    assert isinstance(message, CryptoData)
    assert one.save(1) is None
    one.take_ticket(message)
    saved = one.save(1)
    assert saved is not None
    assert saved.params == ends[1].params
    return saved


def run(one: Handshake, two: Handshake) -> None:
    """Both to the end."""
    one.start()
    two.start()
    for _ in range(200):
        if one.done and two.done:
            return
        two.proceed()
        one.proceed()
    raise AssertionError("no end")


@pytest.mark.parametrize("known", [True, False])
def test_early_data(world: World, ends: Ends, known: bool) -> None:
    saved = save(world, ends)
    server = world.server(early_data=True)
    first = socket_pair()
    second = socket_pair()
    try:
        if known:
            one = Handshake(first[0], world.client(), Role.CLIENT, "server")
            two = Handshake(first[1], server, Role.SERVER, "client")
            run(one, two)
            message = first[0].recv_message()
            assert isinstance(message, CryptoData)
            one.take_ticket(message)
            found = one.save(1)
            assert found is not None
            saved = found
        client = world.client(early_data=True)
        one = Handshake.resuming(second[0], client, "server", saved)
        two = Handshake(second[1], server, Role.SERVER, "client")
        one.start()
        assert one.offers_early
        assert second[0].early_params == saved.params
        # What comes before the end is kept for who reads next.
        early = StreamData(0, b"early")
        second[1].deliver(early)
        run(one, two)
        assert two.take_unread() == [early]
        assert two.take_unread() == []
        assert second[0].early_accepted == known
        assert one.session.resumed == known
        levels = {(s.level, s.send) for s in second[1].secrets}
        assert ((Level.EARLY, False) in levels) == known
        assert second[0].verified
    finally:
        for end in first + second:
            end.close()


@pytest.mark.parametrize("change", ["version", "config"])
def test_early_data_is_not_offered(world: World, ends: Ends, change: str) -> None:
    saved = save(world, ends)
    second = socket_pair()
    second[0].version = 0x6B3343CF if change == "version" else 1
    client = world.client(early_data=change == "version")
    one = Handshake.resuming(second[0], client, "server", saved)
    one.start()
    assert not one.offers_early
    assert second[0].early_params is None
    for end in second:
        end.close()


def test_a_broken_ticket_closes(world: World, ends: Ends) -> None:
    one, _two = shake(world, ends)
    with pytest.raises(HandshakeFailedError):
        one.take_ticket(CryptoData(Level.APP, b"\x14\x00\x00\x01x"))
    assert ends[1].closed.error_code == 0x10A
