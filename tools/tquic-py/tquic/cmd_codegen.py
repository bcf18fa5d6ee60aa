# SPDX-License-Identifier: GPL-2.0
"""`tquic codegen`: the files that are made from specs."""

from __future__ import annotations

import sys

import click

from . import codegen, paths


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if something is to be written.")
def command(check: bool) -> None:
    """Make files of the source tree from their specs, and print which changed.

    Exit codes: 0 done, or nothing to do; 1 the files are not as the specs say, or a spec is wrong.
    """
    root = paths.root()
    if not check:
        for path in codegen.write(root):
            click.echo(path)
        return
    lines = codegen.drift(root)
    if lines:
        click.echo("\n".join(lines))
        click.echo("tquic: not as the specs say: run make gen", err=True)
        sys.exit(1)
