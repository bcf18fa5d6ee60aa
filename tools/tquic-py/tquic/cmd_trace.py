# SPDX-License-Identifier: GPL-2.0
"""`tquic trace`: what connections do, packet by packet, from the kernel's tracepoints."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import click

from . import completion
from .trace_live import FramesReport, PathsReport, SchedReport
from .trace_qlog import DRAFT, QVIS
from .trace_report import Record, Report
from .trace_run import run_qlog, run_report
from .trace_story import HandshakeReport, LifeReport, LossReport, StallReport

Command = Callable[..., None]


@click.group()
def group() -> None:
    """Watch connections by tracepoints (needs root, bcc and the kernel's headers)."""


def _common(function: Command) -> Command:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print a line of JSON per record."),
        click.option("--for", "for_s", type=float, help="Seconds to trace; else until stopped."),
        click.option(
            "--conn",
            type=int,
            help="Only connections with this token.",
            shell_complete=completion.connections,
        ),
    ):
        function = option(function)
    return function


def _stopper(for_s: float | None) -> Callable[[], bool]:
    """What tells that it is time to stop: after the signals, or so many seconds from now."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if for_s is not None:
        timer = threading.Timer(for_s, stop.set)
        timer.daemon = True
        timer.start()
    return stop.is_set


def _run(
    report: Report, as_json: bool, for_s: float | None, conn: int | None, every_s: float = 1.0
) -> None:
    def show(record: Record) -> None:
        click.echo(json.dumps(record.json()) if as_json else record.line())

    run_report(report, show, lambda: _ready(for_s), token=conn, every_s=every_s)


def _ready(for_s: float | None) -> Callable[[], bool]:
    click.echo("tracing", err=True)
    return _stopper(for_s)


@group.command()
@_common
@click.option("--every", "every_s", type=float, default=1.0, help="Seconds between lines.")
def paths(as_json: bool, for_s: float | None, conn: int | None, every_s: float) -> None:
    """RTT, window and loss of every path, again and again."""
    _run(PathsReport(), as_json, for_s, conn, every_s)


@group.command()
@_common
def sched(as_json: bool, for_s: float | None, conn: int | None) -> None:
    """Which path packets went to and why: a histogram at the end."""
    _run(SchedReport(), as_json, for_s, conn)


@group.command()
@_common
def loss(as_json: bool, for_s: float | None, conn: int | None) -> None:
    """Every packet lost, when, and whether it was; sums at the end."""
    _run(LossReport(), as_json, for_s, conn)


@group.command()
@_common
def handshake(as_json: bool, for_s: float | None, conn: int | None) -> None:
    """Where the time of each handshake goes."""
    _run(HandshakeReport(), as_json, for_s, conn)


@group.command()
@_common
@click.option("--over-ms", type=float, default=200.0, help="Shorter gaps are no stalls.")
def stall(as_json: bool, for_s: float | None, conn: int | None, over_ms: float) -> None:
    """Gaps in the data of a connection, with their causes."""
    _run(StallReport(int(over_ms * 1e6)), as_json, for_s, conn)


@group.command()
@_common
def life(as_json: bool, for_s: float | None, conn: int | None) -> None:
    """A line with totals for every connection that ends."""
    _run(LifeReport(), as_json, for_s, conn)


@group.command()
@_common
def frames(as_json: bool, for_s: float | None, conn: int | None) -> None:
    """Frames by path, direction and type: a table at the end."""
    _run(FramesReport(), as_json, for_s, conn)


@group.command()
@_common
@click.option("--qvis", is_flag=True, help="Write qlog 0.3, which qvis reads.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def qlog(as_json: bool, for_s: float | None, conn: int | None, qvis: bool, folder: Path) -> None:
    """Write a qlog file per connection into FOLDER and print its name when it is complete."""

    def show(path: Path) -> None:
        click.echo(json.dumps({"file": str(path)}) if as_json else str(path))

    run_qlog(folder, QVIS if qvis else DRAFT, show, lambda: _ready(for_s), token=conn)
