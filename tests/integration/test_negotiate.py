# SPDX-License-Identifier: GPL-2.0
"""Answers without a connection, and packets of others that end or change a handshake."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from collections.abc import Callable

import pytest
from conftest import LabMaker
from running import (
    DATA,
    STALL_S,
    Certificates,
    RunningServer,
    Sender,
    counter,
    dial,
    echo,
    exchange,
    wait_active,
    wait_for,
)
from test_sysctl import tuned

from tquic.errors import ConnectionFailedError
from tquic.handshake import Handshake, Options, establish, listen, new_socket
from tquic.lab import Link, Namespace, TwoLinks
from tquic.multipath import PathSpec, add_paths
from tquic.mux import StreamMux
from tquic.netlink import TquicNetlink
from tquic.record import Address
from tquic.sock import QUIC_VERSIONS, CryptoData, TquicSocket
from tquic.tls import Level, Role, SavedSession
from tquic.uapi import EarlyState, RecvMask

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

Start = Callable[..., RunningServer]
PORT = 4470
PLAIN = Link()
#: Seconds in which an answer on an idle link would long be there.
SILENCE_S = 1.0


def udp(host: Namespace, address: Address) -> socket.socket:
    """A plain UDP socket of a host."""
    with host.entered():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(address.sockaddr)
    sock.settimeout(STALL_S)
    return sock


def long_header(version: int, dcid: bytes, scid: bytes, first: int = 0xC0) -> bytes:
    """The start of a long header: all that does not depend on the version."""
    ids = bytes([len(dcid)]) + dcid + bytes([len(scid)]) + scid
    return bytes([first]) + version.to_bytes(4, "big") + ids


def parse_long(packet: bytes) -> tuple[int, bytes, bytes, bytes]:
    """Version, destination id, source id, and what follows."""
    version = int.from_bytes(packet[1:5], "big")
    at = 6 + packet[5]
    dcid = packet[6:at]
    end = at + 1 + packet[at]
    return version, dcid, packet[at + 1 : end], packet[end:]


@pytest.fixture(name="lab")
def _lab(make_lab: LabMaker) -> TwoLinks:
    return make_lab(PLAIN, PLAIN)


def test_server_offers_versions(lab: TwoLinks, start_server: Start) -> None:
    server = start_server(lab, echo)
    before = counter(lab.server, "TxVersionNegotiation")
    dcid, scid = bytes(range(20, 61)), b"source"
    with udp(lab.client, lab.client_address(0)) as sock:
        first = long_header(0x1A2A3A4A, dcid, scid).ljust(1200, b"\0")
        sock.sendto(first, server.address.sockaddr)
        packet = sock.recv(4096)
        version, to, source, offer = parse_long(packet)
        assert (version, to, source) == (0, scid, dcid)
        versions = {int.from_bytes(offer[i : i + 4], "big") for i in range(0, len(offer), 4)}
        assert {1, 0x6B3343CF} < versions
        assert any(version & 0x0F0F0F0F == 0x0A0A0A0A for version in versions)
        assert 0x1A2A3A4A not in versions
        # Too small for an Initial of any version, and an offer itself: no answer.
        sock.sendto(first[:1199], server.address.sockaddr)
        sock.sendto(packet.ljust(1200, b"\0"), server.address.sockaddr)
        sock.settimeout(SILENCE_S)
        with pytest.raises(TimeoutError):
            sock.recv(4096)
    assert counter(lab.server, "TxVersionNegotiation") == before + 1


def test_nobody_listens(lab: TwoLinks) -> None:
    with (
        udp(lab.server, lab.server_address(port=PORT)) as target,
        lab.client.entered(),
        new_socket(socket.AF_INET, Options(local=lab.client_address(0, port=PORT))) as client,
    ):
        # A client's port answers nobody.
        client.connect(lab.server_address(port=PORT))
        _start_client(client)
        target.sendto(
            long_header(0x1A2A3A4A, b"12345678", b"").ljust(1200, b"\0"),
            lab.client_address(0, port=PORT).sockaddr,
        )
        wait_for(lambda: counter(lab.client, "RxUnknownVersion") > 0)
        assert counter(lab.client, "TxVersionNegotiation") == 0


def _start_client(sock: TquicSocket) -> None:
    """Have a client send something: bytes that no TLS library would."""
    sock.send_crypto(Level.INITIAL, bytes(64))


@pytest.mark.parametrize("listed", [False, True])
def test_client_is_offered_versions(lab: TwoLinks, listed: bool) -> None:
    errors: list[OSError | None] = []
    with (
        udp(lab.server, lab.server_address(port=PORT)) as server,
        lab.client.entered(),
        new_socket(socket.AF_INET, Options()) as client,
    ):
        client.connect(lab.server_address(port=PORT))
        _start_client(client)
        packet, source = server.recvfrom(4096)
        version, dcid, scid, _rest = parse_long(packet)
        offer = [0x0A1A2A3A, 0xFF00001D, *([version] if listed else [])]
        server.sendto(
            long_header(0, scid, dcid) + b"".join(v.to_bytes(4, "big") for v in offer),
            source,
        )
        if listed:
            # It cannot be true: the client goes on.
            wait_for(lambda: counter(lab.client, "RxVersionNegotiationInvalid") > 0)
            assert len(server.recv(4096)) >= 1200
            return
        wait_for(lambda: errors.append(client.take_error()) or errors[-1] is not None)
        error = errors[-1]
        assert error is not None
        assert error.errno == errno.EPROTOTYPE
        assert client.close_info().error_code == 0x11
        assert counter(lab.client, "RxVersionNegotiation") > 0


def test_strays_are_answered_by_a_reset(lab: TwoLinks, start_server: Start) -> None:
    server = start_server(lab, echo)
    stray = bytes([0x41]) + b"12345678"
    with udp(lab.client, lab.client_address(0)) as sock:
        tokens = set()
        for size, want in ((1200, 43), (43, 42), (22, 21)):
            sock.sendto(stray.ljust(size, b"\0"), server.address.sockaddr)
            answer = sock.recv(4096)
            assert len(answer) == want
            assert answer[0] & 0xC0 == 0x40
            tokens.add(answer[-16:])
        # The same id has the same token, another id another one.
        assert len(tokens) == 1
        sock.sendto(bytes([0x41]) + b"abcdefgh" + bytes(50), server.address.sockaddr)
        assert sock.recv(4096)[-16:] not in tokens
        # A smaller one could not be answered by something smaller still.
        sock.sendto(stray.ljust(21, b"\0"), server.address.sockaddr)
        sock.settimeout(SILENCE_S)
        with pytest.raises(TimeoutError):
            sock.recv(4096)


@pytest.mark.skipif(
    os.environ.get("TQUIC_KERNEL") == "debug",
    reason="the debug kernel takes packets more slowly than it may answer them",
)
def test_answers_are_limited(lab: TwoLinks, start_server: Start) -> None:
    server = start_server(lab, echo)
    before = counter(lab.server, "TxAnswersLimited")
    with udp(lab.client, lab.client_address(0)) as sock:
        stray = bytes([0x41]) + bytes(99)

        def limited() -> bool:
            for _ in range(500):
                sock.sendto(stray, server.address.sockaddr)
            return counter(lab.server, "TxAnswersLimited") > before

        wait_for(limited)


def test_retry_and_token(lab: TwoLinks, certificates: Certificates, start_server: Start) -> None:
    server = start_server(lab, echo, retry=True)
    sent = counter(lab.server, "TxRetry")
    with dial(lab, server.address, certificates.client()) as sock:
        exchange(sock, [Sender(DATA[:10_000])])
        wait_for(lambda: bool(sock.token))
        token = sock.token
    retried = counter(lab.server, "TxRetry")
    assert retried > sent
    assert counter(lab.client, "RxRetry") > 0
    # The token of that connection is good for the next one, from another port.
    options = Options(local=lab.client_address(0), token=token)
    with dial(lab, server.address, certificates.client(), options=options) as sock:
        exchange(sock, [Sender(DATA[:1000])])
    assert counter(lab.server, "TxRetry") == retried
    # From another address it says nothing: a Retry again.
    bad = counter(lab.server, "TokensInvalid")
    options = Options(local=lab.client_address(1), token=token)
    with dial(lab, server.address, certificates.client(), options=options) as sock:
        exchange(sock, [Sender(DATA[:1000])])
    assert counter(lab.server, "TxRetry") > retried
    assert counter(lab.server, "TokensInvalid") > bad


def test_a_bad_token_of_a_retry(
    lab: TwoLinks, certificates: Certificates, start_server: Start
) -> None:
    """Nobody takes two Retry packets: the client is told at once (RFC 9000 8.1.3)."""
    server = start_server(lab, echo)
    refused = counter(lab.server, "TxRefused")
    bad = counter(lab.server, "TokensInvalid")
    # Kind, key, time, an id of eight bytes, MAC
    forged = b"\x52" + bytes(9) + bytes([8]) + bytes(8 + 16)
    with pytest.raises(ConnectionFailedError, match=r"the peer closed with .*0xb"):
        dial(lab, server.address, certificates.client(), options=Options(token=forged))
    assert counter(lab.server, "TxRefused") == refused + 1
    assert counter(lab.server, "TokensInvalid") == bad + 1
    # Something that only begins like one is no token of ours.
    with dial(lab, server.address, certificates.client(), options=Options(token=forged[:-1])):
        assert counter(lab.server, "TxRefused") == refused + 1


def test_token_option(lab: TwoLinks) -> None:
    with lab.client.entered(), new_socket(socket.AF_INET, Options()) as sock:
        with pytest.raises(OSError, match="not connected"):
            _ = sock.token
        sock.token = bytes(512)
        with pytest.raises(OSError, match="too long"):
            sock.token = bytes(513)
        sock.connect(lab.server_address(port=PORT))
        assert sock.token == b""
        with pytest.raises(OSError, match="already connected"):
            sock.token = b"x"


class Forger:
    """A client's Initial packets, made by hand; with the `first` id of a client, a server's."""

    def __init__(self, scid: bytes, dcid: bytes = b"", first: bytes = b"") -> None:
        forge = pytest.importorskip("aioquic.quic.crypto")
        self.dcid, self.scid = dcid or os.urandom(8), scid
        self._pair = forge.CryptoPair()
        self._pair.setup_initial(first or self.dcid, is_client=not first, version=1)
        self._number = 0

    def packet(
        self, frames: bytes, size: int = 1200, scid: bytes | None = None, token: bytes = b""
    ) -> bytes:
        """The next one: `frames` and PADDING frames, `size` bytes in all."""
        header = long_header(1, self.dcid, scid or self.scid, first=0xC1)
        header += bytes([len(token)]) + token
        length = size - len(header) - 2
        header += (0x4000 | length).to_bytes(2, "big") + self._number.to_bytes(2, "big")
        plain = frames.ljust(length - 2 - 16, b"\0")
        packet = self._pair.encrypt_packet(header, plain, self._number)
        self._number += 1
        assert len(packet) == size
        return bytes(packet)


def flip(packet: bytes) -> bytes:
    """With a wrong tag."""
    return packet[:-1] + bytes([packet[-1] ^ 1])


#: A second datagram of a client none of whose packets is processed, and what counts that.
DISCARDED: dict[str, tuple[Callable[[Forger], bytes], str]] = {
    "does not open": (lambda by: flip(by.packet(b"\x01")), "RxDecryptErrors"),
    "other version": (
        lambda by: (
            long_header(QUIC_VERSIONS["2"], by.dcid, by.scid, first=0xD1)
            + b"\0\x44\x00".ljust(1027, b"?")
        ),
        "RxBadHeader",
    ),
    "other source id": (lambda by: by.packet(b"\x01", scid=b"another"), "RxBadHeader"),
    "too short": (
        lambda by: long_header(1, by.dcid, by.scid, first=0xC1) + b"\0\x05abcde",
        "RxTooShort",
    ),
    "no keys yet": (
        lambda by: long_header(1, by.dcid, by.scid, first=0xD1) + b"\x44\x00".ljust(1026, b"?"),
        "RxKeyMissing",
    ),
}


@pytest.mark.parametrize("kind", DISCARDED)
def test_all_of_a_datagram_counts(lab: TwoLinks, kind: str) -> None:
    """A server may send three times what came before it knows the address (RFC 9000 §8.1).

    Padding behind the packets came too, and datagrams that hold nothing of use; what came from
    another address did not.
    """
    client = Forger(b"source")
    target = lab.server_address(port=PORT)
    make, name = DISCARDED[kind]
    with (
        udp(lab.client, lab.client_address(0)) as sock,
        udp(lab.client, lab.client_address(1)) as other,
        lab.server.entered(),
        listen(target, Options()) as listener,
    ):
        listener.settimeout(STALL_S)
        first = client.packet(b"\x06\x00\x05hello", 70)
        sock.sendto(first.ljust(1200, b"\0"), target.sockaddr)
        child, _peer = listener.accept()
        with child:
            child.settimeout(0)
            child.send_crypto(Level.INITIAL, bytes(12_000))
            assert 2 * 1200 < _come(sock) <= 3 * 1200
            before = counter(lab.server, name)
            wasted = make(client).ljust(1200, b"\0")
            other.sendto(wasted, target.sockaddr)
            wait_for(lambda: counter(lab.server, name) > before)
            assert _come(sock) == 0
            sock.sendto(wasted, target.sockaddr)
            assert 2 * 1200 < _come(sock) <= 3 * 1200


def _come(sock: socket.socket) -> int:
    """UDP payload that comes until there is silence."""
    come = 0
    sock.settimeout(SILENCE_S)
    with contextlib.suppress(TimeoutError):
        while True:
            come += len(sock.recv(4096))
    return come


def test_a_small_datagram_brings_no_initial(lab: TwoLinks) -> None:
    """Those of clients fill 1200 bytes, also when there is a connection (RFC 9000 §14.1)."""
    client = Forger(b"source")
    target = lab.server_address(port=PORT)
    with (
        udp(lab.client, lab.client_address(0)) as sock,
        lab.server.entered(),
        listen(target, Options()) as listener,
    ):
        listener.settimeout(STALL_S)
        sock.sendto(client.packet(b"\x06\x00\x05hello"), target.sockaddr)
        child, _peer = listener.accept()
        with child:
            _come(sock)
            before = counter(lab.server, "RxBadHeader")
            sock.sendto(client.packet(b"\x01", 1199), target.sockaddr)
            wait_for(lambda: counter(lab.server, "RxBadHeader") > before)
            assert _come(sock) == 0
            sock.sendto(client.packet(b"\x01"), target.sockaddr)
            assert _come(sock) > 0
            assert counter(lab.server, "RxBadHeader") == before + 1


def test_a_server_has_no_token(lab: TwoLinks) -> None:
    """An Initial with one is no server's (RFC 9000 §17.2.2)."""
    target = lab.server_address(port=PORT + 1)
    with (
        udp(lab.server, target) as sock,
        lab.client.entered(),
        new_socket(socket.AF_INET, Options()) as client,
    ):
        client.connect(target)
        _start_client(client)
        packet, source = sock.recvfrom(4096)
        _version, first, scid, _rest = parse_long(packet)
        server = Forger(b"serverid", dcid=scid, first=first)
        before = counter(lab.client, "RxBadHeader")
        sock.sendto(server.packet(b"\x01", token=b"token"), source)
        wait_for(lambda: counter(lab.client, "RxBadHeader") > before)
        # The next one, without a token, is its first: it learns the server's id from that.
        sock.sendto(server.packet(b"\x01", scid=b"another"), source)
        wait_for(lambda: parse_long(sock.recv(4096))[1] == b"another")
        assert counter(lab.client, "RxBadHeader") == before + 1


