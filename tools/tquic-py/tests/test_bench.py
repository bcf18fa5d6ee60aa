# SPDX-License-Identifier: GPL-2.0
"""The bench's pure parts: profiles, what a client counts, figures and verdicts."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tquic import (
    bench,
    bench_guest,
    bench_page,
    bench_plot,
    bench_report,
    cli,
    paths,
    sim_soak,
    vm,
)
from tquic.bench_guest import Job, Run, TrialRun, outcome
from tquic.bench_peers import Meter, Sample, Task
from tquic.bench_profiles import PROFILES
from tquic.bench_report import (
    broken,
    full_again_s,
    line,
    load_records,
    outage_wait_ms,
    scores,
    stall_ms,
    verdicts,
)
from tquic.perf import Order
from tquic.sched_trials import BASE, METRICS, TRIALS, Load, Outcome, judge

_JOB = Job(0, 10, False, "ecf", "cubic", "server", "ca", "certificate", "key")


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


def test_a_rate_that_varies_is_behind_the_delay() -> None:
    """And as many packets wait at either rate: those on their way and 64."""
    fast = PROFILES[7].links[0]
    assert fast.qdiscs("wc0") == [
        "qdisc replace dev wc0 root handle 1: netem limit 100000 delay 10ms",
        "qdisc replace dev wc0 parent 1:1 handle 2: tbf rate 50mbit burst 3028 "
        f"limit {(41 + 64) * 1514}",
    ]
    assert replace(fast, varies=False).qdiscs("wc0") == [
        "qdisc replace dev wc0 root netem limit 146 delay 10ms rate 50mbit"
    ]


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
    sample = steady(50, 12, [(0.0, 0.5), (3.95, 0.12), (4.3, 0.15), (5.1, 0.2), (8.0, 0.9)])
    assert stall_ms(sample, 200) == pytest.approx(120)
    assert stall_ms(sample, 300) == pytest.approx(150)
    assert stall_ms(sample, 1100) == pytest.approx(200)
    assert stall_ms(steady(50, 12), 1000) == 0
    assert outage_wait_ms(sample) == pytest.approx(200)
    # One SRTT for an interface, three for a cut; a second where it is not known
    kinds = {"cut": 150, "down": 120, "sender-down": 120}
    for kind, stall in kinds.items():
        run = Run(1, kind, "tquic", 2, sample, srtt_ms=90)
        assert line(run, 10).stall_ms == pytest.approx(stall)
    assert line(Run(1, "cut", "mptcp", 2, sample), 10).stall_ms == pytest.approx(150)


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
        Run(1, "sender-down", "tquic", 2, steady(50, 12, [(4.0, 0.03)]), srtt_ms=34.0),
        Run(1, "object", "tquic", 1, Sample(65536, 0.1, [65536], []), 1),
    ]
    lines = [line(run, 10) for run in runs]
    assert lines[0].goodput_mbit_s == pytest.approx(92)
    assert lines[0].raw_share == pytest.approx(0.92)
    assert lines[0].payload_share == pytest.approx(0.92 * 1514 / 1435, abs=1e-4)
    assert lines[5].raw_share == pytest.approx(65536 * 8 / 0.1 / 50e6, abs=1e-4)
    found = {verdict.text.split(":")[0]: verdict.met for verdict in verdicts(lines)[2:]}
    judged = [verdict.met for verdict in verdicts(lines)]
    assert judged[:2] == [True, True]
    # The later ones of each: full rate
    assert found == {f"profile 1, {kind}": True for kind in ("cut", "down", "sender-down")}
    stalls = [verdict for verdict in verdicts(lines) if "stall" in verdict.text]
    assert [verdict.met for verdict in stalls] == [True, False, True]


def test_a_link_that_went_more_than_once_is_judged_by_the_middle_of_its_stalls() -> None:
    def down(stall_s: float, srtt_ms: float, back: int = 70) -> Run:
        sample = steady(50, 12, [(4.0, stall_s), (6.0, stall_s + 0.1)])
        bins = [*sample.bins[:70], *[0] * (back - 70), *sample.bins[back:]]
        return Run(1, "down", "tquic", 2, replace(sample, bins=bins), srtt_ms=srtt_ms)

    runs = [down(0.050, 70.0), down(0.060, 61.0, back=80), down(0.042, 41.0)]
    lines = [line(run, 10) for run in runs]
    found = broken(lines, 1, "down", "tquic")
    assert found is not None
    assert (found.stall_ms, found.srtt_ms) == (60, 61)
    assert found.outage_wait_ms == 160
    assert found.full_again_s == pytest.approx(1.0)
    lines[0] = replace(lines[0], full_again_s=None)
    again = broken(lines, 1, "down", "tquic")
    assert again is not None
    assert again.full_again_s is None
    assert broken(lines, 1, "cut", "tquic") is None


def test_objects_and_fairness() -> None:
    """What is judged besides bulk: small objects, and the flow beside the bond."""
    quick = Sample(65536, 0.08, [65536], [])
    slow, fast = steady(15, 60), steady(30, 30)
    changed = Sample(slow.received_bytes + fast.received_bytes, 90.0, [*slow.bins, *fast.bins], [])
    runs = [
        Run(4, "object", "tquic", 2, replace(quick, seconds=0.083)),
        Run(4, "object", "tquic", 2, replace(quick, seconds=0.2)),
        Run(4, "object", "tquic", 2, replace(quick, seconds=0.081)),
        Run(4, "object", "tquic", 1, quick),
        Run(4, "object", "mptcp", 2, replace(quick, seconds=0.5)),
        Run(6, "shared", "tquic", 2, changed),
        Run(6, "rival", "tquic", 1, steady(30, 90), congestion="cubic"),
        Run(6, "shared", "tquic", 2, steady(24, 90)),
        Run(6, "rival", "tquic", 1, steady(30, 90), congestion="cubic"),
        Run(6, "shared", "mptcp", 2, steady(9, 20)),
        Run(6, "rival", "mptcp", 1, steady(1, 20), congestion="cubic"),
    ]
    judged = verdicts([line(run, 10) for run in runs])
    assert [verdict.met for verdict in judged] == [True, True]
    assert "64 KiB in 83 ms, over the best link 80 ms" in judged[0].text
    assert "0.90 of what a TCP flow with cubic gets (0.73 in all)" in judged[1].text
    for mbit_s in (18, 33):
        runs = [
            Run(6, "shared", "tquic", 2, steady(mbit_s, 70)),
            Run(6, "rival", "tquic", 1, steady(25, 70), congestion="cubic"),
        ]
        assert [verdict.met for verdict in verdicts([line(run, 10) for run in runs])] == [False]


def test_every_scheduler_has_a_trial() -> None:
    """And each trial names figures that there are, links that it can weigh, and a load."""
    assert {trial.scheduler for trial in TRIALS} == set(sim_soak.SCHEDULERS) - {BASE}
    for trial in TRIALS:
        assert all(name in METRICS and wanted > 1 for name, wanted in trial.wanted)
        assert len(trial.weights) in (0, len(trial.links))
        load = trial.load
        assert load.bulk or load.object_bytes or load.datagram_bytes
        assert json.loads(json.dumps(asdict(load)))["seconds"] == load.seconds


def test_outcome_of_a_trial() -> None:
    """What is late or never came is missed; without a deadline nothing is late."""
    load = Load(seconds=2, datagram_bytes=100, datagram_every_s=1, deadline_s=0.1)
    sample = replace(steady(8, 2), asked=4, delays_ms=[20.0, 100.0, 101.0], objects_ms=[5.0, 15.0])
    found = outcome(load, sample, [30, 10])
    assert found == Outcome(8.0, 10.0, 5.0, 100.0, 0.5, 0.75)
    assert outcome(replace(load, deadline_s=0), sample, [1, 1]).missed == 0.25
    assert outcome(Load(bulk=True), steady(8, 10), [0, 0]) == Outcome(goodput_mbit_s=8)


def test_load_tells_its_objects() -> None:
    load = Load(seconds=2, object_bytes=(5, 6), object_every_s=0.5)
    assert load.objects() == [(0, 5), (0.5, 6), (1, 5), (1.5, 6)]
    assert Load().objects() == []


def test_scores_tell_who_won() -> None:
    """Better by as much as wanted, and nothing else lost for it."""
    blest = TRIALS[0]
    base = Outcome(goodput_mbit_s=40, delay_p99_ms=90, missed=0.1)

    def met(**change: float) -> list[bool]:
        return [score.met for score in judge(blest, replace(base, **change), base)]

    assert met(goodput_mbit_s=44.1, delay_p99_ms=60) == [True, True]
    assert met(goodput_mbit_s=43.9, delay_p99_ms=61) == [False, False]
    assert met(goodput_mbit_s=44.1, delay_p99_ms=60, missed=0.12) == [False, False]
    assert met(goodput_mbit_s=38, delay_p99_ms=1) == [False, False]
    never = replace(TRIALS[2], wanted=(("missed", 2),))
    (score,) = judge(never, Outcome(), Outcome(missed=0.1))
    assert (score.met, score.gain) == (True, 100)
    assert "datagrams late or lost 0.0%, minrtt 10.0%" in score.text


def test_scores_of_a_record(tmp_path: Path) -> None:
    """A trial is judged once both of its runs are there; the verdicts carry it."""
    ours, base = Outcome(object_mean_ms=100), Outcome(object_mean_ms=200)
    tried = [TrialRun(1, "ecf", ours), TrialRun(1, BASE, base), TrialRun(0, "blest", ours)]
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"runs": [], "trials": [asdict(item) for item in tried]}))
    runs, found = load_records([record])
    assert (runs, found) == ([], tried)
    (score,) = scores(found)
    assert (score.scheduler, score.gain, score.met) == ("ecf", 2, True)
    assert [verdict.met for verdict in verdicts([], [score])] == [True]


def test_overhead_and_instructions() -> None:
    run = Run(1, "bulk", "tquic", 2, replace(steady(80, 10), busy_s=4), wire_bytes=110_000_000)
    assert line(run, 10).instructions == pytest.approx(40)
    assert line(run, 10).overhead == pytest.approx(0.1)


def test_what_went_again() -> None:
    run = Run(1, "bulk", "tquic", 2, steady(80, 10), again_bytes=2_000_000, reinjected_bytes=10**6)
    assert (line(run, 10).again, line(run, 10).reinjected) == (0.02, 0.01)


def test_delays_of_datagrams() -> None:
    sample = replace(steady(80, 5), asked=200, delays_ms=[10.0] * 190 + [90.0] * 8)
    found = line(Run(1, "datagrams", "tquic", 2, sample), 10)
    assert (found.delay_p50_ms, found.delay_p99_ms, found.missed) == (10.0, 90.0, 0.01)


def test_the_better_mptcp_is_to_be_beaten() -> None:
    """Where MPTCP was tried with two controllers."""

    def judged(ours: float) -> bool:
        theirs = (("cubic", 90.0), ("bbr", 110.0))
        runs = [Run(3, "bulk", "tquic", 2, steady(ours, 10), congestion="bbr")] + [
            Run(3, "bulk", "mptcp", 2, steady(mbit, 10), congestion=name) for name, mbit in theirs
        ]
        return verdicts([line(run, 10) for run in runs])[1].met

    assert (judged(109), judged(111)) == (False, True)


def test_record_and_plots(tmp_path: Path) -> None:
    runs = [
        Run(2, kind, transport, 2, steady(80, 12))
        for kind in ("bulk", "cut")
        for transport in ("tquic", "mptcp")
    ]
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"runs": [asdict(run) for run in runs], "trials": []}))
    assert load_records([record])[0][0].sample.bins == runs[0].sample.bins
    made = bench_plot.draw(runs, tmp_path)
    assert [path.name for path in made] == ["profile-2.png"]
    assert made[0].read_bytes()[:4] == b"\x89PNG"
    assert bench_report.line(runs[0], 10).profile == 2


def a_report(runs: list[Run]) -> bench_report.Report:
    """What these transfers and one trial give."""
    found = judge(TRIALS[1], Outcome(object_mean_ms=100), Outcome(object_mean_ms=200))
    lines = [line(run, 10) for run in runs]
    return bench_report.Report(
        "6.12", "ecf", "cubic", 10, "tquic bench", lines, found, verdicts(lines, found), []
    )


def test_a_page_of_results() -> None:
    """Each figure is in the row of its profile; what was not measured is not shown."""
    runs = [
        Run(1, "bulk", "tquic", 2, steady(92, 10)),
        Run(1, "bulk", "mptcp", 2, steady(90, 10)),
        Run(1, "bulk", "tquic", 1, steady(47, 10), 1),
        Run(1, "cut", "tquic", 2, steady(50, 12, [(4.0, 0.1)]), srtt_ms=34.0),
        Run(1, "cut", "mptcp", 2, steady(50, 6, [(4.0, 0.5)])),
        Run(1, "down", "tquic", 2, steady(50, 12, [(4.0, 0.04), (6.0, 0.09)]), srtt_ms=34.0),
        Run(1, "sender-down", "tquic", 2, steady(50, 12, [(4.0, 0.03)]), srtt_ms=34.0),
        *(Run(2, "object", "tquic", 2, Sample(65536, s, [65536], [])) for s in (0.3, 0.1, 0.09)),
        Run(2, "object", "mptcp", 2, Sample(65536, 0.2, [65536], [])),
        Run(6, "shared", "tquic", 2, steady(33, 61), congestion="lia"),
        Run(6, "rival", "tquic", 1, steady(25, 61), congestion="cubic"),
    ]
    page = bench_page.rst(a_report(runs), ["../../bench/results/profile-1.png"])
    rows = {" ".join(text.split()) for text in page.splitlines()}
    assert "1 2 x 50 Mbit/s, 20 ms 92.0 97.1% 90.0 47.0 -" in rows
    assert "1 cut 100 ms 102 ms 100 ms 0.0 s 500 ms never" in rows
    assert "1 down 40 ms 34 ms 90 ms 0.0 s - -" in rows
    assert "1 sender-down 30 ms 34 ms 30 ms 0.0 s - -" in rows
    assert "2 64 KiB 100 ms 300 ms - - 200 ms" in rows
    assert "6 TQUIC lia 33.0 33.0 cubic 25.0 25.0" in rows
    assert any(row.startswith("ecf ") and row.endswith(" 2") for row in rows)
    assert "Datagrams\n" not in page
    assert "- profile 1, down: stall 40.0 ms, wanted 34.0 ms" in page
    assert page.endswith(".. image:: ../../bench/results/profile-1.png\n")


def test_results_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "Documentation" / "networking").mkdir(parents=True)
    drawn = tmp_path / "drawn"
    drawn.mkdir()
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    monkeypatch.setattr(bench, "folder", lambda: drawn)
    runs = [Run(2, "bulk", name, 2, steady(80, 12)) for name in ("tquic", "mptcp")]
    bench_plot.draw(runs, drawn)
    shared = [Run(6, kind, "tquic", 2, steady(33, 20)) for kind in ("shared", "rival")]
    page = bench.document(a_report([*runs, *shared]))
    assert "image:: ../../bench/results/profile-2.png" in page.read_text()
    assert [file.name for file in (tmp_path / "bench" / "results").iterdir()] == ["profile-2.png"]


def _done(folder: Path, code: int) -> vm.VmResult:
    """A machine that left a record."""
    (folder / "files").mkdir(parents=True)
    (folder / "files" / bench_guest.RECORD_FILE).write_text("{}")
    return vm.VmResult(folder, code, False, 1, 1, 1)


def test_each_profile_has_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what they leave comes in the order asked for, whichever ends first."""
    met = threading.Barrier(3, timeout=20)

    def boot(cmd: list[str], *, name: str, **_more: object) -> vm.VmResult:
        job = json.loads(Path(cmd[-1]).read_text())
        assert name == f"bench-{job['profile'] or 'schedulers'}"
        met.wait()
        return _done(tmp_path / name, 0)

    monkeypatch.setattr(bench, "folder", lambda: tmp_path)
    monkeypatch.setattr(vm, "run", boot)
    jobs = [replace(_JOB, profile=number) for number in (3, 1, 0)]
    found = bench.boot(jobs, tmp_path, 3, lambda _line: None)
    assert [item.dir.name for item in found] == ["bench-3", "bench-1", "bench-schedulers"]


def test_one_that_fails_stops_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[str] = []

    def boot(_cmd: list[str], *, name: str, stop: threading.Event, **_more: object) -> vm.VmResult:
        if name == "bench-2":
            return _done(tmp_path / name, 1)
        assert stop.wait(20)
        stopped.append(name)
        raise vm.VmError("stopped")

    monkeypatch.setattr(bench, "folder", lambda: tmp_path)
    monkeypatch.setattr(vm, "run", boot)
    jobs = [replace(_JOB, profile=number) for number in (1, 2, 3)]
    with pytest.raises(bench.BenchFailedError, match="exit 1"):
        bench.boot(jobs, tmp_path, 2, lambda _line: None)
    assert "bench-1" in stopped


def test_command_is_there() -> None:
    assert "bench" in cli.COMMANDS
