# SPDX-License-Identifier: GPL-2.0
"""Progress on the terminal: one moving line for people, a line now and then for logs."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.status import Status

_PLAIN_EVERY_S = 30.0


class Ticker:
    """Show what a long job is doing, on standard error, until the block ends."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._status: Status | None = None
        self._last_s = time.monotonic()
        if sys.stderr.isatty():
            self._status = self._console.status("")

    def __enter__(self) -> Ticker:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status:
            self._status.stop()

    def update(self, text: str) -> None:
        """Replace the moving line; in a log, print it at most every half minute."""
        if self._status:
            self._status.update(text, spinner="dots")
        elif time.monotonic() - self._last_s >= _PLAIN_EVERY_S:
            self._last_s = time.monotonic()
            self.say(text)

    def say(self, text: str) -> None:
        """Print a line that stays."""
        print(text, file=sys.stderr, flush=True)
