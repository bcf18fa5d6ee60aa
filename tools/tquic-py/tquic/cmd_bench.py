# SPDX-License-Identifier: GPL-2.0
"""`tquic bench`: goodput, stalls and completion times beside kernel MPTCP."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.table import Table

from . import bench
from .bench_profiles import PROFILES
from .bench_report import BREAKS, Report
from .demo_progress import Display
from .sched_view import score_table
from .sysctl import default_of


@click.command()
@click.option(
    "--profile",
    "profiles",
    type=click.Choice([str(number) for number in PROFILES]),
    multiple=True,
    help="Measure this profile; may be given again. Default: all.",
)
@click.option(
    "--schedulers",
    "trials",
    is_flag=True,
    help="Compare each scheduler with `minrtt` in what it is for; alone without --profile.",
)
@click.option("--quick", is_flag=True, help="Three seconds each, the smallest object only.")
@click.option(
    "--scheduler", default=default_of("scheduler"), show_default=True, help="TQUIC's scheduler."
)
@click.option(
    "--congestion",
    default=default_of("congestion_control"),
    show_default=True,
    help="TQUIC's usual controller.",
)
@click.option(
    "--document", is_flag=True, help="Keep the results in the tree, as a page with plots."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    profiles: tuple[str, ...],
    trials: bool,
    quick: bool,
    scheduler: str,
    congestion: str,
    document: bool,
    as_json: bool,
) -> None:
    """Measure TQUIC and kernel MPTCP over the same links, a profile in one boot of Debian's kernel.

    Without --profile and --schedulers it is all profiles and the schedulers. Handshakes are done
    before time counts. Targets that are not met are told; the exit code is 1 only when a transfer
    failed or the kernel complained. Leaves report.json and plots in build/bench. A profile takes
    ten minutes of a core, number 6 half an hour; $TQUIC_VM_SLOTS are measured at once, 1 if unset.
    """
    chosen = [int(text) for text in profiles]
    if not chosen and not trials:
        chosen, trials = list(PROFILES), True
    with Display() as display:
        report = bench.run(
            chosen,
            quick=quick,
            trials=trials,
            scheduler=scheduler,
            congestion=congestion,
            say=display.say,
            progress=display.update,
        )
    if document:
        click.echo(f"written: {bench.document(report)}", err=True)
    if as_json:
        click.echo((bench.folder() / bench.REPORT_FILE).read_text(), nl=False)
    else:
        _show(report)
    sys.exit(1 if report.dmesg_warnings else 0)


def _show(report: Report) -> None:
    console = Console(highlight=False, width=160)
    for number in sorted({line.profile for line in report.lines}):
        title = f"Profile {number}: {PROFILES[number].title}"
        table = Table(title=title, title_justify="left")
        for name in ("what", "transport", "control"):
            table.add_column(name)
        for name in ("paths", "Mbit/s", "of raw", "of payload", "seconds", "stall", "full again"):
            table.add_column(name, justify="right")
        for name in ("p50", "p99", "insn/B", "over", "again", "reinj."):
            table.add_column(name, justify="right")
        for line in report.lines:
            if line.profile != number:
                continue
            broken = line.kind in BREAKS
            size = f" {line.received_bytes >> 10} KiB" if line.kind == "object" else ""
            told = line.kind == "bulk" and line.transport == "tquic"
            delays = (line.delay_p50_ms, line.delay_p99_ms) if line.kind == "datagrams" else ()
            table.add_row(
                line.kind + size,
                line.transport,
                line.congestion,
                str(line.links),
                f"{line.goodput_mbit_s:.1f}",
                f"{line.raw_share:.3f}",
                f"{line.payload_share:.1%}",
                f"{line.seconds:.3f}",
                f"{line.stall_ms:.0f} ms" if broken else "",
                line.back if broken else "",
                *([f"{delay:.0f} ms" for delay in delays] or ("", "")),
                f"{line.instructions:.1f}",
                f"{line.overhead:.1%}" if line.overhead else "",
                f"{line.again:.2%}" if told else "",
                f"{line.reinjected:.2%}" if told else "",
            )
        console.print(table)
    if report.scores:
        console.print(score_table(report.scores))
    for verdict in report.verdicts:
        console.print(f"{'met    ' if verdict.met else 'NOT MET'}  {verdict.text}")
    console.print(f"Kept in {bench.folder()}. Again: {report.command}", soft_wrap=True)
