# SPDX-License-Identifier: GPL-2.0
"""tquic.tls against aioquic's TLS engine: another implementation, both roles, no sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tls_certs import Authority
from tls_pair import ALPN, CLIENT_PARAMS, NAME, SERVER_PARAMS, World

from tquic.tls import Level, Role, TlsAlert, TlsSession

aioquic_tls = pytest.importorskip("aioquic.tls")
Buffer = pytest.importorskip("aioquic.buffer").Buffer
Epoch = aioquic_tls.Epoch
EPOCHS = {
    Epoch.INITIAL: Level.INITIAL,
    Epoch.ZERO_RTT: Level.EARLY,
    Epoch.HANDSHAKE: Level.HANDSHAKE,
    Epoch.ONE_RTT: Level.APP,
}
PARAMS_EXTENSION = 0x39


@pytest.fixture(name="world", scope="module")
def _world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("tls")
    ca = Authority(folder)
    return World(folder, ca, ca.issue(NAME))


class Peer:
    """An aioquic TLS context with what it sent and derived."""

    def __init__(self, world: World, role: Role, cipher: int = 0x1301, kind: str = "ecdsa") -> None:
        self.secrets: dict[tuple[Level, bool], tuple[int, bytes]] = {}
        self.context: Any = aioquic_tls.Context(
            is_client=role is Role.CLIENT,
            alpn_protocols=[ALPN],
            cadata=world.ca.pem if role is Role.CLIENT else None,
            cipher_suites=[aioquic_tls.CipherSuite(cipher)],
            server_name=NAME if role is Role.CLIENT else None,
        )
        own = CLIENT_PARAMS if role is Role.CLIENT else SERVER_PARAMS
        self.context.handshake_extensions = [(PARAMS_EXTENSION, own)]
        if role is Role.SERVER:
            leaf = world.ca.issue(NAME, kind=kind)
            self.context.certificate = leaf.certificate
            self.context.certificate_private_key = leaf.key
        self.context.update_traffic_key_cb = self._secret

    def _secret(self, direction: Any, epoch: Any, suite: Any, secret: bytes) -> None:
        send = direction == aioquic_tls.Direction.ENCRYPT
        self.secrets[EPOCHS[epoch], send] = (int(suite), bytes(secret))

    def handle(self, data: bytes) -> Iterator[tuple[Level, bytes]]:
        """Feed handshake bytes, give back what it answers."""
        out = {epoch: Buffer(capacity=16384) for epoch in EPOCHS}
        self.context.handle_message(data, out)
        for epoch, buffer in out.items():
            if buffer.data:
                yield EPOCHS[epoch], bytes(buffer.data)

    @property
    def params(self) -> bytes:
        """The transport parameters it received."""
        return bytes(dict(self.context.received_extensions)[PARAMS_EXTENSION])


def exchange(session: TlsSession, peer: Peer) -> dict[tuple[Level, bool], tuple[int, bytes]]:
    """Run the handshake; our secrets seen from the peer's side."""
    secrets = []
    session.start()
    answers = list(peer.handle(b"")) if session.role is Role.SERVER else []
    while True:
        for level, data in answers:
            session.receive(level, data)
        secrets += session.take_secrets()
        answers = []
        sent = session.take_crypto()
        for _, data in sent:
            answers += list(peer.handle(data))
        if not (sent or answers):
            return {(s.level, not s.send): (s.cipher, s.secret) for s in secrets}


def assert_agreed(session: TlsSession, peer: Peer, ours: dict[Any, Any]) -> None:
    """Both ended the handshake with the same secrets, protocol and parameters."""
    assert session.complete
    assert ours == peer.secrets
    assert len(ours) == 4
    assert session.alpn == peer.context.alpn_negotiated == ALPN


@pytest.mark.parametrize("cipher", [0x1301, 0x1302, 0x1303])
def test_our_client(world: World, cipher: int) -> None:
    peer = Peer(world, Role.SERVER, cipher)
    session = TlsSession(world.client(), Role.CLIENT, CLIENT_PARAMS)
    assert_agreed(session, peer, exchange(session, peer))
    assert session.peer_transport_params == SERVER_PARAMS
    assert peer.params == CLIENT_PARAMS


@pytest.mark.parametrize("cipher", [0x1301, 0x1302, 0x1303])
def test_our_server(world: World, cipher: int) -> None:
    peer = Peer(world, Role.CLIENT, cipher)
    session = TlsSession(world.server(), Role.SERVER, SERVER_PARAMS)
    assert_agreed(session, peer, exchange(session, peer))
    assert session.peer_transport_params == CLIENT_PARAMS
    assert peer.params == SERVER_PARAMS


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
@pytest.mark.parametrize("role", Role)
def test_other_keys(world: World, kind: str, role: Role) -> None:
    other = Role.SERVER if role is Role.CLIENT else Role.CLIENT
    peer = Peer(world, other, kind=kind)
    config = world.client()
    if role is Role.SERVER:
        config = world.server(world.ca.issue(NAME, kind=kind))
    session = TlsSession(config, role, b"params")
    assert_agreed(session, peer, exchange(session, peer))


@pytest.mark.parametrize("cut_bytes", [0, 1])
def test_session_tickets_are_accepted(world: World, cut_bytes: int) -> None:
    """The server sends a ticket in its 1-RTT CRYPTO stream: no answer, no error."""
    tickets: list[Any] = []
    peer = Peer(world, Role.SERVER)
    peer.context.new_session_ticket_cb = tickets.append
    session = TlsSession(world.client(), Role.CLIENT, CLIENT_PARAMS)
    session.start()
    answers: list[tuple[Level, bytes]] = []
    seen = []
    while sent := session.take_crypto():
        for _, data in sent:
            answers = list(peer.handle(data))
        for level, data in answers:
            seen.append(level)
            step = cut_bytes or len(data)
            for at in range(0, len(data), step):
                session.receive(level, data[at : at + step])
    assert session.complete
    assert tickets
    assert Level.APP in seen


def test_our_client_refuses_their_certificate(world: World) -> None:
    peer = Peer(world, Role.SERVER)
    session = TlsSession(world.client(server_name="other.test"), Role.CLIENT, b"params")
    with pytest.raises(TlsAlert) as caught:
        exchange(session, peer)
    assert caught.value.quic_error == 0x012A


def test_their_missing_params(world: World) -> None:
    for role in Role:
        other = Role.SERVER if role is Role.CLIENT else Role.CLIENT
        peer = Peer(world, other)
        peer.context.handshake_extensions = []
        config = world.client() if role is Role.CLIENT else world.server()
        session = TlsSession(config, role, b"params")
        with pytest.raises(TlsAlert) as caught:
            exchange(session, peer)
        assert caught.value.alert == 109


def test_their_server_without_alpn(world: World) -> None:
    peer = Peer(world, Role.SERVER)
    peer.context._alpn_protocols = None
    session = TlsSession(world.client(), Role.CLIENT, b"params")
    with pytest.raises(TlsAlert) as caught:
        exchange(session, peer)
    assert caught.value.alert == 120
