# SPDX-License-Identifier: GPL-2.0
"""`tquic limits`: how many paths the kernel path manager may open."""

from __future__ import annotations

from dataclasses import asdict

import click

from .cmd_net import print_json, told
from .endpoint import parse_limits
from .netlink import TquicNetlink


@click.group()
def group() -> None:
    """See and change the limits of the kernel path manager (needs CAP_NET_ADMIN)."""


@group.command()
@click.option("--json", "as_json", is_flag=True, help="Print the limits as JSON.")
def show(as_json: bool) -> None:
    """Show the limits of this network namespace."""
    with told(), TquicNetlink() as netlink:
        limits = netlink.limits()
        if as_json:
            print_json(asdict(limits))
        else:
            click.echo(f"extra-paths {limits.extra_paths} endpoints {limits.endpoints}")


@group.command("set")
@click.argument("words", nargs=-1)
def change(words: tuple[str, ...]) -> None:
    """Change limits.

    WORDS: [extra-paths N] [endpoints N]

    extra-paths (at most 15) is for each connection; paths that are open stay. endpoints (at most
    255) is for the network namespace.
    """
    with told(), TquicNetlink() as netlink:
        netlink.set_limits(**parse_limits(words))
