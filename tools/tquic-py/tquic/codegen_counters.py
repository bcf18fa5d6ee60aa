# SPDX-License-Identifier: GPL-2.0
"""The spec of the counters: what it may say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from .socket_spec import Counter, CounterSection
from .spec import (
    SpecError,
    check_form,
    check_keys,
    check_list,
    check_text,
    check_unique,
    read_spec,
)

__all__ = ["COUNTER_SPEC", "load_counters"]

COUNTER_SPEC: Final = Path("Documentation/networking/specs/tquic-counters.yaml")

_LINE_MAX = 80
#: A column of /proc/net/tquic/snmp, with a blank behind the name.
_COUNTER_NAME_MAX = 31
_ID = re.compile(r"[A-Z][A-Z0-9_]*")
_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")


def load_counters(text: str, origin: str = str(COUNTER_SPEC)) -> tuple[CounterSection, ...]:
    """Read a spec of counters. Raises SpecError."""
    data = read_spec(text, origin, ("sections",))
    check_list(data, origin, "sections")
    sections = tuple(_section(item, origin) for item in data["sections"])
    counters = [counter for section in sections for counter in section.counters]
    check_unique([counter.id for counter in counters], origin, "counter")
    check_unique([counter.name for counter in counters], origin, "name")
    return sections


def _section(item: Any, origin: str) -> CounterSection:
    title = item.get("title") if isinstance(item, dict) else None
    where = f"{origin}: {title or 'a section without a title'}"
    check_keys(item, where, ("title", "counters"))
    check_text(item, where, ("title",))
    check_list(item, where, "counters")
    return CounterSection(item["title"], tuple(_counter(c, where) for c in item["counters"]))


def _counter(item: Any, section: str) -> Counter:
    name = item.get("id") if isinstance(item, dict) else None
    where = f"{section}: {name or 'a counter without an id'}"
    check_keys(item, where, ("id", "name", "counts"))
    check_text(item, where, ("counts",))
    check_form(_ID, item["id"], where)
    check_form(_NAME, item["name"], where)
    if len(item["name"]) > _COUNTER_NAME_MAX:
        raise SpecError(f"{where}: a name has at most {_COUNTER_NAME_MAX} characters")
    counts = item["counts"]
    if len(counts) > _LINE_MAX or counts.endswith(".") or "\n" in counts:
        raise SpecError(f"{where}: counts is one line of {_LINE_MAX} characters, no full stop")
    return Counter(**item)
