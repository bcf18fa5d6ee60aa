# SPDX-License-Identifier: GPL-2.0
"""Events for the tests of reports: every field is 0 unless it is said."""

from __future__ import annotations

from typing import Any, TypeVar

from tquic.trace_events import Event, field_names
from tquic.trace_report import Record, Report

E = TypeVar("E", bound=Event)

CONN = 4026532000 << 32 | 7
NAME = "4026532000:7"


def make(kind: type[E], at_ms: float = 0, **values: Any) -> E:
    """An event of CONN."""
    known: dict[str, Any] = dict.fromkeys(field_names(kind), 0)
    return kind(ns=int(at_ms * 1e6), **{**known, "conn": CONN, **values})


def run(report: Report, *events: Event) -> list[Record]:
    """All records a report makes of events."""
    rows: list[Record] = []
    for event in events:
        assert isinstance(event, report.WANTS), "the report would not see this event"
        rows += report.feed(event)
    rows += report.finish()
    return rows
