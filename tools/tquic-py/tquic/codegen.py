# SPDX-License-Identifier: GPL-2.0
"""Files that are made from specs: what a spec may say, and what becomes of it.

A spec is YAML below Documentation/networking/specs, its templates are this package's. What the
manual page is made from are the commands themselves. The netlink family has the kernel's own
generator: scripts/ynl.sh.
"""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import jinja2

from . import __version__, cli, codegen_text, manpage
from .codegen_counters import COUNTER_SPEC, load_counters
from .codegen_socket import SOCKET_SPEC, load_socket
from .errors import EXIT_INCOMPLETE, EXIT_NETWORK, EXIT_TLS
from .spec import SpecError, read_spec
from .sysctl_spec import KINDS, SCOPES, Kind, SysctlSpec

__all__ = [
    "COUNTER_OUTPUTS",
    "MAN_PAGE",
    "OUTPUTS",
    "SOCKET_OUTPUTS",
    "SYSCTL_OUTPUTS",
    "SYSCTL_SPEC",
    "SpecError",
    "SysctlTable",
    "drift",
    "load_sysctls",
    "render",
    "write",
]

SYSCTL_SPEC: Final = Path("Documentation/networking/specs/tquic-sysctl.yaml")
#: Template -> file, below the source tree.
SYSCTL_OUTPUTS: Final = {
    "sysctl.conf": Path("tools/tquic-py/sysctl.d/tquic.conf"),
    "sysctl.c": Path("net/tquic/tquic-sysctl-gen.c"),
    "sysctl.h": Path("net/tquic/tquic-sysctl-gen.h"),
    "sysctl.py": Path("tools/tquic-py/tquic/sysctl_gen.py"),
    "sysctl.rst": Path("Documentation/networking/tquic-sysctl.rst"),
}
SOCKET_OUTPUTS: Final = {
    "uapi.h": Path("include/uapi/linux/tquic.h"),
    "uapi.py": Path("tools/tquic-py/tquic/uapi_gen.py"),
    "uapi.rst": Path("Documentation/networking/tquic-uapi.rst"),
}
COUNTER_OUTPUTS: Final = {
    "mib.h": Path("net/tquic/tquic-mib-gen.h"),
    "counters.rst": Path("Documentation/networking/tquic-counters.rst"),
}
MAN_PAGE: Final = Path("tools/tquic-py/man/tquic.8")
OUTPUTS: Final = {**SYSCTL_OUTPUTS, **SOCKET_OUTPUTS, **COUNTER_OUTPUTS, "tquic.8": MAN_PAGE}

_NAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
_U32_MAX = 2**32 - 1
_SUMMARY_MAX = 80
#: What a sysctl of a kind must have besides the common keys; `doc` is optional.
_KEYS: dict[Kind, frozenset[str]] = {
    "u32": frozenset({"unit", "min", "max", "default"}),
    "bool": frozenset({"default"}),
    "choice": frozenset({"choices", "default"}),
    "names": frozenset(),
}
_COMMON = frozenset({"name", "type", "scope", "summary"})


@dataclass(frozen=True)
class SysctlTable:
    """All sysctls of a spec, and the directory they are in."""

    path: str
    sysctls: tuple[SysctlSpec, ...]


def load_sysctls(text: str, origin: str = str(SYSCTL_SPEC)) -> SysctlTable:
    """Read a spec of sysctls. Raises SpecError."""
    data = read_spec(text, origin, ("path", "sysctls"))
    table = SysctlTable(data["path"], tuple(_sysctl(item, origin) for item in data["sysctls"]))
    names = [sysctl.name for sysctl in table.sysctls]
    if names != sorted(set(names)):
        raise SpecError(f"{origin}: sysctls are not sorted by name, or one is there twice")
    lists = {sysctl.name for sysctl in table.sysctls if sysctl.type == "names"}
    for sysctl in table.sysctls:
        if sysctl.type == "choice" and sysctl.choices not in lists:
            raise SpecError(f"{origin}: {sysctl.name}: no list {sysctl.choices} to choose from")
    return table


def _sysctl(item: dict[str, Any], origin: str) -> SysctlSpec:
    where = f"{origin}: {item.get('name', 'an entry without a name')}"
    kind = item.get("type")
    if kind not in KINDS:
        raise SpecError(f"{where}: type is one of {', '.join(KINDS)}")
    wanted = _COMMON | _KEYS[cast(Kind, kind)]
    if missing := wanted - set(item):
        raise SpecError(f"{where}: {', '.join(sorted(missing))} missing")
    if extra := set(item) - wanted - {"doc"}:
        raise SpecError(f"{where}: {', '.join(sorted(extra))} means nothing for type {kind}")
    implied = {"max": 1} if kind == "bool" else {}
    sysctl = SysctlSpec(**{**implied, **item})
    if fault := _text_fault(sysctl) or (_number_fault(sysctl) if sysctl.numeric else None):
        raise SpecError(f"{where}: {fault}")
    return sysctl


