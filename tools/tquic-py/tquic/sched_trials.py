# SPDX-License-Identifier: GPL-2.0
"""What each scheduler is for: conditions in which it beats `minrtt`, and by which figure.

One list for the simulator (`tquic sim schedulers`) and the bench (`tquic bench --schedulers`). Both
run a trial once with its scheduler and once with `minrtt` and have the two outcomes judged here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .bench_profiles import PROFILES
from .lab import Link

__all__ = ["BASE", "METRICS", "TRIALS", "Load", "Metric", "Outcome", "Score", "Trial", "judge"]

#: What the others are compared with.
BASE = "minrtt"
#: What a scheduler may lose elsewhere for its gain: goodput, and datagrams that miss.
_GOODPUT_KEPT = 0.97
_MISSED_MORE = 0.01
#: A share below this is none.
_SHARE_FLOOR = 0.001


@dataclass(frozen=True)
class Load:
    """What a server sends in a trial, all of it at once.

    seconds         how long; objects that were begun are waited for
    bulk            as much as the links take
    object_bytes    an object every ``object_every_s`` seconds, of these sizes in turn
    datagram_bytes  a datagram every ``datagram_every_s`` seconds, with a deadline when that is set
    window_bytes    all the credit that the client gives, 0: what it does without being told
    """

    seconds: float = 10
    bulk: bool = False
    object_bytes: tuple[int, ...] = ()
    object_every_s: float = 0
    datagram_bytes: int = 0
    datagram_every_s: float = 0
    deadline_s: float = 0
    window_bytes: int = 0

    def objects(self) -> list[tuple[float, int]]:
        """When each object is asked for, and its size."""
        if not self.object_bytes:
            return []
        count = int(self.seconds / self.object_every_s)
        sizes = self.object_bytes
        return [(at * self.object_every_s, sizes[at % len(sizes)]) for at in range(count)]


@dataclass(frozen=True)
class Outcome:
    """What came of a load under one scheduler.

    goodput_mbit_s   stream bytes that programs read
    object_mean_ms, object_p99_ms
                     from the request of an object to its last byte
    delay_p99_ms     datagrams, one way
    missed           share of the datagrams that came after their deadline, or never
    first_share      share of all bytes that the first link brought
    """

    goodput_mbit_s: float = 0
    object_mean_ms: float = 0
    object_p99_ms: float = 0
    delay_p99_ms: float = 0
    missed: float = 0
    first_share: float = 0


@dataclass(frozen=True)
class Metric:
    """A figure of :class:`Outcome` that is compared. ``floor``: less than this counts as this."""

    title: str
    unit: str
    floor: float
    more_is_better: bool = False

    def gain(self, ours: float, theirs: float) -> float:
        """How many times better ours is than theirs."""
        ours, theirs = max(ours, self.floor), max(theirs, self.floor)
        return ours / theirs if self.more_is_better else theirs / ours

    def text(self, value: float) -> str:
        """The value as people read it."""
        return f"{value:.1%}" if self.unit == "%" else f"{value:.1f} {self.unit}"


METRICS: dict[str, Metric] = {
    "goodput_mbit_s": Metric("goodput", "Mbit/s", 0.001, more_is_better=True),
    "object_mean_ms": Metric("objects, mean", "ms", 0.001),
    "object_p99_ms": Metric("objects, p99", "ms", 0.001),
    "delay_p99_ms": Metric("datagrams, p99", "ms", 0.001),
    "missed": Metric("datagrams late or lost", "%", _SHARE_FLOOR),
    "first_share": Metric("carried by the spared link", "%", _SHARE_FLOOR),
}


@dataclass(frozen=True)
class Trial:
    """Conditions that a scheduler is for.

    wanted   figures of the outcome, and how many times better than those of `minrtt` they have
             to be
    weights  of the links' paths, in the server's sending
    """

    scheduler: str
    title: str
    links: tuple[Link, ...]
    load: Load
    wanted: tuple[tuple[str, float], ...]
    weights: tuple[int, ...] = ()


@dataclass(frozen=True)
class Score:
    """One figure of a trial beside that of `minrtt`. ``kept``: nothing else was lost for it."""

    scheduler: str
    title: str
    metric: str
    ours: float
    base: float
    gain: float
    wanted_gain: float
    kept: bool

    @property
    def met(self) -> bool:
        """Whether the scheduler beats `minrtt` here as it should."""
        return self.kept and self.gain >= self.wanted_gain

    @property
    def text(self) -> str:
        """The score in words."""
        metric = METRICS[self.metric]
        lost = "" if self.kept else ", at the expense of the rest"
        return (
            f"{self.scheduler}, {self.title}: {metric.title} {metric.text(self.ours)}, "
            f"{BASE} {metric.text(self.base)}, wanted {self.wanted_gain:g} times better{lost}"
        )


def _link(rate_mbit: float, rtt_ms: float, loss: float = 0) -> Link:
    return Link(rate_mbit=rate_mbit, delay_ms=rtt_ms / 2, loss=loss)


_STREAM_OF_DATAGRAMS = Load(datagram_bytes=1000, datagram_every_s=0.002)

TRIALS: tuple[Trial, ...] = (
    Trial(
        "blest",
        "bulk and datagrams, window of 1 MiB, 50 Mbit/s 30 ms + 30 Mbit/s 300 ms",
        (_link(50, 30), _link(30, 300)),
        Load(bulk=True, datagram_bytes=200, datagram_every_s=0.02, window_bytes=1 << 20),
        (("goodput_mbit_s", 1.1), ("delay_p99_ms", 1.5)),
    ),
    Trial(
        "ecf",
        "1 or 2 MiB each second, 50 Mbit/s 10 ms + 3 Mbit/s 100 ms",
        (_link(50, 10), _link(3, 100)),
        Load(object_bytes=(1 << 20, 2 << 20), object_every_s=1),
        (("object_mean_ms", 1.05),),
    ),
    Trial(
        "deadline",
        "bulk and datagrams due in 150 ms, 50 Mbit/s 30 ms + 30 Mbit/s 300 ms",
        PROFILES[4].links,
        Load(bulk=True, datagram_bytes=200, datagram_every_s=0.02, deadline_s=0.15),
        (("missed", 10), ("delay_p99_ms", 3)),
    ),
    Trial(
        "redundant",
        "1 KiB fifty times a second, 2 x 20 Mbit/s 40 and 60 ms, 2 % loss",
        (_link(20, 40, loss=2), _link(20, 60, loss=2)),
        Load(seconds=40, object_bytes=(1024,), object_every_s=0.02),
        (("object_p99_ms", 1.3),),
    ),
    Trial(
        "roundrobin",
        "4 Mbit/s of datagrams, 2 x 3 Mbit/s 20 ms",
        (_link(3, 20), _link(3, 20)),
        _STREAM_OF_DATAGRAMS,
        (("delay_p99_ms", 2),),
    ),
    Trial(
        "weighted",
        "4 Mbit/s of datagrams, 4 + 2 Mbit/s 20 ms, weights 2 and 1",
        (_link(4, 20), _link(2, 20)),
        _STREAM_OF_DATAGRAMS,
        (("delay_p99_ms", 2),),
        weights=(2, 1),
    ),
    Trial(
        "weighted",
        "4 Mbit/s of datagrams, 30 Mbit/s 20 ms spared + 30 Mbit/s 40 ms, weights 1 and 9",
        (_link(30, 20), _link(30, 40)),
        _STREAM_OF_DATAGRAMS,
        (("first_share", 5),),
        weights=(1, 9),
    ),
)


def quantile(values: Sequence[float], percent: int) -> float:
    """The value that so many percent do not exceed; 0 of none."""
    return sorted(values)[(len(values) - 1) * percent // 100] if values else 0.0


def judge(trial: Trial, ours: Outcome, base: Outcome) -> list[Score]:
    """The figures a trial is about, with the scheduler's outcome and that of `minrtt`."""
    kept = (
        ours.goodput_mbit_s >= _GOODPUT_KEPT * base.goodput_mbit_s
        and ours.missed <= base.missed + _MISSED_MORE
    )
    scores = []
    for name, wanted in trial.wanted:
        mine, theirs = getattr(ours, name), getattr(base, name)
        gain = METRICS[name].gain(mine, theirs)
        scores.append(
            Score(
                scheduler=trial.scheduler,
                title=trial.title,
                metric=name,
                ours=round(mine, 4),
                base=round(theirs, 4),
                gain=round(gain, 3),
                wanted_gain=wanted,
                kept=kept,
            )
        )
    return scores
