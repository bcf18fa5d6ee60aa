# SPDX-License-Identifier: GPL-2.0
"""What came of faults: counts per file, survivors, and the list of those no test can see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from .mutants import Mutant
from .mutants_run import BROKEN, HUNG, KILLED, SAME, SURVIVED, Outcome

#: The list, relative to the tree.
LIST = "tests/user/mutants.yaml"
EQUIVALENT = "equivalent"
_KILLED = (KILLED, HUNG)


class ListError(RuntimeError):
    """The list of equivalent faults is malformed or out of date."""


@dataclass(frozen=True)
class Count:
    """Faults of one file, or of all. What did not compile or changed nothing is in neither."""

    killed: int
    survived: int

    @property
    def percent(self) -> float:
        """Share of those killed; 100 when there was none."""
        total = self.killed + self.survived
        return 100.0 * self.killed / total if total else 100.0


def load(path: Path) -> dict[str, str]:
    """Read the list: id of a fault -> why it changes nothing that matters.

    Raises ListError when an entry lacks its reason or is there twice.
    """
    reasons: dict[str, str] = {}
    for entry in yaml.safe_load(path.read_text()) or []:
        name = str(entry.get("id", ""))
        reason = str(entry.get("reason", "")).strip()
        if not name or not reason:
            raise ListError(f"{path}: {entry}: an entry needs `id` and `reason`")
        if name in reasons:
            raise ListError(f"{path}: {name} is there twice: remove one")
        reasons[name] = reason
    return reasons


def check(path: Path, reasons: Mapping[str, str], mutants: Iterable[Mutant]) -> None:
    """Raise ListError when an entry is of no fault of the sources as they are now."""
    stale = sorted(set(reasons) - {mutant.id for mutant in mutants})
    if stale:
        raise ListError(f"{path}: no such fault any more, remove: {', '.join(stale)}")


def counts(outcomes: Sequence[Outcome]) -> dict[str, Count]:
    """Killed and survived per file."""
    by_file: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        by_file.setdefault(outcome.mutant.file, Counter())[outcome.status] += 1
    return {file: _count(statuses) for file, statuses in sorted(by_file.items())}


def total(outcomes: Sequence[Outcome]) -> Count:
    """Killed and survived of all files."""
    return _count(Counter(outcome.status for outcome in outcomes))


def as_dict(outcomes: Sequence[Outcome], reasons: Mapping[str, str], seed: int) -> dict[str, Any]:
    """The report: every figure, every survivor, every fault left out with its reason."""
    whole = total(outcomes)
    statuses = Counter(outcome.status for outcome in outcomes)
    return {
        "seed": seed,
        "mutants": len(outcomes),
        "killed": whole.killed,
        "survived": whole.survived,
        "killed_percent": round(whole.percent, 1),
        "hung": statuses[HUNG],
        "not_compiled": statuses[BROKEN],
        "same_object": statuses[SAME],
        "files": {
            file: {"killed": count.killed, "survived": count.survived}
            for file, count in counts(outcomes).items()
        },
        "survivors": [_shown(item) for item in outcomes if item.status == SURVIVED],
        "equivalent": [
            {**_shown(item), "reason": reasons[item.mutant.id]}
            for item in outcomes
            if item.status == EQUIVALENT
        ],
        "kills": [
            {**_shown(item), "by": item.by or HUNG} for item in outcomes if item.status in _KILLED
        ],
    }


def line(mutant: Mutant) -> str:
    """A fault in one line, as a compiler would name its place."""
    where = f"{mutant.file}:{mutant.line}: {mutant.function}()"
    return f"{where}: {mutant.change}: {mutant.source} [{mutant.id}]"


def _count(statuses: Counter[str]) -> Count:
    return Count(sum(statuses[status] for status in _KILLED), statuses[SURVIVED])


def _shown(outcome: Outcome) -> dict[str, Any]:
    fields = asdict(outcome.mutant)
    return {key: fields[key] for key in ("id", "file", "line", "function", "change", "source")}
