# SPDX-License-Identifier: GPL-2.0
"""Connections without TLS: both ends are in this process, which gives them the same secrets.

A handshake with certificates costs an emulated processor a hundred times as much, and where ten
thousand connections are made, TLS is not what is tried.
"""

from __future__ import annotations

import contextlib
import errno
import select
from typing import Final, Self

from running import DATA, STALL_S, Ends

from tquic.handshake import Options, listen, new_socket
from tquic.lab import TwoLinks
from tquic.record import Address
from tquic.sock import Message, StreamData, TquicSocket
from tquic.tls import Level, Secret

PORT: Final = 4460
_SUITE, _SECRET_BYTES = 0x1301, 32
#: Any bytes: the ends do not look at them, but send an Initial and a Handshake packet for them.
_FLIGHT: Final = b"keyed"


class Keyed:
    """Makes connections in a network, one after the other; `listener` stays."""

    def __init__(
        self, lab: TwoLinks, options: Options | None = None, wait_s: float = STALL_S
    ) -> None:
        self._lab, self._wait_s = lab, wait_s
        self._options = options or Options()
        self.address: Address = lab.server_address(port=PORT)
        with lab.server.entered():
            self.listener = listen(self.address, self._options, backlog=128)
        self.listener.settimeout(wait_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.listener.close()

    def begin(self) -> TquicSocket:
        """A client that has sent its first packet."""
        with self._lab.client.entered():
            sock = new_socket(self.address.family, self._options)
        try:
            sock.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                sock.connect(self.address)
            sock.send_crypto(Level.INITIAL, _FLIGHT)
        except BaseException:
            sock.close()
            raise
        return sock

    def join(self) -> Ends:
        """A connection whose handshake is complete at both ends; they do not block."""
        with contextlib.ExitStack() as held:
            client = held.enter_context(self.begin())
            server = held.enter_context(self._accept(client.local.port))
            _install(server, client.local_params, server=True)
            server.send_crypto(Level.INITIAL, _FLIGHT)
            server.send_crypto(Level.HANDSHAKE, _FLIGHT)
            self._wait_readable(client)
            _install(client, server.local_params, server=False)
            client.send_crypto(Level.HANDSHAKE, _FLIGHT)
            client.end_handshake(verified=False)
            server.end_handshake(verified=False)
            for sock in (client, server):
                drain(sock)
            held.pop_all()
        return Ends(client, server)

    def _accept(self, port: int) -> TquicSocket:
        """The connection of the client with that port; those of clients that failed go."""
        while True:
            server, peer = self.listener.accept()
            if peer.port == port:
                server.settimeout(0)
                return server
            server.close()

    def _wait_readable(self, sock: TquicSocket) -> None:
        poll = select.poll()  # select() knows no descriptors above 1023
        poll.register(sock, select.POLLIN)
        if not poll.poll(self._wait_s * 1000):
            raise TimeoutError(errno.ETIMEDOUT, "no answer of the server")


def _install(sock: TquicSocket, params: bytes, *, server: bool) -> None:
    sock.set_peer_params(params)
    for level in (Level.HANDSHAKE, Level.APP):
        for send in (True, False):
            secret = bytes([int(level), int(send == server)]) * (_SECRET_BYTES // 2)
            sock.set_secret(Secret(level, send, _SUITE, secret))


def drain(sock: TquicSocket) -> None:
    """Read all there is now."""
    with contextlib.suppress(BlockingIOError):
        while sock.recv_message() is not None:
            pass


def carry(ends: Ends) -> None:
    """Some bytes each way on a new stream, whole and right."""
    stream = ends.client.open_stream()
    ends.client.send_stream(stream, DATA[:1000], fin=True)
    assert receive(ends.server, stream) == DATA[:1000]
    ends.server.send_stream(stream, DATA[1000:3000], fin=True)
    assert receive(ends.client, stream) == DATA[1000:3000]


def receive(sock: TquicSocket, stream: int) -> bytes:
    """A stream to its end."""
    got = bytearray()
    sock.settimeout(STALL_S)
    while True:
        message: Message | None = sock.recv_message()
        assert message is not None, "the connection is over"
        if isinstance(message, StreamData) and message.stream_id == stream:
            got += message.data
            if message.fin:
                sock.settimeout(0)
                return bytes(got)
