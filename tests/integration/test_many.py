# SPDX-License-Identifier: GPL-2.0
"""Many connections: what one costs that does nothing, and that nothing is left of them.

Some hundreds by default. A thousand at a time and ten thousand one after the other, on the debug
kernel, where a leak fails the run::

    make many

The memory of a connection is that of the stock kernel, so it is measured there only.
"""

from __future__ import annotations

import os
import resource
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from conftest import LabMaker
from keyed import Keyed, carry
from leftovers import lines, nothing_left
from running import wait_for

from tquic.handshake import Options
from tquic.lab import Link
from tquic.uapi import Config, State

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(14_400)]

PLAIN: Final = Link()
#: Bytes of all kinds that one end of an idle connection may hold.
IDLE_BYTES: Final = 16 * 1024
#: What any socket of the system has: file, directory entry, inode.
_FILES = ("filp", "dentry", "sock_inode_cache", "lsm_inode_cache")
_OWN = ("TQUIC", "TQUICv6", "tquic_path", "tquic_rec")
_PAGE = 4096
#: Until nothing happens any more: the handshake's last packets, and all acknowledged.
_REST_S = 8.0
#: Longer than the test.
_IDLE_MS = 3_600_000


class Memory:
    """What the kernel holds: slab caches by name, and per-CPU memory."""

    def __init__(self) -> None:
        self.caches: dict[str, int] = {}
        self.objects: dict[str, int] = {}
        for line in Path("/proc/slabinfo").read_text().splitlines()[2:]:
            words = line.split()
            slabs = words[words.index("slabdata") + 2]
            self.caches[words[0]] = int(slabs) * int(words[5]) * _PAGE
            self.objects[words[0]] = int(words[1])
        values = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        self.total = sum(int(values[name].split()[0]) * 1024 for name in ("Slab", "Percpu"))

    def since(self, before: Memory) -> dict[str, int]:
        """By how much each cache has grown, the most first."""
        grown = {name: size - before.caches.get(name, 0) for name, size in self.caches.items()}
        return dict(sorted(grown.items(), key=lambda item: -item[1]))


def test_idle_at_a_time(make_lab: LabMaker, request: pytest.FixtureRequest) -> None:
    """They all work, hold little, and leave nothing behind."""
    count = request.config.getoption("--connections")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = 2 * count + 1024  # a socket at each end, and what the test itself has open
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files, soft), max(files, hard)))
    lab = make_lab(PLAIN)
    options = Options(config=Config.of(idle_timeout_ms=_IDLE_MS))
    with ExitStack() as held:
        keyed = held.enter_context(Keyed(lab, options))
        for _ in range(20):  # what the first ones bring along stays
            held.enter_context(keyed.join())
        time.sleep(_REST_S)
        before = Memory()
        started = time.monotonic()
        ends = [held.enter_context(keyed.join()) for _ in range(count)]
        took = time.monotonic() - started
        time.sleep(_REST_S)
        after = Memory()
        assert lines(lab) == 2 * count + 40
        assert {sock.info().state for pair in ends for sock in pair} == {State.ESTABLISHED}
        for pair in ends[:: max(1, count // 20)]:
            carry(pair)
    nothing_left(lab)
    print(f"{count} connections in {took:.0f} s")
    weigh(before, after, count)


def weigh(before: Memory, after: Memory, count: int) -> None:
    """Report the memory of one end; see that it is within the limit."""
    grown = after.since(before)
    raw = (after.total - before.total) / (2 * count)
    files = sum(grown.get(name, 0) for name in _FILES) / (2 * count)
    print(f"per end: {raw:.0f} bytes, without file and inode {raw - files:.0f}")
    for name, size in grown.items():
        if size > 20 * count:
            more = after.objects[name] - before.objects.get(name, 0)
            print(f"  {name:20} {size / (2 * count):7.0f} bytes {more / (2 * count):6.2f} objects")
    if os.environ["TQUIC_KERNEL"] == "stock":
        assert raw <= IDLE_BYTES


def test_one_after_the_other(make_lab: LabMaker, request: pytest.FixtureRequest) -> None:
    """Each carries some bytes both ways; of none anything is left."""
    count = request.config.getoption("--sequential")
    lab = make_lab(PLAIN)
    with Keyed(lab) as keyed:
        with keyed.join() as ends:
            carry(ends)
        wait_for(lambda: lines(lab) == 0)
        before = Memory()
        started = time.monotonic()
        for _ in range(count):
            with keyed.join() as ends:
                carry(ends)
        took = time.monotonic() - started
        wait_for(lambda: lines(lab) == 0)
        time.sleep(_REST_S)  # what RCU frees
        after = Memory()
    nothing_left(lab)
    print(f"{count} connections in {took:.0f} s")
    if os.environ["TQUIC_KERNEL"] != "stock":
        return  # KASAN keeps what was freed for a while, and kmemleak tells of what was not
    # Partly filled slabs of a CPU count as full.
    for name in _OWN:
        more = after.objects.get(name, 0) - before.objects.get(name, 0)
        assert more <= 100, f"{more} more objects of {name}"
