# SPDX-License-Identifier: GPL-2.0
"""`tquic sysctl`: the defaults and limits of this network namespace."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from . import completion
from .cmd_net import print_json
from .sysctl import Setting, Sysctls

_JSON = click.option("--json", "as_json", is_flag=True, help="Print everything known, as JSON.")


@click.group(invoke_without_command=True)
@click.pass_context
def group(context: click.Context) -> None:
    """See and change the defaults and limits of this network namespace.

    Without a command it shows all. Changes need CAP_NET_ADMIN and last until the module goes or
    the machine restarts; /etc/sysctl.d keeps them. tquic-sysctl.rst tells what each one does.

    Exit codes: 0 done; 1 a name or value is refused, or the module is missing; 2 wrong usage.
    """
    if context.invoked_subcommand is None:
        context.invoke(show)


@group.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completion.sysctl_names)
@_JSON
def show(names: tuple[str, ...] = (), as_json: bool = False) -> None:
    """Show sysctls, with what they take; those that are not the default are marked."""
    sysctls = Sysctls()
    settings = [sysctls.get(spec.name) for spec in sysctls.specs(names)]
    if as_json:
        print_json([setting.as_dict() for setting in settings])
    else:
        _print(settings)


@group.command("set")
@click.argument(
    "settings",
    metavar="NAME=VALUE...",
    nargs=-1,
    required=True,
    shell_complete=completion.sysctl_settings,
)
def change(settings: tuple[str, ...]) -> None:
    """Set sysctls, in the order given; at the first one that is refused it ends."""
    pairs = [setting.partition("=") for setting in settings]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise click.UsageError(f"{name}{equals}{value}: NAME=VALUE is wanted")
    sysctls = Sysctls()
    for name, _, value in pairs:
        sysctls.set(name, value)


@group.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completion.sysctl_names)
def reset(names: tuple[str, ...]) -> None:
    """Put sysctls back to their defaults, all without NAME."""
    sysctls = Sysctls()
    for spec in sysctls.specs(names):
        if names or spec.writable:
            sysctls.reset(spec.name)


def _print(settings: Sequence[Setting]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column("NAME", no_wrap=True)
    table.add_column("VALUE", overflow="fold")
    table.add_column("DEFAULT")
    table.add_column("TAKES")
    table.add_column("FOR")
    table.add_column("MEANING", overflow="fold")
    for setting in settings:
        spec = setting.spec
        table.add_row(
            "*" if setting.changed else "",
            spec.name,
            str(setting.value),
            str(spec.default) if spec.writable else "-",
            f"{spec.values} {spec.unit}".rstrip(),
            spec.scope,
            spec.summary,
        )
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 400  # nobody's terminal limits it
    console.print(table)
