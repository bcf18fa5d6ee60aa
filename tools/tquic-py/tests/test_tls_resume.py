# SPDX-License-Identifier: GPL-2.0
"""tquic.tls: resumed sessions, early data, and what protects both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tls_certs import Authority
from tls_pair import ALPN, CLIENT_PARAMS, NAME, SERVER_PARAMS, Pair, World

from tquic.get import load_session, store_session
from tquic.tls import Level, Role, SavedSession, TlsAlert, TlsConfig, TlsSession
from tquic.tls.resume import ReplayWindow, Tickets, early_data_allowed, remembered_params

VERSION = 1
LIMITS = bytes.fromhex("0404800100000704800001000801200802404000")


@pytest.fixture(name="world", scope="module")
def _world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("tls")
    ca = Authority(folder)
    return World(folder, ca, ca.issue(NAME))


def run(
    client: TlsConfig,
    server: TlsConfig,
    saved: SavedSession | None = None,
    params: bytes = SERVER_PARAMS,
) -> Pair:
    """A handshake, resumed if it can be."""
    return Pair(
        TlsSession(client, Role.CLIENT, CLIENT_PARAMS, saved),
        TlsSession(server, Role.SERVER, params),
    ).run()


def saved(client: TlsConfig, server: TlsConfig, params: bytes = SERVER_PARAMS) -> SavedSession:
    """What a first connection leaves behind."""
    found = run(client, server, params=params).client.save(VERSION)
    assert found is not None
    return found


def early(pair: Pair) -> tuple[bool, bool]:
    """Whether the client offered early data, and whether the server has its key."""
    return (
        any(s.level == Level.EARLY and s.send for s in pair.client_secrets),
        any(s.level == Level.EARLY and not s.send for s in pair.server_secrets),
    )


def test_resumed(world: World) -> None:
    client, server = world.client(), world.server()
    first = run(client, server)
    assert not first.client.resumed
    kept = first.client.save(VERSION)
    assert kept is not None
    assert (kept.params, kept.alpn, kept.server) == (SERVER_PARAMS, ALPN, NAME)
    assert kept.verified
    pair = run(client, server, kept)
    assert pair.client.resumed
    assert pair.server.resumed
    assert pair.client.verified
    assert not pair.server.verified
    assert pair.client.peer_transport_params == SERVER_PARAMS
    assert not any(data[0] == 11 for _role, _level, data in pair.wire)
    assert early(pair) == (False, False)
    assert pair.client.save(VERSION) != kept


def test_verification_is_not_gained_by_resuming(world: World) -> None:
    client = world.client(verify=False)
    server = world.server(world.ca.issue("other.test"))
    kept = saved(client, server)
    assert not kept.verified
    pair = run(client, server, kept)
    assert pair.client.resumed
    assert not pair.client.verified


def test_no_ticket_no_session(world: World) -> None:
    client = TlsSession(world.client(), Role.CLIENT, CLIENT_PARAMS)
    client.start()
    assert client.save(VERSION) is None
    asked = world.server(client_ca_file=world.ca.file)
    assert run(world.client(), asked).client.save(VERSION) is None


@pytest.mark.parametrize("cipher", [0x1301, 0x1302, 0x1303])
def test_early_data(world: World, cipher: int) -> None:
    client = world.client(early_data=True, ciphers=(cipher,))
    server = world.server(early_data=True)
    pair = run(client, server, saved(client, server))
    assert early(pair) == (True, True)
    assert pair.client.early_accepted
    assert pair.client.complete
    assert pair.server.complete
    ours = {s.secret for s in pair.client_secrets if s.level == Level.EARLY}
    theirs = {s.secret for s in pair.server_secrets if s.level == Level.EARLY}
    assert ours == theirs
    assert {s.cipher for s in pair.client_secrets} == {cipher}
    assert pair.client_secrets[0].level == pair.server_secrets[0].level == Level.EARLY
    # RFC 9001 8.3: the end of early data is told by other means.
    assert not any(data[0] == 5 for _role, _level, data in pair.wire)


def test_early_data_is_asked_for(world: World) -> None:
    takes, refuses = world.server(early_data=True), world.server()
    client = world.client(early_data=True)
    assert early(run(client, takes)) == (False, False)
    assert early(run(world.client(), takes, saved(client, takes))) == (False, False)
    # A ticket of a server that takes none does not allow any.
    assert early(run(client, refuses, saved(client, refuses))) == (False, False)


def ticket_message(pair: Pair) -> bytes:
    """The server's NewSessionTicket."""
    (found,) = [data for role, level, data in pair.wire if level == Level.APP and data[0] == 4]
    return found


def test_what_a_ticket_allows(world: World) -> None:
    message = ticket_message(run(world.client(), world.server(early_data=True)))
    assert early_data_allowed(message) == 0xFFFFFFFF
    assert early_data_allowed(ticket_message(run(world.client(), world.server()))) is None
    for size in range(len(message)):
        assert early_data_allowed(message[:size]) in (None, 0xFFFFFFFF)


