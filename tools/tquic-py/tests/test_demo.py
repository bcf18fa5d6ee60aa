# SPDX-License-Identifier: GPL-2.0
"""The demo's pure parts: figures and verdicts from records, progress lines, the file chosen."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tquic import (
    cli,
    demo,
    demo_content,
    demo_plan,
    demo_plot,
    demo_progress,
    demo_record,
    demo_report,
    demo_trace,
    kernels,
    klog,
    vm,
)
from tquic.demo_trace import (
    Connection,
    Delivery,
    Gap,
    LinkPlan,
    Reading,
    Trace,
    Transfer,
    WireReading,
)
from tquic.tls import Role, TlsConfig

LINKS = [LinkPlan("A", 50.0, 20.0), LinkPlan("B", 30.0, 60.0)]
CUT_S, RESTORE_S, END_S = 4.0, 7.0, 12.0
USED = 0.95


def rate(link: str, t_s: float) -> float:
    """Bytes per second on a link in the made-up run: full until the cut, nothing while cut."""
    cut = link == "A" and CUT_S <= t_s < RESTORE_S
    return 0.0 if cut else {"A": 50e6, "B": 30e6}[link] / 8


def make_trace() -> Trace:
    """A run as it should be: both links full, A away for three seconds."""
    times = [index / 10 for index in range(round(END_S * 10) + 1)]
    moved = {"A": 0.0, "B": 0.0}
    readings: list[Reading] = []
    deliveries = [Delivery(0.0, 0)]
    for before, now in pairwise(times):
        for at, link in enumerate(moved):
            moved[link] += rate(link, before) * (now - before)
            for side in ("client", "server"):
                readings.append(make_reading(now, side, link, at, round(moved[link])))
        deliveries.append(Delivery(now, round(sum(moved.values()) * USED)))
    total = deliveries[-1].total_bytes
    transfer = Transfer(
        file_name="linux-source.tar.xz",
        file_bytes=total,
        sent_sha256="ab" * 32,
        received_bytes=total,
        received_sha256="ab" * 32,
        first_byte_s=0.0,
        cut_s=CUT_S,
        restore_s=RESTORE_S,
        last_byte_s=END_S,
    )
    connection = Connection("TLS_AES_128_GCM_SHA256", True, True, "cubic", "minrtt")
    gaps = [Gap(CUT_S + 0.1, 0.12), Gap(1.0, 0.02)]
    wire = [WireReading(END_S, link, round(moved[link] * 1.03)) for link in moved]
    return Trace(LINKS, "A", transfer, connection, deliveries, gaps, readings, wire)


def make_reading(t_s: float, side: demo_trace.Side, link: str, path_id: int, size: int) -> Reading:
    sent, received = (size, 0) if side == "server" else (0, size)
    packets = size // 1400
    counts = {"sent_packets": packets, "received_packets": packets, "lost_packets": 7}
    return Reading(
        t_s, side, link, path_id, "active", sent, received, srtt_ms=40.0, cwnd_bytes=9, **counts
    )


def judge(trace: Trace, warnings: list[str] | None = None) -> demo_report.Report:
    """The report on a record."""
    return demo_report.build(trace, "6.12.1-amd64", "virtual", 60.0, warnings or [])


def with_transfer(**values: object) -> Trace:
    """The good record with other facts about the transfer."""
    trace = make_trace()
    return replace(trace, transfer=replace(trace.transfer, **values))


def test_good_run_passes_with_the_expected_figures() -> None:
    report = judge(make_trace())
    assert report.failures == []
    assert report.ok
    assert report.efficiency_before_cut == pytest.approx(USED, abs=1e-3)
    assert [phase.capacity_mbit_s for phase in report.phases] == [80, 30, 80]
    assert report.phases[1].path_mbit_s == {"A": 0.0, "B": pytest.approx(30, abs=0.1)}
    assert report.longest_stall_ms == pytest.approx(120)
    assert report.longest_stall_at_s == pytest.approx(CUT_S + 0.1)
    assert report.both_links_after_restore
    assert report.goodput_mbit_s == pytest.approx(USED * (80 * 9 + 30 * 3) / 12, abs=0.1)
    assert sum(path.share for path in report.paths) == pytest.approx(1, abs=1e-3)
    assert [(p.link, p.path_id, p.lost_packets, p.srtt_ms) for p in report.paths] == [
        ("A", 0, 7, 40.0),
        ("B", 1, 7, 40.0),
    ]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"received_sha256": "cd" * 32}, "SHA-256"),
        ({"restore_s": END_S + 1}, "ended before"),
        ({"first_byte_s": -1.0}, "efficiency before the cut 0.7"),
    ],
)
def test_bad_transfer_is_named(values: dict[str, object], says: str) -> None:
    report = judge(with_transfer(**values))
    assert any(says in text for text in report.failures), report.failures
    assert not report.ok


def test_stall_beyond_the_limit_fails() -> None:
    longer = replace(make_trace(), gaps=[Gap(4.0, 0.501)])
    assert judge(longer).failures == ["longest stall 501 ms > 500 ms"]
    assert judge(replace(make_trace(), gaps=[Gap(4.0, 0.5)])).ok
    assert judge(replace(make_trace(), gaps=[])).longest_stall_ms == 0


def test_unverified_peer_fails() -> None:
    trace = make_trace()
    blind = replace(trace, connection=replace(trace.connection, verified=False))
    assert judge(blind).failures == ["the server's certificate was not verified"]


def test_kernel_complaint_fails() -> None:
    report = judge(make_trace(), ["WARNING: at net/core/sock.c"])
    assert report.failures == ["the kernel complained: WARNING: at net/core/sock.c"]
    assert report.dmesg_warnings == ["WARNING: at net/core/sock.c"]


def test_link_that_stays_away_fails() -> None:
    """Probes are not data: a link that brings a trickle after the restore did not come back."""
    trace = make_trace()
    at_restore = demo_report.received_at(demo_report.of_path(trace, "client", "A"), RESTORE_S)
    readings = [
        replace(item, received_bytes=min(item.received_bytes, round(at_restore) + 50_000))
        if item.link == "A" and item.side == "client"
        else item
        for item in trace.readings
    ]
    report = judge(replace(trace, readings=readings))
    assert not report.both_links_after_restore
    assert "not every link carried data after the restore" in report.failures


def test_single_path_fails() -> None:
    trace = make_trace()
    report = judge(replace(trace, readings=[r for r in trace.readings if r.link == "A"]))
    assert "fewer than two paths carried the connection" in report.failures


@pytest.mark.parametrize("factor", [0.9, 1.2])
def test_counters_that_disagree_fail(factor: float) -> None:
    """What the module says it received is held against what the device saw."""
    trace = make_trace()
    wire = [
        replace(item, received_bytes=round(item.received_bytes * factor)) for item in trace.wire
    ]
    report = judge(replace(trace, wire=wire))
    assert report.failures == ["the counters of the paths and of the devices disagree"]


@given(st.floats(-1, END_S + 1), st.floats(-1, END_S + 1))
def test_delivered_never_goes_back(first: float, second: float) -> None:
    deliveries = make_trace().deliveries
    low, high = sorted((first, second))
    assert demo_report.delivered_at(deliveries, low) <= demo_report.delivered_at(deliveries, high)


def test_delivered_is_interpolated_and_bounded() -> None:
    points = [Delivery(1.0, 100), Delivery(2.0, 300)]
    assert demo_report.delivered_at(points, 0.5) == 0
    assert demo_report.delivered_at(points, 1.0) == 100
    assert demo_report.delivered_at(points, 1.5) == 200
    assert demo_report.delivered_at(points, 9.0) == 300
    assert demo_report.delivered_at([], 1.0) == 0


def test_record_survives_the_way_to_the_host(tmp_path: Path) -> None:
    trace = make_trace()
    trace.save(tmp_path / "trace.json")
    assert demo_trace.load(tmp_path / "trace.json") == trace


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"links": [{"colour": 1}]}'])
def test_broken_record_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trace.json"
    path.write_text(text)
    with pytest.raises(demo_trace.TraceError):
        demo_trace.load(path)
    with pytest.raises(demo_trace.TraceError, match="left no record"):
        demo_trace.load(tmp_path / "other.json")


def test_report_file_has_every_figure(tmp_path: Path) -> None:
    judge(make_trace()).save(tmp_path / "report.json")
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["ok"] is True
    assert found["sha256_match"] is True
    assert found["dmesg_warnings"] == []
    assert {"goodput_mbit_s", "capacity_mbit_s", "efficiency_before_cut", "longest_stall_ms"} < set(
        found
    )
    assert found["paths"][0]["lost_packets"] == 7


def test_picture_shows_the_rates(tmp_path: Path) -> None:
    trace = make_trace()
    times, rates = demo_plot.rates(trace, "A")
    during = [value for when, value in zip(times, rates, strict=True) if CUT_S < when - 0.05 < 6.9]
    assert max(during) == pytest.approx(0, abs=0.1)
    assert rates[10] == pytest.approx(50, abs=0.1)
    assert demo_plot.goodput(trace)[1][10] == pytest.approx(USED * 80, abs=0.1)
    demo_plot.draw(trace, judge(trace), tmp_path / "paths.png")
    assert (tmp_path / "paths.png").read_bytes().startswith(b"\x89PNG")


def test_progress_line_reads_back() -> None:
    step = demo_progress.Step(45, 152, 7.25, {"A": 48.11, "B": 28.7}, "A cut")
    line = f"demo-20261122-180605-31470: 81 s  {step}"
    assert demo_progress.parse(line) == (45, "7.2 s  A 48.1 + B 28.7 Mbit/s, A cut")
    assert len(str(step)) < 100
    assert demo_progress.parse("demo-1: 3 s  [    0.1] Linux version") is None


def test_plain_display_thins_out_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with demo_progress.Display() as display:
        display.say("building tquic.ko")
        for second in range(50):
            display.update(f"demo-1: {second} s  booting")
    assert capsys.readouterr().err.splitlines() == ["building tquic.ko", "  booting"]


def test_content_must_be_large_and_incompressible(tmp_path: Path) -> None:
    tarball = tmp_path / f"{kernels.SOURCE_PACKAGE}.tar.xz"
    with pytest.raises(demo_content.ContentError, match="apt-get install"):
        demo_content.find(1, tmp_path)
    tarball.write_bytes(os.urandom(100_000))
    assert demo_content.find(100_000, tmp_path) == tarball
    with pytest.raises(demo_content.ContentError, match="at least 100001"):
        demo_content.find(100_001, tmp_path)
    assert demo_content.sha256(tarball, 5) == hashlib.sha256(tarball.read_bytes()[:5]).hexdigest()
    tarball.write_bytes(b"text " * 100_000)
    with pytest.raises(demo_content.ContentError, match="compressed"):
        demo_content.find(1, tmp_path)


def test_identity_is_one_gnutls_takes(tmp_path: Path) -> None:
    made = demo_content.make_identity(tmp_path / "certificates", demo_plan.SERVER_NAME)
    assert made.key.stat().st_mode & 0o077 == 0
    server = TlsConfig(alpn=("hq-interop",), cert_file=made.certificate, key_file=made.key)
    server.credentials(Role.SERVER)
    client = TlsConfig(alpn=("hq-interop",), server_name=demo_plan.SERVER_NAME, ca_file=made.ca)
    client.credentials(Role.CLIENT)


def make_plan() -> demo_plan.Plan:
    """A plan for a file of 100 MB."""
    return demo_plan.Plan("/usr/src/x.tar.xz", 100_000_000, "ab" * 32, "name", "ca", "crt", "key")


def test_plan_reaches_the_guest(tmp_path: Path) -> None:
    plan = make_plan()
    plan.save(tmp_path / demo_plan.PLAN_FILE)
    assert demo_plan.load(tmp_path / demo_plan.PLAN_FILE) == plan
    assert 0.3 < plan.cut_at < 0.6


def make_machine(folder: Path, exit_code: int | None = 0) -> vm.VmResult:
    """A finished run whose directory is @folder."""
    (folder / "files").mkdir(parents=True)
    (folder / "stderr").write_text("OSError: no such protocol\n")
    return vm.VmResult(folder, exit_code, False, 15.0, 20.0, 70.0)


def test_run_is_concluded_into_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "folder", lambda: tmp_path)
    machine = make_machine(tmp_path / "vm")
    make_trace().save(machine.files / demo_trace.TRACE_FILE)
    complaint = klog.Problem("BUG: sleeping function", "BUG: sleeping function\n...")
    assert demo.conclude(machine, "6.12", "virtual").ok
    report = demo.conclude(replace(machine, problems=[complaint]), "6.12", "virtual")
    assert report.dmesg_warnings == ["BUG: sleeping function"]
    assert json.loads((tmp_path / "report.json").read_text())["ok"] is False
    assert (tmp_path / "paths.png").exists()
    assert (tmp_path / "trace.json").exists()


@pytest.mark.parametrize("exit_code", [0, 1, None])
def test_guest_that_failed_is_quoted(tmp_path: Path, exit_code: int | None) -> None:
    machine = make_machine(tmp_path / "vm", exit_code)
    with pytest.raises(demo.DemoError, match="no such protocol"):
        demo.conclude(machine, "6.12", "virtual")


def test_command_is_registered() -> None:
    module, attribute, _ = cli.COMMANDS["demo"]
    assert (module, attribute) == ("cmd_demo", "command")


def test_recorder_keeps_the_longest_waits_and_thins_out_moments() -> None:
    recorder = demo_record.Recorder()
    assert recorder.deliveries(0.0) == []
    now = 100.0
    for index in range(1000):
        now += 0.3 if index == 500 else 0.001
        recorder.add(now, 1000)
    assert recorder.total_bytes == 1_000_000
    gaps = recorder.gaps(100.0)
    assert len(gaps) == 20
    assert gaps[0] == Gap(pytest.approx(0.5), pytest.approx(0.3))
    deliveries = recorder.deliveries(100.0)
    assert deliveries[0].total_bytes == 0
    assert deliveries[-1] == Delivery(pytest.approx(now - 100), 1_000_000)
    assert 90 < len(deliveries) < 140
    assert demo_report.delivered_at(deliveries, 0.25) == pytest.approx(250_000, rel=0.02)
