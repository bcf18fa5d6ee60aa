# SPDX-License-Identifier: GPL-2.0
"""The page of `tquic bench --document`: what a run measured, as reStructuredText."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from .bench_profiles import PROFILES
from .bench_report import BREAKS, Line, Report, beside, best, broken, object_times, of_kind
from .codegen_text import table
from .sched_trials import BASE, METRICS

__all__ = ["rst"]

_TITLE = "Results of the bench"
_INTRO = """\
Written by ``make bench BENCH=--document``; what is measured and how is told in tquic-bench.rst.
Everything is from one run: rates in Mbit/s, ``-`` was not measured. MPTCP encrypts nothing."""
_NONE = "-"


def rst(report: Report, plots: Iterable[str]) -> str:
    """The whole page; ``plots`` are paths of pictures, as seen from it."""
    bar = "=" * len(_TITLE)
    out = [".. SPDX-License-Identifier: GPL-2.0", "", bar, _TITLE, bar, "", _INTRO, ""]
    out += [f"Kernel {report.kernel_release}; again: ``{report.command}``", ""]
    numbers = sorted({line.profile for line in report.lines})
    parts = [
        (title, head, [row for number in numbers for row in rows(report.lines, number)])
        for title, head, rows in (
            ("Bulk transfer", _BULK, _bulk),
            ("What it costs", _COST, _cost),
            ("A link goes", _BROKEN, _broken),
            ("Objects", _OBJECTS, _objects),
            ("Datagrams", _DATAGRAMS, _datagrams),
            ("Beside a TCP flow", _SHARED, _shared),
        )
    ]
    for title, head, found in [*parts, ("Schedulers", _SCHEDULERS, _schedulers(report))]:
        measured = [row for row in found if set(row[1:]) != {_NONE}]
        if measured:
            out += [title, "=" * len(title), "", table(measured, head), ""]
    out += _missed(report)
    out += ["Over time", "=========", ""]
    for plot in plots:
        out += [f".. image:: {plot}", ""]
    return "\n".join(out)


def _lines(
    lines: Sequence[Line], number: int, kind: str, transport: str, alone: bool
) -> list[Line]:
    """Over the best link alone, or over all links."""
    found = of_kind(lines, number, kind, transport)
    return [line for line in found if (line.links == 1) == alone]


_BULK = ("profile", "links", "TQUIC", "of payload", "MPTCP", "best link alone", "TCP there")


def _bulk(lines: Sequence[Line], number: int) -> list[list[str]]:
    ours, theirs = (best(lines, number, "bulk", name) for name in ("tquic", "mptcp"))
    alone = _lines(lines, number, "bulk", "tquic", alone=True)
    tcp = _lines(lines, number, "bulk", "tcp", alone=True)
    return [
        [
            str(number),
            PROFILES[number].title if ours else _NONE,
            f"{ours.goodput_mbit_s:.1f}" if ours else _NONE,
            f"{ours.payload_share:.1%}" if ours else _NONE,
            f"{theirs.goodput_mbit_s:.1f}" if theirs else _NONE,
            f"{alone[0].goodput_mbit_s:.1f}" if alone else _NONE,
            f"{tcp[0].goodput_mbit_s:.1f}" if tcp else _NONE,
        ]
    ]


_COST = ("profile", "insn/B", "MPTCP", "over", "MPTCP ", "again", "reinj.")


def _cost(lines: Sequence[Line], number: int) -> list[list[str]]:
    """Of the bulk transfers over all links."""
    ours, theirs = (best(lines, number, "bulk", name) for name in ("tquic", "mptcp"))
    return [
        [
            str(number),
            f"{ours.instructions:.1f}" if ours else _NONE,
            f"{theirs.instructions:.1f}" if theirs else _NONE,
            f"{ours.overhead:.1%}" if ours else _NONE,
            f"{theirs.overhead:.1%}" if theirs else _NONE,
            f"{ours.again:.2%}" if ours else _NONE,
            f"{ours.reinjected:.2%}" if ours else _NONE,
        ]
    ]


_BROKEN = ("profile", "how", "stall", "wanted", "any wait", "back", "MPTCP: stall", "back ")


def _broken(lines: Sequence[Line], number: int) -> list[list[str]]:
    rows = []
    for kind in BREAKS:
        ours, theirs = (broken(lines, number, kind, name) for name in ("tquic", "mptcp"))
        if not ours:
            continue
        row = [str(number), kind]
        row += [_ms(ms) for ms in (ours.stall_ms, ours.limit_ms, ours.outage_wait_ms)]
        row += [ours.back, *((_ms(theirs.stall_ms), theirs.back) if theirs else [_NONE] * 2)]
        rows.append(row)
    return rows


_OBJECTS = ("profile", "size", "TQUIC", "slowest", "best link alone", "slowest ", "MPTCP")


def _objects(lines: Sequence[Line], number: int) -> list[list[str]]:
    ours, alone, theirs = (
        object_times(lines, number, *which)
        for which in (("tquic", False), ("tquic", True), ("mptcp", False))
    )
    rows = []
    for size, times_s in ours.items():
        row = [str(number), f"{size >> 10} KiB"]
        for each in (times_s, alone.get(size, [])):
            row += [_ms(1000 * of(each)) if each else _NONE for of in (median, max)]
        row.append(_ms(1000 * median(theirs[size])) if size in theirs else _NONE)
        rows.append(row)
    return rows


_DATAGRAMS = ("profile", "median", "p99", "best link: median", "p99 ")


def _datagrams(lines: Sequence[Line], number: int) -> list[list[str]]:
    row = [str(number)]
    for alone in (False, True):
        found = _lines(lines, number, "datagrams", "tquic", alone)
        row += [_ms(found[0].delay_p50_ms), _ms(found[0].delay_p99_ms)] if found else [_NONE] * 2
    return [row]


_SHARED = ("profile", "transport", "control", "Mbit/s", "later", "TCP's", "Mbit/s ", "later ")


def _shared(lines: Sequence[Line], number: int) -> list[list[str]]:
    return [
        [
            str(number),
            transport.upper(),
            ours.congestion,
            f"{ours.goodput_mbit_s:.1f}",
            f"{ours.settled_mbit_s:.1f}",
            rival.congestion,
            f"{rival.goodput_mbit_s:.1f}",
            f"{rival.settled_mbit_s:.1f}",
        ]
        for transport in ("tquic", "mptcp")
        for ours, rival in beside(lines, number, transport)
    ]


_SCHEDULERS = ("scheduler", "conditions", "figure", "its own", BASE, "times better")


def _schedulers(report: Report) -> list[list[str]]:
    return [
        [
            score.scheduler,
            score.title,
            METRICS[score.metric].title,
            METRICS[score.metric].text(score.ours),
            METRICS[score.metric].text(score.base),
            f"{score.gain:.3g}",
        ]
        for score in report.scores
    ]


def _missed(report: Report) -> list[str]:
    missed = [verdict.text for verdict in report.verdicts if not verdict.met]
    title = "Targets"
    met = f"{len(report.verdicts) - len(missed)} of {len(report.verdicts)} targets were met"
    ending = [met + (", and these were not:" if missed else "."), ""]
    return [title, "=" * len(title), "", *ending, *(f"- {text}" for text in missed), ""]


def _ms(value: float | None) -> str:
    return _NONE if value is None else f"{value:.0f} ms"
