# SPDX-License-Identifier: GPL-2.0
"""`tquic sched`: the schedulers and congestion controls of this kernel."""

from __future__ import annotations

import click

from .cmd_net import print_json, told
from .netlink import TquicNetlink
from .nlview import registry_dict, show_registry


@click.group()
def group() -> None:
    """See what `tquic conn set` can choose from (needs CAP_NET_ADMIN)."""


@group.command()
@click.option("--json", "as_json", is_flag=True, help="Print the names as JSON.")
def show(as_json: bool) -> None:
    """List the schedulers and congestion controls there are."""
    with told(), TquicNetlink() as netlink:
        registry = netlink.registry()
        if as_json:
            print_json(registry_dict(registry))
        else:
            show_registry(registry)
