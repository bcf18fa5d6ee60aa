# SPDX-License-Identifier: GPL-2.0
"""The user-level tests against one fault at a time.

All objects are built once, without sanitizers. A fault costs one compilation, one link, and as
many tests as it takes to see it: the suites named after the file first, then all.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer

from . import paths, proc
from .mutants import Mutant

#: Below net/tquic: what tests/user builds of L0 and L1.
FOLDERS = ("core", "cc", "sched", "bond")
KILLED, SURVIVED, HUNG, BROKEN, SAME = "killed", "survived", "hung", "not compiled", "same object"
_PROGRAM = "tquic-user-tests"
_FLAGS = "SAN=-w -g0"
#: A run may take so much memory and so many times the processor time it takes without a fault.
#: One that sleeps uses none, so silence ends it too, after longer than any load explains.
_MEMORY_BYTES = 4 << 30
_CPU_TIMES = 3
_CPU_LEAST_S = 10
_SILENCE_S = 600.0


class SuiteError(RuntimeError):
    """The tests fail or do not build without a fault, so they can tell nothing."""


@dataclass(frozen=True)
class Outcome:
    """What came of a fault; ``by`` is the case that saw it."""

    mutant: Mutant
    status: str
    by: str = ""


@dataclass(frozen=True)
class _Run:
    """How a run of the tests ended: the first failed case, a crash or a hang."""

    status: str
    by: str = ""


class Bench:
    """The objects of the tests, and what it takes to replace one of them."""

    def __init__(self, jobs: int, say: Callable[[str], None]) -> None:
        """Build everything and run it once; raise SuiteError when that fails."""
        self.root = paths.root()
        self.folder = paths.build() / "mutants"
        self._objects = self.folder / "obj"
        self._work = self.folder / "work"
        self._work.mkdir(parents=True, exist_ok=True)
        say("building the tests")
        make: list[str | Path] = [
            "make",
            "-C",
            self.root / "tests/user",
            f"OUT={self._objects}",
            _FLAGS,
        ]
        proc.logged([*make, "clean"], self.folder / "clean.log")
        proc.logged([*make, f"-j{jobs}", "all"], self.folder / "build.log")
        self._cc = proc.output([*make, "-s", "flags"]).split()
        self._cpu_s = _CPU_LEAST_S
        self._digests: dict[str, bytes] = {}
        say("running them without a fault")
        self._calibrate()

    def _calibrate(self) -> None:
        done = subprocess.run(
            ["bash", "-c", 'TIMEFORMAT=%U; time "$0" >/dev/null', self._objects / _PROGRAM],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SuiteError("the user-level tests fail without a fault: see `make user`")
        self._cpu_s = max(_CPU_LEAST_S, round(float(done.stderr) * _CPU_TIMES))

    def source(self, file: str) -> bytes:
        """The text of a file of the tree."""
        return (self.root / file).read_bytes()

    def outcome(self, mutant: Mutant) -> Outcome:
        """Try one fault."""
        source = self.source(mutant.file)
        with TemporaryDirectory(dir=self._work) as name:
            folder = Path(name)
            built = self._compile(folder, mutant.file, mutant.apply(source))
            if built is None:
                return Outcome(mutant, BROKEN)
            if _digest(built) == self._plain(mutant.file):
                return Outcome(mutant, SAME)
            program = self._link(folder, mutant.file, built)
            for suites in (related(mutant.file), ()):
                run = self._test(program, suites)
                if run.status != SURVIVED:
                    return Outcome(mutant, run.status, run.by)
        return Outcome(mutant, SURVIVED)

    def _plain(self, file: str) -> bytes:
        """The digest of a file's object without a fault, compiled in the same way."""
        if file not in self._digests:
            with TemporaryDirectory(dir=self._work) as name:
                built = self._compile(Path(name), file, self.source(file))
                if built is None:
                    raise SuiteError(f"{file} does not compile: see `make user`")
                self._digests[file] = _digest(built)
        return self._digests[file]

    def _compile(self, folder: Path, file: str, source: bytes) -> Path | None:
        """Compile text as if it were @file; None when it is not C."""
        copy = folder / Path(file).name
        copy.write_bytes(f'# 1 "{self.root / file}"\n'.encode() + source)
        built = copy.with_suffix(".o")
        done = subprocess.run(
            [*self._cc, "-c", "-o", built, copy], capture_output=True, check=False
        )
        return built if done.returncode == 0 else None

    def _link(self, folder: Path, file: str, faulty: Path) -> Path:
        replaced = (self._objects / file).with_suffix(".o")
        program = folder / _PROGRAM
        # Suites run in the order of their objects: those of tests/user, which take longest, last.
        objects = [item for item in sorted(self._objects.rglob("*.o")) if item != replaced]
        proc.output([self._cc[0], "-o", program, faulty, *objects])
        return program

    def _test(self, program: Path, suites: Sequence[str]) -> _Run:
        """Run suites until the first failure."""
        command: list[str | Path] = [
            "prlimit",
            f"--as={_MEMORY_BYTES}",
            f"--cpu={self._cpu_s}",
            "--core=0",
            program,
            *suites,
        ]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=program.parent
        ) as run:
            failed, hung = _watch(run)
            status = run.wait()
        if failed:
            return _Run(KILLED, failed)
        if hung or status in (-24, -9):
            return _Run(HUNG)
        if status < 0:
            return _Run(KILLED, f"signal {-status}")
        # With names of suites it may be that there is none of the name.
        if status and not suites:
            return _Run(KILLED, f"exit code {status}")
        return _Run(SURVIVED)


def related(file: str) -> tuple[str, str]:
    """Parts of the names of suites about a file: frame_put.c is in tquic-frame-put."""
    stem = Path(file).stem
    return f"tquic-{stem.replace('_', '-')}", f"tquic_{stem}"


def run(
    bench: Bench, mutants: Iterable[Mutant], jobs: int, seen: Callable[[Outcome], None]
) -> list[Outcome]:
    """Try each fault, ``jobs`` at a time; outcomes come in the order of the faults."""
    outcomes: dict[str, Outcome] = {}
    order = list(mutants)
    with ThreadPoolExecutor(jobs) as pool:
        for future in as_completed([pool.submit(bench.outcome, mutant) for mutant in order]):
            outcome = future.result()
            outcomes[outcome.mutant.id] = outcome
            seen(outcome)
    return [outcomes[mutant.id] for mutant in order]


def sources() -> list[str]:
    """The files faults are put into, relative to the tree."""
    root = paths.root()
    return [
        str(path.relative_to(root))
        for folder in FOLDERS
        for path in sorted((root / "net/tquic" / folder).glob("*.c"))
    ]


def _watch(run: subprocess.Popen[bytes]) -> tuple[str, bool]:
    """The first failed case of a run, which is then ended, and whether it fell silent."""
    hung = False

    def silent() -> None:
        nonlocal hung
        hung = True
        run.kill()

    for line in _lines(run, silent):
        words = line.split()
        if words[:2] == [b"not", b"ok"]:
            run.kill()
            return words[2].decode(errors="replace"), False
    return "", hung


def _lines(run: subprocess.Popen[bytes], silent: Callable[[], None]) -> Iterator[bytes]:
    """Lines of its output; @silent is called when none comes for a while."""
    assert run.stdout is not None
    while True:
        timer = Timer(_SILENCE_S, silent)
        timer.start()
        line = run.stdout.readline()
        timer.cancel()
        if not line:
            return
        yield line


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()
