# SPDX-License-Identifier: GPL-2.0
"""Draw what the demo recorded: data per path over time, with the cut and the restore."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import matplotlib as mpl

from . import demo_report
from .demo_report import Report
from .demo_trace import Trace

_COLOURS = ("#2f6fb2", "#e08a2e", "#4b9b5f", "#8a5fb0")
_BIN_S = 0.1


def rates(trace: Trace, link: str, bin_s: float = _BIN_S) -> tuple[list[float], list[float]]:
    """Return the ends of equal bins, in s, and the Mbit/s one link brought in each of them."""
    readings = demo_report.of_path(trace, "client", link)
    edges = [index * bin_s for index in range(int(trace.transfer.last_byte_s / bin_s) + 1)]
    totals = [demo_report.received_at(readings, edge) for edge in edges]
    values = [demo_report.mbit_s(after - before, bin_s) for before, after in pairwise(totals)]
    return edges[1:], values


def goodput(trace: Trace, bin_s: float = _BIN_S) -> tuple[list[float], list[float]]:
    """Return the ends of equal bins, in s, and the Mbit/s of the file read in each of them."""
    edges = [index * bin_s for index in range(int(trace.transfer.last_byte_s / bin_s) + 1)]
    totals = [demo_report.delivered_at(trace.deliveries, edge) for edge in edges]
    values = [demo_report.mbit_s(after - before, bin_s) for before, after in pairwise(totals)]
    return edges[1:], values


def draw(trace: Trace, report: Report, target: Path) -> None:
    """Write the picture as PNG: stacked data per path, the file's goodput, cut and restore."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - only after the backend is chosen

    figure, axes = plt.subplots(figsize=(10, 4.6), dpi=120, layout="constrained")
    stacked = [rates(trace, link.name) for link in trace.links]
    labels = [
        f"link {link.name}: {link.rate_mbit_s:g} Mbit/s, {link.rtt_ms:g} ms" for link in trace.links
    ]
    axes.stackplot(
        stacked[0][0],
        *(values for _, values in stacked),
        labels=labels,
        colors=_COLOURS[: len(labels)],
        alpha=0.75,
        linewidth=0,
    )
    times, values = goodput(trace, 2 * _BIN_S)
    axes.plot(times, values, color="#222222", linewidth=1.1, label="file read by the program")
    axes.axhline(trace.capacity_mbit_s, color="#666666", linestyle=(0, (5, 4)), linewidth=0.9)
    axes.axvspan(report.cut_s, report.restore_s, color="#b03030", alpha=0.08, linewidth=0, zorder=0)
    top = trace.capacity_mbit_s * 1.25
    for when, text in ((report.cut_s, "cut"), (report.restore_s, "restored")):
        axes.axvline(when, color="#b03030", linewidth=1.0)
        axes.annotate(
            f" {report.cut_link} {text}", (when, top), va="top", color="#b03030", fontsize=9
        )
    axes.annotate(
        f"sum of the links, {trace.capacity_mbit_s:g} Mbit/s",
        ((report.cut_s + report.restore_s) / 2, trace.capacity_mbit_s),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        color="#666666",
        fontsize=8,
    )
    axes.set(xlabel="time, s", ylabel="received, Mbit/s", ylim=(0, top))
    axes.set_xlim(0, trace.transfer.last_byte_s)
    axes.set_title(_title(report), loc="left", fontsize=10)
    axes.legend(loc="lower right", fontsize=8, framealpha=0.9)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target)
    plt.close(figure)


def _title(report: Report) -> str:
    return (
        f"One file over two links: {report.received_bytes / 1e6:.0f} MB, "
        f"{report.efficiency_before_cut:.1%} of the links' sum before the cut, "
        f"longest stall {report.longest_stall_ms:.0f} ms"
    )
