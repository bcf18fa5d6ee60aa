# SPDX-License-Identifier: GPL-2.0
"""The two ends of a scheduler's trial: objects and datagrams, asked for by the client in time.

Each datagram of the client asks for one: how many bytes, and due in how many microseconds, 0 for
any time. The answer begins with when it was sent; all clocks are one.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

from .mux import Exchange, StreamMux
from .perf import Order
from .sched_trials import Load
from .sock import TquicSocket
from .uapi import Deadline

__all__ = ["Client", "answer"]

_ASK = struct.Struct("!HI")
_SENT = struct.Struct("!d")
_TICK_S = 0.02

#: Gets the moment and the size of what came.
Count = Callable[[float, int], None]


def answer(sock: TquicSocket, asked: bytes) -> None:
    """Send the datagram that was asked for; one that the queue does not take is missed."""
    if len(asked) != _ASK.size:
        return
    size, due_us = _ASK.unpack(asked)
    data = _SENT.pack(time.monotonic()).ljust(size, b"\0")
    try:
        if due_us:
            sock.send_datagram(data, deadline=Deadline.of(due_us / 1e6, drop=True))
        else:
            sock.send_datagram(data)
    except BlockingIOError:
        return


class _Object(Exchange):
    """One object: when it was asked for, and whether all of it has come."""

    def __init__(self, size: int, seconds: float, count: Count, told: Callable[[float], None]):
        self._head: bytes | None = Order(True, int(seconds * 1000), size).pack()
        self._asked_s = time.monotonic()
        self._left = size
        self._count = count
        self._told = told

    def pull(self, limit: int) -> tuple[bytes, bool] | None:
        """The order, once."""
        head, self._head = self._head, None
        return None if head is None else (head, True)

    def on_data(self, data: bytes, fin: bool) -> None:
        """Count."""
        now_s = time.monotonic()
        self._count(now_s, len(data))
        self._left -= len(data)
        if fin and not self._left:
            self._told((now_s - self._asked_s) * 1000)

    def on_end(self, code: int | None) -> None:
        """An object that was given up is missing among those told."""


class Client:
    """Asks for what a load has, each thing when it is due, and notes how long it took."""

    def __init__(self, sock: TquicSocket, mux: StreamMux, load: Load, count: Count) -> None:
        self._sock = sock
        self._mux = mux
        self._load = load
        self._count = count
        self._begun_s = self._next_s = time.monotonic()
        self._objects = load.objects()
        self._opened = 0
        self.asked = 0
        self.delays_ms: list[float] = []
        self.objects_ms: list[float] = []
        mux.on_datagram = self._came
        if load.bulk:
            # It outlives the load: the connection's end is its end.
            mux.open(_Object(0, load.seconds + 5, count, lambda _: None))

    @property
    def tick_s(self) -> float:
        """How often :meth:`tick` is needed."""
        load = self._load
        every = [s for s in (load.datagram_every_s, load.object_every_s) if s]
        return min([_TICK_S, *every])

    def done(self) -> bool:
        """The time is over, and all objects are there."""
        over = time.monotonic() >= self._begun_s + self._load.seconds
        return over and len(self.objects_ms) == len(self._objects)

    def tick(self) -> None:
        """Ask for what is due."""
        load, now_s = self._load, time.monotonic()
        while self._opened < len(self._objects):
            at_s, size = self._objects[self._opened]
            if now_s < self._begun_s + at_s:
                break
            self._mux.open(_Object(size, 0, self._count, self._arrived))
            self._opened += 1
            self._mux.write()
        while load.datagram_bytes and self._next_s <= now_s < self._begun_s + load.seconds:
            self._next_s += load.datagram_every_s
            self.asked += 1
            self._ask(_ASK.pack(load.datagram_bytes, round(load.deadline_s * 1e6)))

    def _ask(self, data: bytes) -> None:
        try:
            if self._load.deadline_s:
                self._sock.send_datagram(data, deadline=Deadline.of(self._load.deadline_s))
            else:
                self._sock.send_datagram(data)
        except BlockingIOError:
            return  # what is not asked for is missed

    def _arrived(self, took_ms: float) -> None:
        self.objects_ms.append(round(took_ms, 3))

    def _came(self, data: bytes) -> None:
        (sent_s,) = _SENT.unpack_from(data)
        self.delays_ms.append(round((time.monotonic() - sent_s) * 1000, 3))