def proceed(handshake: Handshake) -> bool:
    """Go on with a handshake; whether it is done."""
    handshake.proceed()
    return handshake.done


def test_a_backlog_half_full_meets_retry(lab: TwoLinks, certificates: Certificates) -> None:
    """Who comes then proves his address first, and is served like the others."""
    sent = counter(lab.server, "TxRetry")
    address = lab.server_address(port=4433)
    with lab.server.entered(), TquicNetlink() as netlink, contextlib.ExitStack() as held:
        listener = listen(address, Options(), backlog=4)
        wait_for(lambda: not netlink.connections())
        begun: list[Handshake] = []
        while len(begun) < 4:
            with lab.client.entered():
                sock = held.enter_context(new_socket(socket.AF_INET, Options()))
            sock.settimeout(0)
            sock.connect(address)
            begun.append(Handshake(sock, certificates.client(), Role.CLIENT, "server"))
            begun[-1].start()
            wait_for(lambda: len(netlink.connections()) == len(begun))
            assert (counter(lab.server, "TxRetry") > sent) == (len(begun) == 4)
        with RunningServer(lab, certificates.server(), echo, listener=listener):
            wait_for(lambda: sum(proceed(handshake) for handshake in begun) == len(begun))


def test_flood_meets_retry(lab: TwoLinks, certificates: Certificates, start_server: Start) -> None:
    """Initials that are genuine but never go on: state is bounded, and others still get in."""
    server = start_server(lab, echo)
    sent = counter(lab.server, "TxRetry")
    with (
        udp(lab.client, lab.client_address(1)) as sock,
        lab.server.entered(),
        TquicNetlink() as netlink,
    ):
        others = len(netlink.connections())
        for _ in range(150):
            sock.sendto(Forger(b"flooding").packet(b"\x01"), server.address.sockaddr)
            time.sleep(0.005)  # the queue of first packets is not what is tested
        wait_for(lambda: counter(lab.server, "TxRetry") > sent)
        assert len(netlink.connections()) <= others + 64
        with dial(lab, server.address, certificates.client()) as honest:
            exchange(honest, [Sender(DATA[:1000])])


