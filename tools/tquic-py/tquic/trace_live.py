# SPDX-License-Identifier: GPL-2.0
"""Reports on what goes on: paths, the scheduler's choices, frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from .trace_events import (
    U64_MAX,
    CcUpdate,
    Event,
    Frame,
    PathChange,
    SchedCandidate,
    SchedDecision,
    Why,
    conn_name,
    frame_name,
)
from .trace_report import Record, Report, ms, share
from .uapi import PathState

__all__ = ["FramesReport", "PathsReport", "SchedReport"]

_BAR = 40


@dataclass(frozen=True, kw_only=True)
class PathRow(Record):
    """A path as it is, and what it did since the row before; the window in bytes.

    ``pacing_rate`` is in bytes per second. ``sent`` and ``lost`` count packets of the interval.
    """

    KIND = "path"

    path: int
    state: str
    srtt_ns: int
    min_rtt_ns: int
    cwnd_bytes: int
    ssthresh_bytes: int | None
    in_flight_bytes: int
    pacing_rate: int
    sent: int
    lost: int

    def line(self) -> str:
        return (
            f"{conn_name(self.conn)} path {self.path} {self.state}: rtt {ms(self.srtt_ns)} "
            f"(min {ms(self.min_rtt_ns)}), window {self.cwnd_bytes} bytes, "
            f"{self.in_flight_bytes} in flight, pacing {self.pacing_rate * 8 / 1e6:.1f} Mbit/s, "
            f"sent {self.sent}, lost {self.lost} ({share(self.lost, self.sent):.1f} %)"
        )


class PathsReport(Report):
    """RTT, window and loss of every path on which something happened in the interval."""

    WANTS = (CcUpdate, PathChange)
    LATEST = (CcUpdate,)

    def __init__(self) -> None:
        self._now: dict[tuple[int, int], CcUpdate] = {}
        self._before: dict[tuple[int, int], CcUpdate] = {}
        self._states: dict[tuple[int, int], int] = {}

    def feed(self, event: Event) -> Iterable[Record]:
        if isinstance(event, CcUpdate):
            key = (event.conn, event.path)
            self._before.setdefault(key, event)
            self._now[key] = event
        elif isinstance(event, PathChange):
            self._states[event.conn, event.path] = event.to
        return ()

    def tick(self) -> Iterable[Record]:
        rows = [self._row(*key) for key in sorted(self._now)]
        self._before.update(self._now)
        self._now.clear()
        return rows

    def finish(self) -> Iterable[Record]:
        return self.tick()

    def _row(self, conn: int, path: int) -> PathRow:
        now, before = self._now[conn, path], self._before[conn, path]
        # A path is traced from its middle when it was there first; data means it is active.
        state = PathState(self._states.get((conn, path), PathState.ACTIVE))
        return PathRow(
            ns=now.ns,
            conn=conn,
            path=path,
            state=state.name.lower(),
            srtt_ns=now.srtt_ns,
            min_rtt_ns=now.min_ns,
            cwnd_bytes=now.cwnd_bytes,
            ssthresh_bytes=None if now.ssthresh_bytes == U64_MAX else now.ssthresh_bytes,
            in_flight_bytes=now.in_flight_bytes,
            pacing_rate=now.pacing_rate,
            sent=now.sent_packets - before.sent_packets,
            lost=now.lost_packets - before.lost_packets,
        )


@dataclass(frozen=True, kw_only=True)
class SchedRow(Record):
    """How often a path was chosen for a reason; ``path`` is None for "wait"."""

    KIND = "sched"

    path: int | None
    reason: str
    count: int
    percent: float

    def line(self) -> str:
        bar = "#" * max(1, round(self.percent * _BAR / 100))
        where = "wait  " if self.path is None else f"path {self.path}"
        return (
            f"{conn_name(self.conn)} {where} {self.reason:<28} "
            f"{self.count:>8} {self.percent:5.1f} % {bar}"
        )


def sched_reason(chosen: SchedDecision, candidates: list[SchedCandidate]) -> str:
    """Why a decision was made, from the paths there were to choose from."""
    if chosen.why != Why.DATA:
        return _OTHER_WHY.get(chosen.why, "other")
    if chosen.path < 0:
        return _waits_for(candidates)
    mine = next((path for path in candidates if path.path == chosen.path), None)
    if mine is None:
        return "other"
    faster = [path for path in candidates if path.srtt_ns < mine.srtt_ns]
    if faster:
        return _passed_over(mine, faster)
    return "lowest rtt" if len(candidates) > 1 else "only path"


_OTHER_WHY: dict[int, str] = {
    Why.PATH: "path validation",
    Why.ACK: "acknowledgment",
    Why.PROBE: "probe timeout",
    Why.MTU: "size probe",
    Why.REINJECT: "reinjection",
}


def _waits_for(candidates: list[SchedCandidate]) -> str:
    """Why no path was taken."""
    if not candidates:
        return "no usable path"
    if any(path.room and path.paced for path in candidates):
        return "for the pacer"
    return "backup held back" if any(path.room for path in candidates) else "windows full"


def _passed_over(mine: SchedCandidate, faster: list[SchedCandidate]) -> str:
    """Why none of the faster paths was taken."""
    if not any(path.room for path in faster):
        return "faster is full"
    if not mine.backup and all(path.backup for path in faster if path.room):
        return "faster is backup"
    if all(path.paced for path in faster if path.room):
        return "faster waits for its pacer"
    return "scheduler's policy"


class SchedReport(Report):
    """A histogram: which path packets went to, and why."""

    WANTS = (SchedCandidate, SchedDecision)

    def __init__(self) -> None:
        self._candidates: dict[int, list[SchedCandidate]] = {}
        self._counts: dict[int, Counter[tuple[int, str]]] = {}
        self._last_ns: dict[int, int] = {}

    def feed(self, event: Event) -> Iterable[Record]:
        if isinstance(event, SchedCandidate):
            self._candidates.setdefault(event.conn, []).append(event)
        elif isinstance(event, SchedDecision):
            reason = sched_reason(event, self._candidates.pop(event.conn, []))
            self._counts.setdefault(event.conn, Counter())[event.path, reason] += 1
            self._last_ns[event.conn] = event.ns
        return ()

    def finish(self) -> Iterable[Record]:
        for conn, counts in sorted(self._counts.items()):
            whole = counts.total()
            for (path, reason), count in counts.most_common():
                yield SchedRow(
                    ns=self._last_ns[conn],
                    conn=conn,
                    path=None if path < 0 else path,
                    reason=reason,
                    count=count,
                    percent=round(share(count, whole), 2),
                )


@dataclass(frozen=True, kw_only=True)
class FrameRow(Record):
    """Frames of a type on a path in one direction; bytes include their headers."""

    KIND = "frames"

    path: int
    sent: bool
    frame: str
    count: int
    bytes: int

    def line(self) -> str:
        way = "sent    " if self.sent else "received"
        return (
            f"{conn_name(self.conn)} path {self.path} {way} {self.frame:<26} "
            f"{self.count:>8} frames {self.bytes:>12} bytes"
        )


class FramesReport(Report):
    """Frames by connection, path, direction and type."""

    WANTS = (Frame,)

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, int, bool, str]] = Counter()
        self._bytes: Counter[tuple[int, int, bool, str]] = Counter()
        self._last_ns = 0

    def feed(self, event: Event) -> Iterable[Record]:
        if isinstance(event, Frame):
            key = (event.conn, event.path, bool(event.sent), frame_name(event.type))
            self._counts[key] += 1
            self._bytes[key] += event.len
            self._last_ns = event.ns
        return ()

    def finish(self) -> Iterable[Record]:
        for key, count in sorted(self._counts.items()):
            conn, path, sent, frame = key
            yield FrameRow(
                ns=self._last_ns,
                conn=conn,
                path=path,
                sent=sent,
                frame=frame,
                count=count,
                bytes=self._bytes[key],
            )
