# SPDX-License-Identifier: GPL-2.0
"""The full screen of `tquic top`: a sample every so often, until a key or a signal ends it."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from .netlink import TquicNetlink
from .top import View, advance, take
from .top_view import ASCII, BLOCKS, screen

__all__ = ["Keys", "difference", "ramp_of", "watch"]


class Keys:
    """Single keys from standard input; without a terminal there are none, only time passes."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._waits = os.isatty(number)

    @contextmanager
    def raw(self) -> Iterator[None]:
        """Have keys told at once; Ctrl-C stays a signal, and the terminal is put back after."""
        if not self._waits:
            yield
            return
        before = termios.tcgetattr(self._number)
        tty.setcbreak(self._number)
        try:
            yield
        finally:
            termios.tcsetattr(self._number, termios.TCSADRAIN, before)

    def left(self, seconds: float) -> bool:
        """Wait, and say whether the user wants to leave: q, or the terminal is gone."""
        end = time.monotonic() + seconds
        while (rest := end - time.monotonic()) > 0:
            if not self._waits:
                time.sleep(rest)
            elif select.select([self._number], [], [], rest)[0]:
                key = os.read(self._number, 1)
                if key in (b"q", b"Q", b""):
                    return True
        return False


def difference(netlink: TquicNetlink, interval_s: float) -> View:
    """Two samples, an interval apart, for rates without a screen."""
    first = advance(None, take(netlink))
    time.sleep(interval_s)
    return advance(first, take(netlink))


def ramp_of(encoding: str) -> str:
    """The levels of curves that an encoding has characters for."""
    try:
        BLOCKS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return BLOCKS


def watch(netlink: TquicNetlink, interval_s: float, console: Console | None = None) -> None:
    """Show paths until q or Ctrl-C. Raises ValueError without a terminal that has a cursor."""
    console = console or Console(highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:
        raise ValueError("no terminal to draw on: use --once or --json")
    keys, view = Keys(sys.stdin.fileno()), None
    ramp = ramp_of(console.encoding)
    with keys.raw(), Live(console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                view = advance(view, take(netlink))
                lines = screen(view, console.width, console.height, ramp)
                live.update(Text("\n".join(lines), no_wrap=True), refresh=True)
                if keys.left(interval_s):
                    return
        except KeyboardInterrupt:
            return