def test_a_client_that_trickles_is_given_up(lab: TwoLinks) -> None:
    """A handshake has its time in all; what the client sends meanwhile adds none."""
    client, target = Forger(b"trickle"), lab.server_address(port=PORT)
    before = counter(lab.server, "HandshakesTimedOut")
    with (
        tuned(lab.server, handshake_timeout_ms=500),
        udp(lab.client, lab.client_address(0)) as sock,
        lab.server.entered(),
        listen(target, Options()),
    ):
        sock.sendto(client.packet(b"\x06\x00\x05hello"), target.sockaddr)

        def given_up() -> bool:
            sock.sendto(client.packet(b"\x01"), target.sockaddr)
            return counter(lab.server, "HandshakesTimedOut") > before

        wait_for(given_up)


def test_version_option(lab: TwoLinks) -> None:
    with lab.client.entered(), new_socket(socket.AF_INET, Options()) as sock:
        assert sock.version == QUIC_VERSIONS["1"]
        with pytest.raises(OSError, match="wrong type") as caught:
            sock.version = 0x1A2A3A4A
        assert caught.value.errno == errno.EPROTOTYPE
        sock.version = QUIC_VERSIONS["2"]
        assert sock.version == QUIC_VERSIONS["2"]
        sock.connect(lab.server_address(port=PORT))
        with pytest.raises(OSError, match="already connected"):
            sock.version = QUIC_VERSIONS["1"]
        assert sock.info().version == QUIC_VERSIONS["2"]


