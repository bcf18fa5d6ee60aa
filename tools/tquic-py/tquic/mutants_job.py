# SPDX-License-Identifier: GPL-2.0
"""A whole run: choose faults, leave the equivalent ones out, try the rest, write the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import mutants, mutants_report, mutants_run, paths
from .mutants_run import Bench, Outcome


@dataclass(frozen=True)
class Result:
    """What came of a run, and where its report is."""

    outcomes: list[Outcome]
    report: Path


class FileError(RuntimeError):
    """A file that was asked for is not one of those faults are put into."""


def run(
    files: Sequence[str], count: int, seed: int, jobs: int, say: Callable[[str], None]
) -> Result:
    """Try ``count`` faults of ``files`` (0: every fault; no file: all files).

    @say gets what is being done. Raises FileError, and what the modules below raise.
    """
    every = {name: mutants.find(name, (paths.root() / name).read_bytes()) for name in _all()}
    path = paths.root() / mutants_report.LIST
    reasons = mutants_report.load(path)
    mutants_report.check(path, reasons, (item for found in every.values() for item in found))
    pool = [item for name in _chosen(files) for item in every[name]]
    picked = mutants.sample(pool, count, seed) if count else pool
    tried = [item for item in picked if item.id not in reasons]
    bench = Bench(jobs, say)
    done: list[Outcome] = []

    def seen(outcome: Outcome) -> None:
        done.append(outcome)
        if outcome.status == mutants_run.SURVIVED:
            say(mutants_report.line(outcome.mutant))
        whole = mutants_report.total(done)
        say(f"{len(done)} of {len(tried)}: {whole.killed} killed, {whole.survived} survived")

    outcomes = mutants_run.run(bench, tried, jobs, seen)
    outcomes += [Outcome(item, mutants_report.EQUIVALENT) for item in picked if item.id in reasons]
    report = bench.folder / "report.json"
    report.write_text(json.dumps(mutants_report.as_dict(outcomes, reasons, seed), indent=1) + "\n")
    return Result(outcomes, report)


def _all() -> list[str]:
    return mutants_run.sources()


def _chosen(files: Sequence[str]) -> list[str]:
    """The files named, by path in the tree or below net/tquic."""
    known = _all()
    if not files:
        return known
    chosen = []
    for file in files:
        found = [name for name in known if file in (name, name.removeprefix("net/tquic/"))]
        if not found:
            raise FileError(f"{file}: not a file of {', '.join(mutants_run.FOLDERS)}")
        chosen += found
    return chosen
