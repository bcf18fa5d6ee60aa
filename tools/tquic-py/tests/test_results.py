# SPDX-License-Identifier: GPL-2.0
"""What the runners counted, and what is told of what failed."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest

from tquic import integration, klog, ktap, kunit, results, vm

_JUNIT = """<testsuites><testsuite tests="4" failures="1" errors="1" skipped="1">
<testcase classname="test_a" name="works"/>
<testcase classname="test_a" name="fails"><failure message="no"/></testcase>
<testcase classname="test_b" name="breaks"><error message="no"/></testcase>
<testcase classname="test_b" name="waits"><skipped/></testcase>
</testsuite></testsuites>
"""

_KTAP = """KTAP version 1
1..1
    KTAP version 1
    # Subtest: tquic_ranges
    1..2
    ok 1 adds_in_order
    # merges: EXPECTATION FAILED at net/tquic/test/ranges_test.c:20
    Expected n == 1, but
    not ok 2 merges
not ok 1 tquic_ranges
"""


def test_junit(tmp_path: Path) -> None:
    """Failures and errors have names, what passed or was skipped has none."""
    file = tmp_path / "junit.xml"
    file.write_text(_JUNIT)
    assert integration.junit_tally(file) == results.Tally(1, 2, ("test_a.fails", "test_b.breaks"))
    file.write_text("<testsuite")
    assert integration.junit_tally(file) == results.Tally(0, 0)


def test_kunit() -> None:
    """A case with its expectation, a suite that did not end, and the kernel's complaint."""
    machine = mock.Mock(vm.VmResult, ok=False, problems=[klog.Problem("BUG: sleeping", "…")])
    silent = kunit.Source("tquic_rtt", "rtt_test.c")
    report = kunit.Report([ktap.parse_suite(_KTAP)], [silent], 2, machine)
    assert report.failed == len(report.failures) == 3
    assert report.failures[0].startswith("tquic_ranges.merges: ")
    assert "ranges_test.c:20 Expected n == 1" in report.failures[0]
    assert report.failures[1:] == ("tquic_rtt: not all of it ran", "BUG: sleeping")


@pytest.mark.parametrize(
    ("machine", "told"),
    [
        ((0, False), ()),
        ((None, True), ("timed out",)),
        ((None, False), ("the guest died before the command ended",)),
        ((3, False), ("exit 3",)),
    ],
)
def test_guest(tmp_path: Path, machine: tuple[int | None, bool], told: tuple[str, ...]) -> None:
    """How a guest ended is told, unless it ended well or a test tells why."""
    ended = vm.VmResult(tmp_path, *machine, boot_s=3.0, command_s=1.0, host_s=9.0)
    assert kunit.Report([], [], 0, ended).failures == told
    with mock.patch.object(integration, "junit_tally", return_value=results.Tally(2, 0)):
        assert integration.count(ended) == results.Tally(2, len(told), told)
    failed = results.Tally(2, 1, ("test_a.fails",))
    with mock.patch.object(integration, "junit_tally", return_value=failed):
        found = integration.count(ended).failures
    assert found == failed.failures + (told if ended.exit_code is None else ())


def test_kept(tmp_path: Path) -> None:
    """What is recorded is collected, by runner."""
    tally = results.Tally(3, 1, ("one",))
    (tmp_path / "results").mkdir()
    with (
        mock.patch.object(results.paths, "part", return_value=tmp_path / "results"),
        mock.patch.object(results.paths, "build", return_value=tmp_path),
    ):
        results.record("kunit", results.Tally(0, 9))
        results.record("kunit", tally)
        assert results.collect() == {"kunit": tally}
