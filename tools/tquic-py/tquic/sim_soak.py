# SPDX-License-Identifier: GPL-2.0
"""Random trouble for the engine, minute after minute of virtual time, and what must hold in it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from .lab import Link
from .sim import SERVER, Event, Result, Scenario, SimError, rate_event, run_all

SCHEDULERS = ("minrtt", "roundrobin", "weighted", "blest", "ecf", "deadline", "redundant")
CONGESTION = ("cubic", "newreno", "bbr", "lia", "olia", "balia")
#: Data that waits while nothing is under way: two packets' time at the slowest rate there is.
IDLE_S = 0.3
#: The end of a run, in which nothing happens to the links and all paths have to be back.
QUIET_S = 10.0
_ACTIVE = 2
_KINDS = ("rate", "delay", "loss", "cut", "cut", "iface", "mtu", "backup", "close")


@dataclass(frozen=True)
class Broken:
    """A rule that did not hold, and the seed that shows it."""

    seed: int
    what: str


def _trouble(rng: random.Random, number: int, link: Link, seconds: float) -> list[Event]:
    """What happens to one link and its path, and is over when the quiet begins."""
    out: list[Event] = []
    at = rng.uniform(0.2, 3)
    while at < seconds - QUIET_S - 3:
        lasts = rng.uniform(0.05, 3)
        kind = rng.choice(_KINDS)
        if kind == "rate":
            out.append(rate_event(at, number, link.rate_mbit * rng.uniform(0.1, 2)))
        elif kind == "delay":
            out.append(Event(at, "delay", (number, int(link.delay_ms * rng.uniform(0.3, 3) * 1e6))))
        elif kind == "loss":
            out.append(Event(at, "loss", (number, rng.randrange(100_000))))
            out.append(Event(at + lasts, "loss", (number, 0)))
        elif kind == "cut":
            out += [Event(at, "cut", (number, 1)), Event(at + lasts, "cut", (number, 0))]
        elif kind == "mtu":
            out.append(Event(at, "mtu", (number, rng.randrange(1200, 1473))))
            out.append(Event(at + lasts, "mtu", (number, 1472)))
        elif kind == "backup":
            out += [Event(at, "backup", (number, 1)), Event(at + lasts, "backup", (number, 0))]
        elif kind == "close":
            out.append(Event(at, "close", (number,)))
        else:
            out += [Event(at, "iface", (number, 0)), Event(at + lasts, "iface", (number, 1))]
        at += lasts + rng.uniform(0.2, 6)
    quiet = seconds - QUIET_S
    out.append(rate_event(quiet, number, link.rate_mbit))
    out.append(Event(quiet, "delay", (number, int(link.delay_ms * 1e6))))
    out.append(Event(quiet, "loss", (number, 0)))
    return out


def scenario(seed: int, seconds: float = 60) -> Scenario:
    """A random one: two or three links, trouble on all, transfers both ways, quiet at the end."""
    rng = random.Random(seed)
    links = tuple(
        Link(
            rate_mbit=rng.choice((1, 5, 10, 20, 50)),
            delay_ms=rng.choice((2, 5, 15, 40, 100, 300)),
            loss=rng.choice((0, 0, 0, 0.1, 1)),
            reorder=rng.choice((0, 0, 1)),
            duplicate=rng.choice((0, 0, 0.1)),
        )
        for _ in range(rng.choice((2, 2, 3)))
    )
    events: list[Event] = []
    for number, link in enumerate(links):
        events += _trouble(rng, number, link, seconds)
    share = sum(link.rate_mbit for link in links) * 1e6 / 8 * seconds / 4
    events.append(Event(0, "flow", (SERVER, int(share))))
    # No end of the connection by silence
    events += [Event(at, "flow", (at // 8 % 2, 100)) for at in range(8, int(seconds), 8)]
    for _ in range(rng.randrange(20)):
        size = int(10 ** rng.uniform(2, 6))
        events.append(Event(rng.uniform(0, seconds), "flow", (rng.randrange(2), size)))
    if rng.random() < 0.3:
        events.append(Event(rng.uniform(0, seconds), "sched", (rng.choice(SCHEDULERS),)))
        events.append(Event(rng.uniform(0, seconds), "cc", (rng.choice(CONGESTION),)))
    for end in range(2):
        at = rng.uniform(0, seconds - QUIET_S - 3)
        events.append(Event(at, "pause", (end, 1)))
        events.append(Event(at + rng.uniform(0.1, 3), "pause", (end, 0)))
    if rng.random() < 0.5:
        deadline_ns = rng.choice((0, 100_000_000))
        events.append(Event(1, "dgrams", (rng.randrange(2), 200, 20_000_000, 500, deadline_ns)))
    return Scenario(
        links=links,
        events=tuple(events),
        seconds=seconds,
        scheduler=rng.choice(SCHEDULERS),
        congestion=rng.choice(CONGESTION),
        seed=seed,
        finish=True,
    )


def run(count: int, first_seed: int, told: Callable[[int], None]) -> list[Broken]:
    """Run @count scenarios of a minute each; @told is called with the number of those done."""
    results = run_all([scenario(first_seed + number) for number in range(count)], told)
    out: list[Broken] = []
    for number, result in enumerate(results):
        if isinstance(result, SimError):
            out.append(Broken(first_seed + number, str(result)))
        else:
            out += judge(result)
    return out


def judge(result: Result) -> list[Broken]:
    """Return the rules that did not hold; the simulator itself checks bytes and accounts."""
    seed = result.scenario.seed
    out = [
        Broken(seed, f"{flow.read_bytes} of {flow.total_bytes} bytes came, then nothing")
        for flow in result.flows
        if not flow.done
    ]
    for name, end in zip(("client", "server"), result.ends, strict=True):
        over = end["over_window_packets"]
        if over:
            out.append(Broken(seed, f"the {name} sent {over} packets through a full window"))
        active = {path["link"] for path in end["paths"] if path["state"] == _ACTIVE}
        for link in range(len(result.links)):
            if link not in active:
                out.append(Broken(seed, f"the {name} has no path back over link {link}"))
        if end["idle_ns"] > IDLE_S * 1e9:
            idle_ms = end["idle_ns"] / 1e6
            out.append(Broken(seed, f"the {name} had data and sent nothing for {idle_ms:.0f} ms"))
    return out
