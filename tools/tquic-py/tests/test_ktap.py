# SPDX-License-Identifier: GPL-2.0
"""Reading the results of a KUnit suite."""

from __future__ import annotations

from tquic import ktap

_RESULTS = """KTAP version 1
1..1
    KTAP version 1
    # Subtest: tquic_ranges
    # module: tquic
    1..4
    ok 1 adds_in_order
    # merges: EXPECTATION FAILED at net/tquic/test/ranges_test.c:20
    Expected n == 1, but
        n == 2 (0x2)
    not ok 2 merges
        KTAP version 1
        # Subtest: drops_oldest
        ok 1 small
        ok 2 big
    # drops_oldest: pass:2 fail:0 skip:0 total:2
    ok 3 drops_oldest
    ok 4 needs_memory # SKIP no memory to spare
# tquic_ranges: pass:2 fail:1 skip:1 total:4
# Totals: pass:3 fail:1 skip:1 total:5
not ok 1 tquic_ranges
"""


def test_cases() -> None:
    """Names, outcomes and the lines of a failed expectation."""
    suite = ktap.parse_suite(_RESULTS)
    assert suite.name == "tquic_ranges"
    assert [(c.name, c.status) for c in suite.cases] == [
        ("adds_in_order", "passed"),
        ("merges", "failed"),
        ("drops_oldest", "passed"),
        ("needs_memory", "skipped"),
    ]
    assert any("n == 2" in line for line in suite.cases[1].log)
    assert [suite.count("passed"), suite.count("failed")] == [2, 1]


def test_cut_short() -> None:
    """A suite that crashed has fewer cases than it planned."""
    text = _RESULTS.split("    # merges:", maxsplit=1)[0]
    assert len(ktap.parse_suite(text).cases) == 1
    assert ktap.planned(text) == 4


def test_empty() -> None:
    """No file, no cases."""
    assert not ktap.parse_suite("").cases
    assert ktap.planned("") == 0
