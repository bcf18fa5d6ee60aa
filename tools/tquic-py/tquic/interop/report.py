# SPDX-License-Identifier: GPL-2.0
"""Results of cases: kept as JSON, merged from run to run, and shown as tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from .decoder import CONFIRMED

__all__ = ["Outcome", "Result", "load", "merge", "rst", "save"]


class Outcome(StrEnum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class Result:
    """One case with one client and one server.

    ``seconds`` is the guest's time, programs' start included; ``kbit_s`` what a measurement found,
    ``beside_kbit_s`` what it left to another flow; ``decoded`` what another program says of the
    capture, empty when it was not asked.
    """

    case: str
    client: str
    server: str
    outcome: Outcome
    reason: str = ""
    protocol: str = ""
    seconds: float = 0
    kbit_s: int = 0
    beside_kbit_s: int = 0
    decoded: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What another run of the same replaces."""
        return self.case, self.client, self.server


def load(path: Path) -> list[Result]:
    """Read what :func:`save` wrote; nothing when there is no such file."""
    if not path.exists():
        return []
    items = json.loads(path.read_text())
    return [Result(**{**item, "outcome": Outcome(item["outcome"])}) for item in items]


def save(path: Path, results: Iterable[Result]) -> None:
    """Keep results."""
    path.write_text(json.dumps([asdict(item) for item in results], indent=1) + "\n")


def merge(old: Iterable[Result], new: Iterable[Result]) -> list[Result]:
    """The results of both, the newer ones where both have one."""
    found = {item.key: item for item in old}
    found.update({item.key: item for item in new})
    return list(found.values())


_TITLE = "TQUIC and other implementations"
_INTRO = """\
Cases of the QUIC interop runner (https://github.com/quic-interop/quic-interop-runner), with the
module at one end or both. ``make interop`` runs them on Debian's own kernel with a virtual clock,
client and server in network namespaces of their own, 10 Mbit/s and 15 ms one way unless the case
says otherwise, and writes this page. ``tquic interop run --case NAME --peer NAME --role ROLE`` runs
some of them; ``build/interop/report.json`` keeps the latest result of each.

A case passes when every file is the same at both ends, what the case is about is seen in the
packets between them, and the kernel has not complained. Then tshark, which shares no code with any
end, opens the capture with the secrets that TQUIC logged: every packet can be read, nothing in it
is malformed, and the server confirmed as many handshakes as the case has connections. What it says
else of a case is noted. Captures and secrets are kept in ``build/interop/captures``.
"""


def rst(results: Sequence[Result], titles: Sequence[tuple[str, str]]) -> str:
    """The page for people: a table of pairings by case, then the reasons and the cases."""
    pairs = list(dict.fromkeys((item.client, item.server) for item in results))
    known = {item.key: item for item in results}
    bar = "=" * len(_TITLE)
    out = [".. SPDX-License-Identifier: GPL-2.0", "", bar, _TITLE, bar, "", _INTRO]
    out += ["Results", "=======", "", "The client is named first; ``-`` was not run yet.", ""]
    rows = [["case", *(f"{client} - {server}" for client, server in pairs)]]
    notes: list[str] = []
    for name, _title in titles:
        row = [name]
        for client, server in pairs:
            row.append(_cell(known.get((name, client, server)), notes))
        rows.append(row)
    out += _table(rows)
    out += ["", *(f"{number}. {note}" for number, note in enumerate(notes, 1))] if notes else []
    out += ["", "Cases", "=====", "", *_table([["case", "what"], *map(list, titles)]), ""]
    return "\n".join(out)


def _cell(result: Result | None, notes: list[str]) -> str:
    if result is None:
        return "-"
    if result.outcome is not Outcome.PASSED:
        word = "FAILED" if result.outcome is Outcome.FAILED else "no"
        return f"{word} {_note(result.reason, notes)}"
    word = f"{result.kbit_s} kbit/s" if result.kbit_s else "passed"
    if result.beside_kbit_s:
        word += f" (TCP: {result.beside_kbit_s})"
    if result.decoded not in ("", CONFIRMED):
        word += f" {_note(result.decoded, notes)}"
    return word


def _note(text: str, notes: list[str]) -> str:
    """The mark of a footnote, which is made when it is new."""
    if text not in notes:
        notes.append(text)
    return f"[{notes.index(text) + 1}]"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    bar = " ".join("=" * width for width in widths)
    lines = [" ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]
    return [bar, lines[0], bar, *lines[1:], bar]