def _text_fault(sysctl: SysctlSpec) -> str | None:
    if not sysctl.name or set(sysctl.name) - _NAME_CHARS:
        return "a name has small letters, digits and _"
    if sysctl.scope not in SCOPES:
        return f"scope is one of {', '.join(SCOPES)}"
    if len(sysctl.summary) > _SUMMARY_MAX or sysctl.summary.endswith("."):
        return f"a summary has no full stop and at most {_SUMMARY_MAX} characters"
    return None


def _number_fault(sysctl: SysctlSpec) -> str | None:
    numbers = (0, sysctl.min, sysctl.default, sysctl.max, _U32_MAX)
    if any(isinstance(n, bool) or not isinstance(n, int) for n in numbers):
        return "min, max and default are whole numbers"
    if list(numbers) != sorted(cast(tuple[int, ...], numbers)):
        return "0 <= min <= default <= max < 2^32 does not hold"
    for unit in ("ms", "bytes"):
        if sysctl.name.endswith(f"_{unit}") and sysctl.unit != unit:
            return f"its name says {unit}, its unit {sysctl.unit}"
    return None


# --- from specs to files


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("tquic"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for function in (codegen_text.tabs, codegen_text.comment, codegen_text.marked):
        made.filters[function.__name__] = function
    made.globals["table_of"] = codegen_text.table
    made.filters["quoted"] = _quoted
    made.filters["member"] = _member
    made.filters["prototype"] = _prototype
    made.filters["prose"] = manpage.prose
    made.filters["roff"] = manpage.escaped
    return made


def _quoted(value: int | str) -> str:
    """A literal that C and Python share."""
    return str(value) if isinstance(value, int) else f'"{value}"'


def _member(sysctl: SysctlSpec) -> str:
    """The lines of a kernel-doc comment that describe a member of a struct."""
    lines = textwrap.wrap(f"@{sysctl.name}: {sysctl.summary}", 76, break_on_hyphens=False)
    rest = textwrap.wrap(" ".join(lines[1:]), 72, break_on_hyphens=False)
    return "\n".join([f" * {lines[0]}", *(f" *\t{line}" for line in rest)])


def _prototype(name: str) -> str:
    """The declaration of a proc_handler, its arguments below each other as the kernel has it."""
    head = f"int tquic_sysctl_{name}("
    arguments = "const struct ctl_table *table, int write, void *buffer, size_t *lenp, loff_t *ppos"
    # A blank is where lines may break; those within an argument are not.
    words = arguments.replace(", ", ",\n").replace(" ", "\0").split("\n")
    lines = textwrap.wrap(" ".join(words), 79 - len(head))
    indent = "\t" * (len(head) // 8) + " " * (len(head) % 8)
    return head + f"\n{indent}".join(lines).replace("\0", " ") + ");"


def render(root: Path) -> dict[Path, str]:
    """Every generated file, below the tree at ``root``, with its content. Raises SpecError."""
    environment = _environment()
    sysctls = load_sysctls((root / SYSCTL_SPEC).read_text())
    groups: tuple[tuple[dict[str, Path], dict[str, Any]], ...] = (
        (SYSCTL_OUTPUTS, {"spec": SYSCTL_SPEC, "table": sysctls}),
        (
            SOCKET_OUTPUTS,
            {"spec": SOCKET_SPEC, "abi": load_socket((root / SOCKET_SPEC).read_text())},
        ),
        (
            COUNTER_OUTPUTS,
            {"spec": COUNTER_SPEC, "sections": load_counters((root / COUNTER_SPEC).read_text())},
        ),
        (
            {"tquic.8": MAN_PAGE},
            {
                "table": sysctls,
                "version": __version__,
                "entries": list(manpage.entries(cli.root, "tquic")),
                "exits": {"network": EXIT_NETWORK, "tls": EXIT_TLS, "incomplete": EXIT_INCOMPLETE},
            },
        ),
    )
    return {
        output: environment.get_template(f"{template}.j2").render(known)
        for outputs, known in groups
        for template, output in outputs.items()
    }


def _stale(root: Path) -> Iterator[tuple[Path, str, str]]:
    """Files that are not as the spec says: path, content, wanted content."""
    for path, wanted in render(root).items():
        there = root / path
        content = there.read_text() if there.exists() else ""
        if content != wanted:
            yield path, content, wanted


def write(root: Path) -> list[Path]:
    """Write the files that are not as the specs say, and return them. Raises SpecError."""
    changed = []
    for path, _content, wanted in _stale(root):
        (root / path).write_text(wanted)
        changed.append(path)
    return changed


def drift(root: Path) -> list[str]:
    """Lines of a diff from the files to what the specs say; none when all is well."""
    lines: list[str] = []
    for path, content, wanted in _stale(root):
        lines += difflib.unified_diff(
            content.splitlines(), wanted.splitlines(), str(path), "as the spec says", lineterm=""
        )
    return lines
