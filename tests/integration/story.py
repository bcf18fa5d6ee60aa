# SPDX-License-Identifier: GPL-2.0
"""Terminals of a story: commands typed on two hosts, what they print, and the record of it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from running import wait_for

from tquic.lab import Namespace

RECORD = "story.json"
#: Compiling probes takes long on an emulated processor.
READY_S = 180.0


@dataclass(frozen=True)
class Screen:
    """A command as a reader would type it, and what it printed."""

    name: str
    host: str
    line: str
    output: str


class Terminals:
    """Runs commands in namespaces and keeps what they print.

    ``programs`` are words of the commands that stand for files: ss for the one with the patch.
    """

    def __init__(self, folder: Path, programs: Mapping[str, Sequence[str]]) -> None:
        self._folder = folder
        self._programs = programs
        self.screens: list[Screen] = []

    def argv(self, line: str) -> list[str]:
        """The command of a line."""
        first, *rest = shlex.split(line)
        return [*self._programs.get(first, (first,)), *rest]

    def run(self, name: str, host: str, space: Namespace, line: str) -> str:
        """Run a command to its end. It must succeed and print no complaint."""
        done = space.run(self.argv(line), cwd=self._folder, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), f"{line}: {done.stderr}"
        self.keep(name, host, line, done.stdout)
        return str(done.stdout)

    def start(self, name: str, host: str, space: Namespace | None, line: str) -> Running:
        """Start a command that goes on, outside of the namespaces if none is given.

        `ip netns exec` hides the tracepoints, which see all namespaces.
        """
        return Running(self, name, host, space, line, self._folder / f"{name}.out")

    def keep(self, name: str, host: str, line: str, output: str) -> None:
        """Put a screen into the record."""
        self.screens.append(Screen(name, host, line, output.rstrip("\n")))

    def save(self, **facts: str) -> None:
        """Leave the record where the host finds it."""
        names = [screen.name for screen in self.screens]
        assert len(set(names)) == len(names), names
        where = Path(os.environ["TQUIC_RESULTS"]) / RECORD
        screens = [vars(screen) for screen in self.screens]
        where.write_text(json.dumps({"screens": screens, "facts": facts}, indent=1))


class Running:
    """A command that goes on until it is told to stop, or ends by itself."""

    def __init__(
        self,
        terminals: Terminals,
        name: str,
        host: str,
        space: Namespace | None,
        line: str,
        out: Path,
    ) -> None:
        self._terminals, self._name, self._host, self._line = terminals, name, host, line
        self._out = out
        self._errors = out.with_suffix(".err")
        with out.open("w") as stdout, self._errors.open("w") as stderr:
            self._process = self._popen(space, terminals.argv(line), stdout, stderr)

    def _popen(
        self, space: Namespace | None, words: list[str], stdout: IO[str], stderr: IO[str]
    ) -> subprocess.Popen[str]:
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        popen = space.popen if space else subprocess.Popen
        folder = self._out.parent
        return popen(words, cwd=folder, stdout=stdout, stderr=stderr, text=True, env=env)

    def goes_on(self) -> bool:
        """Fail if it has ended."""
        assert self._process.poll() is None, f"{self._line}: {self._errors.read_text()}"
        return True

    def wait_ready(self, word: str) -> None:
        """Wait until standard error has a word."""
        deadline = time.monotonic() + READY_S
        while word not in self._errors.read_text():
            assert self.goes_on() and time.monotonic() < deadline, f"{self._line}: not ready"
            time.sleep(0.1)

    def count(self, word: str) -> int:
        """How often standard output has a word."""
        return self._out.read_text().count(word)

    def wait_more(self, word: str, than: int) -> None:
        """Wait until standard output has a word more often."""
        wait_for(lambda: self.count(word) > than)

    def finish(self, wait_s: float) -> str:
        """Wait for the end by itself and put the screen into the record."""
        assert self._process.wait(wait_s) == 0, self._errors.read_text()
        return self._keep()

    def stop(self) -> str:
        """End it as Ctrl-C would, and put the screen into the record."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(READY_S)
        return self._keep()

    def kill(self) -> None:
        """See that it is gone."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(60)

    def _keep(self) -> str:
        output = self._out.read_text()
        self._terminals.keep(self._name, self._host, self._line, output)
        return output
