# SPDX-License-Identifier: GPL-2.0
"""HTTP/3 on a TQUIC socket: aioquic's HTTP/3 layer, with a socket in its connection's place."""

from __future__ import annotations

import errno
import select
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import StreamDataReceived

from ..errors import ConnectionFailedError, close_text
from ..http09 import NotServedError, ServedDirectory
from ..mux import BUDGET, CHUNK_BYTES
from ..sock import CryptoData, Message, StreamData, TquicSocket

__all__ = ["H3Channel", "H3Client", "H3Server", "run"]

_STREAM_GONE = (errno.EPIPE, errno.ENOENT, errno.EINVAL)


class H3Channel:
    """The part of aioquic's QuicConnection that its HTTP/3 layer uses, over a socket."""

    def __init__(self, sock: TquicSocket, *, client: bool) -> None:
        self.configuration = QuicConfiguration(is_client=client)
        self._quic_logger = None
        self._remote_max_datagram_frame_size = None
        self._sock = sock
        self._waiting: deque[tuple[int, memoryview, bool]] = deque()
        self.on_crypto: Callable[[CryptoData], None] = lambda _message: None
        self.closed = False

    @property
    def wants_write(self) -> bool:
        """Whether bytes wait for room."""
        return bool(self._waiting) and not self.closed

    # --- what aioquic calls

    def get_next_available_stream_id(self, is_unidirectional: bool = False) -> int:
        """Open a stream. BlockingIOError: the peer allows no more for now."""
        return self._sock.open_stream(uni=is_unidirectional)

    def send_stream_data(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        """Have bytes sent when there is room."""
        self._waiting.append((stream_id, memoryview(data), end_stream))

    def close(self, error_code: int, reason_phrase: str = "") -> None:
        """End the connection with a code of HTTP/3."""
        self._sock.close_with(error_code, reason=reason_phrase[:60])
        self.closed = True

    # --- what the loop calls

    def write(self) -> None:
        """Send what there is room for; a stream that does not take more lets others through."""
        held: deque[tuple[int, memoryview, bool]] = deque()
        full: set[int] = set()
        while self._waiting:
            stream_id, data, fin = self._waiting.popleft()
            if stream_id in full:
                held.append((stream_id, data, fin))
                continue
            left = self._send(stream_id, data, fin)
            if left is not None:
                full.add(stream_id)
                held.append((stream_id, left, fin))
        self._waiting = held

    def _send(self, stream_id: int, data: memoryview, fin: bool) -> memoryview | None:
        """Send what a stream takes; return what it does not, None when that is nothing."""
        while True:
            last = len(data) <= CHUNK_BYTES
            try:
                taken = self._sock.send_stream(stream_id, data[:CHUNK_BYTES], fin=fin and last)
            except BlockingIOError:
                return data
            except OSError as error:
                if error.errno in _STREAM_GONE:
                    return None
                raise
            if last and taken == len(data):
                return None
            data = data[taken:]

    def read(self, layer: H3Connection) -> list[H3Event]:
        """Take in what has come."""
        events: list[H3Event] = []
        for _ in range(BUDGET):
            try:
                message = self._sock.recv_message()
            except BlockingIOError:
                break
            if message is None:
                self.closed = True
                break
            events += self.take(layer, message)
        return events

    def take(self, layer: H3Connection, message: Message) -> list[H3Event]:
        """Take in one message, whoever read it."""
        if isinstance(message, CryptoData):
            self.on_crypto(message)
        if not isinstance(message, StreamData) or message.reset_code is not None:
            return []
        came = StreamDataReceived(
            data=message.data, end_stream=message.fin, stream_id=message.stream_id
        )
        return list(layer.handle_event(came))


class H3Client:
    """Fetches files of one server into a folder."""

    def __init__(
        self, sock: TquicSocket, server_name: str, names: Sequence[str], folder: Path
    ) -> None:
        self.channel = H3Channel(sock, client=True)
        self.layer = H3Connection(cast(QuicConnection, self.channel))
        self._server_name = server_name
        self._waiting = list(reversed(names))
        self._folder = folder
        self._bodies: dict[int, tuple[str, bytearray]] = {}

    @property
    def done(self) -> bool:
        """Whether every file is there."""
        return not self._waiting and not self._bodies

    @property
    def received_bytes(self) -> int:
        """Bytes of files under way."""
        return sum(len(body) for _name, body in self._bodies.values())

    def tick(self) -> None:
        """Ask for as much as the server allows."""
        while self._waiting:
            try:
                stream = self.channel.get_next_available_stream_id()
            except BlockingIOError:
                return
            name = self._waiting.pop()
            self._bodies[stream] = (name, bytearray())
            head = [
                (b":method", b"GET"),
                (b":scheme", b"https"),
                (b":authority", self._server_name.encode()),
                (b":path", b"/" + name.encode()),
            ]
            self.layer.send_headers(stream, head, end_stream=True)

    def on_event(self, event: H3Event) -> None:
        """Store what came. Raises ConnectionFailedError for a status other than 200."""
        if isinstance(event, HeadersReceived):
            status = dict(event.headers)[b":status"]
            if status != b"200":
                raise ConnectionFailedError(f"status {status.decode()}")
        elif not isinstance(event, DataReceived):
            return
        name, body = self._bodies[event.stream_id]
        if isinstance(event, DataReceived):
            body += event.data
        if event.stream_ended:
            (self._folder / name).write_bytes(body)
            del self._bodies[event.stream_id]


class H3Server:
    """Answers the requests of one client from a directory, until the client closes."""

    done = False

    def __init__(self, sock: TquicSocket, directory: ServedDirectory) -> None:
        self.channel = H3Channel(sock, client=False)
        self.layer = H3Connection(cast(QuicConnection, self.channel))
        self._directory = directory

    def tick(self) -> None:
        """A server asks for nothing."""

    def on_event(self, event: H3Event) -> None:
        """Answer a request."""
        if not isinstance(event, HeadersReceived):
            return
        target = dict(event.headers)[b":path"].decode()
        try:
            file, _size = self._directory.open(target)
        except NotServedError:
            self.layer.send_headers(event.stream_id, [(b":status", b"404")], end_stream=True)
            return
        with file:
            body = file.read()
        length = str(len(body)).encode()
        self.layer.send_headers(
            event.stream_id, [(b":status", b"200"), (b"content-length", length)]
        )
        self.layer.send_data(event.stream_id, body, end_stream=True)


def run(
    sock: TquicSocket,
    end: H3Client | H3Server,
    timeout_s: float,
    tick: Callable[[], None] = lambda: None,
) -> None:
    """Work until ``end`` is done or the connection is. Raises ConnectionFailedError, OSError."""
    poller = select.poll()
    deadline_s = time.monotonic() + timeout_s
    channel = end.channel
    while not end.done and not channel.closed:
        end.tick()
        channel.write()
        events = select.POLLIN | (select.POLLOUT if channel.wants_write else 0)
        poller.register(sock.fileno(), events)
        poller.poll(100)
        for event in channel.read(end.layer):
            end.on_event(event)
        tick()
        if time.monotonic() > deadline_s:
            raise ConnectionFailedError(f"not done after {timeout_s:g} s")
    if isinstance(end, H3Client) and not end.done:
        raise ConnectionFailedError(close_text(sock.close_info()))
