# SPDX-License-Identifier: GPL-2.0
"""Find the kernel's complaints in its log: splats, leaks, lock and memory errors."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

START_MARK = "tquic-vm: command starts"

_COMPLAINT = re.compile(
    r"""
    WARNING: | \bBUG: | kernel[ ]BUG | KASAN: | KFENCE: | UBSAN: | ODEBUG:
    | possible[ ](recursive|circular|irq[ ]lock) | inconsistent[ ]lock[ ]state
    | bad[ ]unlock[ ]balance | held[ ]lock[ ]freed | lock[ ]held[ ]when[ ]returning
    | DEBUG_LOCKS_WARN_ON | suspicious[ ]RCU | Invalid[ ]wait[ ]context
    | INFO:[ ](task|rcu_|trying[ ]to[ ]register) | rcu:[ ]INFO: | detected[ ]stall
    | soft[ ]lockup | Oops[: ] | general[ ]protection | Unable[ ]to[ ]handle | Kernel[ ]panic
    | refcount_t: | scheduling[ ]while[ ]atomic | sleeping[ ]function[ ]called
    | list_(add|del)[ ]corruption | Attempt[ ]to[ ]release[ ]alive | unregister_netdevice:[ ]waiting
    | unreferenced[ ]object | leaked[ ]reference | \bleaked\b | memory[ ]leak\b
    | stack-protector | nobody[ ]cared
    """,
    re.VERBOSE,
)
_NOISE = re.compile(r"kmemleak: (Kernel memory leak detector|Automatic memory scanning)")
#: Where the kernel leaks by itself: 6.12 forgets the name of a slab that got no place in sysfs.
_KERNELS_OWN = re.compile(r"\bsysfs_slab_add\+")
_END = re.compile(r"---\[ end trace|={20,}\s*$")
_CONTEXT_LINES = 60
_LEAK_SITE = re.compile(
    r"\[tquic|\btquic_|^\s+(?:\[<\w+>\] )?0xffffffff[ac][0-9a-f]{7}$", re.MULTILINE
)


@dataclass(frozen=True)
class Problem:
    """One complaint: its headline, and the log lines that belong to it."""

    headline: str
    text: str


def problems(log: str) -> list[Problem]:
    """Return the complaints of a kernel log, oldest first.

    Only what follows START_MARK counts (all of it without the mark): what the kernel says while
    it boots is not the doing of the code under test.
    """
    lines = log.split(START_MARK, 1)[-1].splitlines()
    found: list[Problem] = []
    at = 0
    while at < len(lines):
        if not _COMPLAINT.search(lines[at]) or _NOISE.search(lines[at]):
            at += 1
            continue
        end = _block_end(lines, at)
        found.append(Problem(_without_stamp(lines[at]), "\n".join(lines[at:end])))
        at = end
    return found


def leaks(report: str) -> tuple[list[Problem], list[Problem]]:
    """Split a kmemleak report into leaks of this module and others.

    A stack address in the module area that no symbol covers counts as ours: it is what remains
    of a module that was unloaded.
    """
    ours: list[Problem] = []
    others: list[Problem] = []
    for block in re.split(r"(?m)^(?=unreferenced object)", report):
        if block.strip():
            problem = Problem(block.splitlines()[0].rstrip(":"), block.rstrip())
            is_ours = _LEAK_SITE.search(block) and not _KERNELS_OWN.search(block)
            (ours if is_ours else others).append(problem)
    return ours, others


def brief(found: Iterable[Problem]) -> str:
    """Return one line per distinct headline, with counts."""
    counts: dict[str, int] = {}
    for problem in found:
        counts[problem.headline] = counts.get(problem.headline, 0) + 1
    return "\n".join(f"{n}x {headline}" for headline, n in counts.items())


def _block_end(lines: list[str], start: int) -> int:
    """Return the index behind a complaint: at its end mark, or after the context limit."""
    limit = min(len(lines), start + _CONTEXT_LINES)
    for at in range(start + 1, limit):
        if _END.search(lines[at]):
            return at + 1
    return limit


def _without_stamp(line: str) -> str:
    return re.sub(r"^\[\s*\d+\.\d+\]\s*(\[\s*[TC]\d+\]\s*)?", "", line)
