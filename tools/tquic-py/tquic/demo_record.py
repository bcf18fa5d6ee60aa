# SPDX-License-Identifier: GPL-2.0
"""What the demo's client keeps of every read: how much had arrived when, and the longest waits."""

from __future__ import annotations

import heapq

from .demo_trace import Delivery, Gap

_STEP_S = 0.01
_KEPT_GAPS = 20


class Recorder:
    """Takes every read of the file; costs little enough to be called for each of them.

    Moments are those of the caller's clock, in seconds, and must not go back.
    """

    def __init__(self) -> None:
        self.total_bytes = 0
        self.first_s: float | None = None
        self.last_s: float | None = None
        self._kept_s = 0.0
        self._moments: list[tuple[float, int]] = []
        self._gaps: list[tuple[float, float]] = []

    def add(self, now_s: float, size: int) -> None:
        """Note a read of @size bytes that returned at @now_s."""
        if self.last_s is None:
            self.first_s = now_s
            self._moments.append((now_s, 0))
        else:
            self._note_gap(self.last_s, now_s)
        self.last_s = now_s
        self.total_bytes += size
        if now_s - self._kept_s >= _STEP_S:
            self._kept_s = now_s
            self._moments.append((now_s, self.total_bytes))

    def _note_gap(self, start_s: float, end_s: float) -> None:
        gap = (end_s - start_s, start_s)
        if len(self._gaps) < _KEPT_GAPS:
            heapq.heappush(self._gaps, gap)
        elif gap > self._gaps[0]:
            heapq.heapreplace(self._gaps, gap)

    def deliveries(self, origin_s: float) -> list[Delivery]:
        """Return the kept moments, at least 10 ms apart, counted from @origin_s."""
        kept = list(self._moments)
        if self.last_s is not None:
            kept.append((self.last_s, self.total_bytes))
        return [Delivery(round(now_s - origin_s, 6), total) for now_s, total in kept]

    def gaps(self, origin_s: float) -> list[Gap]:
        """Return the longest waits between two reads, longest first."""
        found = sorted(self._gaps, reverse=True)
        return [Gap(round(start_s - origin_s, 6), round(length, 6)) for length, start_s in found]
