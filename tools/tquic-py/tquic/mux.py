# SPDX-License-Identifier: GPL-2.0
"""Many streams on one SOCK_DGRAM connection, without blocking: who talks on which stream.

An :class:`Exchange` is what one stream is for; :class:`StreamMux` moves bytes between the socket
and the exchanges whenever the socket is ready.
"""

from __future__ import annotations

import errno
import select
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from .errors import ConnectionFailedError, TquicError, connection_error
from .sock import CryptoData, Datagram, Message, StreamData
from .uapi import CloseInfo, Event

__all__ = ["Exchange", "StreamMux", "StreamRefusedError", "StreamSocket"]

#: Bytes asked of an exchange at a time.
CHUNK_BYTES = 64 * 1024
#: Messages read, and chunks written, before others get their turn.
BUDGET = 32
#: Application code for a stream nobody wants.
REFUSED = 0x01
#: Streams given up whose end the peer has not told yet; more than this is an attack.
_UNFINISHED_MAX = 4096
_SERVER_OPENED = 1
_UNI = 2
# Sending half gone: stopped by the peer, reset, or already finished.
_STREAM_GONE = (errno.EPIPE, errno.ENOENT, errno.EINVAL)


class StreamRefusedError(Exception):
    """An exchange gives its stream up; the peer gets ``code``."""

    def __init__(self, code: int = REFUSED) -> None:
        super().__init__(f"stream refused with {code:#x}")
        self.code = code


class Exchange(ABC):
    """One stream's use. Methods may raise StreamRefusedError."""

    @abstractmethod
    def on_data(self, data: bytes, fin: bool) -> None:
        """Bytes came; ``fin`` says they are the last."""

    @abstractmethod
    def on_end(self, code: int | None) -> None:
        """It is over: None both ways in order, else the code of a reset; called once."""

    @abstractmethod
    def pull(self, limit: int) -> tuple[bytes | memoryview, bool] | None:
        """At most ``limit`` bytes to send and whether they are the last; None: nothing now."""


class StreamSocket(Protocol):
    """What a mux needs of a socket."""

    def fileno(self) -> int: ...
    def open_stream(self, *, uni: bool = ...) -> int: ...
    def send_stream(self, stream_id: int, data: bytes | memoryview, *, fin: bool) -> int: ...
    def reset_stream(self, stream_id: int, code: int) -> None: ...
    def stop_stream(self, stream_id: int, code: int) -> None: ...
    def recv_message(self) -> Message | None: ...
    def close_info(self) -> CloseInfo: ...


@dataclass
class _Stream:
    exchange: Exchange
    sending: bool = True
    receiving: bool = True
    pending: memoryview = field(default_factory=lambda: memoryview(b""))
    fin: bool = False  # the pending bytes are the last


def _ignore_datagram(_data: bytes) -> None:
    """Without somebody who wants them, datagrams are dropped."""


def _ignore_event(_event: Event) -> None:
    """Without somebody who wants them, events are dropped."""


def _ignore_crypto(_message: CryptoData) -> None:
    """Session tickets are of use only to those who resume sessions."""


