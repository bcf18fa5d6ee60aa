# SPDX-License-Identifier: GPL-2.0
"""`tquic top`: what the paths of this network namespace carry, as it changes."""

from __future__ import annotations

import shutil
import sys

import click

from .cmd_net import print_json, told
from .netlink import TquicNetlink
from .top_run import difference, ramp_of, watch
from .top_view import screen, view_dict


@click.command()
@click.option("--once", is_flag=True, help="Print one screen, after an interval, and end.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON, with everything known.")
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 3600),
    default=1.0,
    show_default=True,
    metavar="S",
    help="Seconds between two looks.",
)
def command(once: bool, as_json: bool, interval: float) -> None:
    """Show the paths of all connections live, the busiest first (needs CAP_NET_ADMIN).

    For each path its state, round-trip time, window, and since the last look the loss and the rates
    of both directions, in bits per second. Curves show the looks before; those of one connection
    share a scale. Leave with q or Ctrl-C.

    Exit codes: 0 done; 1 no module, no permission or no terminal; 2 wrong usage.
    """
    with told(), TquicNetlink() as netlink:
        if as_json:
            print_json(view_dict(difference(netlink, interval)))
        elif once:
            ramp = ramp_of(sys.stdout.encoding)
            width = shutil.get_terminal_size((200, 24)).columns
            click.echo("\n".join(screen(difference(netlink, interval), width, ramp=ramp)))
        else:
            watch(netlink, interval)
