# SPDX-License-Identifier: GPL-2.0
"""`tquic doctor`: what is wrong on this host and how to mend it."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from .cmd_net import print_json, told
from .doctor import Level, judge
from .doctor_facts import gather


@click.command()
@click.option("--peer", metavar="ADDRESS", help="Look at the routes to this peer.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(peer: str | None, as_json: bool) -> None:
    """Say what keeps TQUIC from working in this network namespace, and what mends it.

    It looks at the module, its type information, the agent, and for each endpoint at its interface,
    its route and the reverse path filter. It changes nothing.

    Exit codes: 0 nothing keeps it from working; 1 something does; 2 wrong usage.
    """
    with told():
        findings = judge(gather(peer))
    problems = sum(finding.level is Level.PROBLEM for finding in findings)
    if as_json:
        print_json([asdict(finding) for finding in findings])
        sys.exit(1 if problems else 0)
    for finding in findings:
        bold = finding.level is Level.PROBLEM
        click.secho(f"{finding.level}: {finding.what}", bold=bold)
        if finding.mend:
            click.echo(f"    {finding.mend}")
    if not problems:
        click.echo("nothing keeps TQUIC from working here")
    sys.exit(1 if problems else 0)
