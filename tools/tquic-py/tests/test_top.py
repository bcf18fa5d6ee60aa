# SPDX-License-Identifier: GPL-2.0
"""`tquic top`: differences of samples, what is drawn of them, and how it is left."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path as File
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from tquic import cmd_top, top, top_run, top_view
from tquic.netlink import Bond, Connection, Path
from tquic.record import Address
from tquic.top import HISTORY, Sample, View, advance
from tquic.top_view import ASCII, BLOCKS, screen, spark, view_dict
from tquic.uapi import BondState, PathState, State


def conn(token: int, **values: Any) -> Connection:
    plain: dict[str, Any] = {
        "state": State.ESTABLISHED,
        "scheduler": "minrtt",
        "congestion": "cubic",
        "local": Address("192.0.2.1", 5000),
        "peer": Address("198.51.100.1", 443),
        "bond": Bond(state=BondState.BONDED),
    }
    return Connection(token=token, **{**plain, **values})


def path(token: int, path_id: int = 0, sent: int = 0, received: int = 0, **values: Any) -> Path:
    plain: dict[str, Any] = {
        "state": PathState.ACTIVE,
        "local": Address("192.0.2.1", 5000),
        "srtt_ns": 20_100_000,
        "cwnd_bytes": 120_000,
        "bytes_sent": sent,
        "bytes_received": received,
    }
    return Path(command=0, token=token, path_id=path_id, **{**plain, **values})


def sample(time_s: float, *paths: Path, conns: list[int] | None = None) -> Sample:
    tokens = sorted({item.token for item in paths}) if conns is None else conns
    return Sample(time_s, tuple(conn(token) for token in tokens), paths)


def views(*samples: Sample) -> View:
    view = None
    for item in samples:
        view = advance(view, item)
    assert view is not None
    return view


# --- differences


def test_rates_are_per_second() -> None:
    first = views(sample(10, path(1, 0, 1000, 50)))
    assert first.elapsed_s is None
    assert first.tracks[1, 0].sent_rate is None
    view = advance(first, sample(12.5, path(1, 0, 6000, 1050)))
    track = view.tracks[1, 0]
    assert (view.elapsed_s, track.sent_rate, track.received_rate) == (2.5, 2000, 400)


@pytest.mark.parametrize(
    ("sent", "lost", "share"),
    [(100, 5, 0.05), (100, 0, 0.0), (0, 0, None), (2, 6, 1.0), (0, 3, 1.0)],
)
def test_loss_is_that_since_the_last_look(sent: int, lost: int, share: float | None) -> None:
    view = views(
        sample(0, path(1, packets_sent=1000, packets_lost=900)),
        sample(1, path(1, packets_sent=1000 + sent, packets_lost=900 + lost)),
    )
    assert view.tracks[1, 0].loss == share


@pytest.mark.parametrize("counter", top._GROWING)
def test_counters_that_went_back_are_of_another_path(counter: str) -> None:
    samples = [
        sample(0, path(1, 0, 100, 100, packets_sent=9, packets_received=9, packets_lost=9)),
        sample(1, path(1, 0, 200, 200, packets_sent=19, packets_received=19, packets_lost=19)),
    ]
    kept = {"packets_sent": 99, "packets_received": 99, "packets_lost": 99}
    kept |= {"bytes_sent": 300, "bytes_received": 300}
    assert len(views(*samples, sample(2, path(1, **kept))).tracks[1, 0].sent) == 2
    view = views(*samples, sample(2, path(1, **{**kept, counter: 0})))
    assert view.tracks[1, 0] == top.Track(path(1, **{**kept, counter: 0}))
    view = advance(view, sample(3, path(1, **{**kept, counter: 500})))
    assert len(view.tracks[1, 0].sent) == 1


def test_a_clock_that_stood_still_makes_no_rates() -> None:
    for later in (5.0, 4.0):
        view = views(sample(5, path(1, 0, 0)), sample(later, path(1, 0, 10)))
        assert view.tracks[1, 0].sent == ()


def test_paths_that_vanish_are_forgotten() -> None:
    view = views(sample(0, path(1, 0), path(1, 1)), sample(1, path(1, 0, 10), path(1, 1, 10)))
    assert [track.path.path_id for track in view.of(1)] == [0, 1]
    view = advance(view, sample(2, path(1, 1, 20)))
    assert [track.path.path_id for track in view.of(1)] == [1]
    assert view.tracks[1, 1].sent == (10, 10)
    view = advance(view, sample(3, path(1, 0, 30), path(1, 1, 30)))
    assert view.tracks[1, 0].sent == ()


def test_history_is_bounded() -> None:
    view = views(*(sample(at, path(1, 0, at * at)) for at in range(HISTORY + 10)))
    assert len(view.tracks[1, 0].sent) == len(view.tracks[1, 0].received) == HISTORY
    assert view.tracks[1, 0].sent_rate == 2 * (HISTORY + 9) - 1


# --- what is drawn


def test_curves() -> None:
    assert spark((0, 1, 4, 8), 8, 4) == " ▁▄█"
    assert spark((0, 1, 4, 8), 8, 2) == "▄█"
    assert spark((8,), 8, 3, ASCII) == "  @"
    assert spark((1e-9,), 8, 1) == "▁"
    assert spark((0, 0), 0, 2) == "  "
    assert spark((1, 2), 2, 0) == ""
    assert len(ASCII) == len(BLOCKS)
    assert ASCII.isascii()


def two_paths() -> View:
    fast, slow = {"path_id": 0, "packets_sent": 100}, {"path_id": 1, "state": PathState.SUSPECT}
    return views(
        sample(0, path(7), path(7, 1)),
        sample(1, path(7, sent=1_250_000, received=1000, **fast), path(7, sent=312_500, **slow)),
    )


def test_screen() -> None:
    lines = screen(two_paths(), 120)
    assert lines[0] == "1 connections, 2 paths, sending 12.5Mbit/s, receiving 8Kbit/s"
    assert lines[2].startswith("conn 7 client established bonded minrtt cubic 192.0.2.1:5000 > ")
    words = ["0", "active", "-", "192.0.2.1", "20.1ms", "0.0%", "120K", "10M", "8K"]
    assert lines[3].split() == [*words, "█", "█"]
    assert lines[4].split() == [
        "1", "suspect", "-", "192.0.2.1", "20.1ms", "-", "120K", "2.5M", "0", "▂",
    ]  # fmt: skip
    assert lines[1].index("STATE") == lines[3].index("active") == lines[4].index("suspect")


def test_narrow_screens_drop_addresses_first() -> None:
    lines = screen(two_paths(), 80)
    assert "LOCAL" not in lines[1]
    assert lines[3].endswith("█")
    for width in (80, 40, 10, 1, 0):
        assert max(map(len, screen(two_paths(), width))) <= width


def many(count: int) -> View:
    before = [path(token, path_id) for token in range(1, count + 1) for path_id in (0, 1)]
    after = [path(item.token, item.path_id, item.token * 1000) for item in before]
    return views(sample(0, *before), sample(1, *after))


def test_more_connections_than_lines() -> None:
    assert len(screen(many(9), 100)) == 2 + 9 * 3
    lines = screen(many(9), 100, 9)
    assert len(lines) == 9
    assert [line.split()[1] for line in lines if line.startswith("conn ")] == ["9", "8"]
    assert lines[-1] == "7 more connections: this screen is full"
    assert screen(many(9), 100, 29)[-1].split()[0] == "1"
    assert screen(many(9), 100, 28)[-1] == "1 more connection: this screen is full"
    assert screen(many(9), 100, 1) == ["9 more connections: this screen is full"]


def test_nothing_to_show() -> None:
    assert screen(views(sample(0)), 80) == [
        "0 connections, 0 paths, sending 0bit/s, receiving 0bit/s", "",
    ]  # fmt: skip


def test_paths_and_connections_without_each_other() -> None:
    view = views(sample(0, path(3), conns=[4]))
    lines = screen(view, 120)
    assert next(line for line in lines if line.startswith("conn")).startswith("conn 4 ")
    assert len(lines) == 3


def test_values_for_programs() -> None:
    data = json.loads(json.dumps(view_dict(two_paths())))
    assert data["elapsed_s"] == 1
    assert [item["token"] for item in data["connections"]] == [7]
    rates = [(p["state"], p["sent_rate"], p["received_rate"], p["loss"]) for p in data["paths"]]
    assert rates == [("active", 1_250_000, 1000, 0.0), ("suspect", 312_500, 0, None)]
    assert view_dict(views(sample(0, path(1))))["paths"][0]["sent_rate"] is None


# --- the command


class Kernel:
    """Stands in for TquicNetlink; every look finds a thousand bytes more."""

    def __init__(self) -> None:
        self.looks = 0

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def connections(self) -> list[Connection]:
        return [conn(5)]

    def paths(self) -> list[Path]:
        self.looks += 1
        return [path(5, 0, 1000 * self.looks)]


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    monkeypatch.setattr(cmd_top, "TquicNetlink", Kernel)
    return CliRunner().invoke(cmd_top.command, list(words))


def test_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(monkeypatch, "--once", "--interval", "0.1")
    assert done.exit_code == 0
    assert done.output.splitlines()[2].startswith("conn 5 client established")
    data = json.loads(run(monkeypatch, "--json", "--interval", "0.1").output)
    assert 0 < data["paths"][0]["sent_rate"] <= 1000 / 0.1
    assert data["elapsed_s"] >= 0.1


def test_a_screen_needs_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(monkeypatch)
    assert (done.exit_code, done.output) == (
        1, "tquic: no terminal to draw on: use --once or --json\n",
    )  # fmt: skip
    assert run(monkeypatch, "--interval", "0").exit_code == 2


class Terminal:
    """A pseudo terminal: what is typed, and what was drawn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.near, self.far = os.openpty()
        monkeypatch.setattr(sys, "stdin", os.fdopen(os.dup(self.far)))
        self.screen = os.fdopen(os.dup(self.far), "w", encoding="utf-8")

    def console(self, **values: str) -> Console:
        environ = {"TERM": "vt100", **values}
        return Console(file=self.screen, width=80, height=24, _environ=environ)

    def drawn(self) -> str:
        self.screen.flush()
        drawn = b""
        while select.select([self.near], [], [], 0)[0]:
            drawn += os.read(self.near, 65536)
        return drawn.decode()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    made = Terminal(monkeypatch)
    yield made
    made.screen.close()
    for number in (made.near, made.far):
        os.close(number)


