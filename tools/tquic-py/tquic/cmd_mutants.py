# SPDX-License-Identifier: GPL-2.0
"""`tquic mutants`: do the user-level tests see small faults in the engine?"""

from __future__ import annotations

import click

from . import mutants_job, mutants_report
from .console import Ticker


@click.command()
@click.option("--file", "files", multiple=True, help="Only of this one, such as core/flow.c.")
@click.option(
    "--sample", type=click.IntRange(0), default=200, show_default=True, help="How many; 0 for all."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the sample.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="At once.")
@click.option("--verbose", is_flag=True, help="Print each step on a line of its own.")
def command(files: tuple[str, ...], sample: int, seed: int, jobs: int, verbose: bool) -> None:
    """Put one small fault at a time into the engine's code and run the user-level tests.

    A fault no test sees shows a line no test guards. All is left in build/mutants/report.json.
    """
    with Ticker() as ticker:
        say = ticker.say if verbose else ticker.update
        result = mutants_job.run(files, sample, seed, jobs, say)
    for outcome in result.outcomes:
        if outcome.status == "survived":
            click.echo(mutants_report.line(outcome.mutant))
    whole = mutants_report.total(result.outcomes)
    click.echo(f"{whole.killed} killed, {whole.survived} survived: {whole.percent:.1f} %")
    click.echo(str(result.report))
