# SPDX-License-Identifier: GPL-2.0
"""What the links of a soak's round were like at each moment, from what was noted in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .lab import Link
from .soak_plan import OUTAGES, Kind, Round, slow_link

__all__ = ["Line", "Span", "Timeline", "without"]

Line = dict[str, Any]


@dataclass(frozen=True)
class Span:
    """From when to when, in seconds of the round."""

    a: float
    b: float

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.b - self.a

    def meets(self, other: Span) -> bool:
        """Whether some time is in both."""
        return self.b > other.a and self.a < other.b


def without(span: Span, holes: Iterable[Span]) -> list[Span]:
    """What is left of a span."""
    left = [span]
    for hole in holes:
        parts: list[Span] = []
        for part in left:
            if not hole.meets(part):
                parts.append(part)
                continue
            if hole.a > part.a:
                parts.append(Span(part.a, hole.a))
            if hole.b < part.b:
                parts.append(Span(hole.b, part.b))
        left = parts
    return left


class Timeline:
    """What the links were like at each moment, and on which ones connections had paths."""

    def __init__(self, plan: Round, lines: Sequence[Line]) -> None:
        self._end_s = max((line["t"] for line in lines), default=0.0)
        self.count = len(plan.links)
        self._kinds: list[list[tuple[float, Link]]] = [[(0.0, link)] for link in plan.links]
        self._outages: list[list[Span]] = [[] for _ in plan.links]
        self._troubles = [line for line in lines if line["what"] == "trouble"]
        self._paths: dict[tuple[int, int], list[Span]] = {}
        self._take_troubles()
        self._take_news([line for line in lines if line["what"] in ("news", "trouble")])

    def _take_troubles(self) -> None:
        begun: dict[tuple[int, str], float] = {}
        for line in self._troubles:
            kind = line["kind"]
            every = range(self.count) if line["link"] < 0 else [line["link"]]
            if kind in (Kind.RATE, Kind.DELAY, Kind.LOSS):
                self._kinds[line["link"]].append((line["since"], self._changed(line)))
            elif kind == Kind.NEW_ADDRESS:
                self._outages[line["link"]].append(Span(line["since"], line["t"]))
            elif kind in (*OUTAGES, Kind.LOSE_SERVER):
                for link in every:
                    if line["on"]:
                        begun[link, kind] = line["since"]
                    else:
                        since_s = begun.pop((link, kind), line["since"])
                        self._outages[link].append(Span(since_s, line["t"]))
        for (link, _), since_s in begun.items():
            self._outages[link].append(Span(since_s, self._end_s))

    def _changed(self, line: Line) -> Link:
        now = self._kinds[line["link"]][-1][1]
        match line["kind"]:
            case Kind.RATE:
                now = replace(now, rate_mbit=line["value"])
            case Kind.DELAY:
                now = replace(now, delay_ms=line["value"])
            case _:
                now = replace(now, loss=line["value"] if line["on"] else 0)
        return slow_link(now.rate_mbit, now.delay_ms, now.loss)

    def _take_news(self, news: Sequence[Line]) -> None:
        there: dict[tuple[int, int], tuple[int, float]] = {}

        def gone(key: tuple[int, int], at_s: float) -> None:
            link, since_s = there.pop(key, (-1, 0.0))
            if link >= 0:
                self._paths.setdefault((key[0], link), []).append(Span(since_s, at_s))

        for line in news:
            if line["what"] == "trouble":
                # What began at the address that is no more leads nowhere; at the new one begins
                # another path, or the same after it has moved.
                if line["kind"] == Kind.NEW_ADDRESS:
                    for old in [item for item, at in there.items() if at[0] == line["link"]]:
                        gone(old, line["since"])
                continue
            if line["side"] != "client":
                continue
            token, at_s = line["token"], line["t"]
            key = (token, line.get("id", 0))
            match line["event"]:
                case "conn_established" | "path_validated" | "path_migrated":
                    gone(key, at_s)
                    there[key] = (link_of(line.get("local", "")), at_s)
                case "path_abandoned":
                    gone(key, at_s)
                case "conn_closed":
                    for other in [item for item in there if item[0] == token]:
                        gone(other, at_s)
        for key in list(there):
            gone(key, self._end_s)

    def is_dark(self, token: int, span: Span) -> bool:
        """Whether data of a connection could pass no link at any moment of a span."""
        return not any(
            part.meets(span) for link in range(self.count) for part in self.usable(token, link)
        )

    def usable(self, token: int, link: int) -> list[Span]:
        """When data of a connection could pass a link."""
        spans = _joined(self._paths.get((token, link), []))
        return [part for span in spans for part in without(span, self._outages[link])]

    def has_path(self, token: int, link: int, span: Span) -> bool:
        """Whether a connection had a path on a link in a span, however the link was."""
        return any(part.meets(span) for part in self._paths.get((token, link), []))

    def kinds(self, link: int, span: Span) -> list[Link]:
        """What the link was like during a span."""
        found: list[Link] = []
        known = self._kinds[link]
        for index, (since_s, kind) in enumerate(known):
            until_s = known[index + 1][0] if index + 1 < len(known) else float("inf")
            if since_s <= span.b and until_s >= span.a:
                found.append(kind)
        return found

    def troubles(self, span: Span) -> list[str]:
        """What was done during a span, in words."""
        return [
            f"{line['t']:.1f} s {line['kind']}"
            + (f" {line['link']}" if line["link"] >= 0 else "")
            + ("" if line["on"] else " over")
            + (f" {line['value']:g}" if line.get("value") and line["on"] else "")
            + (f" {line['name']}" if line.get("name") else "")
            for line in self._troubles
            if line["t"] >= span.a and line["since"] <= span.b
        ]


def link_of(host: str) -> int:
    """The number of the link of a client's address."""
    words = host.split(".")
    return int(words[2]) if len(words) == 4 else -1


def _joined(spans: Sequence[Span]) -> list[Span]:
    out: list[Span] = []
    for span in sorted(spans, key=lambda item: item.a):
        if out and span.a <= out[-1].b:
            out[-1] = Span(out[-1].a, max(out[-1].b, span.b))
        else:
            out.append(span)
    return out