@pytest.mark.timeout(20)
def test_keys(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    class Typing(Kernel):
        def paths(self) -> list[Path]:
            os.write(terminal.near, b"x" if self.looks < 1 else b"q")
            return super().paths()

    kernel = Typing()
    modes = top_run.termios.tcgetattr(terminal.far)
    top_run.watch(kernel, 0.1, terminal.console())  # type: ignore[arg-type]
    assert kernel.looks == 2
    text = terminal.drawn()
    assert "\x1b[?1049h" in text
    assert text.index("conn 5 client") < text.index("\x1b[?1049l")
    assert top_run.termios.tcgetattr(terminal.far) == modes


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell has what it starts in the background ignore SIGINT, and Python leaves it so."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.timeout(20)
@pytest.mark.usefixtures("interruptible")
def test_interrupt(terminal: Terminal) -> None:
    class Interrupting(Kernel):
        def paths(self) -> list[Path]:
            if self.looks:
                signal.raise_signal(signal.SIGINT)
            return super().paths()

    modes = top_run.termios.tcgetattr(terminal.far)
    top_run.watch(Interrupting(), 0.1, terminal.console())  # type: ignore[arg-type]
    assert "\x1b[?1049l" in terminal.drawn()
    assert top_run.termios.tcgetattr(terminal.far) == modes


def test_a_terminal_without_cursor_is_refused(terminal: Terminal) -> None:
    with pytest.raises(ValueError, match="use --once"):
        top_run.watch(Kernel(), 1, terminal.console(TERM="dumb"))  # type: ignore[arg-type]


def test_no_keys_without_a_terminal(tmp_path: File) -> None:
    with (tmp_path / "empty").open("w+") as file:
        keys = top_run.Keys(file.fileno())
        with keys.raw():
            assert not keys.left(0.01)


def test_encodings() -> None:
    assert top_run.ramp_of("utf-8") == BLOCKS
    for plain in ("ascii", "latin-1", "no-such"):
        assert top_run.ramp_of(plain) == top_view.ASCII