def test_another_limit_of_early_data_is_a_violation(world: World) -> None:
    pair = run(world.client(), world.server(early_data=True))
    message = ticket_message(pair)
    with pytest.raises(TlsAlert) as caught:
        pair.client.receive(Level.APP, message.replace(b"\xff\xff\xff\xff", b"\xff\xff\xff\xfe"))
    assert caught.value.quic_error == 0x0A


def test_a_replay_is_refused(world: World) -> None:
    client, server = world.client(early_data=True), world.server(early_data=True)
    kept = saved(client, server)
    honest = TlsSession(client, Role.CLIENT, CLIENT_PARAMS, kept)
    honest.start()
    hello = b"".join(data for _level, data in honest.take_crypto())
    found = []
    for _ in range(2):
        session = TlsSession(server, Role.SERVER, SERVER_PARAMS)
        session.start()
        session.receive(Level.INITIAL, hello)
        found.append(any(s.level == Level.EARLY for s in session.take_secrets()))
    assert found == [True, False]


def test_lower_limits_end_old_tickets(world: World) -> None:
    client, server = world.client(early_data=True), world.server(early_data=True)
    kept = saved(client, server, LIMITS)
    same = run(client, server, kept, b"\x0f\x02ab" + LIMITS)
    assert early(same) == (True, True)
    lower = LIMITS.replace(bytes.fromhex("0404800100000"[:12]), bytes.fromhex("040480000000"))
    assert lower != LIMITS
    changed = run(client, server, saved(client, server, LIMITS), lower)
    assert early(changed) == (True, False)
    assert not changed.client.resumed
    assert not changed.client.early_accepted
    assert changed.client.complete


def test_another_server_knows_no_ticket(world: World) -> None:
    client = world.client(early_data=True)
    kept = saved(client, world.server(early_data=True))
    pair = run(client, world.server(early_data=True), kept)
    assert not pair.client.resumed
    assert pair.client.verified
    assert early(pair) == (True, False)


def test_a_broken_ticket_does_no_harm(world: World) -> None:
    client, server = world.client(early_data=True), world.server(early_data=True)
    kept = saved(client, server)
    for ticket in (b"", b"x" * 100, kept.ticket[:-5]):
        pair = run(client, server, replace(kept, ticket=ticket))
        assert pair.client.complete
        assert not pair.client.resumed


@pytest.mark.parametrize(
    "changes", [{"psk_lookup": lambda _name: b"k" * 32}, {"alpn": ("a", "b")}, {"client_ca": True}]
)
def test_unsafe_early_data_is_refused(world: World, changes: dict[str, Any]) -> None:
    if changes.pop("client_ca", False):
        changes["client_ca_file"] = world.ca.file
    with pytest.raises(ValueError, match="early_data needs"):
        world.server(early_data=True, **changes).credentials(Role.SERVER)


def test_saved_as_bytes(world: World) -> None:
    kept = saved(world.client(), world.server())
    assert SavedSession.load(kept.dump()) == kept
    assert kept.ticket.hex() not in repr(kept)
    plain = kept.dump()
    for broken in (
        b"",
        b"[]",
        b"{}",
        plain[:-9],
        plain.replace(b'"verified": true', b'"verified": 1'),
        plain.replace(b'"version": 1', b'"version": "1"'),
        plain.replace(b'"alpn"', b'"other"'),
    ):
        with pytest.raises(ValueError, match="not a saved session"):
            SavedSession.load(broken)


def test_kept_in_a_file(world: World, tmp_path: Path) -> None:
    client = world.client()
    kept = saved(client, world.server())
    path = tmp_path / "session"
    assert load_session(path, client) is None
    store_session(path, kept)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_session(path, client) == kept
    assert load_session(path, world.client(server_name="other.test")) is None
    assert load_session(path, world.client(alpn=("other",))) is None
    store_session(path, replace(kept, verified=False))
    assert load_session(path, client) is None
    assert load_session(path, world.client(verify=False)) is not None
    path.write_bytes(b"junk")
    assert load_session(path, client) is None
    assert [file.name for file in tmp_path.iterdir()] == ["session"]


def test_replay_window() -> None:
    now = [100.0]
    window = ReplayWindow(room=3, clock=lambda: now[0])
    assert window.add(b"a", 110)
    assert not window.add(b"a", 110)
    assert window.add(b"b", 111)
    assert window.add(b"c", 112)
    assert not window.add(b"d", 112)
    now[0] = 110.5
    assert window.add(b"d", 121)
    assert not window.add(b"b", 121)
    now[0] = 200.0
    assert window.add(b"b", 210)
    assert len(window) == 1


def test_remembered() -> None:
    ids = b"\x0f\x02ab" + b"\x00\x01c"
    assert remembered_params(ids + LIMITS) == remembered_params(LIMITS)
    assert remembered_params(LIMITS + ids) == remembered_params(LIMITS)
    assert remembered_params(LIMITS[:-4]) != remembered_params(LIMITS)
    assert remembered_params(b"") == remembered_params(b"\x04")
    tickets = Tickets()
    key = tickets.key(LIMITS, ("a",))
    assert len(key) == 64
    assert tickets.key(LIMITS, ("b",)) != key
    assert Tickets().key(LIMITS, ("a",)) != key
