# SPDX-License-Identifier: GPL-2.0
"""Allocations of the module that fail, by the kernel's fault injection.

Only those with a module in their stack trace do, and the debug kernel has no other one that does
anything here: the test programs are not harmed. What the
debug kernel itself allocates below the module, for kmemleak, is spared, as one failure there
switches kmemleak off for good.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_DEBUG: Final = Path("/sys/kernel/debug")
_NTH: Final = Path("/proc/thread-self/fail-nth")
#: Of slab objects, and of whole pages.
KINDS: Final = ("failslab", "fail_page_alloc")
#: More than a test uses up.
_TIMES: Final = 1 << 30
#: Modules have an area of their own, which begins at a multiple of so many bytes.
_AREA_BYTES: Final = 1 << 29
_AREA_END: Final = 0xFFFF_FFFF_FF00_0000
#: The last function of kmemleak is not larger.
_LAST_BYTES: Final = 512
#: Functions of one file are not further apart.
_NEAR: Final = 1 << 17


def available() -> bool:
    """Whether this kernel can do it."""
    return all((_DEBUG / kind / "require-start").exists() for kind in KINDS)


class Faults:
    """Sets the knobs; they stay right when the module is removed and inserted."""

    def __init__(self) -> None:
        module, spared = _spans()
        for kind in KINDS:
            self._set(kind, "probability", 0)
            self._set(kind, "times", _TIMES)
            self._set(kind, "verbose", 0)
            self._set(kind, "space", 0)
            self._set(kind, "task-filter", "N")
            self._set(kind, "stacktrace-depth", 32)
            for name, address in zip(("start", "end"), module, strict=True):
                self._set(kind, f"require-{name}", f"{address:#x}")
            for name, address in zip(("start", "end"), spared, strict=True):
                self._set(kind, f"reject-{name}", f"{address:#x}")
        self._set("fail_page_alloc", "min-order", 0)
        self._set("fail_page_alloc", "ignore-gfp-highmem", "N")
        self._atomic_only(False)

    def __enter__(self) -> Faults:
        return self

    def __exit__(self, *_error: object) -> None:
        self._chance(0, 1)

    @staticmethod
    def _set(kind: str, name: str, value: int | str) -> None:
        (_DEBUG / kind / name).write_text(f"{value}\n")

    def _atomic_only(self, wanted: bool) -> None:
        for kind in KINDS:
            self._set(kind, "ignore-gfp-wait", "Y" if wanted else "N")

    def _chance(self, percent: int, interval: int) -> None:
        for kind in KINDS:
            self._set(kind, "interval", interval)
            self._set(kind, "probability", percent)

    def hits(self, kind: str) -> int:
        """How many allocations have failed so far."""
        return _TIMES - int((_DEBUG / kind / "times").read_text())

    @contextlib.contextmanager
    def some(self, per_mille: int, *, atomic_only: bool = False) -> Iterator[None]:
        """So many of a thousand fail, or of those that may not sleep, as packets and timers do."""
        self._atomic_only(atomic_only)
        interval = 1 if per_mille % 10 == 0 else 10
        self._chance(per_mille * interval // 10, interval)
        try:
            yield
        finally:
            self._chance(0, 1)
            self._atomic_only(False)

    @contextlib.contextmanager
    def workers(self) -> Iterator[None]:
        """All those of work items fail, and no others."""
        for kind in KINDS:
            self._set(kind, "task-filter", "Y")
        _mark_workers(True)
        try:
            with self.some(1000):
                yield
        finally:
            _mark_workers(False)
            for kind in KINDS:
                self._set(kind, "task-filter", "N")

    @contextlib.contextmanager
    def nth(self, number: int) -> Iterator[None]:
        """Just this one of those that the calling thread comes upon, counted from 1, fails."""
        self.arm(number)
        try:
            yield
        finally:
            self.arm(0)

    @staticmethod
    def arm(number: int) -> None:
        """As `nth`, for what the thread does from now on, and a program it becomes."""
        _NTH.write_text(str(number))

    def total(self) -> int:
        """Failed allocations of all kinds."""
        return sum(map(self.hits, KINDS))


def _mark_workers(wanted: bool) -> None:
    """The kernel's worker threads, and the one that makes more of them."""
    for comm in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if comm.read_text().startswith(("kworker", "kthreadd")):
                (comm.parent / "make-it-fail").write_text(f"{wanted:d}")


def _spans() -> tuple[tuple[int, int], tuple[int, int]]:
    """Where the code of modules is, and that of kmemleak."""
    module = 0
    others: dict[str, int] = {}
    for line in Path("/proc/kallsyms").read_text().splitlines():
        address, kind, name, *owner = line.split()
        if kind not in "tT":
            continue
        if owner == ["[tquic]"]:
            module = int(address, 16)
        elif not owner and "kmemleak" in name:
            others[name] = int(address, 16)
    assert module, "the module is not loaded"
    near = [at for at in others.values() if abs(at - others["kmemleak_alloc"]) < _NEAR]
    area = module - module % _AREA_BYTES
    return (area, _AREA_END), (min(near), max(near) + _LAST_BYTES)
