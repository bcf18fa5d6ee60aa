# SPDX-License-Identifier: GPL-2.0
"""TQUIC with another implementation, aioquic, at the other end: both roles, one path."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from conftest import LabMaker
from running import (
    ALPN,
    DATA,
    NAME,
    STALL_S,
    Certificates,
    RunningServer,
    Sender,
    dial,
    echo,
    exchange,
)

from tquic.errors import HandshakeFailedError
from tquic.handshake import Options, complete, connect, listen
from tquic.lab import Link, TwoLinks
from tquic.mux import StreamMux
from tquic.record import Address
from tquic.sock import QUIC_VERSIONS, Datagram
from tquic.tls import Role
from tquic.uapi import Config, RecvMask

aio = pytest.importorskip("aioquic.asyncio")
aio_protocol = pytest.importorskip("aioquic.asyncio.protocol")
aio_events = pytest.importorskip("aioquic.quic.events")
aio_config = pytest.importorskip("aioquic.quic.configuration")

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

Start = Callable[..., RunningServer]
PORT = 4500
MIB = 1 << 20


class EchoProtocol(aio_protocol.QuicConnectionProtocol):  # type: ignore[misc, name-defined]
    """Sends every stream back once it is whole, and every datagram at once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.streams: dict[int, bytearray] = {}

    def quic_event_received(self, event: Any) -> None:
        """React to what came."""
        if isinstance(event, aio_events.StreamDataReceived):
            data = self.streams.setdefault(event.stream_id, bytearray())
            data += event.data
            if event.end_stream:
                self._quic.send_stream_data(event.stream_id, bytes(data), end_stream=True)
                self.transmit()
        elif isinstance(event, aio_events.DatagramFrameReceived):
            self._quic.send_datagram_frame(event.data)
            self.transmit()


class CollectProtocol(aio_protocol.QuicConnectionProtocol):  # type: ignore[misc, name-defined]
    """Collects what comes; waits for streams to end and for datagrams."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.received: dict[int, bytearray] = {}
        self.finished: set[int] = set()
        self.datagrams: asyncio.Queue[bytes] = asyncio.Queue()
        self._changed = asyncio.Event()

    def quic_event_received(self, event: Any) -> None:
        """Take note."""
        if isinstance(event, aio_events.StreamDataReceived):
            self.received.setdefault(event.stream_id, bytearray()).extend(event.data)
            if event.end_stream:
                self.finished.add(event.stream_id)
                self._changed.set()
        elif isinstance(event, aio_events.DatagramFrameReceived):
            self.datagrams.put_nowait(event.data)

    def send(self, data: bytes) -> int:
        """Send on a new stream and finish it."""
        stream = int(self._quic.get_next_available_stream_id())
        self._quic.send_stream_data(stream, data, end_stream=True)
        self.transmit()
        return stream

    def send_datagram(self, data: bytes) -> None:
        """Send a datagram."""
        self._quic.send_datagram_frame(data)
        self.transmit()

    async def all_finished(self, streams: set[int]) -> None:
        """Wait for the ends of streams."""
        while not streams <= self.finished:
            self._changed.clear()
            await self._changed.wait()


def configuration(certificates: Certificates, role: Role, **changes: Any) -> Any:
    """aioquic's configuration for a role."""
    server = role is Role.SERVER
    config = aio_config.QuicConfiguration(
        is_client=not server, alpn_protocols=[ALPN], max_datagram_frame_size=65535
    )
    if server:
        leaf = changes.pop("leaf", certificates.good)
        config.load_cert_chain(leaf.cert_file, leaf.key_file)
    else:
        config.load_verify_locations(str(certificates.ca.file))
        config.server_name = changes.pop("server_name", NAME)
    for name, value in changes.items():
        setattr(config, name, value)
    return config


@contextlib.contextmanager
def aioquic_server(
    lab: TwoLinks, config: Any, retry: bool = False, **changes: Any
) -> Iterator[Address]:
    """An aioquic echo server in the server's namespace."""
    address = lab.server_address(port=PORT)
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        server = await aio.serve(
            address.host,
            address.port,
            configuration=config,
            create_protocol=EchoProtocol,
            retry=retry,
            **changes,
        )
        ready.set()
        await stop.wait()
        server.close()
        await asyncio.sleep(0.05)

    def work() -> None:
        with lab.server.entered():
            loop.run_until_complete(serve())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(STALL_S)
    try:
        yield address
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(STALL_S)
    assert not thread.is_alive()
    loop.close()


