# SPDX-License-Identifier: GPL-2.0
"""Run host commands, keep their output in a log, and say what went wrong."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

_TAIL_LINES = 30
_RETRY_S = 0.5


class CommandError(RuntimeError):
    """A host command failed; the text carries the command and the end of its output."""


def output(cmd: Sequence[str | Path]) -> str:
    """Return the standard output of a short command; raise CommandError when it fails."""
    try:
        done = subprocess.run(cmd, capture_output=True, text=True, check=True)
    except FileNotFoundError as err:
        raise CommandError(f"{cmd[0]} is not installed: run scripts/setup.sh") from err
    except subprocess.CalledProcessError as err:
        raise CommandError(f"{_shown(cmd)}: {err.stderr.strip()}") from err
    return done.stdout


def logged(
    cmd: Sequence[str | Path],
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a long command with all its output in @log and return that output.

    Raises CommandError with the end of the log when the command fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as sink:
        code = subprocess.run(
            cmd, stdout=sink, stderr=subprocess.STDOUT, cwd=cwd, env=env, check=False
        ).returncode
    text = log.read_text(errors="replace")
    if code:
        tail = "\n".join(text.splitlines()[-_TAIL_LINES:])
        raise CommandError(f"{_shown(cmd)} failed ({code}), full log in {log}:\n{tail}")
    return text


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock file, waiting for other processes that hold it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def slot(stem: Path, slots: int, waiting: Callable[[bool], None]) -> Iterator[None]:
    """Hold one of the lock files @stem.0 to @stem.<@slots - 1>.

    @waiting is called, the first time with True, whenever all are found held; it may raise.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        names = [f"{stem}.{number}" for number in range(slots)]
        handles = [opened.enter_context(Path(name).open("w")) for name in names]
        first = True
        while not any(_taken(handle) for handle in handles):
            waiting(first)
            first = False
            time.sleep(_RETRY_S)
        yield


@contextmanager
def unwinding() -> Iterator[None]:
    """Let SIGTERM and SIGHUP leave the block as an exception, as SIGINT does: what it has open is
    closed, and the program ends as if the signal had.

    A thread other than the main one gets no signals: there it changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = [(each, signal.signal(each, leave)) for each in (signal.SIGTERM, signal.SIGHUP)]
    try:
        yield
    finally:
        for each, handler in before:
            signal.signal(each, handler)


def _taken(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _shown(cmd: Sequence[str | Path]) -> str:
    return " ".join(str(word) for word in cmd)
