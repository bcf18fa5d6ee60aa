# SPDX-License-Identifier: GPL-2.0
"""What-if questions to the simulator: the same links under several policies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from .lab import Link
from .sim import SERVER, Event, Result, Scenario, bulk, one_object, run_sound

_KINDS = 4
_DATAGRAM_BYTES = 200
_DATAGRAM_EVERY_S = 0.02
_DATAGRAM_DEADLINE_S = 0.15


@dataclass(frozen=True)
class Links:
    """Links, what happens to them, and their mean rate where it is known, else 0."""

    title: str
    links: tuple[Link, ...]
    events: tuple[Event, ...]
    capacity_mbit: float


@dataclass(frozen=True)
class Line:
    """One policy over the links.

    goodput_mbit_s, gap_ms, again_percent    a bulk transfer: bytes read, longest silence, bytes
                                             sent again of those sent
    small_ms, medium_ms                      64 KiB and 1 MiB over fresh paths
    delay_p50_ms, delay_p99_ms               datagrams of 200 bytes, 50 a second, beside bulk, with
                                             a deadline of 150 ms
    missed_percent                           those that came late or never
    """

    scheduler: str
    congestion: str
    goodput_mbit_s: float
    gap_ms: float
    again_percent: float
    small_ms: float
    medium_ms: float
    delay_p50_ms: float
    delay_p99_ms: float
    missed_percent: float


def _scenarios(
    links: Links, scheduler: str, congestion: str, seconds: float, seed: int
) -> list[Scenario]:
    every_ns, after_ns = (int(s * 1e9) for s in (_DATAGRAM_EVERY_S, _DATAGRAM_DEADLINE_S))
    count = int(seconds / _DATAGRAM_EVERY_S)
    calls = Event(0, "dgrams", (SERVER, _DATAGRAM_BYTES, every_ns, count, after_ns))

    def plain(happens: tuple[Event, ...]) -> Scenario:
        return bulk(
            links.links,
            happens,
            seconds,
            scheduler=scheduler,
            congestion=congestion,
            seed=seed,
        )

    def fetched(size_bytes: int) -> Scenario:
        return one_object(
            links.links, size_bytes, scheduler=scheduler, congestion=congestion, seed=seed
        )

    return [
        plain(links.events),
        plain((*links.events, calls)),
        fetched(64 << 10),
        fetched(1 << 20),
    ]


def _sent(calls: Result) -> int:
    server = calls.ends[1]
    return max(int(server["datagrams_sent"]) + int(server["datagrams_refused"]), 1)


def _line(results: Sequence[Result]) -> Line:
    whole, calls, small, medium = results
    server = whole.ends[1]
    return Line(
        scheduler=whole.scenario.scheduler,
        congestion=whole.scenario.congestion,
        goodput_mbit_s=whole.read_bytes * 8 / 1e6 / whole.scenario.seconds,
        gap_ms=whole.longest_gap_s * 1e3,
        again_percent=100 * server["retransmitted_bytes"] / max(server["sent_bytes"], 1),
        small_ms=small.flows[0].took_s * 1e3,
        medium_ms=medium.flows[0].took_s * 1e3,
        delay_p50_ms=calls.ends[0]["delay_p50_ns"] / 1e6,
        delay_p99_ms=calls.ends[0]["delay_p99_ns"] / 1e6,
        missed_percent=100 - 100 * calls.ends[0]["datagrams_in_time"] / _sent(calls),
    )


def compare(
    links: Links,
    schedulers: Sequence[str],
    controls: Sequence[str],
    seconds: float,
    seed: int,
    told: Callable[[int, int], None],
) -> list[Line]:
    """Measure every scheduler with every congestion control over @links.

    @told is called with the number of runs done and their total.
    Raises SimError when a name is unknown or a run broke a rule of the engine.
    """
    pairs = list(product(schedulers, controls))
    scenarios = [item for names in pairs for item in _scenarios(links, *names, seconds, seed)]
    results = run_sound(scenarios, told)
    return [_line(results[at : at + _KINDS]) for at in range(0, len(results), _KINDS)]
