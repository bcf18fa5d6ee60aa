# SPDX-License-Identifier: GPL-2.0
"""`tquic demo`: a file over two links, one of which is cut and restored on the way."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from . import demo, machine
from .demo_progress import Display
from .demo_report import Phase, Report


@click.command()
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Send this file instead of Debian's kernel source.",
)
@click.option("--size-mib", type=click.IntRange(64), help="Send only the first MiB of it.")
@click.option(
    "--clock",
    type=click.Choice(machine.CLOCKS),
    default="virtual",
    show_default=True,
    help="virtual: an instruction takes a nanosecond, so that figures can be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(file: Path | None, size_mib: int | None, clock: machine.Clock, as_json: bool) -> None:
    """Move a real file over two links at once, cut the faster one midway, restore it.

    Runs Debian's own kernel with the module in a virtual machine. Exits with 1 when the file does
    not arrive whole, the links are not used well, the transfer stalls, or the kernel complains.
    Leaves report.json and paths.png in build/demo.
    """
    with Display() as display:
        report = demo.run(
            file, size_mib << 20 if size_mib else None, clock, display.say, display.update
        )
    if as_json:
        click.echo((demo.folder() / demo.REPORT_FILE).read_text(), nl=False)
    else:
        _show(report)
    for text in report.failures:
        click.echo(f"FAILED: {text}", err=True)
    sys.exit(0 if report.ok else 1)


def _show(report: Report) -> None:
    console = Console(highlight=False, width=100)
    console.print(_paths(report))
    console.print(_phases(report))
    intact = "intact" if report.sha256_match else "DAMAGED"
    console.print(
        f"{report.received_bytes / 1e6:.1f} MB in {report.duration_s:.2f} s: "
        f"{report.goodput_mbit_s:.1f} Mbit/s in all. SHA-256 {intact}: {report.sha256[:16]}…"
    )
    console.print(
        f"Before the cut: {report.efficiency_before_cut:.1%} of "
        f"{report.capacity_mbit_s:g} Mbit/s. Longest stall: {report.longest_stall_ms:.0f} ms, "
        f"at {report.longest_stall_at_s:.1f} s. Kernel complaints: {len(report.dmesg_warnings)}."
    )
    console.print(f"Kept in {demo.folder()}: report.json, paths.png, trace.json", soft_wrap=True)


def _paths(report: Report) -> Table:
    table = Table(title="Paths", title_justify="left")
    for name in ("link", "Mbit/s", "RTT", "received", "share", "packets", "lost", "SRTT"):
        table.add_column(name, justify="left" if name == "link" else "right")
    for path in report.paths:
        table.add_row(
            path.link,
            f"{path.rate_mbit_s:g}",
            f"{path.rtt_ms:g} ms",
            f"{path.received_bytes / 1e6:.1f} MB",
            f"{path.share:.1%}",
            f"{path.sent_packets}",
            f"{path.lost_packets}",
            f"{path.srtt_ms:.0f} ms",
        )
    return table


def _phases(report: Report) -> Table:
    table = Table(title="Goodput against the links that were up", title_justify="left")
    links = [path.link for path in report.paths]
    for name in ("phase", "from", "to", "goodput", "of", "efficiency", *links):
        table.add_column(name, justify="left" if name == "phase" else "right")
    for phase in report.phases:
        table.add_row(*_phase(phase, links))
    return table


def _phase(phase: Phase, links: list[str]) -> list[str]:
    row = [phase.name, f"{phase.start_s:.1f} s", f"{phase.end_s:.1f} s"]
    row += [f"{phase.goodput_mbit_s:.1f} Mbit/s", f"{phase.capacity_mbit_s:g} Mbit/s"]
    row.append(f"{phase.efficiency:.1%}")
    return row + [f"{phase.path_mbit_s[link]:.1f}" for link in links]
