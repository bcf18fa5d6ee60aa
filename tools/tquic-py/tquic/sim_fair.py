# SPDX-License-Identifier: GPL-2.0
"""A connection and another one through the same queue: who gets how much of the link."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import geometric_mean

from .lab import Link
from .sim import SERVER, Event, Result, Scenario, endless_bytes, run_sound

#: Whoever comes first has the queue for itself so long at most: a few round trips of slow start.
_HEAD_START_S = 0.3


@dataclass(frozen=True)
class Share:
    """Several runs of one pair of congestion controls.

    paths                paths of the connection; all lead through the one queue
    beside               connections with one path each that go through it too
    mean, least, most    bytes it read, as a multiple of what each of those read on average; the
                         mean of the runs is geometric
    used_mbit_s          bytes all of them read, per second
    """

    congestion: str
    rival: str
    paths: int
    beside: int
    mean: float
    least: float
    most: float
    used_mbit_s: float


def scenario(
    link: Link, paths: int, congestion: str, rival: str, beside: int, seconds: float, seed: int
) -> Scenario:
    """Connections that send all they can; when each begins is by chance."""
    rng = random.Random(seed)
    links, seconds = (link,) * paths, seconds + _HEAD_START_S
    order = (SERVER, endless_bytes(links, seconds))
    ours = Event(rng.uniform(0, _HEAD_START_S), "flow", order)
    rivals = [Event(rng.uniform(0, _HEAD_START_S), "rival", (0, rival)) for _ in range(beside)]
    return Scenario(
        links, (ours, *rivals), seconds, congestion=congestion, seed=seed, one_queue=True
    )


def _share(
    results: Sequence[Result], congestion: str, rival: str, paths: int, beside: int
) -> Share:
    # Rivals that read nothing are no reason to divide by zero.
    shares = [result.read_bytes * beside / max(sum(result.rivals), 1) for result in results]
    seconds = sum(result.scenario.seconds for result in results)
    used = sum(result.read_bytes + sum(result.rivals) for result in results)
    return Share(
        congestion,
        rival,
        paths,
        beside,
        geometric_mean(shares),
        min(shares),
        max(shares),
        used * 8 / 1e6 / seconds,
    )


def run(
    link: Link,
    paths: int,
    controls: Sequence[str],
    rivals: Sequence[str],
    seconds: float,
    count: int,
    seed: int,
    beside: int = 1,
    told: Callable[[int, int], None] = lambda *_: None,
) -> list[Share]:
    """Run @count times each pair of @controls and @rivals over @link.

    @told is called with the number of runs done and their total.
    Raises SimError when a name is unknown or a run broke a rule of the engine.
    """
    pairs = list(product(controls, rivals))
    scenarios = [
        scenario(link, paths, *names, beside, seconds, seed + number)
        for names in pairs
        for number in range(count)
    ]
    results = run_sound(scenarios, told)
    return [
        _share(results[at * count : (at + 1) * count], *names, paths, beside)
        for at, names in enumerate(pairs)
    ]
