# SPDX-License-Identifier: GPL-2.0
"""tquic.tls: handshakes that work, and their outputs."""

from __future__ import annotations

import gc
import stat
import weakref
from pathlib import Path
from typing import Any

import pytest
from tls_certs import Authority
from tls_pair import ALPN, CLIENT_PARAMS, NAME, SERVER_PARAMS, Pair, World, make_pair

from tquic.tls import CIPHERS, Level, Role, TlsConfig, TlsSession


@pytest.fixture(name="world", scope="module")
def _world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("tls")
    ca = Authority(folder)
    return World(folder, ca, ca.issue(NAME, "192.0.2.7", "2001:db8::7"))


def assert_done(pair: Pair) -> None:
    """Both sides agree on everything they tell their caller."""
    for side in (pair.client, pair.server):
        assert side.complete
        assert side.alpn == ALPN
    assert pair.client.peer_transport_params == SERVER_PARAMS
    assert pair.server.peer_transport_params == CLIENT_PARAMS
    ours = {(s.level, s.send): (s.cipher, s.secret) for s in pair.client_secrets}
    theirs = {(s.level, not s.send): (s.cipher, s.secret) for s in pair.server_secrets}
    assert ours == theirs
    assert set(ours) == {(lv, d) for lv in (Level.HANDSHAKE, Level.APP) for d in (True, False)}
    assert len(set(ours.values())) == 4
    assert len(pair.client_secrets) == len(pair.server_secrets) == 4


@pytest.mark.parametrize("kind", ["ecdsa", "rsa", "ed25519"])
def test_key_types(world: World, kind: str) -> None:
    leaf = world.ca.issue(NAME, kind=kind)
    pair = make_pair(world.client(), world.server(leaf)).run()
    assert_done(pair)
    assert pair.client.peer_certificate == leaf.der
    assert pair.server.peer_certificate is None


@pytest.mark.parametrize("side", ["client", "server"])
@pytest.mark.parametrize("cipher", CIPHERS)
def test_ciphers(world: World, cipher: int, side: str) -> None:
    chosen: dict[str, Any] = {"ciphers": (cipher,)}
    client = world.client(**(chosen if side == "client" else {}))
    server = world.server(**(chosen if side == "server" else {}))
    pair = make_pair(client, server).run()
    assert_done(pair)
    assert {s.cipher for s in pair.client_secrets} == {cipher}
    assert {len(s.secret) for s in pair.client_secrets} == {48 if cipher == 0x1302 else 32}


def test_server_order_decides_cipher(world: World) -> None:
    server = world.server(ciphers=(0x1303, 0x1302, 0x1301))
    assert {s.cipher for s in make_pair(world.client(), server).run().client_secrets} == {0x1303}


@pytest.mark.parametrize("cut_bytes", [1, 3, 100, 0])
def test_any_split(world: World, cut_bytes: int) -> None:
    assert_done(make_pair(world.client(), world.server(), cut_bytes).run())


def test_secrets_come_in_order_of_use(world: World) -> None:
    pair = make_pair(world.client(), world.server()).run()
    for log in (pair.client_secrets, pair.server_secrets):
        levels = [s.level for s in log]
        assert levels == sorted(levels)
    # RFC 9001 5.7: a server cannot read 1-RTT before the client's Finished.
    last = pair.server_secrets[-1]
    assert (last.level, last.send) == (Level.APP, False)


def test_server_sees_params_with_the_client_hello(world: World) -> None:
    pair = make_pair(world.client(), world.server())
    pair.client.start()
    ((level, hello),) = pair.client.take_crypto()
    assert level is Level.INITIAL
    pair.server.receive(level, hello)
    assert pair.server.peer_transport_params == CLIENT_PARAMS
    assert not pair.server.complete


@pytest.mark.parametrize("size", [1, 4000])
def test_params_of_any_size(world: World, size: int) -> None:
    client = TlsSession(world.client(), Role.CLIENT, b"c" * size)
    server = TlsSession(world.server(), Role.SERVER, b"s" * size)
    pair = Pair(client, server).run()
    assert pair.server.peer_transport_params == b"c" * size
    assert pair.client.peer_transport_params == b"s" * size


def test_quic_client_hello(world: World) -> None:
    """No compatibility mode, no TLS 1.2, no CCM in what goes out."""
    client = TlsSession(world.client(), Role.CLIENT, b"params")
    client.start()
    ((_, hello),) = client.take_crypto()
    assert hello[0] == 1
    assert hello[38] == 0  # legacy_session_id
    suites = hello[41 : 41 + int.from_bytes(hello[39:41], "big")]
    assert suites == bytes.fromhex("130113021303")
    assert bytes.fromhex("002b0003020304") in hello  # supported_versions: 1.3 alone


def test_hello_retry_request(world: World) -> None:
    pair = make_pair(world.client(), world.server(groups=("SECP521R1", "SECP384R1")), 1).run()
    assert_done(pair)
    hellos = [d for role, lv, d in pair.wire if role is Role.CLIENT and lv is Level.INITIAL]
    assert [h[0] for h in hellos] == [1, 1]


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
def test_address_instead_of_name(world: World, address: str) -> None:
    pair = make_pair(world.client(server_name=address), world.server()).run()
    assert_done(pair)
    assert address.encode() not in pair.wire[0][2]  # RFC 6066 3: no address in SNI


