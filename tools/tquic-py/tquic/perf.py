# SPDX-License-Identifier: GPL-2.0
"""Throughput between two hosts over TQUIC: the logic of `tquic perf` (ALPN tquic-perf/1).

A client opens streams and starts each with an order: which way, for how long or how many bytes.
Uploads end with the client's FIN, and the server answers with what it counted; downloads are the
server's bytes up to its FIN. So the receiver's count and clock are always what is reported.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from .errors import ConnectionFailedError, IncompleteError, close_text
from .get import open_connection
from .handshake import Options
from .multipath import PathSpec
from .mux import Exchange, StreamMux, StreamRefusedError
from .tls import TlsConfig
from .uapi import Info, PathInfo

__all__ = ["ALPN", "Order", "PerfExchange", "Report", "measure"]

ALPN = "tquic-perf/1"
MAX_DURATION_MS = 3_600_000
MAX_BYTES = 1 << 50
_MAGIC = b"TQP1"
_ORDER = struct.Struct("!4sB3xIQ")
_COUNT = struct.Struct("!QQ")
_PAYLOAD = memoryview(bytes(range(256)) * 256)
_DOWNLOAD = 1
_BAD_ORDER = 0x200
_NS = 1_000_000_000


@dataclass(frozen=True)
class Order:
    """What one stream is to do: ``duration_ms`` or ``size`` bytes ends it, 0 means no limit."""

    download: bool
    duration_ms: int = 0
    size: int = 0

    def pack(self) -> bytes:
        """The order's bytes."""
        return _ORDER.pack(_MAGIC, int(self.download), self.duration_ms, self.size)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read an order. Raises ValueError for anything unreasonable."""
        magic, mode, duration_ms, size = _ORDER.unpack(data)
        order = cls(mode == _DOWNLOAD, duration_ms, size)
        limited = duration_ms or size
        if magic != _MAGIC or mode > _DOWNLOAD or not limited:
            raise ValueError("not an order")
        if duration_ms > MAX_DURATION_MS or size > MAX_BYTES:
            raise ValueError("order too large")
        return order


class _Source:
    """Bytes to send until an order is fulfilled."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._sent = 0
        self._end_ns = 0

    def next(self, limit: int) -> tuple[memoryview, bool]:
        now_ns = time.monotonic_ns()
        if not self._end_ns:
            self._end_ns = now_ns + self._order.duration_ms * 1_000_000
        if self._order.duration_ms and now_ns >= self._end_ns:
            return _PAYLOAD[:0], True
        room = min(limit, len(_PAYLOAD))
        if self._order.size:
            room = min(room, self._order.size - self._sent)
        self._sent += room
        return _PAYLOAD[:room], bool(self._order.size) and self._sent == self._order.size


class _Meter:
    """Bytes received, and when the first and the last came (monotonic nanoseconds)."""

    def __init__(self) -> None:
        self.count = 0
        self.first_ns = 0
        self.last_ns = 0

    def add(self, size: int) -> None:
        if size:
            self.last_ns = time.monotonic_ns()
            self.first_ns = self.first_ns or self.last_ns
            self.count += size

    @property
    def span_ns(self) -> int:
        return self.last_ns - self.first_ns