def run_client(
    lab: TwoLinks,
    address: Address,
    config: Any,
    talk: Callable[[CollectProtocol], Coroutine[Any, Any, None]],
    **changes: Any,
) -> None:
    """Connect with aioquic from the client's namespace and talk."""

    async def work() -> None:
        async with aio.connect(
            address.host,
            address.port,
            configuration=config,
            create_protocol=CollectProtocol,
            local_port=0,
            **changes,
        ) as client:
            await asyncio.wait_for(talk(client), STALL_S * 2)

    with lab.client.entered():
        asyncio.run(work())


@pytest.fixture(name="lab")
def _lab(make_lab: LabMaker) -> TwoLinks:
    return make_lab(Link(), Link())


@pytest.mark.parametrize("streams", [1, 5])
def test_our_client(lab: TwoLinks, certificates: Certificates, streams: int) -> None:
    with (
        aioquic_server(lab, configuration(certificates, Role.SERVER)) as address,
        dial(lab, address, certificates.client()) as sock,
    ):
        assert sock.info().multipath == 0
        exchange(sock, [Sender(DATA[: MIB // streams]) for _ in range(streams)])
        with pytest.raises(OSError, match="not supported"):
            sock.add_path(lab.client_address(1))
        sock.close_with(0)


@pytest.mark.parametrize("streams", [1, 5])
def test_our_server(
    lab: TwoLinks, certificates: Certificates, start_server: Start, streams: int
) -> None:
    server = start_server(lab, echo)
    data = DATA[: MIB // streams]

    async def talk(client: CollectProtocol) -> None:
        opened = {client.send(data) for _ in range(streams)}
        await client.all_finished(opened)
        for stream in opened:
            got = hashlib.sha256(client.received[stream]).digest()
            assert got == hashlib.sha256(data).digest()

    run_client(lab, server.address, configuration(certificates, Role.CLIENT), talk)
    assert server.log == []


def test_our_client_sends_datagrams(lab: TwoLinks, certificates: Certificates) -> None:
    options = Options(
        local=lab.client_address(0),
        config=Config.of(max_datagram_bytes=65535),
        recv_mask=RecvMask.CRYPTO | RecvMask.DATAGRAM,
    )
    with (
        aioquic_server(lab, configuration(certificates, Role.SERVER)) as address,
        dial(lab, address, certificates.client(), options=options) as sock,
    ):
        sock.settimeout(STALL_S)
        for size in (1, 500, 1000):
            sock.send_datagram(DATA[:size])
            assert sock.recv_message() == Datagram(DATA[:size])


def test_our_server_gets_datagrams(lab: TwoLinks, certificates: Certificates) -> None:
    options = Options(
        config=Config.of(max_datagram_bytes=65535),
        recv_mask=RecvMask.CRYPTO | RecvMask.DATAGRAM,
    )
    address = lab.server_address(port=4501)
    with lab.server.entered():
        listener = listen(address, options)
    listener.settimeout(STALL_S)
    done = threading.Event()

    def serve() -> None:
        child, _peer = listener.accept()
        with child:
            child.settimeout(0)
            complete(child, certificates.server(), Role.SERVER, "aioquic", STALL_S)
            mux = StreamMux(child, server=True, peer="aioquic")
            mux.on_datagram = child.send_datagram
            mux.run(done.is_set, tick_s=0.05)

    thread = threading.Thread(target=serve)
    thread.start()

    async def talk(client: CollectProtocol) -> None:
        for size in (1, 500, 1000):
            client.send_datagram(DATA[:size])
            assert await client.datagrams.get() == DATA[:size]

    try:
        run_client(lab, address, configuration(certificates, Role.CLIENT), talk)
    finally:
        done.set()
        thread.join(STALL_S)
        listener.close()


@pytest.mark.parametrize("suite", [0x1301, 0x1302, 0x1303])
def test_ciphers(lab: TwoLinks, certificates: Certificates, suite: int) -> None:
    with (
        aioquic_server(lab, configuration(certificates, Role.SERVER)) as address,
        dial(lab, address, certificates.client(ciphers=(suite,))) as sock,
    ):
        assert sock.info().cipher == suite
        exchange(sock, [Sender(DATA[:100_000])])


@pytest.mark.parametrize(
    ("leaf", "alert"), [("wrong_name", 42), ("expired", 45), ("unknown_ca", 48)]
)
def test_our_client_refuses(
    lab: TwoLinks, certificates: Certificates, leaf: str, alert: int
) -> None:
    config = configuration(certificates, Role.SERVER, leaf=getattr(certificates, leaf))
    with aioquic_server(lab, config) as address, lab.client.entered():
        with pytest.raises(HandshakeFailedError) as caught:
            connect(address, certificates.client())
        assert caught.value.alert == alert
        assert not caught.value.by_peer


def test_our_server_is_refused(
    lab: TwoLinks, certificates: Certificates, start_server: Start
) -> None:
    server = start_server(lab, echo)
    config = configuration(certificates, Role.CLIENT, server_name="other.test")

    async def talk(_client: CollectProtocol) -> None:
        raise AssertionError("connected")

    with pytest.raises(ConnectionError):
        run_client(lab, server.address, config, talk)
    deadline = time.monotonic() + STALL_S
    while not server.log and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "the peer closed with TLS alert" in server.log[0]


def test_no_common_protocol(lab: TwoLinks, certificates: Certificates) -> None:
    config = configuration(certificates, Role.SERVER)
    with (
        aioquic_server(lab, config) as address,
        lab.client.entered(),
        pytest.raises(HandshakeFailedError),
    ):
        connect(address, certificates.client(alpn=("nothing-known",)))


def test_aioquic_updates_keys(
    lab: TwoLinks, certificates: Certificates, start_server: Start
) -> None:
    server = start_server(lab, echo)

    async def talk(client: CollectProtocol) -> None:
        for _ in range(3):
            stream = client.send(DATA[:50_000])
            await client.all_finished({stream})
            assert client.received[stream] == DATA[:50_000]
            client.request_key_update()

    run_client(lab, server.address, configuration(certificates, Role.CLIENT), talk)


def test_our_client_takes_their_retry(lab: TwoLinks, certificates: Certificates) -> None:
    config = configuration(certificates, Role.SERVER)
    with (
        aioquic_server(lab, config, retry=True) as address,
        dial(lab, address, certificates.client()) as sock,
    ):
        exchange(sock, [Sender(DATA[:10_000])])


def test_their_client_takes_our_retry(
    lab: TwoLinks, certificates: Certificates, start_server: Start
) -> None:
    server = start_server(lab, echo, retry=True)
    tokens: list[bytes] = []
    retries: list[bool] = []

    async def talk(client: CollectProtocol) -> None:
        stream = client.send(DATA[:10_000])
        await client.all_finished({stream})
        assert client.received[stream] == DATA[:10_000]
        retries.append(client._quic._retry_source_connection_id is not None)
        while not tokens:
            await asyncio.sleep(0.02)

    config = configuration(certificates, Role.CLIENT)
    run_client(lab, server.address, config, talk, token_handler=tokens.append)
    # What our server gave it spares the next connection the Retry.
    config = configuration(certificates, Role.CLIENT, token=tokens[0])
    run_client(lab, server.address, config, talk)
    assert retries == [True, False]


def test_our_client_speaks_v2(lab: TwoLinks, certificates: Certificates) -> None:
    config = configuration(certificates, Role.SERVER)
    options = Options(local=lab.client_address(0), version=QUIC_VERSIONS["2"])
    with (
        aioquic_server(lab, config) as address,
        dial(lab, address, certificates.client(), options=options) as sock,
    ):
        assert sock.info().version == sock.version == QUIC_VERSIONS["2"]
        exchange(sock, [Sender(DATA[:100_000])])


def test_our_server_speaks_v2(
    lab: TwoLinks, certificates: Certificates, start_server: Start
) -> None:
    server = start_server(lab, echo)
    versions = list(QUIC_VERSIONS.values())
    config = configuration(
        certificates,
        Role.CLIENT,
        supported_versions=versions,
        original_version=QUIC_VERSIONS["2"],
    )

    async def talk(client: CollectProtocol) -> None:
        stream = client.send(DATA[:100_000])
        await client.all_finished({stream})
        assert client.received[stream] == DATA[:100_000]
        assert client._quic._version == QUIC_VERSIONS["2"]

    run_client(lab, server.address, config, talk)


def test_our_server_upgrades(lab: TwoLinks, certificates: Certificates) -> None:
    two, one = QUIC_VERSIONS["2"], QUIC_VERSIONS["1"]
    config = configuration(
        certificates, Role.CLIENT, supported_versions=[two, one], original_version=one
    )

    async def talk(client: CollectProtocol) -> None:
        stream = client.send(DATA[:100_000])
        await client.all_finished({stream})
        assert client.received[stream] == DATA[:100_000]
        assert client._quic._version == two

    with lab.server.entered():
        listener = listen(lab.server_address(0, port=4433), Options(version=two))
    with RunningServer(lab, certificates.server(), echo, listener=listener) as server:
        run_client(lab, server.address, config, talk)


def test_our_client_with_retry_in_v2(
    lab: TwoLinks, certificates: Certificates, start_server: Start
) -> None:
    server = start_server(lab, echo, retry=True)
    options = Options(local=lab.client_address(0), version=QUIC_VERSIONS["2"])
    with dial(lab, server.address, certificates.client(), options=options) as sock:
        exchange(sock, [Sender(DATA[:100_000])])
        sock.update_keys()
        exchange(sock, [Sender(DATA[:100_000])])
        assert sock.info().version == QUIC_VERSIONS["2"]