def test_final_dot_is_no_part_of_the_name(world: World) -> None:
    assert_done(make_pair(world.client(server_name=NAME + "."), world.server()).run())


def test_ca_from_memory(world: World) -> None:
    assert_done(make_pair(world.client(ca_file=None, ca_data=world.ca.pem), world.server()).run())


def test_verify_off_is_explicit_and_visible(world: World) -> None:
    other = Authority(world.folder, "stranger").issue("elsewhere.test", ends_days=0, starts_days=-9)
    config = TlsConfig(alpn=(ALPN,), verify=False)
    pair = make_pair(config, world.server(other)).run()
    assert_done(pair)
    assert not pair.client.verified
    usual = make_pair(world.client(), world.server())
    assert not usual.client.verified
    usual.run()
    assert usual.client.verified
    assert not usual.server.verified


def test_alpn_server_order(world: World) -> None:
    pair = make_pair(world.client(alpn=("a", "h3", ALPN)), world.server(alpn=(ALPN, "h3"))).run()
    assert pair.client.alpn == pair.server.alpn == ALPN


@pytest.mark.parametrize("required", [True, False])
def test_mutual_tls(world: World, required: bool) -> None:
    leaf = world.ca.issue_client("client.test")
    server = world.server(client_ca_file=world.ca.file, require_client_cert=required)
    pair = make_pair(world.client(cert_file=leaf.cert_file, key_file=leaf.key_file), server).run()
    assert_done(pair)
    assert pair.server.peer_certificate == leaf.der
    assert pair.server.verified


def test_optional_client_certificate_may_be_missing(world: World) -> None:
    pair = make_pair(world.client(), world.server(client_ca_file=world.ca.file)).run()
    assert_done(pair)
    assert pair.server.peer_certificate is None
    assert not pair.server.verified


@pytest.mark.parametrize("certificate", [True, False])
def test_psk(world: World, certificate: bool) -> None:
    keys = {b"gate\x00way": b"k" * 32}
    client = TlsConfig(alpn=(ALPN,), psk=(b"gate\x00way", b"k" * 32))
    server = TlsConfig(alpn=(ALPN,), psk_lookup=keys.get)
    if certificate:
        server = world.server(psk_lookup=keys.get)
    pair = make_pair(client, server, 1).run()
    assert_done(pair)
    assert pair.client.verified
    assert pair.server.verified
    assert pair.client.peer_certificate is None
    assert not any(d[0] == 11 for _, _, d in pair.wire)


@pytest.mark.parametrize("ciphers", [(0x1302, 0x1301), (0x1302, 0x1303)])
def test_psk_avoids_the_suite_it_is_not_bound_to(world: World, ciphers: tuple[int, ...]) -> None:
    client = TlsConfig(alpn=(ALPN,), psk=(b"i", b"k"), ciphers=ciphers)
    pair = make_pair(client, world.server(psk_lookup={b"i": b"k"}.get, ciphers=ciphers)).run()
    assert {s.cipher for s in pair.client_secrets} == {ciphers[1]}


def test_server_with_psk_and_certificate_serves_both(world: World) -> None:
    server = world.server(psk_lookup={b"gateway": b"k" * 32}.get)
    pair = make_pair(world.client(), server).run()
    assert_done(pair)
    assert pair.client.verified
    assert not pair.server.verified


def test_keylog(world: World, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    config = world.client(keylog=path)
    pairs = [make_pair(config, world.server()).run() for _ in range(2)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = [line.split(" ") for line in path.read_text().splitlines()]
    logged: dict[tuple[str, str], str] = {(tag, label): key for label, tag, key in lines}
    assert len(logged) == len(lines) == 10
    for pair in pairs:
        tag = pair.wire[0][2][6:38].hex()
        for secret in pair.client_secrets:
            who = "CLIENT" if secret.send else "SERVER"
            kind = "HANDSHAKE_TRAFFIC_SECRET" if secret.level < 3 else "TRAFFIC_SECRET_0"
            assert logged[tag, f"{who}_{kind}"] == secret.secret.hex()


def test_nothing_secret_in_repr(world: World) -> None:
    pair = make_pair(world.client(), world.server()).run()
    secret = pair.client_secrets[0]
    assert repr(secret.secret) not in repr(secret)
    config = TlsConfig(alpn=(ALPN,), psk=(b"id", b"hidden-key"))
    assert "hidden-key" not in repr(config)


def test_sessions_are_freed_at_once(world: World) -> None:
    """No reference cycle: the last reference frees the TLS state, without the collector."""
    gc.disable()
    try:
        pair = make_pair(world.client(), world.server()).run()
        watch = weakref.ref(pair.client)
        sink = weakref.ref(pair.client._sink)
        del pair
        assert watch() is None
        assert sink() is None
    finally:
        gc.enable()
