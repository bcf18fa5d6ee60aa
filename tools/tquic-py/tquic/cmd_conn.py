# SPDX-License-Identifier: GPL-2.0
"""`tquic conn`: the connections of this network namespace."""

from __future__ import annotations

import click

from . import completion
from .cmd_net import print_json, told
from .netlink import TquicNetlink
from .nlview import conn_dict, show_conns


@click.group()
def group() -> None:
    """See and change the connections of this network namespace (needs CAP_NET_ADMIN)."""


@group.command()
@click.argument(
    "conn", type=click.IntRange(1), required=False, shell_complete=completion.connections
)
@click.option("--json", "as_json", is_flag=True, help="Print everything known, as JSON.")
def show(conn: int | None, as_json: bool) -> None:
    """Show connections, or only the one numbered CONN."""
    with told(), TquicNetlink() as netlink:
        conns = netlink.connections() if conn is None else [netlink.connection(conn)]
        if as_json:
            print_json([conn_dict(item) for item in conns])
        else:
            show_conns(conns)


@group.command("set")
@click.argument("conn", type=click.IntRange(1), shell_complete=completion.connections)
@click.option(
    "--scheduler",
    metavar="NAME",
    help="What chooses the path of each packet.",
    shell_complete=completion.schedulers,
)
@click.option(
    "--congestion",
    metavar="NAME",
    help="Congestion control, on all paths.",
    shell_complete=completion.controls,
)
def change(conn: int, scheduler: str | None, congestion: str | None) -> None:
    """Hand the connection numbered CONN over; `tquic sched show` lists the names."""
    if scheduler is None and congestion is None:
        raise click.UsageError("give --scheduler, --congestion or both")
    with told(), TquicNetlink() as netlink:
        netlink.set_connection(conn, scheduler=scheduler, congestion=congestion)
