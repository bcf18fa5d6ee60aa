# SPDX-License-Identifier: GPL-2.0
"""Counts of every test runner, kept in build/results/<runner>.json until they are summed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from . import paths


@dataclass(frozen=True)
class Tally:
    """How many tests of one runner passed and failed."""

    passed: int
    failed: int


def record(runner: str, tally: Tally) -> None:
    """Keep the counts of @runner, replacing those of its last run."""
    folder = paths.part("results")
    (folder / f"{runner}.json").write_text(json.dumps(asdict(tally)) + "\n")


def collect() -> dict[str, Tally]:
    """Return the kept counts by runner name."""
    folder = paths.build() / "results"
    return {
        path.stem: Tally(**json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))
    }
