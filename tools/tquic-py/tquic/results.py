# SPDX-License-Identifier: GPL-2.0
"""Counts of every test runner, kept in build/results/<runner>.json until they are summed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from . import paths


@dataclass(frozen=True)
class Tally:
    """How many tests of one runner passed and failed, and which did not, if it names them."""

    passed: int
    failed: int
    failures: tuple[str, ...] = ()


def record(runner: str, tally: Tally) -> None:
    """Keep the counts of @runner, replacing those of its last run."""
    folder = paths.part("results")
    (folder / f"{runner}.json").write_text(json.dumps(asdict(tally)) + "\n")


def collect() -> dict[str, Tally]:
    """Return the kept counts by runner name."""
    folder = paths.build() / "results"
    kept = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    return {
        runner: Tally(tally["passed"], tally["failed"], tuple(tally["failures"]))
        for runner, tally in kept.items()
    }
