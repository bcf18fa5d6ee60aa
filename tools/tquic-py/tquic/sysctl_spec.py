# SPDX-License-Identifier: GPL-2.0
"""What is known of a sysctl of TQUIC, as its spec says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

__all__ = ["KINDS", "SCOPES", "Kind", "Scope", "SysctlSpec"]

Kind = Literal["u32", "bool", "choice", "names"]
Scope = Literal["socket", "connection", "live", "namespace"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)


@dataclass(frozen=True)
class SysctlSpec:
    """One sysctl; ``min``, ``max`` and ``unit`` are of numbers, ``choices`` names a list."""

    name: str
    type: Kind
    scope: Scope
    summary: str
    unit: str = ""
    min: int = 0
    max: int = 0
    default: int | str = ""
    choices: str = ""
    doc: str = ""

    @property
    def numeric(self) -> bool:
        """Whether the value is a number, of a range."""
        return self.type in ("u32", "bool")

    @property
    def writable(self) -> bool:
        """Whether it can be set at all."""
        return self.type != "names"

    @property
    def values(self) -> str:
        """What it takes."""
        if self.type == "u32":
            return f"{self.min} to {self.max}"
        if self.type == "bool":
            return "0 or 1"
        return f"one of {self.choices}" if self.choices else "read only"
