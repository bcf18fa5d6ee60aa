# SPDX-License-Identifier: GPL-2.0
"""What paths carry over time: samples of the netlink family, and what changed between them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .netlink import Connection, Path, TquicNetlink

__all__ = ["HISTORY", "Key", "Sample", "Track", "View", "advance", "take"]

#: Rates kept per path, for curves.
HISTORY: Final = 120

#: A connection's token and a path's id.
Key = tuple[int, int]

#: Counters of a path that only grow while it is the same path.
_GROWING: Final = (
    "bytes_sent",
    "bytes_received",
    "packets_sent",
    "packets_received",
    "packets_lost",
)


@dataclass(frozen=True)
class Sample:
    """The connections and paths there were at a time, seconds of the monotonic clock."""

    time_s: float
    conns: tuple[Connection, ...]
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class Track:
    """A path and what it carried lately: bytes per second, the newest last.

    ``loss`` is the share of packets lost since the sample before; None when none were sent.
    """

    path: Path
    sent: tuple[float, ...] = ()
    received: tuple[float, ...] = ()
    loss: float | None = None

    @property
    def sent_rate(self) -> float | None:
        """Bytes per second since the sample before; None for a path seen for the first time."""
        return self.sent[-1] if self.sent else None

    @property
    def received_rate(self) -> float | None:
        """Bytes per second since the sample before; None for a path seen for the first time."""
        return self.received[-1] if self.received else None


@dataclass(frozen=True)
class View:
    """A sample with the history of its paths; ``elapsed_s`` is None for the first one."""

    sample: Sample
    tracks: Mapping[Key, Track]
    elapsed_s: float | None = None

    def of(self, token: int) -> list[Track]:
        """The paths of a connection, by id."""
        return [self.tracks[key] for key in sorted(self.tracks) if key[0] == token]


def take(netlink: TquicNetlink) -> Sample:
    """Ask the kernel. A path without its connection, or the reverse, opened or ended meanwhile."""
    conns = tuple(netlink.connections())
    return Sample(time.monotonic(), conns, tuple(netlink.paths()))


def advance(view: View | None, sample: Sample) -> View:
    """The view after one more sample; paths that are not in it are forgotten."""
    elapsed_s = sample.time_s - view.sample.time_s if view else None
    tracks = {}
    for path in sample.paths:
        key = (path.token, path.path_id)
        before = view.tracks.get(key) if view else None
        tracks[key] = _track(before, path, elapsed_s)
    return View(sample, tracks, elapsed_s)


def _track(before: Track | None, path: Path, elapsed_s: float | None) -> Track:
    """A path's track. Counters that went back are those of another path with the same number."""
    if before is None or not elapsed_s or elapsed_s < 0:
        return Track(path)
    grown = {name: getattr(path, name) - getattr(before.path, name) for name in _GROWING}
    if min(grown.values()) < 0:
        return Track(path)
    return Track(
        path,
        (*before.sent, grown["bytes_sent"] / elapsed_s)[-HISTORY:],
        (*before.received, grown["bytes_received"] / elapsed_s)[-HISTORY:],
        _loss(grown["packets_sent"], grown["packets_lost"]),
    )


def _loss(sent: int, lost: int) -> float | None:
    """The share of packets lost; those lost may have been sent before."""
    if not lost:
        return 0.0 if sent else None
    return min(1.0, lost / max(sent, 1))
