# SPDX-License-Identifier: GPL-2.0
"""tquic.tls: everything that must be refused, and with which alert."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from tls_certs import Authority, Leaf
from tls_pair import ALPN, NAME, Pair, World, make_pair

from tquic.tls import Level, Role, TlsAlert, TlsConfig, TlsSession


@pytest.fixture(name="world", scope="module")
def _world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("tls")
    ca = Authority(folder)
    return World(folder, ca, ca.issue(NAME))


def refused(pair: Pair, side: str, alert: int) -> TlsAlert:
    """The handshake fails at ``side`` with ``alert``, which stays silent from then on."""
    with pytest.raises(TlsAlert) as caught:
        pair.run()
    session: TlsSession = getattr(pair, side)
    assert caught.value is session._failure
    assert caught.value.alert == alert, str(caught.value)
    assert not session.complete
    assert session.take_crypto() == []
    assert session.take_secrets() == []
    with pytest.raises(TlsAlert):
        session.receive(Level.HANDSHAKE, b"more")
    return caught.value


def test_alert_becomes_a_quic_error(world: World) -> None:
    error = refused(make_pair(world.client(alpn=("x",)), world.server()), "server", 120)
    assert error.quic_error == 0x0178
    assert "120" in str(error)


def test_wrong_name(world: World) -> None:
    pair = make_pair(world.client(server_name="other.test"), world.server())
    assert "name" in refused(pair, "client", 42).text
    assert refused(make_pair(world.client(server_name="192.0.2.1"), world.server()), "client", 42)


@pytest.mark.parametrize("days", [(-30, -1), (1, 30)])
def test_outside_validity(world: World, days: tuple[int, int]) -> None:
    leaf = world.ca.issue(NAME, starts_days=days[0], ends_days=days[1])
    refused(make_pair(world.client(), world.server(leaf)), "client", 45)


def test_unknown_ca(world: World) -> None:
    leaf = Authority(world.folder, "unknown").issue(NAME)
    refused(make_pair(world.client(), world.server(leaf)), "client", 48)


def test_system_trust_does_not_know_the_test_ca(world: World) -> None:
    refused(make_pair(world.client(ca_file=None), world.server()), "client", 48)


def test_forged_signature_of_a_known_ca(world: World) -> None:
    """A CA of the same name and another key."""
    leaf = Authority(world.folder / "..", "test CA").issue(NAME)
    with pytest.raises(TlsAlert) as caught:
        make_pair(world.client(), world.server(leaf)).run()
    assert caught.value.alert in (42, 48)


def test_client_certificate_used_by_a_server(world: World) -> None:
    refused(make_pair(world.client(), world.server(world.ca.issue_client(NAME))), "client", 43)


def mutual(world: World, leaf: Leaf | None, required: bool = True) -> Pair:
    """A server that wants client certificates, and a client with ``leaf``."""
    own: dict[str, Any] = {}
    if leaf is not None:
        own = {"cert_file": leaf.cert_file, "key_file": leaf.key_file}
    server = world.server(client_ca_file=world.ca.file, require_client_cert=required)
    return make_pair(world.client(**own), server)


def test_mutual_tls_without_certificate(world: World) -> None:
    refused(mutual(world, None), "server", 116)


@pytest.mark.parametrize("required", [True, False])
def test_mutual_tls_bad_certificates(world: World, required: bool) -> None:
    stranger = Authority(world.folder, "strangers")
    # The CA list in CertificateRequest keeps an honest client from offering a stranger's one.
    expired = world.ca.issue_client("c", starts_days=-9, ends_days=-1)
    refused(mutual(world, expired, required), "server", 45)
    refused(mutual(world, world.ca.issue("c"), required), "server", 43)
    if required:
        refused(mutual(world, stranger.issue_client("c")), "server", 116)


@pytest.mark.parametrize("identity", [b"gateway", b"nobody"])
@pytest.mark.parametrize("certificate", [True, False])
def test_psk_wrong_or_unknown(world: World, identity: bytes, certificate: bool) -> None:
    keys = {b"gateway": b"k" * 32}
    client = TlsConfig(alpn=(ALPN,), psk=(identity, b"wrong" * 6))
    server = TlsConfig(alpn=(ALPN,), psk_lookup=keys.get)
    if certificate:
        server = world.server(psk_lookup=keys.get)
    with pytest.raises(TlsAlert) as caught:
        make_pair(client, server).run()
    assert caught.value.alert == 47


@pytest.mark.parametrize("key", [b"k" * 32, bytes(32), b"\0"])
def test_psk_key_under_another_identity(key: bytes) -> None:
    client = TlsConfig(alpn=(ALPN,), psk=(b"nobody", key))
    server = TlsConfig(alpn=(ALPN,), psk_lookup={b"gateway": b"k" * 32}.get)
    refused(make_pair(client, server), "server", 47)


def test_psk_client_takes_no_certificate_instead(world: World) -> None:
    client = TlsConfig(alpn=(ALPN,), psk=(b"gateway", b"k" * 32))
    with pytest.raises(TlsAlert):
        make_pair(client, world.server()).run()


def test_psk_lookup_that_raises(world: World) -> None:
    def lookup(_identity: bytes) -> bytes | None:
        raise LookupError("database is away")

    client = TlsConfig(alpn=(ALPN,), psk=(b"gateway", b"k" * 32))
    pair = make_pair(client, TlsConfig(alpn=(ALPN,), psk_lookup=lookup))
    assert isinstance(refused(pair, "server", 80).__cause__, LookupError)


def strip_extension(hello: bytes, number: int) -> bytes:
    """A ClientHello without one extension."""
    at = 4 + 2 + 32
    at += 1 + hello[at]
    at += 2 + int.from_bytes(hello[at : at + 2], "big")
    at += 1 + hello[at]
    rest, kept = hello[at + 2 :], b""
    while rest:
        size = 4 + int.from_bytes(rest[2:4], "big")
        if int.from_bytes(rest[:2], "big") != number:
            kept += rest[:size]
        rest = rest[size:]
    body = hello[4:at] + len(kept).to_bytes(2, "big") + kept
    return hello[:1] + len(body).to_bytes(3, "big") + body


def client_hello(world: World) -> bytes:
    """A good ClientHello."""
    client = TlsSession(world.client(), Role.CLIENT, b"params")
    client.start()
    ((_, hello),) = client.take_crypto()
    return hello


@pytest.mark.parametrize(("extension", "alert"), [(0x39, 109), (16, 120)])
def test_extensions_quic_needs(world: World, extension: int, alert: int) -> None:
    server = TlsSession(world.server(), Role.SERVER, b"params")
    with pytest.raises(TlsAlert) as caught:
        server.receive(Level.INITIAL, strip_extension(client_hello(world), extension))
    assert caught.value.alert == alert
    assert server.take_crypto() == []
    assert server.take_secrets() == []


def test_no_common_cipher(world: World) -> None:
    refused(
        make_pair(world.client(ciphers=(0x1301,)), world.server(ciphers=(0x1303,))), "server", 40
    )


def test_compatibility_mode(world: World) -> None:
    hello = client_hello(world)
    body = hello[4:38] + b"\x20" + bytes(32) + hello[39:]
    server = TlsSession(world.server(), Role.SERVER, b"params")
    with pytest.raises(TlsAlert) as caught:
        server.receive(Level.INITIAL, b"\x01" + len(body).to_bytes(3, "big") + body)
    assert caught.value.quic_error == 0x0A


def finished(world: World) -> Pair:
    """A pair after its handshake."""
    return make_pair(world.client(), world.server()).run()


@pytest.mark.parametrize("side", ["client", "server"])
def test_tls_key_update(world: World, side: str) -> None:
    with pytest.raises(TlsAlert) as caught:
        getattr(finished(world), side).receive(Level.APP, bytes.fromhex("1800000100"))
    assert caught.value.quic_error == 0x010A


def test_post_handshake_authentication(world: World) -> None:
    with pytest.raises(TlsAlert) as caught:
        finished(world).client.receive(Level.APP, bytes.fromhex("0d00000100"))
    assert caught.value.quic_error == 0x0A


def test_ticket_from_a_client(world: World) -> None:
    with pytest.raises(TlsAlert) as caught:
        finished(world).server.receive(Level.APP, bytes.fromhex("0400000100"))
    assert caught.value.alert == 10
    assert "after the handshake" in caught.value.text


def test_broken_ticket(world: World) -> None:
    with pytest.raises(TlsAlert):
        finished(world).client.receive(Level.APP, bytes.fromhex("0400000100"))


@pytest.mark.parametrize("level", [Level.INITIAL, Level.EARLY, Level.HANDSHAKE])
def test_data_of_a_level_that_is_over(world: World, level: Level) -> None:
    with pytest.raises(TlsAlert) as caught:
        finished(world).server.receive(level, b"\x00")
    assert caught.value.quic_error == 0x0A


def test_message_across_a_key_change(world: World) -> None:
    server = TlsSession(world.server(), Role.SERVER, b"params")
    with pytest.raises(TlsAlert) as caught:
        server.receive(Level.INITIAL, client_hello(world) + b"\x01")
    assert caught.value.alert == 10


@pytest.mark.parametrize("level", [Level.INITIAL, Level.HANDSHAKE, Level.APP])
def test_memory_is_bounded(world: World, level: Level) -> None:
    server = TlsSession(world.server(), Role.SERVER, b"params")
    for _ in range(16 - 1):
        server.receive(level, b"\x01\x00\xff\xf0" + bytes(4092))
    server.receive(level, bytes(4000))
    with pytest.raises(TlsAlert) as caught:
        server.receive(level, bytes(100))
    assert caught.value.quic_error == 0x0D
    huge = TlsSession(world.server(), Role.SERVER, b"params")
    with pytest.raises(TlsAlert):
        huge.receive(Level.INITIAL, b"\x01\xff\xff\xff")


def test_hostile_bytes(world: World) -> None:
    """Mutated flights end in an alert or in silence, never in another exception."""
    dice = random.Random(1)
    client_config, server_config = world.client(), world.server()
    alerts = []
    for _ in range(300):
        pair = make_pair(client_config, server_config)
        pair.client.start()
        target, data = pair.server, [pair.client.take_crypto()]
        if dice.random() < 0.6:
            for level, message in data[0]:
                pair.server.receive(level, message)
            target, data = pair.client, [pair.server.take_crypto()]
        try:
            for level, message in data[0]:
                mutant = bytearray(message)
                for _ in range(dice.choice((0, 1, 1, 4))):
                    mutant[dice.randrange(len(mutant))] = dice.randrange(256)
                cut = dice.randrange(len(mutant)) if dice.random() < 0.1 else len(mutant)
                target.receive(level, bytes(mutant[:cut]))
        except TlsAlert as alert:
            alerts.append(alert.alert)
    assert len(alerts) > 100
    assert all(0 <= alert < 256 for alert in alerts)


@pytest.mark.parametrize(
    ("role", "fields"),
    [
        (Role.CLIENT, {}),
        (Role.CLIENT, {"server_name": ""}),
        (Role.CLIENT, {"server_name": "a\0b"}),
        (Role.CLIENT, {"server_name": "a" * 300}),
        (Role.CLIENT, {"server_name": "a", "alpn": ()}),
        (Role.CLIENT, {"server_name": "a", "alpn": ("x" * 256,)}),
        (Role.CLIENT, {"server_name": "a", "ciphers": (0x1304,)}),
        (Role.CLIENT, {"server_name": "a", "ciphers": ()}),
        (Role.CLIENT, {"server_name": "a", "groups": ("X25519:+VERS-ALL",)}),
        (Role.CLIENT, {"server_name": "a", "cert_file": "x"}),
        (Role.CLIENT, {"server_name": "a", "ca_data": b"nothing"}),
        (Role.CLIENT, {"psk": (b"", b"k")}),
        (Role.CLIENT, {"psk": (b"i", b"")}),
        (Role.CLIENT, {"psk": (b"i", b"k"), "ciphers": (0x1302,)}),
        (Role.SERVER, {}),
        (Role.SERVER, {"psk_lookup": {}.get, "require_client_cert": True}),
    ],
)
def test_configuration_errors(role: Role, fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        TlsSession(TlsConfig(**{"alpn": (ALPN,), **fields}), role, b"params")


def test_mismatched_key_and_missing_files(world: World, tmp_path: Path) -> None:
    other = world.ca.issue(NAME)
    with pytest.raises(ValueError, match="certificate and key"):
        TlsSession(world.server(key_file=other.key_file), Role.SERVER, b"params")
    with pytest.raises(OSError, match="absent"):
        TlsSession(world.client(ca_file=tmp_path / "absent"), Role.CLIENT, b"params")
    with pytest.raises(OSError, match="absent"):
        TlsSession(world.client(keylog=tmp_path / "absent" / "k"), Role.CLIENT, b"params")
    for size in (0, 65536):
        with pytest.raises(ValueError, match="transport_params"):
            TlsSession(world.client(), Role.CLIENT, bytes(size))
