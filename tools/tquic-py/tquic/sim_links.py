# SPDX-License-Identifier: GPL-2.0
"""Links as they are out there, for the simulator: kinds, and how their rate and delay move.

The figures are round ones of the order the measurement literature gives for each kind of access
network; they are meant to be hard on a scheduler in that network's own way, not to be one
operator's network.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from .lab import Link
from .sim import Event, SimError, rate_event

_STEP_S = 0.1
_SPEC = re.compile(r"(?P<rate>[\d.]+)/(?P<rtt>[\d.]+)(/(?P<loss>[\d.]+))?$")


@dataclass(frozen=True)
class Kind:
    """A kind of link: how it begins, and the events of @seconds on link @number."""

    title: str
    link: Link
    events: Callable[[int, float, random.Random], list[Event]]


def _steady(number: int, seconds: float, rng: random.Random) -> list[Event]:
    return []


def _lte(number: int, seconds: float, rng: random.Random) -> list[Event]:
    """Rate: an AR(1) walk of its logarithm, ten times a second, and a fade now and then."""
    events, log_rate, mean = [], math.log(30), math.log(30)
    for step in range(1, int(seconds / _STEP_S)):
        log_rate += 0.1 * (mean - log_rate) + rng.gauss(0, 0.2)
        rate = min(max(math.exp(log_rate), 1.0), 120.0)
        if rng.random() < 0.01:
            rate = 0.5
        events.append(rate_event(step * _STEP_S, number, rate))
    return events


def _leo(number: int, seconds: float, rng: random.Random) -> list[Event]:
    """Every 15 s another satellite: a short outage, then another delay and rate."""
    events = []
    at = rng.uniform(1, 15)
    while at < seconds - 1:
        events.append(Event(at, "cut", (number, 1)))
        events.append(Event(at + 0.001, "delay", (number, int(rng.uniform(12, 30) * 1e6))))
        events.append(rate_event(at + 0.002, number, rng.uniform(40, 150)))
        events.append(Event(at + rng.uniform(0.05, 0.3), "cut", (number, 0)))
        at += 15
    return events


KINDS: dict[str, Kind] = {
    "lte": Kind("LTE, 30 Mbit/s that wander", Link(rate_mbit=30, delay_ms=25, limit=400), _lte),
    "leo": Kind(
        "low orbit, 100 Mbit/s, handovers",
        Link(rate_mbit=100, delay_ms=20, jitter_ms=2, loss=0.1, limit=600),
        _leo,
    ),
    "geo": Kind(
        "geostationary, 20 Mbit/s 600 ms", Link(rate_mbit=20, delay_ms=300, limit=2000), _steady
    ),
    "bloat": Kind(
        "10 Mbit/s behind two seconds of queue",
        Link(rate_mbit=10, delay_ms=15, limit=1700),
        _steady,
    ),
    "dsl": Kind("16 Mbit/s 25 ms", Link(rate_mbit=16, delay_ms=12.5), _steady),
}


def parse(spec: str) -> Kind:
    """Return the kind called @spec, or a steady link from RATE/RTT or RATE/RTT/LOSS.

    RATE is in Mbit/s, RTT in milliseconds, LOSS in percent. Raises SimError for anything else.
    """
    if spec in KINDS:
        return KINDS[spec]
    found = _SPEC.match(spec)
    if not found or not float(found["rate"]):
        names = ", ".join(KINDS)
        raise SimError(f"{spec}: not a link; give RATE/RTT or RATE/RTT/LOSS, or one of {names}")
    link = Link(
        rate_mbit=float(found["rate"]),
        delay_ms=float(found["rtt"]) / 2,
        loss=float(found["loss"] or 0),
    )
    return Kind(spec, link, _steady)


def steady(spec: str) -> Kind:
    """As parse(), for links whose rate stays. Raises SimError for others too."""
    kind = parse(spec)
    if kind.events is not _steady:
        raise SimError(f"{spec}: its rate moves, which a queue that is shared does not")
    return kind


def events(kinds: list[Kind], seconds: float, seed: int) -> tuple[Event, ...]:
    """Everything that happens to links of these kinds; the same for the same seed."""
    out: list[Event] = []
    for number, kind in enumerate(kinds):
        out += kind.events(number, seconds, random.Random(f"{seed}/{number}"))
    return tuple(out)
