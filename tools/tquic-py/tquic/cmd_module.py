# SPDX-License-Identifier: GPL-2.0
"""`tquic module`: what the module's file holds."""

from __future__ import annotations

import platform
from pathlib import Path

import click

from .cmd_net import print_json, told
from .modfile import installed, read
from .modview import module_dict, module_lines


@click.group()
def group() -> None:
    """Look into the module's file; needs neither root nor a loaded module."""


@group.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def show(file: Path | None, as_json: bool) -> None:
    """Show sizes, type information and exports of FILE, or of the module that is installed.

    Code by object is known for files with debug information, such as those `tquic vm module` makes.

    Exit codes: 0 done, also for a module of another kernel; 1 no such file, or no module; 2 wrong
    usage.
    """
    release = platform.release()
    with told():
        module = read(file or installed("tquic", release))
        if as_json:
            print_json(module_dict(module, release))
        else:
            click.echo("\n".join(module_lines(module, release)))
