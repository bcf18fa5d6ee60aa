#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Keep and sum what the test runners counted (build/results/*.json).

tally.py lines RUNNER LOG    take the last line of the form `N passed, N failed` of a log
tally.py junit RUNNER FILE   take the counts of a JUnit file
tally.py step RUNNER STATUS  one step that passed (0) or failed (anything else)
tally.py clear               forget all counts
tally.py sum                 print all counts and what failed; the last line is the sum;
                             1 if anything failed
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from tquic import paths, results
from tquic.integration import junit_tally

_COUNTS = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)


def from_lines(log: Path) -> results.Tally:
    """Return the counts a runner printed last; a silent runner has failed."""
    found = _COUNTS.findall(log.read_text(errors="replace")) if log.exists() else []
    return results.Tally(int(found[-1][0]), int(found[-1][1])) if found else results.Tally(0, 1)


def from_junit(path: Path) -> results.Tally:
    """Return the counts of a JUnit file; no tests are a failure."""
    tally = junit_tally(path)
    return tally if tally.passed or tally.failed else results.Tally(0, 1)


def from_step(status: str) -> results.Tally:
    """Count one step."""
    return results.Tally(1, 0) if status == "0" else results.Tally(0, 1)


def total() -> int:
    """Print every runner's counts and the sum; return the exit status."""
    tallies = results.collect()
    for runner, tally in tallies.items():
        print(f"{runner:20} {tally.passed:6} passed {tally.failed:6} failed")
        for failure in tally.failures:
            print(f"    {failure}")
    passed = sum(tally.passed for tally in tallies.values())
    failed = sum(tally.failed for tally in tallies.values())
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def main(args: list[str]) -> int:
    """Do what the first argument says; see the module's text."""
    match args:
        case ["lines", runner, log]:
            results.record(runner, from_lines(Path(log)))
        case ["junit", runner, path]:
            results.record(runner, from_junit(Path(path)))
        case ["step", runner, status]:
            results.record(runner, from_step(status))
        case ["clear"]:
            shutil.rmtree(paths.build() / "results", ignore_errors=True)
        case ["sum"]:
            return total()
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