class StreamMux:
    """The streams of one connection; ``accept`` makes an exchange for each the peer opens.

    The socket must not block. ``server`` tells our role, ``peer`` names the other end in errors.
    """

    def __init__(
        self,
        sock: StreamSocket,
        *,
        server: bool,
        peer: str,
        accept: Callable[[int], Exchange] | None = None,
    ) -> None:
        self._sock = sock
        self._peer = peer
        self._peer_opens = 0 if server else _SERVER_OPENED
        self._accept = accept
        self._streams: dict[int, _Stream] = {}
        self._senders: deque[int] = deque()
        self._unfinished: set[int] = set()
        self.on_datagram: Callable[[bytes], None] = _ignore_datagram
        self.on_event: Callable[[Event], None] = _ignore_event
        self.on_crypto: Callable[[CryptoData], None] = _ignore_crypto
        self.closed = False

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def wants_write(self) -> bool:
        """Whether to call :meth:`write` when the socket is writable."""
        return bool(self._senders) and not self.closed

    def open(self, exchange: Exchange) -> int:
        """Open a bidirectional stream. BlockingIOError: the peer allows no more for now."""
        stream_id = self._sock.open_stream(uni=False)
        self._streams[stream_id] = _Stream(exchange)
        self._senders.append(stream_id)
        return stream_id

    def wake(self, stream_id: int) -> None:
        """An exchange that had nothing to send has something now."""
        stream = self._streams.get(stream_id)
        if stream is not None and stream.sending and stream_id not in self._senders:
            self._senders.append(stream_id)

    def take(self, message: Message) -> None:
        """Take in one message, whoever read it."""
        if isinstance(message, StreamData):
            self._take(message)
        elif isinstance(message, Datagram):
            self.on_datagram(message.data)
        elif isinstance(message, Event):
            self.on_event(message)
        else:
            self.on_crypto(message)

    def read(self) -> None:
        """Take in what has come. Raises TquicError when the connection broke."""
        for _ in range(BUDGET):
            if self.closed:
                return
            try:
                message = self._sock.recv_message()
            except BlockingIOError:
                return
            except OSError as error:
                self.end()
                raise self._error(error) from error
            if message is None:
                self.end()
            else:
                self.take(message)

    def write(self) -> None:
        """Send what exchanges have, each in its turn. Raises TquicError as :meth:`read` does."""
        for _ in range(BUDGET):
            if not self._senders:
                return
            stream_id = self._senders.popleft()
            try:
                again = self._send_some(stream_id)
            except BlockingIOError:
                self._senders.append(stream_id)
                return
            except OSError as error:
                if error.errno not in _STREAM_GONE:
                    self.end()
                    raise self._error(error) from error
                self._stopped(stream_id)
                continue
            if again:
                self._senders.append(stream_id)

    def run(
        self,
        done: Callable[[], bool],
        *,
        tick: Callable[[], None] | None = None,
        stall_s: float | None = None,
        tick_s: float = 0.25,
    ) -> None:
        """Block until ``done()`` or the connection's end; ``tick`` is called now and then.

        Raises TquicError when the connection broke, or when the socket was not ready for
        ``stall_s`` seconds in a row.
        """
        poller = select.poll()
        busy_s = time.monotonic()
        while not done() and not self.closed:
            poller.register(
                self._sock.fileno(), select.POLLIN | (select.POLLOUT if self.wants_write else 0)
            )
            events = poller.poll(tick_s * 1000)
            if tick is not None:
                tick()
            if events:
                busy_s = time.monotonic()
                self.read()
                self.write()
            elif stall_s is not None and time.monotonic() - busy_s > stall_s:
                raise ConnectionFailedError(f"{self._peer}: nothing moved for {stall_s:g} s")

    def end(self) -> None:
        """The connection is over: all exchanges are told."""
        self.closed = True
        self._senders.clear()
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.exchange.on_end(REFUSED)

    # --- inside

    def _take(self, message: StreamData) -> None:
        if message.stream_id in self._unfinished:
            if message.fin or message.reset_code is not None:
                self._unfinished.discard(message.stream_id)
            return
        stream = self._streams.get(message.stream_id) or self._new(message)
        if stream is None or not stream.receiving:
            return
        if message.reset_code is not None:
            stream.receiving = False
            self._abort(message.stream_id, stream, message.reset_code)
            return
        try:
            stream.exchange.on_data(message.data, message.fin)
        except StreamRefusedError as refusal:
            stream.receiving = not message.fin
            self._abort(message.stream_id, stream, refusal.code)
            return
        if message.fin:
            stream.receiving = False
        self.wake(message.stream_id)
        self._reap(message.stream_id, stream)

    def _new(self, message: StreamData) -> _Stream | None:
        """The peer opened a stream; None when nobody wants it or it is nothing new."""
        stream_id = message.stream_id
        if stream_id & 1 != self._peer_opens or message.reset_code is not None:
            return None
        try:
            if self._accept is None or stream_id & _UNI:
                raise StreamRefusedError
            stream = _Stream(self._accept(stream_id))
        except StreamRefusedError as refusal:
            if not message.fin:
                self._stop_receiving(stream_id, refusal.code)
            if not stream_id & _UNI:
                self._quietly(self._sock.reset_stream, stream_id, refusal.code)
            return None
        self._streams[stream_id] = stream
        return stream

    def _send_some(self, stream_id: int) -> bool:
        """Send one chunk of a stream; return whether to ask it again soon."""
        stream = self._streams.get(stream_id)
        if stream is None or not stream.sending:
            return False
        if not stream.pending and not stream.fin:
            try:
                pulled = stream.exchange.pull(CHUNK_BYTES)
            except StreamRefusedError as refusal:
                self._abort(stream_id, stream, refusal.code)
                return False
            if pulled is None:
                return False
            stream.pending, stream.fin = memoryview(pulled[0]), pulled[1]
        taken = self._sock.send_stream(stream_id, stream.pending, fin=stream.fin)
        stream.pending = stream.pending[taken:]
        if stream.pending or not stream.fin:
            return True
        stream.sending = False
        self._reap(stream_id, stream)
        return False

    def _reap(self, stream_id: int, stream: _Stream) -> None:
        if not stream.sending and not stream.receiving:
            del self._streams[stream_id]
            stream.exchange.on_end(None)

    def _stopped(self, stream_id: int) -> None:
        """The kernel takes no more of a stream: the peer stopped it."""
        stream = self._streams.get(stream_id)
        if stream is not None:
            self._abort(stream_id, stream, REFUSED)

    def _stop_receiving(self, stream_id: int, code: int) -> None:
        if len(self._unfinished) >= _UNFINISHED_MAX:
            self.end()
            raise ConnectionFailedError(f"{self._peer}: opens streams it does not use")
        self._unfinished.add(stream_id)
        self._quietly(self._sock.stop_stream, stream_id, code)

    def _abort(self, stream_id: int, stream: _Stream, code: int) -> None:
        """Give a stream up in both directions."""
        if stream.receiving:
            self._stop_receiving(stream_id, code)
        if stream.sending:
            self._quietly(self._sock.reset_stream, stream_id, code)
        if self._streams.pop(stream_id, None) is not None:
            stream.exchange.on_end(code)

    @staticmethod
    def _quietly(call: Callable[[int, int], None], stream_id: int, code: int) -> None:
        try:
            call(stream_id, code)
        except OSError as error:
            if error.errno not in (*_STREAM_GONE, errno.ENOTCONN):
                raise

    def _error(self, error: OSError) -> TquicError:
        try:
            info = self._sock.close_info()
        except OSError:
            info = None
        return connection_error(self._peer, info, error)