class PerfExchange(Exchange):
    """The server's side of one stream."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._order: Order | None = None
        self._source: _Source | None = None
        self._meter = _Meter()
        self._answer: bytes | None = None

    def on_data(self, data: bytes, fin: bool) -> None:
        """Read the order, then count."""
        if self._order is None:
            need = _ORDER.size - len(self._head)
            self._head += data[:need]
            data = data[need:]
            if len(self._head) == _ORDER.size:
                self._begin()
        if self._order is not None and self._order.download and data:
            raise StreamRefusedError(_BAD_ORDER)
        self._meter.add(len(data))
        if fin:
            if self._order is None:
                raise StreamRefusedError(_BAD_ORDER)
            if not self._order.download:
                self._answer = _COUNT.pack(self._meter.count, self._meter.span_ns)

    def _begin(self) -> None:
        try:
            self._order = Order.unpack(bytes(self._head))
        except ValueError as error:
            raise StreamRefusedError(_BAD_ORDER) from error
        if self._order.download:
            self._source = _Source(self._order)

    def pull(self, limit: int) -> tuple[bytes | memoryview, bool] | None:
        """Bytes of a download, or the count of a finished upload."""
        if self._source is not None:
            return self._source.next(limit)
        if self._answer is not None:
            return self._answer, True
        return None

    def on_end(self, code: int | None) -> None:
        """Nothing is held."""


class _ClientExchange(Exchange):
    """The client's side of one stream."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.meter = _Meter()
        self.ended = False
        self.refused: int | None = None
        self.sent_bytes = 0
        self.answer = bytearray()
        self._head: bytes | None = order.pack()
        self._source = _Source(order)

    def pull(self, limit: int) -> tuple[bytes | memoryview, bool] | None:
        if self._head is not None:
            head, self._head = self._head, None
            return head, self.order.download
        if self.order.download:
            return None
        data, fin = self._source.next(limit)
        self.sent_bytes += len(data)
        return data, fin

    def on_data(self, data: bytes, fin: bool) -> None:
        if self.order.download:
            self.meter.add(len(data))
        else:
            self.answer += data[: _COUNT.size]

    def on_end(self, code: int | None) -> None:
        self.ended = True
        self.refused = code
        if code is None and not self.order.download and len(self.answer) == _COUNT.size:
            self.meter.count, span_ns = _COUNT.unpack(self.answer)
            self.meter.last_ns = span_ns  # the server's clock: only the difference means anything

    @property
    def moved_bytes(self) -> int:
        return self.meter.count if self.order.download or self.ended else self.sent_bytes


@dataclass(frozen=True)
class Report:
    """What was measured: bytes that arrived, and the seconds from the first to the last."""

    download: bool
    received_bytes: int
    seconds: float
    stream_bytes: Sequence[int]
    handshake_s: float
    info: Info
    paths: Sequence[PathInfo]

    @property
    def mbit_s(self) -> float:
        """Megabits of payload per second at the receiver."""
        return self.received_bytes * 8 / 1e6 / self.seconds if self.seconds else 0.0


def _orders(download: bool, duration_ms: int, size: int, streams: int) -> list[Order]:
    """Share an order among streams; the first takes what does not divide."""
    share, rest = divmod(size, streams)
    return [
        Order(download, duration_ms, share + (rest if index == 0 else 0))
        for index in range(streams)
    ]


def measure(
    host: str,
    port: int,
    tls: TlsConfig,
    *,
    download: bool = False,
    duration_ms: int = 0,
    size: int = 0,
    streams: int = 1,
    paths: Sequence[PathSpec] = (),
    options: Options | None = None,
    progress: Callable[[int, float], None] = lambda _bytes, _seconds: None,
    stall_s: float = 30.0,
) -> Report:
    """Move bytes one way until ``duration_ms`` or ``size`` is reached and report.

    ``progress`` gets the bytes so far and the seconds since the start. Raises TquicError.
    """
    if not duration_ms and size < streams:
        raise ValueError("a duration, or at least one byte for each stream, is needed")
    begun_s = time.monotonic()
    with open_connection(host, port, tls, paths, options or Options()) as sock:
        connected_s = time.monotonic()
        mux = StreamMux(sock, server=False, peer=f"{host}:{port}")
        work = [_ClientExchange(order) for order in _orders(download, duration_ms, size, streams)]
        for exchange in work:
            try:
                mux.open(exchange)
            except BlockingIOError as error:
                raise ConnectionFailedError(
                    f"{host}: the server does not allow {streams} streams: ask for fewer"
                ) from error

        def tick() -> None:
            progress(sum(item.moved_bytes for item in work), time.monotonic() - connected_s)

        mux.run(lambda: all(item.ended for item in work), tick=tick, stall_s=stall_s)
        if mux.closed:
            raise ConnectionFailedError(f"{host}: {close_text(sock.close_info())}")
        refused = [item.refused for item in work if item.refused is not None]
        if refused:
            raise IncompleteError(f"{host}: the server gave a stream up (code {refused[0]:#x})")
        seconds = _span_s(work)
        moved = [item.meter.count for item in work]
        report = Report(
            download,
            sum(moved),
            seconds,
            moved,
            connected_s - begun_s,
            sock.info(),
            tuple(sock.paths()),
        )
        sock.close_with(0)
        return report


def _span_s(work: Sequence[_ClientExchange]) -> float:
    """Seconds from the first to the last byte at the receiver, over all streams."""
    if work[0].order.download:
        first_ns = min((item.meter.first_ns for item in work if item.meter.count), default=0)
        return (max(item.meter.last_ns for item in work) - first_ns) / _NS
    return max(item.meter.span_ns for item in work) / _NS
