# SPDX-License-Identifier: GPL-2.0
"""Turn the demo's record into figures and a verdict. Pure: no VM, no module, no clock."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from .demo_trace import Delivery, Reading, Side, Trace

MIN_EFFICIENCY = 0.90
MAX_STALL_MS = 500.0
MIN_SHARE_AFTER_RESTORE = 0.05
MIN_FILE_BYTES = 64 << 20
MAX_WIRE_RATIO = 1.1
WIRE_EXTRA_BYTES = 64 << 10


@dataclass(frozen=True)
class PathReport:
    """One path over the whole transfer; bytes are UDP payload.

    wire_bytes  frames that reached the client's device, by the device's own count
    share   of the UDP payload the client received
    srtt_ms the sender's smoothed round-trip time: median of its samples, queueing included
    """

    link: str
    path_id: int
    rate_mbit_s: float
    rtt_ms: float
    received_bytes: int
    wire_bytes: int
    sent_packets: int
    received_packets: int
    lost_packets: int
    srtt_ms: float
    share: float


@dataclass(frozen=True)
class Phase:
    """A stretch of the transfer: file bytes delivered per second against the links that are up.

    path_mbit_s is UDP payload received by link.
    """

    name: str
    start_s: float
    end_s: float
    delivered_bytes: int
    goodput_mbit_s: float
    capacity_mbit_s: float
    efficiency: float
    path_mbit_s: dict[str, float]


@dataclass(frozen=True)
class Report:
    """Figures of one run; failures is empty when it shows what it should."""

    kernel_release: str
    clock: str
    file_name: str
    file_bytes: int
    received_bytes: int
    sha256: str
    sha256_match: bool
    cipher: str
    peer_verified: bool
    congestion: str
    scheduler: str
    duration_s: float
    host_s: float
    goodput_mbit_s: float
    capacity_mbit_s: float
    efficiency_before_cut: float
    cut_link: str
    cut_s: float
    restore_s: float
    longest_stall_ms: float
    longest_stall_at_s: float
    both_links_after_restore: bool
    phases: list[Phase]
    paths: list[PathReport]
    dmesg_warnings: list[str]
    failures: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Tell whether the run showed everything it should."""
        return not self.failures

    def save(self, path: Path) -> None:
        """Write the figures as JSON, `ok` included."""
        path.write_text(json.dumps({"ok": self.ok, **asdict(self)}, indent=2) + "\n")


def build(
    trace: Trace, kernel_release: str, clock: str, host_s: float, dmesg_warnings: list[str]
) -> Report:
    """Compute the figures of a run and judge them.

    @host_s is the wall time of the whole machine; @dmesg_warnings what its kernel complained of.
    """
    done = trace.transfer
    phases = _phases(trace)
    paths = _paths(trace)
    stall = max(trace.gaps, key=lambda gap: gap.length_s, default=None)
    duration_s = done.last_byte_s - done.first_byte_s
    report = Report(
        kernel_release=kernel_release,
        clock=clock,
        file_name=done.file_name,
        file_bytes=done.file_bytes,
        received_bytes=done.received_bytes,
        sha256=done.sent_sha256,
        sha256_match=done.sent_sha256 == done.received_sha256,
        cipher=trace.connection.cipher,
        peer_verified=trace.connection.verified,
        congestion=trace.connection.congestion,
        scheduler=trace.connection.scheduler,
        duration_s=round(duration_s, 3),
        host_s=round(host_s, 1),
        goodput_mbit_s=round(mbit_s(done.received_bytes, duration_s), 2),
        capacity_mbit_s=trace.capacity_mbit_s,
        efficiency_before_cut=phases[0].efficiency,
        cut_link=trace.cut_link,
        cut_s=round(done.cut_s, 3),
        restore_s=round(done.restore_s, 3),
        longest_stall_ms=round(stall.length_s * 1e3, 1) if stall else 0.0,
        longest_stall_at_s=round(stall.start_s, 3) if stall else 0.0,
        both_links_after_restore=_both_carry(trace, phases[-1]),
        phases=phases,
        paths=paths,
        dmesg_warnings=dmesg_warnings,
    )
    report.failures.extend(_failures(report))
    return report


def mbit_s(size_bytes: float, time_s: float) -> float:
    """Return a rate in Mbit/s; 0 for an empty time."""
    return size_bytes * 8 / time_s / 1e6 if time_s > 0 else 0.0


def delivered_at(deliveries: Sequence[Delivery], t_s: float) -> float:
    """Return the file bytes delivered by @t_s, on a straight line between recorded moments."""
    at = bisect_right(deliveries, t_s, key=lambda item: item.t_s)
    if at == 0:
        return 0.0
    before = deliveries[at - 1]
    if at == len(deliveries):
        return before.total_bytes
    after = deliveries[at]
    part = (t_s - before.t_s) / (after.t_s - before.t_s)
    return before.total_bytes + part * (after.total_bytes - before.total_bytes)


