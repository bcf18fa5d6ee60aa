# SPDX-License-Identifier: GPL-2.0
"""`tquic sim`: the protocol engine over simulated links, in virtual time."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from . import sim_compare, sim_fair, sim_links, sim_soak, sim_trials
from .bench_profiles import PROFILES
from .sched_view import score_table
from .sim import Result, Scenario, bulk, profile_events, run


def _links(
    profile: str | None, specs: tuple[str, ...], seconds: float, seed: int
) -> sim_compare.Links:
    """The links a command line asks for."""
    if bool(profile) == bool(specs):
        raise click.UsageError("give either --profile or --link, the latter up to four times")
    if profile:
        chosen = PROFILES[int(profile)]
        return sim_compare.Links(
            f"profile {chosen.number}: {chosen.title}",
            chosen.links,
            profile_events(chosen, seconds),
            chosen.capacity_mbit(int(seconds)),
        )
    kinds = [sim_links.parse(spec) for spec in specs]
    return sim_compare.Links(
        " + ".join(kind.title for kind in kinds),
        tuple(kind.link for kind in kinds),
        sim_links.events(kinds, seconds, seed),
        0,
    )


_PROFILE = click.option(
    "--profile",
    type=click.Choice([str(number) for number in PROFILES]),
    help="The links of a profile of `tquic bench`.",
)
_LINK = click.option(
    "--link",
    "specs",
    multiple=True,
    help=f"RATE/RTT or RATE/RTT/LOSS in Mbit/s, ms and %, or one of {', '.join(sim_links.KINDS)}.",
)
_SECONDS = click.option(
    "--seconds", type=click.FloatRange(1, 3600), default=10.0, show_default=True
)
_SEED = click.option("--seed", type=int, default=1, show_default=True, help="Of all that is luck.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar for as long as the block runs, to be told how many runs are done and their total."""
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("simulating")
        yield lambda done, total: bar.update(task, completed=done, total=total)


@click.group()
def group() -> None:
    """Run the protocol engine over simulated links, in virtual time.

    It is the module's own code, built for user space; neither root nor a kernel is needed.
    """


@group.command("run")
@_PROFILE
@_LINK
@_SECONDS
@_SEED
@click.option("--scheduler", default=Scenario.scheduler, show_default=True)
@click.option("--congestion", default=Scenario.congestion, show_default=True)
@click.option("--sample", type=click.FloatRange(0), default=0.0, help="Seconds between samples.")
@_JSON
def run_(
    profile: str | None,
    specs: tuple[str, ...],
    seconds: float,
    seed: int,
    scheduler: str,
    congestion: str,
    sample: float,
    as_json: bool,
) -> None:
    """Send as much as the links take for a while and tell what came of it."""
    links = _links(profile, specs, seconds, seed)
    result = run(
        bulk(
            links.links,
            links.events,
            seconds,
            scheduler=scheduler,
            congestion=congestion,
            seed=seed,
            sample_s=sample,
        )
    )
    if as_json:
        click.echo(json.dumps(asdict(result)))
        return
    _show(links, result)


def _show(links: sim_compare.Links, result: Result) -> None:
    seconds = result.scenario.seconds
    server = result.ends[1]
    click.echo(links.title)
    click.echo(f"read     {result.read_bytes * 8 / 1e6 / seconds:.1f} Mbit/s in {seconds:g} s")
    click.echo(f"silence  {result.longest_gap_s * 1e3:.0f} ms at most")
    click.echo(
        f"again    {server['retransmitted_bytes']} bytes, "
        f"{server['reinjected_bytes']} of them for another path to be sooner"
    )
    for path in server["paths"]:
        mbit_s = result.links[path["link"]]["bytes"][0] * 8 / 1e6 / seconds
        click.echo(
            f"link {path['link']}   {mbit_s:.1f} Mbit/s, srtt {path['srtt_ns'] / 1e6:.1f} ms, "
            f"{path['lost_packets']} lost, {path['ptos']} timeouts"
        )
    for sample in result.samples:
        paths = "  ".join(
            f"[{path['link']}] srtt {path['srtt_ns'] / 1e6:.0f} ms "
            f"cwnd {path['cwnd_bytes'] >> 10} KiB"
            for path in sample["paths"]
        )
        click.echo(f"{sample['at_ns'] / 1e9:8.2f} s  {sample['read_bytes'] / 1e6:9.2f} MB  {paths}")


