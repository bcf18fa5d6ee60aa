# SPDX-License-Identifier: GPL-2.0
"""The bench's pure parts: profiles, what a client counts, figures and verdicts."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tquic import bench_plot, bench_report, cli
from tquic.bench_guest import Run
from tquic.bench_peers import Meter, Sample, Task
from tquic.bench_profiles import PROFILES
from tquic.bench_report import full_again_s, line, load_runs, stall_ms, verdicts
from tquic.perf import Order


def steady(mbit: float, seconds: int, gaps: list[tuple[float, float]] | None = None) -> Sample:
    """A transfer at one rate."""
    each = int(mbit * 1e6 / 8 / 10)
    bins = [each] * (seconds * 10)
    return Sample(sum(bins), float(seconds), bins, gaps or [])


def test_capacity_of_profiles() -> None:
    assert PROFILES[1].capacity_mbit(10) == 100
    assert PROFILES[5].capacity_mbit(10) == 60
    # 50 and 5 in turn beside 20: the first of two seconds is a fast one
    assert PROFILES[7].capacity_mbit(10) == pytest.approx(47.5)
    assert PROFILES[7].capacity_mbit(3) == pytest.approx(55)
    assert PROFILES[1].payload_mbit(10) == pytest.approx(100 * 1435 / 1514)
    for number, profile in PROFILES.items():
        assert profile.number == number
        assert all(link.rate_mbit and link.shaped for link in profile.links)


def test_meter_counts_bins_and_gaps() -> None:
    meter = Meter(100.0)
    meter.add(100.03, 10)
    meter.add(100.04, 20)
    meter.add(100.35, 5)
    meter.add(100.36, 0)
    sample = meter.sample()
    assert sample.bins == [30, 0, 0, 5]
    assert sample.received_bytes == 35
    assert sample.seconds == pytest.approx(0.35)
    assert [round(gap_s, 3) for _, gap_s in sample.gaps] == [0.03, 0.31]
    assert sample.gaps[1][0] == pytest.approx(0.04)


def test_orders_by_time_are_ended_by_the_client() -> None:
    order = Task("tquic", "10.0.0.1", 1, ["10.0.0.2"], seconds=10).order()
    assert order == Order(True, 15000, 0)
    assert Task("tquic", "10.0.0.1", 1, ["10.0.0.2"], size=65536).order() == Order(True, 0, 65536)


def test_stall_counts_waits_of_the_outage_only() -> None:
    sample = steady(50, 12, [(0.0, 0.5), (3.95, 0.12), (5.0, 0.08), (8.0, 0.9)])
    assert stall_ms(sample) == pytest.approx(120)
    assert stall_ms(steady(50, 12)) == 0


def test_full_rate_again() -> None:
    bins = [100] * 40 + [50] * 30 + [60] * 8 + [95] * 20
    assert full_again_s(Sample(sum(bins), 9.8, bins, [])) == pytest.approx(0.8)
    bins = [100] * 40 + [50] * 60
    assert full_again_s(Sample(sum(bins), 10.0, bins, [])) is None
    assert full_again_s(Sample(0, 0.0, [], [])) is None


def test_lines_and_verdicts() -> None:
    runs = [
        Run(1, "bulk", "tquic", 2, steady(92, 10)),
        Run(1, "bulk", "mptcp", 2, steady(90, 10)),
        Run(1, "cut", "tquic", 2, steady(50, 12, [(4.0, 0.1)]), srtt_ms=34.0),
        Run(1, "down", "tquic", 2, steady(50, 12, [(4.0, 0.04)]), srtt_ms=34.0),
        Run(1, "object", "tquic", 1, Sample(65536, 0.1, [65536], []), 1),
    ]
    lines = [line(run, 10) for run in runs]
    assert lines[0].goodput_mbit_s == pytest.approx(92)
    assert lines[0].raw_share == pytest.approx(0.92)
    assert lines[0].payload_share == pytest.approx(0.92 * 1514 / 1435, abs=1e-4)
    assert lines[4].raw_share == pytest.approx(65536 * 8 / 0.1 / 50e6, abs=1e-4)
    found = {verdict.text.split(":")[0]: verdict.met for verdict in verdicts(lines)[2:]}
    judged = [verdict.met for verdict in verdicts(lines)]
    assert judged[:2] == [True, True]
    assert found == {"profile 1, cut": True, "profile 1, down": True}  # the later ones: full rate
    stalls = [verdict for verdict in verdicts(lines) if "stall" in verdict.text]
    assert [verdict.met for verdict in stalls] == [True, False]


def test_calls_objects_and_fairness() -> None:
    """What is judged besides bulk: datagrams, small objects, and the flow beside the bond."""
    slow = replace(steady(70, 10), asked=100, delays_ms=[40.0] * 70 + [325.0] * 30)
    good = replace(steady(69, 10), asked=100, delays_ms=[38.0] * 98 + [45.0])
    quick = Sample(65536, 0.08, [65536], [])
    runs = [
        Run(4, "call", "tquic", 2, slow, scheduler="minrtt"),
        Run(4, "deadline", "tquic", 2, good, scheduler="deadline"),
        Run(4, "object", "tquic", 2, replace(quick, seconds=0.083)),
        Run(4, "object", "tquic", 1, quick),
        Run(4, "object", "mptcp", 2, replace(quick, seconds=0.5)),
        Run(6, "shared", "tquic", 2, steady(33, 20)),
        Run(6, "rival", "tquic", 1, steady(25, 20)),
        Run(6, "rival", "mptcp", 1, steady(1, 20)),
    ]
    lines = [line(run, 10) for run in runs]
    assert (lines[0].delay_p50_ms, lines[0].delay_p99_ms, lines[0].missed) == (40, 325, 0.3)
    assert (lines[1].delay_p99_ms, lines[1].missed) == (45, 0.01)
    judged = verdicts(lines)
    assert [verdict.met for verdict in judged] == [True, True, False]
    assert "64 KiB in 83 ms, over the best link 80 ms" in judged[1].text
    assert "1.32 of what the TCP flow gets" in judged[2].text


def test_overhead_and_instructions() -> None:
    run = Run(1, "bulk", "tquic", 2, replace(steady(80, 10), busy_s=4), wire_bytes=110_000_000)
    assert line(run, 10).instructions == pytest.approx(40)
    assert line(run, 10).overhead == pytest.approx(0.1)


def test_record_and_plots(tmp_path: Path) -> None:
    runs = [
        Run(2, kind, transport, 2, steady(80, 12))
        for kind in ("bulk", "cut")
        for transport in ("tquic", "mptcp")
    ]
    record = tmp_path / "record.json"
    record.write_text(json.dumps([asdict(run) for run in runs]))
    assert load_runs(record)[0].sample.bins == runs[0].sample.bins
    made = bench_plot.draw(runs, tmp_path)
    assert [path.name for path in made] == ["profile-2.png"]
    assert made[0].read_bytes()[:4] == b"\x89PNG"
    assert bench_report.line(runs[0], 10).profile == 2


def test_command_is_there() -> None:
    assert "bench" in cli.COMMANDS
