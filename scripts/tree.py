#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Check rules of the tree that no compiler checks: licences, header guards, the object list."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

_TOP = Path(__file__).resolve().parents[1]
_NET = _TOP / "net/tquic"
_HEADER_LINES = 300
_SPDX = re.compile(r"SPDX-License-Identifier: .*GPL-2\.0")
_NEEDS_SPDX = {".c", ".h", ".py", ".sh", ".toml", ".mk", ".config", ".yaml", ".bt"}
_NEEDS_SPDX_NAMES = {"Makefile", "Kconfig"}
_OBJECT = re.compile(r"^tquic-(?:y|\$\(CONFIG_TQUIC_BPF\))\s*\+=\s*(\S+)\.o$", re.MULTILINE)
_MODULE = re.compile(r"^obj-\S+\s*\+=\s*(\S+/\S+)\.o$", re.MULTILINE)


def tracked() -> list[Path]:
    """Return the files git knows, and those it would add."""
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=_TOP,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for path in (_TOP / line for line in done.stdout.splitlines()) if path.is_file()]


def licence_faults(path: Path) -> list[str]:
    """Every source file names its licence in its first two lines."""
    if path.suffix not in _NEEDS_SPDX and path.name not in _NEEDS_SPDX_NAMES:
        return []
    head = "\n".join(path.read_text(errors="replace").splitlines()[:2])
    return [] if _SPDX.search(head) else [f"{path.relative_to(_TOP)}: no SPDX line"]


def header_faults(path: Path) -> list[str]:
    """Every kernel header is guarded and short."""
    if path.suffix != ".h" or not path.is_relative_to(_NET):
        return []
    text = path.read_text()
    shown = path.relative_to(_TOP)
    faults = []
    if not re.search(r"^#ifndef (\w+)\n#define \1\n", text, re.MULTILINE):
        faults.append(f"{shown}: no include guard")
    if text.count("\n") > _HEADER_LINES and path.parent.name != "test":
        faults.append(f"{shown}: more than {_HEADER_LINES} lines")
    return faults


def object_faults() -> list[str]:
    """The Makefile lists each source once, in order, and nothing else; suites need no listing."""
    text = (_NET / "Makefile").read_text()
    listed = _OBJECT.findall(text)
    modules = set(_MODULE.findall(text))
    sources = (path.relative_to(_NET) for path in _NET.rglob("*.c"))
    present = {str(path.with_suffix("")) for path in sources if path.parts[0] != "test"}
    lost = sorted(present - set(listed) - modules)
    extra = sorted((set(listed) | modules) - present)
    faults = [f"net/tquic/{name}.c is not built: add it to the Makefile" for name in lost]
    faults += [f"net/tquic/Makefile: {name}.o has no source" for name in extra]
    if listed != sorted(set(listed)):
        faults.append("net/tquic/Makefile: objects are not sorted, or listed twice")
    return faults


def main() -> int:
    """Check everything; print the faults and return 1 when there are any."""
    files = tracked()
    faults = object_faults()
    for path in files:
        faults += licence_faults(path) + header_faults(path)
    print("\n".join(faults) or f"tree: {len(files)} files in order")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
