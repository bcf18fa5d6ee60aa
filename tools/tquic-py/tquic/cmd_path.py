# SPDX-License-Identifier: GPL-2.0
"""`tquic path`: the paths of this network namespace's connections."""

from __future__ import annotations

from ipaddress import ip_address

import click

from . import completion
from .cmd_net import ListenType, PathType, print_json, told
from .multipath import PathSpec
from .netlink import WEIGHT_MAX, TquicNetlink
from .nlview import path_dict, show_paths
from .record import Address
from .uapi import PathFlag

_CONN = click.argument("conn", type=click.IntRange(1), shell_complete=completion.connections)
_PATH = click.argument(
    "path", type=click.IntRange(0, 2**32 - 1), shell_complete=completion.path_ids
)


@click.group()
def group() -> None:
    """See and change the paths of connections (needs CAP_NET_ADMIN).

    CONN is a connection's number in `tquic conn show`, PATH a path's in `tquic path show`.
    """


@group.command()
@click.argument(
    "conn", type=click.IntRange(1), required=False, shell_complete=completion.connections
)
@click.option("--json", "as_json", is_flag=True, help="Print everything known, as JSON.")
def show(conn: int | None, as_json: bool) -> None:
    """Show the paths of a connection, or of all."""
    with told(), TquicNetlink() as netlink:
        paths = netlink.paths(conn)
        if as_json:
            print_json([path_dict(path) for path in paths])
        else:
            show_paths(paths)


@group.command()
@_CONN
@click.argument("local", type=PathType())
@click.option("--peer", type=ListenType(), help="Where it goes, if not where the first path goes.")
@click.option("--backup", is_flag=True, help="Use it only while no other path works.")
@click.option("--metered", is_flag=True, help="The same, and backups come before it.")
@click.option("--json", "as_json", is_flag=True, help="Print the new path's id as JSON.")
def add(
    conn: int,
    local: PathSpec,
    peer: tuple[str, int] | None,
    backup: bool,
    metered: bool,
    as_json: bool,
) -> None:
    """Open a path of a client's connection from the address LOCAL, and print its id."""
    with told(), TquicNetlink() as netlink:
        flags = int(PathFlag.BACKUP) * backup | int(PathFlag.METERED) * metered
        path_id = netlink.add_path(
            conn, local.local, peer=_peer(peer), ifindex=local.ifindex, flags=flags
        )
        if as_json:
            print_json({"token": conn, "path_id": path_id})
        else:
            click.echo(path_id)


def _peer(where: tuple[str, int] | None) -> Address | None:
    """The address given. Raises ValueError when it is a name."""
    return Address(str(ip_address(where[0])), where[1]) if where else None


@group.command("del")
@_CONN
@_PATH
@click.option(
    "--code",
    type=click.IntRange(0, 2**62 - 1),
    default=0,
    help="Error code for the peer (RFC 10069); 0 tells nothing.",
)
def delete(conn: int, path: int, code: int) -> None:
    """Abandon a path; what was under way goes over the others."""
    with told(), TquicNetlink() as netlink:
        netlink.del_path(conn, path, code)


@group.command("set")
@_CONN
@_PATH
@click.option(
    "--backup/--no-backup", default=None, help="Spare the path, or use it again, on both sides."
)
@click.option("--metered/--no-metered", default=None, help="The same, and backups come before it.")
@click.option(
    "--rate-cap",
    type=click.FloatRange(0, 1e6),
    metavar="MBIT",
    help="Most that this side sends on the path, Mbit/s; 0: no limit.",
)
@click.option(
    "--weight",
    type=click.IntRange(0, WEIGHT_MAX),
    help="Share of what this side sends, under the scheduler `weighted`; 0: what it can carry.",
)
def change(
    conn: int,
    path: int,
    backup: bool | None,
    metered: bool | None,
    rate_cap: float | None,
    weight: int | None,
) -> None:
    """Say how to use a path."""
    if backup is None and metered is None and rate_cap is None and weight is None:
        raise click.UsageError("give --backup, --metered, --rate-cap or --weight")
    with told(), TquicNetlink() as netlink:
        netlink.set_path(
            conn,
            path,
            backup=backup,
            metered=metered,
            weight=weight,
            rate_cap=None if rate_cap is None else round(rate_cap * 1e6 / 8),
        )
