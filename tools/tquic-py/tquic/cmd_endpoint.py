# SPDX-License-Identifier: GPL-2.0
"""`tquic endpoint`: where the kernel path manager opens paths from."""

from __future__ import annotations

import click

from .cmd_net import print_json, told
from .endpoint import parse_endpoint, parse_id
from .netlink import TquicNetlink
from .nlview import endpoint_dict, show_endpoints

_WORDS = click.argument("words", nargs=-1)


@click.group()
def group() -> None:
    """Have the kernel open paths by itself, as `ip mptcp endpoint` does (needs CAP_NET_ADMIN).

    From each endpoint every client's connection of this network namespace gets a path, once the
    peer allows it. Programs need not know.
    """


@group.command()
@click.argument("endpoint", type=click.IntRange(1, 255), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print everything known, as JSON.")
def show(endpoint: int | None, as_json: bool) -> None:
    """Show the endpoints, or only the one with the id ENDPOINT."""
    with told(), TquicNetlink() as netlink:
        found = netlink.endpoints() if endpoint is None else [netlink.endpoint(endpoint)]
        if as_json:
            print_json([endpoint_dict(item) for item in found])
        else:
            show_endpoints(found)


@group.command()
@_WORDS
@click.option("--json", "as_json", is_flag=True, help="Print the new endpoint's id as JSON.")
def add(words: tuple[str, ...], as_json: bool) -> None:
    """Add an endpoint and print its id.

    WORDS: ADDRESS [dev IFACE] [id N] [port N] [subflow] [backup] [metered] [fullmesh]

    dev binds its paths to an interface. A backup path is used only while no other works, and a
    metered one only while no backup does either. With fullmesh there is a path to each address of
    the peer that the connection knows.
    """
    with told(), TquicNetlink() as netlink:
        made = netlink.add_endpoint(parse_endpoint(words))
        if as_json:
            print_json({"id": made})
        else:
            click.echo(made)


@group.command("del")
@_WORDS
def delete(words: tuple[str, ...]) -> None:
    """Remove an endpoint, [id] N, and abandon the paths opened for it."""
    with told(), TquicNetlink() as netlink:
        netlink.del_endpoint(parse_id(words))


@group.command()
def flush() -> None:
    """Remove all endpoints, and abandon the paths opened for them."""
    with told(), TquicNetlink() as netlink:
        netlink.flush_endpoints()
