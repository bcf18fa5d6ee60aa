# SPDX-License-Identifier: GPL-2.0
"""aioquic as one end of a case: ``python -m tquic.interop.aioquic_end client|server PLAN``."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import Any, cast

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import serve
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, QuicEvent, StreamDataReceived
from aioquic.quic.packet import QuicProtocolVersion
from aioquic.tls import CipherSuite, SessionTicket

from ..http09 import encode_request, parse_request
from .plan import Feature, Plan, Protocol, play

__all__: list[str] = []

_LOOK_S = 0.01
#: What the links take, with IPv6 too: aioquic does not find that out, and would stay at 1200.
_DATAGRAM_BYTES = 1452
_V1, _V2 = QuicProtocolVersion.VERSION_1, QuicProtocolVersion.VERSION_2


class _Other(asyncio.DatagramProtocol):
    """Another socket of a connection: what comes is handed on."""

    def __init__(self, owner: QuicConnectionProtocol) -> None:
        self._owner = owner

    def datagram_received(self, data: bytes | str, addr: Any) -> None:
        """Hand it on."""
        self._owner.datagram_received(data, addr)


class _Client(QuicConnectionProtocol):
    """Fetches files with either protocol."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._layer: H3Connection | None = None
        self._bodies: dict[int, bytearray] = {}
        self._waiting: dict[int, asyncio.Future[bytes]] = {}

    def use_h3(self) -> None:
        """Speak HTTP/3 from now on."""
        self._layer = H3Connection(self._quic)

    async def fetch(self, server_name: str, name: str) -> bytes:
        """One file."""
        stream = self._quic.get_next_available_stream_id()
        self._bodies[stream] = bytearray()
        self._waiting[stream] = asyncio.get_running_loop().create_future()
        if self._layer is None:
            self._quic.send_stream_data(stream, encode_request(f"/{name}"), end_stream=True)
        else:
            head = [
                (b":method", b"GET"),
                (b":scheme", b"https"),
                (b":authority", server_name.encode()),
                (b":path", b"/" + name.encode()),
            ]
            self._layer.send_headers(stream, head, end_stream=True)
        self.transmit()
        return await self._waiting[stream]

    async def move(self, host: str) -> None:
        """Go on from a socket of another address, to another connection id, once there is one."""
        while not self._quic._peer_cid_available:
            await asyncio.sleep(_LOOK_S)
        # As the first socket, it is one of IPv6 whose addresses are mapped ones.
        transport, _protocol = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Other(self), local_addr=(f"::ffff:{host}", 0)
        )
        self._transport = transport
        self.change_connection_id()

    def quic_event_received(self, event: QuicEvent) -> None:
        """Collect what came."""
        if isinstance(event, ConnectionTerminated):
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(ConnectionError(f"closed: {event.reason_phrase}"))
        elif self._layer is not None:
            for message in self._layer.handle_event(event):
                if isinstance(message, (DataReceived, HeadersReceived)):
                    data = getattr(message, "data", b"")
                    self._take(message.stream_id, data, message.stream_ended)
        elif isinstance(event, StreamDataReceived):
            self._take(event.stream_id, event.data, event.end_stream)

    def _take(self, stream: int, data: bytes, ended: bool) -> None:
        self._bodies[stream] += data
        if ended:
            self._waiting[stream].set_result(bytes(self._bodies.pop(stream)))


class _Server(QuicConnectionProtocol):
    """Answers requests of either protocol from a folder."""

    def __init__(self, folder: Path, h3: bool, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._folder = folder
        self._layer = H3Connection(self._quic) if h3 else None
        self._lines: dict[int, bytearray] = {}

    def quic_event_received(self, event: QuicEvent) -> None:
        """Answer what is whole."""
        if self._layer is not None:
            for message in self._layer.handle_event(event):
                if isinstance(message, HeadersReceived):
                    path = dict(message.headers)[b":path"].decode()
                    self._layer.send_headers(message.stream_id, [(b":status", b"200")])
                    body = self._body(path)
                    self._layer.send_data(message.stream_id, body, end_stream=True)
                    self.transmit()
        elif isinstance(event, StreamDataReceived):
            line = self._lines.setdefault(event.stream_id, bytearray())
            line += event.data
            if event.end_stream:
                target = parse_request(bytes(line), ended=True)
                assert target is not None
                self._quic.send_stream_data(event.stream_id, self._body(target), end_stream=True)
                self.transmit()

    def _body(self, target: str) -> bytes:
        return (self._folder / target.lstrip("/")).read_bytes()


def _configuration(plan: Plan, *, client: bool, log: Any) -> QuicConfiguration:
    config = QuicConfiguration(
        is_client=client, alpn_protocols=[str(plan.protocol)], secrets_log_file=log
    )
    config.idle_timeout = plan.timeout_s
    config.max_datagram_size = _DATAGRAM_BYTES
    if client:
        config.load_verify_locations(plan.ca)
        config.server_name = plan.server_name
    else:
        config.load_cert_chain(plan.certificate, plan.key)
    # RFC 9368: a client starts with version 1 and lists what it would rather have.
    if plan.wants(Feature.V2):
        config.supported_versions = [_V2, _V1]
        config.original_version = _V1
    else:
        config.supported_versions = [_V1]
    if plan.wants(Feature.CHACHA20) and client:
        config.cipher_suites = [CipherSuite.CHACHA20_POLY1305_SHA256]
    return config


async def _fetch(
    plan: Plan, names: tuple[str, ...], config: QuicConfiguration, tickets: list[SessionTicket]
) -> None:
    if tickets and plan.wants(Feature.RESUMPTION):
        config.session_ticket = tickets[-1]
    early = config.session_ticket is not None and plan.wants(Feature.EARLY)
    async with connect(
        plan.host,
        plan.port,
        configuration=config,
        create_protocol=_Client,
        local_port=0,
        session_ticket_handler=tickets.append,
        wait_connected=not early,
    ) as connected:
        client = cast(_Client, connected)
        if plan.protocol is Protocol.H3:
            client.use_h3()
        if plan.wants(Feature.KEY_UPDATE):
            await client.ping()
            client.request_key_update()
        if plan.other:
            await client.ping()
            await client.move(plan.other)
        bodies = await asyncio.gather(*(client.fetch(plan.server_name, name) for name in names))
    for name, body in zip(names, bodies, strict=True):
        (Path(plan.folder) / name).write_bytes(body)


def _client(plan: Plan) -> None:
    tickets: list[SessionTicket] = []
    with Path(plan.keylog).open("a") as log:
        for names in plan.requests:
            config = _configuration(plan, client=True, log=log)
            asyncio.run(asyncio.wait_for(_fetch(plan, names, config, tickets), plan.timeout_s))


def _server(plan: Plan) -> None:
    tickets: dict[bytes, SessionTicket] = {}

    async def work() -> None:
        with Path(plan.keylog).open("a") as log:
            await serve(
                plan.host,
                plan.port,
                configuration=_configuration(plan, client=False, log=log),
                create_protocol=partial(_Server, Path(plan.folder), plan.protocol is Protocol.H3),
                retry=plan.wants(Feature.RETRY),
                session_ticket_handler=lambda ticket: tickets.update({ticket.ticket: ticket}),
                session_ticket_fetcher=lambda label: tickets.pop(label, None),
            )
            await asyncio.Event().wait()

    asyncio.run(work())


if __name__ == "__main__":
    play(sys.argv[1:], _client, _server)
