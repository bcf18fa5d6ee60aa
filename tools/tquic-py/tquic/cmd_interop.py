# SPDX-License-Identifier: GPL-2.0
"""`tquic interop`: cases of the QUIC interop runner with other implementations."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.table import Table

from .demo_progress import Display
from .interop import run as interop
from .interop.cases import CASES
from .interop.peers import PEERS, Role
from .interop.report import Outcome, Result


@click.group()
def group() -> None:
    """Run the QUIC interop runner's cases with other implementations."""


@group.command("run")
@click.option(
    "--case",
    "cases",
    type=click.Choice(list(CASES)),
    multiple=True,
    metavar="NAME",
    help="This case, one of `tquic interop cases`.",
)
@click.option("--peer", "peers", type=click.Choice(list(PEERS)), multiple=True, help="This peer.")
@click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in Role]),
    multiple=True,
    help="TQUIC's own role.",
)
@click.option("--document", is_flag=True, help="Write the page in Documentation as well.")
def run(
    cases: tuple[str, ...], peers: tuple[str, ...], roles: tuple[str, ...], document: bool
) -> None:
    """Run cases in one boot of Debian's own kernel; options may be given again, default: all.

    The exit code is 1 when a case failed or the kernel complained. build/interop/report.json keeps
    the latest result of each case.
    """
    wanted = interop.pairings(cases, peers, [Role(role) for role in roles])
    with Display() as display:
        results = interop.run(wanted, display.say, display.update)
    _show(results)
    if document:
        click.echo(f"written: {interop.document()}")
    sys.exit(1 if any(item.outcome is Outcome.FAILED for item in results) else 0)


@group.command("cases")
def list_cases() -> None:
    """List the cases."""
    for case in CASES.values():
        click.echo(f"{case.name:20} {case.title}")


def _show(results: list[Result]) -> None:
    table = Table()
    for name in ("case", "client", "server", "over", "s", "result"):
        table.add_column(name)
    for item in results:
        speed = f"{item.kbit_s} kbit/s" if item.kbit_s else ""
        text = f"{item.outcome} {item.reason}{speed}".strip()
        table.add_row(item.case, item.client, item.server, item.protocol, f"{item.seconds:g}", text)
    Console(highlight=False, width=140).print(table)
