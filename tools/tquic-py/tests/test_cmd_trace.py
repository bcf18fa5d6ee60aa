# SPDX-License-Identifier: GPL-2.0
"""`tquic trace` on the command line, with events that no kernel sent."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from trace_make import NAME, make

from tquic import cli, trace_run
from tquic.trace_bcc import program
from tquic.trace_events import ConnState, Event, Frame
from tquic.trace_live import PathsReport
from tquic.trace_qlog import WANTS
from tquic.uapi import State


class FakeTracer:
    """Gives its events once."""

    made: list[tuple[tuple[type[Event], ...], int | None]]
    events: Sequence[Event]
    overruns = 0

    def __init__(
        self,
        wanted: tuple[type[Event], ...],
        token: int | None,
        latest: tuple[type[Event], ...] = (),
    ) -> None:
        self.made.append((wanted, token))

    def __enter__(self) -> FakeTracer:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, wait_s: float) -> Sequence[Event]:
        events, self.events = self.events, []
        return events


@pytest.fixture(autouse=True)
def tracer(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FakeTracer]]:
    FakeTracer.made = []
    FakeTracer.events = [
        make(ConnState, 1, from_=State.IDLE, to=State.HANDSHAKE),
        make(Frame, 2, type=0x0A, len=9, sent=1),
        make(ConnState, 3, from_=State.HANDSHAKE, to=State.CLOSED),
    ]
    monkeypatch.setattr(trace_run, "Tracer", FakeTracer)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield FakeTracer
    for number, handler in handlers.items():
        signal.signal(number, handler)


def run(*words: str) -> list[str]:
    """The lines of standard output."""
    done = CliRunner().invoke(cli.root, ["trace", *words, "--for", "0.05"])
    assert done.exit_code == 0, done.output
    return [line for line in done.output.splitlines() if line != "tracing"]


@pytest.mark.parametrize("name", ["paths", "sched", "loss", "handshake", "stall", "life", "frames"])
def test_every_report_runs(name: str, tracer: type[FakeTracer]) -> None:
    tracer.events = []
    assert run(name) == []
    assert len(tracer.made) == 1
    assert tracer.made[0][0]


def test_lines_and_json(tracer: type[FakeTracer]) -> None:
    (line,) = run("life")
    assert line.startswith(f"{NAME} client 2.0 ms")
    (text,) = run("frames", "--json", "--conn", "7")
    assert json.loads(text)["frame"] == "stream"
    assert tracer.made[1][1] == 7


def test_stall_threshold_is_in_milliseconds(tracer: type[FakeTracer]) -> None:
    tracer.events = [make(Frame, at, type=0x0A, sent=1) for at in (0, 30)]
    assert len(run("stall", "--over-ms", "20")) == 1
    tracer.events = [make(Frame, at, type=0x0A, sent=1) for at in (0, 30)]
    assert run("stall") == []


@pytest.mark.parametrize(("words", "key"), [([], "file_schema"), (["--qvis"], "qlog_version")])
def test_qlog(tmp_path: Path, tracer: type[FakeTracer], words: list[str], key: str) -> None:
    (name,) = run("qlog", str(tmp_path / "out"), *words)
    assert tracer.made == [(WANTS, None)]
    assert key in json.loads(Path(name).read_text().split("\x1e")[1])


def test_probes_of_what_is_read_now_and_then() -> None:
    """Only reports that ask for it have a kind kept back in the kernel."""
    text = program(PathsReport.WANTS, latest=PathsReport.LATEST)
    assert text.count("latest.update") == 1
    assert "latest.update" not in program(PathsReport.WANTS)
