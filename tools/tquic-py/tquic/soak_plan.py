# SPDX-License-Identifier: GPL-2.0
"""What happens in a soak of the module: rounds of random links, trouble and transfers.

All of it follows from a round's seed, so that any round can be had again alone.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from .lab import Link
from .sim_soak import CONGESTION, SCHEDULERS

__all__ = ["Kind", "Pattern", "Round", "Transfer", "Trouble", "round_of", "rounds", "transfers"]

RATES_MBIT = (0.3, 0.5, 1, 2, 4)
DELAYS_MS = (5, 15, 40, 100, 300)
_WIRE_BYTES = 1514
#: What a link's queue holds beyond what is on its way: at least so many packets, or so long.
_QUEUE_PACKETS = 16
_QUEUE_S = 0.2
#: The end of a round: no more trouble, and no new transfer in the second half.
QUIET_S = 24.0
_BLOCK_BYTES = 4096


class Kind(StrEnum):
    """Kinds of trouble; those with a length end with the link as it was before."""

    CUT = "cut"
    RATE = "rate"
    DELAY = "delay"
    LOSS = "loss"
    IFACE = "iface"
    PEER_IFACE = "peer-iface"
    ADDRESS = "address"
    NEW_ADDRESS = "new-address"
    BACKUP = "backup"
    SCHEDULER = "scheduler"
    CONGESTION = "congestion"
    KILL_CLIENT = "kill-client"
    KILL_SERVER = "kill-server"
    LOSE_SERVER = "lose-server"


#: Trouble that takes a link away, and what gives it back; likewise for the rest that lasts.
OUTAGES = (Kind.CUT, Kind.IFACE, Kind.PEER_IFACE, Kind.ADDRESS)
_LINK_KINDS = (
    Kind.CUT,
    Kind.CUT,
    Kind.RATE,
    Kind.RATE,
    Kind.DELAY,
    Kind.LOSS,
    Kind.IFACE,
    Kind.PEER_IFACE,
    Kind.ADDRESS,
    Kind.NEW_ADDRESS,
    Kind.BACKUP,
)
RESTARTS = (Kind.KILL_CLIENT, Kind.KILL_SERVER, Kind.LOSE_SERVER)


@dataclass(frozen=True)
class Trouble:
    """Something to do at a moment of the round.

    link    which one; restarts and names concern none: -1
    on      whether it begins; False: what began earlier is over
    value   Mbit/s, ms, percent, or seconds until a killed end is started again
    name    of a scheduler or congestion control
    server  whether the server's end is concerned (backup, scheduler, congestion)
    """

    at_s: float
    kind: Kind
    link: int = -1
    on: bool = True
    value: float = 0
    name: str = ""
    server: bool = False


@dataclass(frozen=True)
class Round:
    """A pair of hosts, what becomes of their links, and for how long.

    own_paths  the client's program opens its paths; else the kernel does
    """

    seed: int
    seconds: float
    links: tuple[Link, ...]
    troubles: tuple[Trouble, ...]
    own_paths: bool
    scheduler: str
    congestion: str

    @property
    def quiet_s(self) -> float:
        """When the trouble is over."""
        return self.seconds - QUIET_S

    @property
    def last_begin_s(self) -> float:
        """When the last transfer may begin."""
        return self.seconds - QUIET_S / 2


@dataclass(frozen=True)
class Transfer:
    """One stream: bytes to the server, bytes from it, and how long to do nothing afterwards."""

    number: int
    up_bytes: int
    down_bytes: int
    pause_s: float


def slow_link(rate_mbit: float, delay_ms: float, loss: float = 0) -> Link:
    """A link whose queue is short, so that what waits in it tells little of a stall."""
    per_s = rate_mbit * 1e6 / 8 / _WIRE_BYTES
    waiting = max(_QUEUE_PACKETS, per_s * _QUEUE_S)
    limit = math.ceil(per_s * delay_ms / 1000 + waiting)
    return Link(rate_mbit=rate_mbit, delay_ms=delay_ms, loss=loss, limit=limit)


def round_trip_s(link: Link, *, both: bool = False) -> float:
    """The round trip with the queue full, in both directions if data goes both ways."""
    packets = link.queue_packets - link.rate_mbit * 1e6 / 8 / _WIRE_BYTES * link.delay_ms / 1000
    queue_s = packets * _WIRE_BYTES * 8 / (link.rate_mbit * 1e6)
    return 2 * link.delay_ms / 1000 + queue_s * (2 if both else 1)


def _of_link(rng: random.Random, number: int, link: Link, end_s: float) -> Iterator[Trouble]:
    """One thing after the other on one link; the last is over when the quiet begins."""
    at_s = rng.uniform(1, 8)
    while True:
        lasts_s = rng.uniform(0.3, 5)
        if at_s + lasts_s > end_s:
            break
        kind = rng.choice(_LINK_KINDS)
        begin = Trouble(at_s, kind, number, server=rng.random() < 0.5)
        lasting = True
        if kind is Kind.RATE:
            begin = replace(begin, value=rng.choice(RATES_MBIT))
            lasting = False
        elif kind is Kind.DELAY:
            begin = replace(begin, value=rng.choice(DELAYS_MS))
            lasting = False
        elif kind is Kind.LOSS:
            begin = replace(begin, value=round(rng.uniform(0.3, 3), 1))
        elif kind is Kind.NEW_ADDRESS:
            lasting = False
        yield begin
        if lasting:
            yield replace(begin, at_s=at_s + lasts_s, on=False)
        at_s += lasts_s + rng.uniform(0.5, 12)


def _restarts(rng: random.Random, end_s: float) -> Iterator[Trouble]:
    """Ends that are killed, so far apart that the other one has noticed."""
    at_s = rng.uniform(10, 40)
    while at_s < end_s:
        kind = rng.choice((*RESTARTS, Kind.KILL_CLIENT))
        yield Trouble(at_s, kind, value=rng.uniform(0.2, 3))
        at_s += rng.uniform(40, 80)


def _changes(rng: random.Random, end_s: float) -> Iterator[Trouble]:
    """Schedulers and controllers that connections are handed over to."""
    at_s = rng.uniform(3, 20)
    while at_s < end_s:
        kind, names = rng.choice(((Kind.SCHEDULER, SCHEDULERS), (Kind.CONGESTION, CONGESTION)))
        yield Trouble(at_s, kind, name=rng.choice(names), server=rng.random() < 0.5)
        at_s += rng.uniform(5, 30)


def round_of(seed: int) -> Round:
    """A round of two to five minutes."""
    rng = random.Random(f"soak {seed}")
    seconds = float(rng.randrange(120, 301))
    links = tuple(
        slow_link(rng.choice(RATES_MBIT), rng.choice(DELAYS_MS)) for _ in range(rng.choice((2, 3)))
    )
    end_s = seconds - QUIET_S
    troubles: list[Trouble] = []
    for number, link in enumerate(links):
        troubles += _of_link(rng, number, link, end_s)
    troubles += _restarts(rng, end_s - 10)
    troubles += _changes(rng, end_s)
    return Round(
        seed=seed,
        seconds=seconds,
        links=links,
        troubles=tuple(sorted(troubles, key=lambda item: item.at_s)),
        own_paths=rng.random() < 0.5,
        scheduler=rng.choice(SCHEDULERS),
        congestion=rng.choice(CONGESTION),
    )


def rounds(minutes: float, first_seed: int) -> list[Round]:
    """As many as make up that time, one at least, with seeds that follow one another."""
    out = [round_of(first_seed)]
    while sum(item.seconds for item in out) < minutes * 60:
        out.append(round_of(first_seed + len(out)))
    return out


def transfers(seed: int, first: int = 0) -> Iterator[Transfer]:
    """The transfers of a round from a number on, without end."""
    number = first
    while True:
        rng = random.Random(f"transfer {seed} {number}")
        size = int(10 ** rng.uniform(2, 5.5))
        way = rng.choice(("up", "down", "both"))
        yield Transfer(
            number,
            size if way != "down" else 0,
            size if way != "up" else 0,
            rng.choice((0, rng.uniform(0, 3), rng.uniform(2, 8))),
        )
        number += 1


class Pattern:
    """The bytes of one direction of one transfer: each position has its own."""

    def __init__(self, seed: int, number: int, *, up: bool) -> None:
        self._key = f"{seed} {number} {'up' if up else 'down'} "
        self._index = -1
        self._block = b""

    def _get(self, index: int) -> bytes:
        if index != self._index:
            self._index = index
            self._block = hashlib.shake_128(f"{self._key}{index}".encode()).digest(_BLOCK_BYTES)
        return self._block

    def read(self, offset: int, size: int) -> bytes:
        """The bytes from a position on."""
        out = b""
        while len(out) < size:
            index, skip = divmod(offset + len(out), _BLOCK_BYTES)
            out += self._get(index)[skip : skip + size - len(out)]
        return out

    def differs_at(self, offset: int, data: bytes) -> int | None:
        """The position of the first byte that is not what belongs there, None: all are right."""
        wanted = self.read(offset, len(data))
        if wanted == data:
            return None
        pairs = enumerate(zip(wanted, data, strict=True))
        return offset + next(index for index, (right, came) in pairs if right != came)
