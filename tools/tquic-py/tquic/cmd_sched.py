# SPDX-License-Identifier: GPL-2.0
"""`tquic sched`: the schedulers and congestion controls of this kernel, and those in BPF."""

from __future__ import annotations

from pathlib import Path

import click

from . import bpf
from .cmd_net import print_json, told
from .netlink import TquicNetlink
from .nlview import registry_dict, show_registry


@click.group()
def group() -> None:
    """See what `tquic conn set` can choose from (needs CAP_NET_ADMIN).

    Schedulers in BPF are loaded and unloaded by root; tquic-bonding.rst tells how they are written.

    Exit codes: 0 done; 1 refused, with the reason; 2 wrong usage.
    """


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


@group.command()
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
def load(files: tuple[Path, ...]) -> None:
    """Load schedulers in BPF from object files, for all network namespaces."""
    for path in files:
        bpf.load(path)


@group.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def unload(names: tuple[str, ...]) -> None:
    """Take schedulers in BPF away; their connections go on as with minrtt."""
    for name in names:
        bpf.unload(name)
