# SPDX-License-Identifier: GPL-2.0
"""Text in C and in reStructuredText: filters of the templates."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["comment", "marked", "table", "tabs"]


def tabs(name: str, column: int) -> str:
    """``name`` and as many tabs as lead to a column, one at least."""
    return name + "\t" * max(1, -(-(column - len(name.expandtabs())) // 8))


def comment(doc: str) -> str:
    """A comment of C: of one line, or a block."""
    lines = doc.rstrip("\n").split("\n")
    if len(lines) == 1:
        return f"/* {lines[0]} */"
    return "\n".join(["/*", *(f" * {line}".rstrip() for line in lines), " */"])


_MARKED = re.compile(
    r"(?:struct|enum) tquic_\w+|TQUIC_\w+\*?|@(\w+)|\b\w+\(\)|\b[a-z]+_\w+|\b[A-Z]+_[A-Z_]+\b"
)


def marked(text: str) -> str:
    """A comment as reStructuredText: names of the code are set as such."""
    return _MARKED.sub(lambda found: f"``{found[1] or found[0]}``", text)


def table(rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    """A simple table of reStructuredText."""
    every = [list(row) for row in ([head] if head else []) + list(rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*every, strict=True)]
    rule = "  ".join("=" * max(width, 3) for width in widths)
    lines = [
        "  ".join(
            cell.ljust(max(width, 3)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in every
    ]
    middle = [rule] if head else []
    return "\n".join([rule, *lines[: len(middle)], *middle, *lines[len(middle) :], rule])
