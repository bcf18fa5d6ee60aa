# SPDX-License-Identifier: GPL-2.0
"""Reads a connection's path counters every so often, from a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from .demo_trace import Reading, Side
from .uapi import PathInfo, PathState

INTERVAL_S = 0.1


class Watched(Protocol):
    """What is used of a TquicSocket."""

    def paths(self) -> list[PathInfo]: ...


def reading(info: PathInfo, side: Side, links: Mapping[str, str], now_s: float) -> Reading | None:
    """Turn a path's counters into a record; @links names links by the client's address.

    Returns None for a path that is not on any of them.
    """
    client = info.local if side == "client" else info.peer
    link = links.get(client.host) if client else None
    if link is None:
        return None
    return Reading(
        t_s=now_s,
        side=side,
        link=link,
        path_id=info.path_id,
        state=PathState(info.state).name.lower(),
        sent_bytes=info.bytes_sent,
        received_bytes=info.bytes_received,
        sent_packets=info.packets_sent,
        received_packets=info.packets_received,
        lost_packets=info.packets_lost,
        srtt_ms=round(info.srtt_ns / 1e6, 3),
        cwnd_bytes=info.cwnd_bytes,
    )


class Sampler:
    """Keeps the readings of all paths, taken every INTERVAL_S until the block ends.

    @after, if given, is called with the newest readings, from the thread.
    A connection that is over yields no more readings; that is not an error here.
    """

    def __init__(
        self,
        sock: Watched,
        side: Side,
        links: Mapping[str, str],
        after: Callable[[list[Reading]], None] | None = None,
    ) -> None:
        self.readings: list[Reading] = []
        self._sock = sock
        self._side: Side = side
        self._links = links
        self._after = after
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.take()

    def take(self) -> list[Reading]:
        """Read all paths now, and keep what they say."""
        try:
            infos = self._sock.paths()
        except OSError:
            return []
        now_s = time.monotonic()
        found = [reading(info, self._side, self._links, now_s) for info in infos]
        kept = [item for item in found if item is not None]
        self.readings += kept
        return kept

    def _run(self) -> None:
        while not self._ended.wait(INTERVAL_S):
            newest = self.take()
            if self._after:
                self._after(newest)
