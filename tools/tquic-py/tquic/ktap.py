# SPDX-License-Identifier: GPL-2.0
"""Read KTAP, the format in which KUnit reports its results."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["passed", "failed", "skipped"]

_RESULT = re.compile(r"^(\s*)(not )?ok \d+(?: -)? ?(.*?)(?: # (SKIP)\b ?(.*))?$")
_SUBTEST = re.compile(r"^\s*# Subtest: (.*)$")
_SUMMARY = re.compile(r"^\s*# (?:[\w .-]+: pass:|Totals: )")


@dataclass(frozen=True)
class Case:
    """One test case; @log holds the lines it printed, failed expectations among them."""

    name: str
    status: Status
    log: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Suite:
    """A named list of cases in the order they ran."""

    name: str
    cases: list[Case]

    def count(self, status: Status) -> int:
        """Return how many cases ended with @status."""
        return sum(case.status == status for case in self.cases)


def parse_suite(text: str) -> Suite:
    """Parse the `results` file of one suite.

    A case that the file announces by neither `ok` nor `not ok` did not end, and is not listed:
    compare the number of cases with the plan in the caller's hands. Parameters of a
    parameterised case are folded into the log of that case.
    """
    name = ""
    cases: list[Case] = []
    log: list[str] = []
    for line in text.splitlines():
        subtest = _SUBTEST.match(line)
        result = _RESULT.match(line)
        if subtest and not name:
            name = subtest[1]
        elif result and len(result[1]) == 4:
            status: Status = "failed" if result[2] else "skipped" if result[4] else "passed"
            cases.append(Case(result[3], status, log))
            log = []
        elif result and not result[1] and name:
            break
        elif name and not _SUMMARY.match(line):
            log.append(line.strip())
    return Suite(name, cases)


def planned(text: str) -> int:
    """Return how many cases a suite's `results` file promised."""
    match = re.search(r"^    1\.\.(\d+)$", text, re.MULTILINE)
    return int(match[1]) if match else 0
