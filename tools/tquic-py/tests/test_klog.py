# SPDX-License-Identifier: GPL-2.0
"""Which lines of a kernel log make a run fail."""

from __future__ import annotations

import pytest

from tquic import klog

_COMPLAINTS = [
    "[    1.000000] WARNING: CPU: 0 PID: 1 at net/tquic/core/conn.c:12 tquic_x+0x1/0x2 [tquic]",
    "[    1.000000] BUG: KASAN: slab-use-after-free in tquic_x+0x1/0x2 [tquic]",
    "[    1.000000] UBSAN: shift-out-of-bounds in net/tquic/core/pacer.c:1:2",
    "[    1.000000] WARNING: possible recursive locking detected",
    "[    1.000000] INFO: task insmod:12 blocked for more than 122 seconds.",
    "[    1.000000] WARNING: suspicious RCU usage",
    "[    1.000000] Oops: general protection fault, probably for non-canonical address",
    "[    1.000000] refcount_t: underflow; use-after-free.",
    "[    1.000000] BUG: scheduling while atomic: insmod/12/0x00000002",
    "[    1.000000] BUG: sleeping function called from invalid context at mm/slab.h:1",
    "[    1.000000] ODEBUG: free active (active state 0) object: 0 object type: timer_list",
    "[    1.000000] unregister_netdevice: waiting for lo to become free. Usage count = 2",
    "[    1.000000] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
    "[    1.000000] watchdog: BUG: soft lockup - CPU#0 stuck for 22s!",
    "[    1.000000] Kernel panic - not syncing: Fatal exception",
]
_QUIET = [
    # Not all of them are ours: the report itself is read instead.
    "[    1.000000] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
    "[    1.000000] kmemleak: Kernel memory leak detector initialized (mem pool available: 3)",
    "[    1.000000] tquic: loading out-of-tree module taints kernel.",
    "[    1.000000] FAULT_INJECTION: forcing a failure.",
    "[    1.000000] Could not switch to high resolution mode on CPU 0",
    "[    1.000000]     ok 1 leaves_nothing_behind",
]


@pytest.mark.parametrize("line", _COMPLAINTS)
def test_complaint(line: str) -> None:
    """Each of these ends a run badly."""
    found = klog.problems(line)
    assert len(found) == 1
    assert not found[0].headline.startswith("[")


@pytest.mark.parametrize("line", _QUIET)
def test_quiet(line: str) -> None:
    """None of these does."""
    assert not klog.problems(line)


def test_boot_does_not_count() -> None:
    """What came before the command is not its doing."""
    log = f"{_COMPLAINTS[0]}\n[    2.0] {klog.START_MARK}\n{_COMPLAINTS[1]}\n"
    assert [p.headline[:10] for p in klog.problems(log)] == ["BUG: KASAN"]


def test_report_ends_at_its_mark() -> None:
    """Two warnings with their traces are two problems."""
    block = f"{_COMPLAINTS[0]}\n[    1.1] Call Trace:\n[    1.2] ---[ end trace 0 ]---\n"
    assert len(klog.problems(block * 2)) == 2


def test_leaks_are_told_apart() -> None:
    """A leak is ours by symbol, or by a module address that has lost its symbols."""
    report = (
        "unreferenced object 0xffff888004d5a000 (size 64):\n"
        '  comm "insmod", pid 1, jiffies 1\n'
        "    [<0000000012345678>] tquic_conn_new+0x1/0x2 [tquic]\n"
        "unreferenced object 0xffff888004d5b000 (size 64):\n"
        "    [<0000000012345678>] 0xffffffffa0001234\n"
        "unreferenced object 0xffff888004d5c000 (size 64):\n"
        "    00 00 00 00 00 00 00 00 00 60 00 a0 ff ff ff ff  .........`......\n"
        "    [<0000000012345678>] acpi_init+0x1/0x2\n"
        "unreferenced object 0xffff888004d5d000 (size 64):\n"
        "    kmemleak_alloc+0x29/0x30\n"
        "    0xffffffffa0006263\n"
        "    do_one_initcall+0xe8/0x420\n"
        "unreferenced object 0xffff888004d5e000 (size 16):\n"
        "    kobject_init_and_add+0xbb/0x130\n"
        "    sysfs_slab_add+0x19c/0x1f0\n"
        "    tquic_path_cache_init+0xbf/0xe0 [tquic]\n"
    )
    ours, others = klog.leaks(report)
    assert [len(ours), len(others)] == [3, 2]
