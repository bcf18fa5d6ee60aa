# SPDX-License-Identifier: GPL-2.0
"""What all reports on events share: events go in, records come out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import ClassVar

from .trace_events import Event, conn_name

__all__ = ["Record", "Report", "ms", "share"]


@dataclass(frozen=True, kw_only=True)
class Record:
    """One line of a report; ``ns`` is the time of the event that ended it."""

    KIND: ClassVar[str]

    ns: int
    conn: int

    def line(self) -> str:
        """The line for people."""
        raise NotImplementedError

    def json(self) -> dict[str, object]:
        """The line for programs."""
        return {"kind": self.KIND, **asdict(self), "conn": conn_name(self.conn)}


class Report:
    """Makes records of events: at once, at every interval, or when tracing ends."""

    #: What has to be traced.
    WANTS: ClassVar[tuple[type[Event], ...]] = ()
    #: Of these the first of each path is enough, and then the last before each interval ends.
    LATEST: ClassVar[tuple[type[Event], ...]] = ()

    def feed(self, event: Event) -> Iterable[Record]:
        """Take in an event; the records it completes."""
        raise NotImplementedError

    def tick(self) -> Iterable[Record]:
        """An interval has passed; the records about it."""
        return ()

    def finish(self) -> Iterable[Record]:
        """Tracing ends; the records that sum it up."""
        return ()


def ms(ns: int) -> str:
    """Nanoseconds as milliseconds for people."""
    return f"{ns / 1e6:.1f} ms"


def share(part: int, whole: int) -> float:
    """Percent."""
    return 100 * part / whole if whole else 0.0
