# SPDX-License-Identifier: GPL-2.0
"""Run a report on the events of the kernel until it is told to stop."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from .trace_bcc import Tracer
from .trace_events import Event
from .trace_qlog import WANTS, Dialect, QlogWriter
from .trace_report import Record, Report

__all__ = ["Ready", "Source", "pump", "run_qlog", "run_report"]

#: Called when the probes are attached; gives what tells when to stop.
Ready = Callable[[], Callable[[], bool]]

_WAIT_S = 0.1
_SELDOM_S = 0.5


class Source(Protocol):
    """Where events come from."""

    def read(self, wait_s: float) -> Sequence[Event]:
        """The events since the last call."""

    @property
    def overruns(self) -> int:
        """Events that were lost so far."""


def pump(
    source: Source,
    stopped: Callable[[], bool],
    feed: Callable[[Event], None],
    tick: Callable[[], None],
    every_s: float = 1.0,
    wait_s: float = _WAIT_S,
) -> None:
    """Feed events until told to stop, and what had come by then; tick at the interval before."""
    next_s = time.monotonic() + every_s
    stop_ns = 0
    while True:
        if not stop_ns and stopped():
            stop_ns = time.monotonic_ns()
        events = source.read(0 if stop_ns else wait_s)
        for event in events:
            feed(event)
        if stop_ns and (not events or events[-1].ns > stop_ns):
            break
        if not stop_ns and time.monotonic() >= next_s:
            next_s += every_s
            tick()
    if source.overruns:
        print(f"tquic: {source.overruns} events were lost: they came too fast", file=sys.stderr)


def report_on(
    source: Source,
    report: Report,
    show: Callable[[Record], None],
    stopped: Callable[[], bool],
    every_s: float = 1.0,
) -> None:
    """Show the records a report makes of the events of a source."""

    def feed(event: Event) -> None:
        for record in report.feed(event):
            show(record)

    def tick() -> None:
        for record in report.tick():
            show(record)

    # What the kernel keeps until it is asked for need not be asked for often.
    wait_s = min(every_s / 2, _SELDOM_S) if report.LATEST else _WAIT_S
    pump(source, stopped, feed, tick, every_s, wait_s)
    for record in report.finish():
        show(record)


def run_report(
    report: Report,
    show: Callable[[Record], None],
    ready: Ready,
    token: int | None = None,
    every_s: float = 1.0,
) -> None:
    """Trace what the report wants and show its records. Raises UnavailableError."""
    with Tracer(report.WANTS, token, report.LATEST) as tracer:
        report_on(tracer, report, show, ready(), every_s)


def run_qlog(
    folder: Path,
    dialect: Dialect,
    show: Callable[[Path], None],
    ready: Ready,
    token: int | None = None,
) -> None:
    """Trace into qlog files; ``show`` gets each that is complete. Raises UnavailableError."""

    with Tracer(WANTS, token) as tracer, QlogWriter(folder, dialect) as writer:

        def feed(event: Event) -> None:
            for path in writer.feed(event):
                show(path)

        pump(tracer, ready(), feed, lambda: None)