@pytest.mark.parametrize("retry", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_the_server_upgrades(
    lab: TwoLinks, certificates: Certificates, retry: bool, known: bool
) -> None:
    """A server goes on in the version it prefers; what the client sent before is of the first."""
    one, two = QUIC_VERSIONS["1"], QUIC_VERSIONS["2"]
    tls = certificates.server(early_data=True)
    saved: list[SavedSession] = []
    if known:
        with RunningServer(lab, tls, echo) as server, lab.client.entered():
            sock, handshake = establish(
                server.address, certificates.client(), Options(local=lab.client_address(0))
            )
            with sock:
                sock.recv_mask |= RecvMask.CRYPTO
                message = None
                while not isinstance(message, CryptoData):
                    with contextlib.suppress(BlockingIOError):
                        message = sock.recv_message()
                handshake.take_ticket(message)
                found = handshake.save(one)
                assert found is not None
                saved.append(found)
    with lab.server.entered():
        listener = listen(lab.server_address(0, port=4433), Options(version=two, retry=retry))
    with RunningServer(lab, tls, echo, listener=listener) as server:
        options = Options(
            local=lab.client_address(0), version=one, saved=saved[0] if known else None
        )
        early = [Sender(DATA[:3000])]
        begun: list[StreamMux] = []

        def begin(sock: TquicSocket) -> None:
            mux = StreamMux(sock, server=False, peer="server")
            mux.open(early[0])
            mux.write()
            begun.append(mux)

        with lab.client.entered():
            sock, _handshake = establish(
                server.address, certificates.client(early_data=True), options, begin
            )
        with sock:
            assert sock.info().version == two
            assert sock.early == (EarlyState.ACCEPTED if known else EarlyState.NONE)
            if begun:
                begun[0].run(lambda: early[0].ended, stall_s=STALL_S)
                early[0].check()
            add_paths(sock, [PathSpec(lab.client_address(1))])
            wait_active(sock, 2)
            exchange(sock, [Sender(DATA)])
        # One that began in it stays in it.
        options = Options(local=lab.client_address(0), version=two)
        with dial(lab, server.address, certificates.client(), options=options) as sock:
            assert sock.info().version == two
            exchange(sock, [Sender(DATA[:1000])])
