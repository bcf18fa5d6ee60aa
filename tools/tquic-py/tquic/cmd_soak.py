# SPDX-License-Identifier: GPL-2.0
"""`tquic soak`: hours of random trouble for the module, in virtual time."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.table import Table

from . import kernels, soak
from .demo_progress import Display
from .soak_report import Report


@click.command()
@click.option(
    "--minutes",
    type=click.FloatRange(0.1, 10_000),
    default=360,
    show_default=True,
    help="Virtual minutes, rounds of two to five each; one round at least.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="First round's.")
@click.option(
    "--kernel",
    type=click.Choice(kernels.KINDS),
    default="stock",
    show_default=True,
    help="Debian's own, or the one that checks itself, which takes several times as long.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(minutes: float, seed: int, kernel: kernels.Kind, as_json: bool) -> None:
    """Random cuts, changes and restarts for the module in a virtual machine.

    Each round has links, trouble and transfers of its own that follow from its seed alone: what
    happened in a round happens again with --seed of that round and --minutes 1. Exit code 1 when a
    rule did not hold. Leaves report.json and record.jsonl in build/soak.
    """
    with Display() as display:
        report = soak.run(minutes, seed, kernel, say=display.say, progress=display.update)
    if as_json:
        click.echo((soak.folder() / soak.REPORT_FILE).read_text(), nl=False)
    else:
        _show(report)
    sys.exit(1 if report.broken else 0)


def _show(report: Report) -> None:
    console = Console(highlight=False, width=140)
    table = Table(title="What was done", title_justify="left")
    table.add_column("trouble")
    table.add_column("times", justify="right")
    for name, count in report.troubles().items():
        table.add_row(name, str(count))
    console.print(table)
    table = Table(title="The waits nearest to their limit", title_justify="left")
    for name in ("seed", "second", "waited", "counts", "allowed"):
        table.add_column(name, justify="right")
    table.add_column("what happened")
    for seed, stall in report.worst():
        table.add_row(
            str(seed),
            f"{stall.at_s:.1f}",
            f"{stall.wait_s:.2f} s",
            f"{stall.counted_s:.2f} s",
            f"{stall.limit_s:.2f} s",
            "; ".join(stall.during),
        )
    console.print(table)
    console.print(report.summary(), soft_wrap=True)
    for text in report.broken:
        console.print(f"BROKEN  {text}", soft_wrap=True)
    console.print(f"Kept in {soak.folder()}. Again: {report.command}", soft_wrap=True)