@group.command()
@_PROFILE
@_LINK
@_SECONDS
@_SEED
@click.option("--scheduler", "schedulers", multiple=True, help="Default: all.")
@click.option("--congestion", "controls", multiple=True, default=("cubic",), show_default=True)
@_JSON
def compare(
    profile: str | None,
    specs: tuple[str, ...],
    seconds: float,
    seed: int,
    schedulers: tuple[str, ...],
    controls: tuple[str, ...],
    as_json: bool,
) -> None:
    """What if another scheduler or congestion control were chosen: bulk, objects, datagrams."""
    links = _links(profile, specs, seconds, seed)
    chosen = schedulers or sim_soak.SCHEDULERS
    with _progress() as told:
        lines = sim_compare.compare(
            links,
            chosen,
            controls,
            seconds,
            seed,
            told,
        )
    if as_json:
        click.echo(json.dumps([asdict(line) for line in lines]))
        return
    table = Table(title=links.title, title_justify="left")
    for name in ("scheduler", "congestion"):
        table.add_column(name)
    for name in (
        "Mbit/s",
        "silence ms",
        "again %",
        "64 KiB ms",
        "1 MiB ms",
        "datagram p50/p99 ms",
        "missed %",
    ):
        table.add_column(name, justify="right")
    for line in lines:
        table.add_row(
            line.scheduler,
            line.congestion,
            f"{line.goodput_mbit_s:.1f}",
            f"{line.gap_ms:.0f}",
            f"{line.again_percent:.1f}",
            f"{line.small_ms:.0f}",
            f"{line.medium_ms:.0f}",
            f"{line.delay_p50_ms:.0f} / {line.delay_p99_ms:.0f}",
            f"{line.missed_percent:.1f}",
        )
    Console(width=110, highlight=False).print(table)


@group.command()
@click.option("--link", "spec", default="60/30", show_default=True, help="As of compare.")
@click.option("--paths", type=click.IntRange(1, 4), default=2, show_default=True)
@click.option(
    "--congestion", "controls", multiple=True, default=("lia", "olia", "balia"), show_default=True
)
@click.option("--rival", "rivals", multiple=True, default=("newreno", "cubic"), show_default=True)
@click.option(
    "--beside", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many."
)
@click.option("--seconds", type=click.FloatRange(1, 3600), default=120.0, show_default=True)
@click.option("--runs", type=click.IntRange(1), default=12, show_default=True)
@_SEED
@_JSON
def fair(
    spec: str,
    paths: int,
    controls: tuple[str, ...],
    rivals: tuple[str, ...],
    beside: int,
    seconds: float,
    runs: int,
    seed: int,
    as_json: bool,
) -> None:
    """Send over several paths through one queue, beside other connections over one path each.

    Tells what it gets as a multiple of what each of the others gets: 1 is what a coupled congestion
    control is for. In each run they begin at other moments of each other's slow start.
    """
    kind = sim_links.steady(spec)
    with _progress() as told:
        shares = sim_fair.run(
            kind.link,
            paths,
            controls,
            rivals,
            seconds,
            runs,
            seed,
            beside,
            told,
        )
    if as_json:
        click.echo(json.dumps([asdict(share) for share in shares]))
        return
    table = Table(title=f"{paths} paths beside {beside}, {kind.title}", title_justify="left")
    for name in ("congestion", "rival"):
        table.add_column(name)
    for name in ("share", "least", "most", "all Mbit/s"):
        table.add_column(name, justify="right")
    for share in shares:
        figures = (share.mean, share.least, share.most)
        table.add_row(
            share.congestion,
            share.rival,
            *(f"{figure:.2f}" for figure in figures),
            f"{share.used_mbit_s:.1f}",
        )
    Console(width=110, highlight=False).print(table)


@group.command()
@_SEED
@click.option("--congestion", default="cubic", show_default=True)
@_JSON
def schedulers(seed: int, congestion: str, as_json: bool) -> None:
    """What each scheduler is for: figures in which it beats `minrtt`, and by how much.

    The trials are those of `tquic bench --schedulers`. Exit code 1 when one is not won.
    """
    with _progress() as told:
        scores = sim_trials.run(
            congestion=congestion,
            seed=seed,
            told=told,
        )
    if as_json:
        click.echo(json.dumps([asdict(score) for score in scores]))
    else:
        Console(width=140, highlight=False).print(score_table(scores))
    sys.exit(0 if all(score.met for score in scores) else 1)


@group.command()
@click.option("--minutes", type=click.IntRange(1), default=360, show_default=True)
@_SEED
@_JSON
def soak(minutes: int, seed: int, as_json: bool) -> None:
    """Random trouble for so many virtual minutes; exit code 1 and the seeds when a rule broke.

    Each minute is a connection of its own over two or three random links that lose, reorder and
    duplicate, change rate and delay, are cut and go down, with transfers both ways. All bytes
    must arrive, no window may be exceeded, and in the quiet end all paths must be back.
    """
    with _progress() as told:
        broken = sim_soak.run(minutes, seed, lambda done: told(done, minutes))
    if as_json:
        click.echo(json.dumps([asdict(item) for item in broken]))
    else:
        for item in broken:
            click.echo(f"seed {item.seed}: {item.what}")
        click.echo(f"{minutes} minutes, {len(broken)} rules broken")
    sys.exit(1 if broken else 0)
