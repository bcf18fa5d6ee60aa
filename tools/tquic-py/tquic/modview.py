# SPDX-License-Identifier: GPL-2.0
"""How a module's file looks to people and to programs."""

from __future__ import annotations

from typing import Any, Final

from .modfile import ModuleFile

__all__ = ["module_dict", "module_lines"]

_NAME_WIDTH: Final = 32


def _fits(module: ModuleFile, release: str) -> str:
    if module.release == release:
        return f"built for the running kernel {release}"
    return f"built for {module.release or 'no kernel it names'}, {release} runs: it will not load"


def _btf(module: ModuleFile) -> str:
    if not module.btf_bytes:
        return "none: schedulers in BPF cannot be loaded"
    return f"{module.btf_bytes} bytes"


def _table(title: str, rows: tuple[tuple[str, int], ...]) -> list[str]:
    total = sum(count for _name, count in rows)
    lines = [f"{name:{_NAME_WIDTH}} {count:>9}" for name, count in rows]
    return [
        "",
        f"{title:{_NAME_WIDTH}} {'BYTES':>9}",
        *lines,
        f"{'total':{_NAME_WIDTH}} {total:>9}",
    ]


def module_lines(module: ModuleFile, release: str) -> list[str]:
    """Lines for people; ``release`` is that of the running kernel."""
    lines = [
        f"file        {module.path}",
        f"module      {module.name}, {_fits(module, release)}",
        f"vermagic    {module.vermagic.strip() or 'none'}",
        f"BTF         {_btf(module)}",
        f"struct_ops  {' '.join(module.struct_ops) or 'none'}",
        *_table("SECTION", module.sections),
    ]
    if module.objects is None:
        lines += ["", "Code by object: no debug information in this file."]
    else:
        lines += _table("CODE BY OBJECT", module.objects)
    exports = [f"{name}{' (GPL)' * gpl}" for name, gpl in module.exports]
    return [*lines, "", "EXPORTS", *(exports or ["none"])]


def module_dict(module: ModuleFile, release: str) -> dict[str, Any]:
    """Values for JSON; sizes in bytes."""
    return {
        "file": str(module.path),
        "name": module.name,
        "vermagic": module.vermagic.strip(),
        "fits_running_kernel": module.release == release,
        "btf_bytes": module.btf_bytes,
        "struct_ops": list(module.struct_ops),
        "sections": dict(module.sections),
        "objects": None
        if module.objects is None
        else [{"source": name, "code_bytes": count} for name, count in module.objects],
        "exports": [{"name": name, "gpl": gpl} for name, gpl in module.exports],
    }
