# SPDX-License-Identifier: GPL-2.0
"""`tquic kunit`: list and run the kernel's unit tests."""

from __future__ import annotations

import json
import sys

import click

from . import kunit
from .console import Ticker


@click.group()
def group() -> None:
    """List and run the kernel's unit tests."""


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """List the suites the source tree declares."""
    suites = kunit.sources()
    if as_json:
        click.echo(json.dumps({suite.name: suite.file for suite in suites}))
        return
    for suite in suites:
        click.echo(f"{suite.name:32} {suite.file}")


@group.command()
@click.argument("suite", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def run(suite: tuple[str, ...], as_json: bool) -> None:
    """Run SUITE (all without one) on the debug kernel; exit 1 when anything failed."""
    with Ticker() as ticker:
        report = kunit.run(suite, ticker.update)
    if as_json:
        click.echo(json.dumps(kunit.as_dict(report)))
    else:
        _show(report)
    sys.exit(0 if report.ok else 1)


def _show(report: kunit.Report) -> None:
    """Print failures first, then one line per suite, then the totals."""
    for suite, case in report.failed_cases:
        click.secho(f"FAILED {suite.name}.{case.name}", fg="red", bold=True)
        click.echo("".join(f"    {line}\n" for line in case.log))
    for source in report.missing:
        click.secho(f"SILENT {source.name} ({source.file}) did not finish", fg="red", bold=True)
    for problem in report.machine.problems:
        click.secho(problem.text, fg="red")
    for suite in report.suites:
        mark = "not ok" if suite.count("failed") else "ok"
        click.echo(f"{mark:6} {suite.name:32} {suite.count('passed'):4}/{len(suite.cases)}")
    click.echo(report.machine.verdict())
    click.echo(
        f"KUnit: {len(report.suites)} suites, {report.passed} passed, {report.failed} failed"
    )
