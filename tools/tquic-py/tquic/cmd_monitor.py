# SPDX-License-Identifier: GPL-2.0
"""`tquic monitor`: what happens to connections and paths, as it happens."""

from __future__ import annotations

import errno
import json

import click

from .cmd_net import told
from .netlink import TquicNetlink
from .nlview import event_dict, event_line


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print each event as a line of JSON.")
def command(as_json: bool) -> None:
    """Print an event per line until interrupted (needs CAP_NET_ADMIN)."""
    with told(), TquicNetlink() as netlink:
        netlink.subscribe()
        click.echo("monitoring", err=True)
        while True:
            _print(netlink, as_json)


def _print(netlink: TquicNetlink, as_json: bool) -> None:
    try:
        for event in netlink.events():
            click.echo(json.dumps(event_dict(event)) if as_json else event_line(event))
    except OSError as error:
        if error.errno != errno.ENOBUFS:
            raise
        click.echo("tquic: some events were lost: they came too fast", err=True)
