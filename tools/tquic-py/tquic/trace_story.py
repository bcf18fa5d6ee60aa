# SPDX-License-Identifier: GPL-2.0
"""Reports on how things went: losses, handshakes, stalls, whole connections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .errors import close_text
from .trace_events import (
    PACKET_THRESHOLD,
    Close,
    ConnState,
    Drop,
    Event,
    Frame,
    Handshake,
    Level,
    PacketDropped,
    PacketLost,
    PacketSpurious,
    PathChange,
    SchedDecision,
    SentFlag,
    Step,
    Why,
    conn_name,
    frame_name,
)
from .trace_report import Record, Report, ms, share
from .uapi import CloseInfo, PathState, State

__all__ = ["HandshakeReport", "LifeReport", "LossReport", "StallReport"]

#: Losses that a late acknowledgment may still prove spurious.
_LOSSES_KEPT = 65536


def _role(server: int) -> str:
    return "server" if server else "client"


@dataclass(frozen=True, kw_only=True)
class LossRow(Record):
    """A packet declared lost ``age_ns`` after it left, or found to have arrived.

    ``what``: lost, spurious, dropped. ``why`` is the threshold, or the reason of the drop.
    """

    KIND = "loss"

    path: int
    what: str
    why: str
    bytes: int
    level: str = ""
    pn: int | None = None
    age_ns: int | None = None

    def line(self) -> str:
        name = f"{conn_name(self.conn)} path {self.path}"
        if self.what == "dropped":
            return f"{name} dropped a packet of {self.bytes} bytes: {self.why}"
        when = "" if self.age_ns is None else f" {ms(self.age_ns)}"
        tail = " after it left" if self.what == "lost" else " after it was declared lost"
        return (
            f"{name} {self.level} packet {self.pn} of {self.bytes} bytes {self.what}"
            f"{when + tail if when else ''}: {self.why}"
        )


@dataclass(frozen=True, kw_only=True)
class LossSum(Record):
    """The losses of a path while it was traced."""

    KIND = "loss-sum"

    path: int
    lost: int
    spurious: int
    dropped: int

    def line(self) -> str:
        return (
            f"{conn_name(self.conn)} path {self.path}: {self.lost} lost, {self.spurious} of them "
            f"spurious ({share(self.spurious, self.lost):.1f} %), {self.dropped} dropped here"
        )


class LossReport(Report):
    """Each packet lost, whether that was true, and each packet dropped here."""

    WANTS = (PacketLost, PacketSpurious, PacketDropped)

    def __init__(self) -> None:
        self._declared: dict[tuple[int, int, int, int], int] = {}
        self._counts: dict[tuple[int, int], Counter[str]] = {}
        self._last_ns = 0

    def feed(self, event: Event) -> Iterable[Record]:
        if not isinstance(event, PacketLost | PacketSpurious | PacketDropped):
            return ()
        row = self._row(event)
        self._counts.setdefault((row.conn, row.path), Counter())[row.what] += 1
        self._last_ns = row.ns
        return (row,)

    def _row(self, event: PacketLost | PacketSpurious | PacketDropped) -> LossRow:
        head: dict[str, Any] = {
            "ns": event.ns,
            "conn": event.conn,
            "path": event.path,
            "bytes": event.bytes,
        }
        if isinstance(event, PacketDropped):
            why = Drop(event.reason).name.lower().replace("_", " ")
            return LossRow(**head, what="dropped", why=why)
        key = (event.conn, event.path, event.level, event.pn)
        level = Level(event.level).name.lower()
        if isinstance(event, PacketSpurious):
            declared = self._declared.pop(key, None)
            age = None if declared is None else event.ns - declared
            why = "acknowledged late"
            return LossRow(**head, what="spurious", why=why, level=level, pn=event.pn, age_ns=age)
        self._declared[key] = event.ns
        if len(self._declared) > _LOSSES_KEPT:
            del self._declared[next(iter(self._declared))]
        overtaken = event.largest_acked >= event.pn + PACKET_THRESHOLD
        why = "later packets were acknowledged" if overtaken else "its time was up"
        if event.flags & SentFlag.MTU_PROBE:
            why = f"a probe of the size; {why}"
        return LossRow(**head, what="lost", why=why, level=level, pn=event.pn, age_ns=event.age_ns)

    def finish(self) -> Iterable[Record]:
        for (conn, path), counts in sorted(self._counts.items()):
            yield LossSum(
                ns=self._last_ns,
                conn=conn,
                path=path,
                lost=counts["lost"],
                spurious=counts["spurious"],
                dropped=counts["dropped"],
            )


@dataclass(frozen=True, kw_only=True)
class HandshakeRow(Record):
    """A handshake: each step with the time since the start, in ns."""

    KIND = "handshake"

    role: str
    done: bool
    steps: dict[str, int]

    def line(self) -> str:
        parts, before = [], 0
        for name, at_ns in self.steps.items():
            parts.append(f"{name} +{ms(at_ns - before)}")
            before = at_ns
        what = f"confirmed in {ms(before)}" if self.done else f"failed after {ms(before)}"
        return f"{conn_name(self.conn)} {self.role} {what}: {', '.join(parts)}"


class HandshakeReport(Report):
    """Where the time of each handshake went, told when it is confirmed or has failed."""

    WANTS = (Handshake, Close)

    def __init__(self) -> None:
        self._open: dict[int, list[Handshake]] = {}

    def feed(self, event: Event) -> Iterable[Record]:
        if isinstance(event, Handshake):
            if event.step == Step.START:
                self._open[event.conn] = [event]
            elif event.conn in self._open:
                self._open[event.conn].append(event)
                if event.step == Step.CONFIRMED:
                    return (self._row(event.conn, event.ns),)
        elif isinstance(event, Close) and event.conn in self._open:
            return (self._row(event.conn, event.ns),)
        return ()

    def _row(self, conn: int, ns: int) -> HandshakeRow:
        events = self._open.pop(conn)
        start = events[0]
        # Keys come for each direction: the later one completes the step.
        steps = {Step(e.step): e.ns - start.ns for e in events[1:]}
        done = Step.CONFIRMED in steps
        named = {step.name.lower(): at for step, at in sorted(steps.items(), key=lambda s: s[1])}
        if not done:
            named["closed"] = ns - start.ns
        return HandshakeRow(ns=ns, conn=conn, role=_role(start.server), done=done, steps=named)


@dataclass(frozen=True, kw_only=True)
class StallRow(Record):
    """No stream data moved in a direction for ``gap_ns``; ``causes`` has the most likely first."""

    KIND = "stall"

    sending: bool
    gap_ns: int
    causes: list[str]

    def line(self) -> str:
        way = "sent" if self.sending else "received"
        return (
            f"{conn_name(self.conn)} {way} no data for {ms(self.gap_ns)}: {'; '.join(self.causes)}"
        )


@dataclass
class _Gap:
    """What happened on a connection since data last moved in a direction."""

    since_ns: int
    suspect: set[int] = field(default_factory=set)
    lost: Counter[int] = field(default_factory=Counter)
    blocked: int = 0
    waits: int = 0

    def causes(self, sending: bool) -> list[str]:
        found = [f"path {path} went silent" for path in sorted(self.suspect)]
        found += [f"{count} packets lost on path {path}" for path, count in self.lost.items()]
        if self.blocked:
            found.append("flow control: the reader is slow" if sending else "flow control: read")
        if self.waits and sending:
            found.append("no path had room in its window, or all waited for their pacers")
        return found or ["the program sent nothing" if sending else "the peer sent nothing"]


class StallReport(Report):
    """Gaps in the stream data of a connection, each direction on its own, with their causes."""

    WANTS = (Frame, PathChange, PacketLost, SchedDecision, Close)

    def __init__(self, over_ns: int) -> None:
        """Gaps longer than ``over_ns`` are told."""
        self._over_ns = over_ns
        self._gaps: dict[tuple[int, bool], _Gap] = {}
        self._silent: dict[int, set[int]] = {}

    def feed(self, event: Event) -> Iterable[Record]:
        if isinstance(event, Frame):
            return self._on_frame(event)
        if isinstance(event, Close):
            for way in (False, True):
                self._gaps.pop((event.conn, way), None)
            self._silent.pop(event.conn, None)
            return ()
        if isinstance(event, PathChange):
            silent = self._silent.setdefault(event.conn, set())
            (silent.add if event.to == PathState.SUSPECT else silent.discard)(event.path)
        for way in (False, True):
            gap = self._gaps.get((event.conn, way))
            if gap is not None:
                self._note(gap, event)
        return ()

    @staticmethod
    def _note(gap: _Gap, event: Event) -> None:
        if isinstance(event, PathChange) and event.to == PathState.SUSPECT:
            gap.suspect.add(event.path)
        elif isinstance(event, PacketLost):
            gap.lost[event.path] += 1
        elif isinstance(event, SchedDecision) and event.why == Why.DATA and event.path < 0:
            gap.waits += 1

    def _on_frame(self, event: Frame) -> Iterable[Record]:
        name = frame_name(event.type)
        sending = bool(event.sent)
        key = (event.conn, sending)
        if name in ("data_blocked", "stream_data_blocked"):
            if key in self._gaps:
                self._gaps[key].blocked += 1
            return ()
        if name != "stream":
            return ()
        gap = self._gaps.get(key)
        self._gaps[key] = _Gap(event.ns, set(self._silent.get(event.conn, ())))
        if gap is None or event.ns - gap.since_ns <= self._over_ns:
            return ()
        return (
            StallRow(
                ns=event.ns,
                conn=event.conn,
                sending=sending,
                gap_ns=event.ns - gap.since_ns,
                causes=gap.causes(sending),
            ),
        )


@dataclass(frozen=True, kw_only=True)
class LifeRow(Record):
    """A connection that has ended: how long it lived (None: it was there first), what it moved."""

    KIND = "life"

    role: str
    life_ns: int | None
    established: bool
    sent_bytes: int
    retransmitted_bytes: int
    received_bytes: int
    paths: int
    lost: int
    close: str

    def line(self) -> str:
        life = "longer than traced" if self.life_ns is None else ms(self.life_ns)
        return (
            f"{conn_name(self.conn)} {self.role} {life}: sent {self.sent_bytes} bytes "
            f"({self.retransmitted_bytes} again), received {self.received_bytes}, "
            f"{self.paths} paths, {self.lost} packets lost; {self.close}"
        )


@dataclass
class _Life:
    start_ns: int | None = None
    established: bool = False
    paths: set[int] = field(default_factory=set)
    lost: int = 0
    close: Close | None = None


class LifeReport(Report):
    """Connections with their totals, each told when it is over."""

    WANTS = (ConnState, Close, PathChange, PacketLost)

    def __init__(self) -> None:
        self._lives: dict[int, _Life] = {}

    def feed(self, event: Event) -> Iterable[Record]:
        life = self._lives.setdefault(event.conn, _Life())
        if isinstance(event, Close):
            life.close = event
        elif isinstance(event, PathChange):
            if event.to == PathState.ACTIVE:
                life.paths.add(event.path)
        elif isinstance(event, PacketLost):
            life.lost += 1
        elif isinstance(event, ConnState):
            return self._on_state(event, life)
        return ()

    def _on_state(self, event: ConnState, life: _Life) -> Iterable[Record]:
        if event.to == State.HANDSHAKE:
            life.start_ns = event.ns
        if State.ESTABLISHED in (event.to, event.from_):
            life.established = True
        if event.to != State.CLOSED:
            return ()
        del self._lives[event.conn]
        return (
            LifeRow(
                ns=event.ns,
                conn=event.conn,
                role=_role(event.server),
                life_ns=None if life.start_ns is None else event.ns - life.start_ns,
                established=life.established,
                sent_bytes=event.sent_bytes,
                retransmitted_bytes=event.retransmitted_bytes,
                received_bytes=event.received_bytes,
                paths=len(life.paths),
                lost=life.lost,
                close=_close_words(life.close),
            ),
        )


def _close_words(close: Close | None) -> str:
    if close is None:
        return "no close was seen"
    return close_text(CloseInfo(error_code=close.error, flags=close.flags))
