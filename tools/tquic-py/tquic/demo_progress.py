# SPDX-License-Identifier: GPL-2.0
"""The demo's progress: one line from the guest, a moving bar or plain lines on the host."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass
from types import TracebackType

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

_LINE = re.compile(r"(?P<percent>\d+) % of (?P<size>\d+) MB, (?P<seconds>[\d.]+) s: (?P<rest>.*)$")
_BOOT = re.compile(r"^\S+: \d+ s  ")
_PLAIN_EVERY_S = 10.0


@dataclass(frozen=True)
class Step:
    """How far the transfer is.

    t_s      guest seconds since the request
    rates    Mbit/s each link brought lately
    note     which links are up
    """

    percent: int
    size_mb: int
    t_s: float
    rates: dict[str, float]
    note: str

    def __str__(self) -> str:
        rates = " + ".join(f"{link} {rate:.1f}" for link, rate in self.rates.items())
        return (
            f"{self.percent} % of {self.size_mb} MB, {self.t_s:.1f} s: {rates} Mbit/s, {self.note}"
        )


def parse(text: str) -> tuple[int, str] | None:
    """Return the percentage and the words of a line made by Step, or None for any other line."""
    found = _LINE.search(text)
    if not found:
        return None
    return int(found["percent"]), f"{found['seconds']} s  {found['rest']}"


class Display:
    """Shows what the demo is doing on standard error: a bar on a terminal, lines elsewhere."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._last = ""
        self._last_s = 0.0
        if sys.stderr.isatty():
            columns = (
                TextColumn("{task.description}"),
                BarColumn(bar_width=30),
                TaskProgressColumn(),
                TimeElapsedColumn(),
            )
            self._bar = Progress(*columns, transient=True)
            self._task = self._bar.add_task("", total=100)

    def __enter__(self) -> Display:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Print a line that stays."""
        if self._bar:
            self._bar.print(text, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def update(self, text: str) -> None:
        """Show a line of the machine; a log gets one at most every ten seconds."""
        step = parse(text)
        if self._bar and step:
            self._bar.update(self._task, completed=step[0], description=step[1])
        elif self._bar:
            self._bar.update(self._task, description=_BOOT.sub("", text))
        elif text != self._last and time.monotonic() - self._last_s >= _PLAIN_EVERY_S:
            self._last, self._last_s = text, time.monotonic()
            self.say(f"  {_BOOT.sub('', text)}")
