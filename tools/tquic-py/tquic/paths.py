# SPDX-License-Identifier: GPL-2.0
"""Where things are: the source tree, its build directory, and the kernel cache."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

_MARK = Path("tools/tquic-py/pyproject.toml")


class TreeError(RuntimeError):
    """No source tree was found, so nothing can be built or tested."""


@cache
def root() -> Path:
    """Return the source tree: the one holding the current directory, else this package's own.

    Raises TreeError when neither is a source tree (an installed package, for example).
    """
    start = Path.cwd()
    for folder in (start, *start.parents, *Path(__file__).resolve().parents):
        if (folder / _MARK).is_file():
            return folder
    raise TreeError(f"no source tree around {start}: change into a checkout of TQUIC")


def build() -> Path:
    """Return the tree's build directory, made if needed."""
    path = root() / "build"
    path.mkdir(exist_ok=True)
    return path


def part(name: str) -> Path:
    """Return a folder of the build directory, made if needed."""
    path = build() / name
    path.mkdir(exist_ok=True)
    return path


def cache_dir() -> Path:
    """Return the per-user cache that keeps kernels between checkouts, made if needed."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    path = Path(base) / "tquic"
    path.mkdir(parents=True, exist_ok=True)
    return path