def received_at(readings: Sequence[Reading], t_s: float) -> float:
    """Return the UDP payload bytes received by @t_s according to one path's client readings."""
    points = [Delivery(item.t_s, item.received_bytes) for item in readings]
    return delivered_at(points, t_s)


def of_path(trace: Trace, side: Side, link: str) -> list[Reading]:
    """Return one path's readings on one side, oldest first."""
    chosen = (item for item in trace.readings if item.side == side and item.link == link)
    return sorted(chosen, key=lambda item: item.t_s)


def _phases(trace: Trace) -> list[Phase]:
    done = trace.transfer
    survivors = trace.capacity_mbit_s - sum(
        link.rate_mbit_s for link in trace.links if link.name == trace.cut_link
    )
    return [
        _phase(trace, "both links", done.first_byte_s, done.cut_s, trace.capacity_mbit_s),
        _phase(trace, f"{trace.cut_link} cut", done.cut_s, done.restore_s, survivors),
        _phase(trace, "restored", done.restore_s, done.last_byte_s, trace.capacity_mbit_s),
    ]


def _phase(trace: Trace, name: str, start_s: float, end_s: float, capacity_mbit_s: float) -> Phase:
    time_s = max(end_s - start_s, 0.0)
    delivered = delivered_at(trace.deliveries, end_s) - delivered_at(trace.deliveries, start_s)
    goodput = mbit_s(delivered, time_s)
    rates = {}
    for link in trace.links:
        path = of_path(trace, "client", link.name)
        moved = received_at(path, end_s) - received_at(path, start_s)
        rates[link.name] = round(mbit_s(moved, time_s), 2)
    return Phase(
        name=name,
        start_s=round(start_s, 3),
        end_s=round(end_s, 3),
        delivered_bytes=round(delivered),
        goodput_mbit_s=round(goodput, 2),
        capacity_mbit_s=capacity_mbit_s,
        efficiency=round(goodput / capacity_mbit_s, 4),
        path_mbit_s=rates,
    )


def _paths(trace: Trace) -> list[PathReport]:
    last = {link.name: of_path(trace, "client", link.name)[-1:] for link in trace.links}
    total = sum(item.received_bytes for ends in last.values() for item in ends)
    found = []
    for link in trace.links:
        sender = of_path(trace, "server", link.name)
        if not last[link.name] or not sender:
            continue
        client = last[link.name][0]
        found.append(
            PathReport(
                link=link.name,
                path_id=client.path_id,
                rate_mbit_s=link.rate_mbit_s,
                rtt_ms=link.rtt_ms,
                received_bytes=client.received_bytes,
                wire_bytes=_on_wire(trace, link.name),
                sent_packets=sender[-1].sent_packets,
                received_packets=client.received_packets,
                lost_packets=sender[-1].lost_packets,
                srtt_ms=round(median(item.srtt_ms for item in sender), 2),
                share=round(client.received_bytes / total, 4) if total else 0.0,
            )
        )
    return found


def _on_wire(trace: Trace, link: str) -> int:
    return max((item.received_bytes for item in trace.wire if item.link == link), default=0)


def _counts_agree(path: PathReport) -> bool:
    """Tell whether the module's count of a path fits the device's, which includes headers."""
    most = path.received_bytes * MAX_WIRE_RATIO + WIRE_EXTRA_BYTES
    return path.received_bytes <= path.wire_bytes <= most


def _both_carry(trace: Trace, after: Phase) -> bool:
    """Tell whether each link brought a real share of what came after the restore."""
    total = sum(after.path_mbit_s.values())
    return total > 0 and all(
        after.path_mbit_s[link.name] >= MIN_SHARE_AFTER_RESTORE * total for link in trace.links
    )


def _failures(report: Report) -> list[str]:
    checks = (
        (report.sha256_match, "the file arrived with another SHA-256"),
        (report.peer_verified, "the server's certificate was not verified"),
        (len(report.paths) > 1, "fewer than two paths carried the connection"),
        (
            report.efficiency_before_cut >= MIN_EFFICIENCY,
            f"efficiency before the cut {report.efficiency_before_cut:.3f} < {MIN_EFFICIENCY}",
        ),
        (
            report.longest_stall_ms <= MAX_STALL_MS,
            f"longest stall {report.longest_stall_ms:.0f} ms > {MAX_STALL_MS:.0f} ms",
        ),
        (
            report.cut_s < report.restore_s < report.phases[-1].end_s,
            "the transfer ended before the link was restored",
        ),
        (report.both_links_after_restore, "not every link carried data after the restore"),
        (
            all(_counts_agree(path) for path in report.paths),
            "the counters of the paths and of the devices disagree",
        ),
        (not report.dmesg_warnings, "the kernel complained: " + "; ".join(report.dmesg_warnings)),
    )
    return [text for good, text in checks if not good]
