# SPDX-License-Identifier: GPL-2.0
"""Figures and verdicts of `tquic bench` from the records its guests left."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from .bench_guest import CUT_AT_S, RESTORE_AT_S, Run, TrialRun
from .bench_peers import Sample
from .bench_profiles import PROFILES, Profile
from .sched_trials import BASE, TRIALS, Outcome, Score, judge, quantile

_BINS_PER_S = 10
#: How a link goes, and how many SRTTs a reader may wait then.
BREAKS = {"cut": 3, "down": 1, "sender-down": 1}
#: How long it takes at the most to take a link away.
_GOING_S = 0.05
#: A stall's limit for MPTCP, whose SRTT is not asked for.
_MPTCP_LIMIT_MS = 1000.0
#: When what came of slow start is over.
_SETTLED_S = 60.0
#: Full rate is back when half a second in a row carries this share of the rate before the cut.
_FULL_SHARE = 0.9
_FULL_BINS = 5


@dataclass(frozen=True)
class Line:
    """One transfer's figures.

    goodput_mbit_s  payload at the receiver over the time asked for, bulk only from the request on
    raw_share       of the links' raw rate; payload_share: of what TQUIC's full packets can carry
    seconds         to the last byte (objects)
    stall_ms        longest wait for data because the link was cut or its interface went down;
                    outage_wait_ms: until it came back, for whatever reason
    srtt_ms         of the fastest path that stayed, at the server, as it went
    full_again_s    from the restore until the rate before the cut is reached, None: never was
    instructions    of the whole machine, both ends and the links, per payload byte
    overhead        bytes on the links beyond payload: headers, acknowledgments, what went again
    again, reinjected
                    shares of the payload that were sent again, and that were not lost but went
                    again on a faster path (bulk, TQUIC)
    delay_p50_ms, delay_p99_ms
                    one way, of datagrams; missed: share of them that did not come
    settled_mbit_s  goodput from the second minute on, 0: it was over before
    """

    profile: int
    kind: str
    transport: str
    links: int
    received_bytes: int
    seconds: float
    goodput_mbit_s: float
    raw_share: float
    payload_share: float
    stall_ms: float
    full_again_s: float | None
    scheduler: str = ""
    instructions: float = 0
    overhead: float = 0
    srtt_ms: float = 0
    congestion: str = ""
    again: float = 0
    reinjected: float = 0
    delay_p50_ms: float = 0
    delay_p99_ms: float = 0
    missed: float = 0
    outage_wait_ms: float = 0
    settled_mbit_s: float = 0

    @property
    def limit_ms(self) -> float:
        """How long a stall may last, 0 where SRTT was not asked for."""
        return BREAKS.get(self.kind, 0) * self.srtt_ms

    @property
    def back(self) -> str:
        """When full rate was back, in words."""
        return "never" if self.full_again_s is None else f"{self.full_again_s:.1f} s"


@dataclass(frozen=True)
class Verdict:
    """A target, what was measured, and whether it was met."""

    text: str
    met: bool


@dataclass(frozen=True)
class Report:
    """All figures of a bench run; ``command`` repeats it."""

    kernel_release: str
    scheduler: str
    congestion: str
    seconds: int
    command: str
    lines: Sequence[Line]
    scores: Sequence[Score]
    verdicts: Sequence[Verdict]
    dmesg_warnings: Sequence[str]

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


def load_records(files: Sequence[Path]) -> tuple[list[Run], list[TrialRun]]:
    """Read what guests have left: transfers over profiles, and trials of schedulers."""
    runs: list[Run] = []
    trials: list[TrialRun] = []
    for path in files:
        record: dict[str, list[dict[str, Any]]] = json.loads(path.read_text())
        runs += [Run(**{**item, "sample": Sample(**item["sample"])}) for item in record["runs"]]
        trials += [
            TrialRun(**{**item, "outcome": Outcome(**item["outcome"])}) for item in record["trials"]
        ]
    return runs, trials


def scores(trials: Sequence[TrialRun]) -> list[Score]:
    """Each scheduler beside `minrtt` in its trials."""
    found: list[Score] = []
    for number, trial in enumerate(TRIALS):
        came = {item.scheduler: item.outcome for item in trials if item.trial == number}
        if trial.scheduler in came and BASE in came:
            found += judge(trial, came[trial.scheduler], came[BASE])
    return found


def _wait_ms(sample: Sample, until_s: float) -> float:
    """Longest wait for data that was going on after the cut and had begun by ``until_s``."""
    waits = [gap_s for at_s, gap_s in sample.gaps if at_s + gap_s > CUT_AT_S and at_s < until_s]
    return round(max(waits, default=0.0) * 1000, 1)


def outage_wait_ms(sample: Sample) -> float:
    """Longest wait while a link was cut, whatever it was for."""
    return _wait_ms(sample, RESTORE_AT_S)


def stall_ms(sample: Sample, limit_ms: float) -> float:
    """Longest wait that a link's going has caused, which may last for ``limit_ms``.

    One that begins when even that has passed is not of its making: a packet that a link which
    stays has lost makes a reader wait for a round trip and more, whatever else happens.
    """
    return _wait_ms(sample, CUT_AT_S + _GOING_S + limit_ms / 1000)


def full_again_s(sample: Sample) -> float | None:
    """Seconds from the restore until the rate from before the cut holds again."""
    before = sample.bins[int((CUT_AT_S - 1) * _BINS_PER_S) : int(CUT_AT_S * _BINS_PER_S)]
    if not before:
        return None
    wanted = _FULL_SHARE * sum(before) / len(before) * _FULL_BINS
    first = int(RESTORE_AT_S * _BINS_PER_S)
    for index in range(first, len(sample.bins) - _FULL_BINS + 1):
        if sum(sample.bins[index : index + _FULL_BINS]) >= wanted:
            return round((index - first) / _BINS_PER_S, 1)
    return None


def settled_mbit_s(sample: Sample) -> float:
    """Goodput when slow start is long over, 0 for a transfer that ends before."""
    later = sample.bins[int(_SETTLED_S * _BINS_PER_S) :]
    return round(sum(later) * 8 / 1e6 * _BINS_PER_S / len(later), 2) if later else 0.0


def line(run: Run, seconds: int) -> Line:
    """The figures of one run; a bulk transfer was asked to last ``seconds``."""
    profile = PROFILES[run.profile]
    sample = run.sample
    over_s = seconds if run.kind == "bulk" else sample.seconds
    goodput = sample.received_bytes * 8 / 1e6 / over_s if over_s else 0.0
    broken = run.kind in BREAKS
    one = profile.links[run.first].rate_mbit
    capacity = profile.capacity_mbit(seconds) if run.links > 1 else one
    scale = profile.payload_mbit(seconds) / profile.capacity_mbit(seconds)
    payload = max(sample.received_bytes, 1)
    return Line(
        run.profile,
        run.kind,
        run.transport,
        run.links,
        sample.received_bytes,
        sample.seconds,
        round(goodput, 2),
        round(goodput / capacity, 4),
        round(goodput / capacity / scale, 4),
        stall_ms(sample, BREAKS[run.kind] * run.srtt_ms or _MPTCP_LIMIT_MS) if broken else 0.0,
        full_again_s(sample) if broken else None,
        run.scheduler,
        round(sample.busy_s * 1e9 / payload, 2),
        round(run.wire_bytes / payload - 1, 4) if run.wire_bytes else 0.0,
        run.srtt_ms,
        run.congestion,
        round(run.again_bytes / payload, 4),
        round(run.reinjected_bytes / payload, 4),
        quantile(sample.delays_ms, 50),
        quantile(sample.delays_ms, 99),
        round(1 - len(sample.delays_ms) / sample.asked, 4) if sample.asked else 0.0,
        outage_wait_ms(sample) if broken else 0.0,
        settled_mbit_s(sample),
    )


def of_kind(lines: Sequence[Line], profile: int, kind: str, transport: str) -> list[Line]:
    """All transfers of a kind over a profile's links."""
    wanted = (profile, kind, transport)
    return [item for item in lines if (item.profile, item.kind, item.transport) == wanted]


def best(lines: Sequence[Line], profile: int, kind: str, transport: str) -> Line | None:
    """The best of a kind over all links: MPTCP may have been tried with two controllers."""
    found = [item for item in of_kind(lines, profile, kind, transport) if item.links > 1]
    return max(found, key=lambda item: item.goodput_mbit_s, default=None)


def broken(lines: Sequence[Line], profile: int, kind: str, transport: str) -> Line | None:
    """What a link's going came to: of several runs the one in the middle by its stall.

    But the longest other wait of all of them, and the latest return.
    """
    found = of_kind(lines, profile, kind, transport)
    if not found:
        return None
    found.sort(key=lambda item: item.stall_ms - item.limit_ms)
    again_s = [item.full_again_s for item in found if item.full_again_s is not None]
    return replace(
        found[len(found) // 2],
        outage_wait_ms=max(item.outage_wait_ms for item in found),
        full_again_s=max(again_s) if len(again_s) == len(found) else None,
    )


def _bulk(profile: Profile, lines: Sequence[Line]) -> list[Verdict]:
    ours = best(lines, profile.number, "bulk", "tquic")
    theirs = best(lines, profile.number, "bulk", "mptcp")
    name = f"profile {profile.number}"
    found: list[Verdict] = []
    if ours:
        text = f"{name}: {ours.payload_share:.1%} of payload capacity, wanted {profile.target:.0%}"
        found.append(Verdict(text, ours.payload_share >= profile.target))
    if ours and theirs:
        text = f"{name}: {ours.raw_share:.3f} of the raw rate, MPTCP {theirs.raw_share:.3f}"
        found.append(Verdict(text, ours.raw_share > theirs.raw_share))
    return found


def _broken(profile: Profile, lines: Sequence[Line]) -> list[Verdict]:
    found: list[Verdict] = []
    for kind in BREAKS:
        ours = broken(lines, profile.number, kind, "tquic")
        if not ours:
            continue
        name = f"profile {profile.number}, {kind}"
        text = f"{name}: stall {ours.stall_ms:.1f} ms, wanted {ours.limit_ms:.1f} ms"
        found.append(Verdict(text, ours.stall_ms <= ours.limit_ms))
        met = ours.full_again_s is not None and ours.full_again_s <= 2
        found.append(Verdict(f"{name}: full rate {ours.back} after the restore, wanted 2 s", met))
    return found


def beside(lines: Sequence[Line], profile: int, transport: str) -> list[tuple[Line, Line]]:
    """Transfers over several paths of one link, each with the TCP flow that ran meanwhile."""
    ours, rivals = (of_kind(lines, profile, kind, transport) for kind in ("shared", "rival"))
    return list(zip(ours, rivals, strict=True))


def _share(pairs: Sequence[tuple[Line, Line]], rate: Callable[[Line], float]) -> float:
    """What ours come to as a multiple of what the flows beside them do."""
    return sum(rate(ours) for ours, _ in pairs) / max(sum(rate(flow) for _, flow in pairs), 0.001)


def _fair(profile: Profile, lines: Sequence[Line]) -> list[Verdict]:
    """What counts is what the flows come to in all runs: who is ahead in one is chance for long."""
    pairs = beside(lines, profile.number, "tquic")
    if not pairs:
        return []
    share = _share(pairs, lambda item: item.settled_mbit_s)
    whole = _share(pairs, lambda item: item.goodput_mbit_s)
    text = (
        f"profile {profile.number}: from the second minute on {share:.2f} of what a TCP flow "
        f"with {pairs[0][1].congestion} gets ({whole:.2f} in all), wanted 0.75 to 1.25"
    )
    return [Verdict(text, 0.75 <= share <= 1.25)]


def object_times(
    lines: Sequence[Line], profile: int, transport: str, alone: bool
) -> dict[int, list[float]]:
    """Seconds that objects took over the best link alone or over all, by their size in bytes."""
    found: dict[int, list[float]] = {}
    for item in of_kind(lines, profile, "object", transport):
        if (item.links == 1) == alone:
            found.setdefault(item.received_bytes, []).append(item.seconds)
    return found


def _objects(profile: Profile, lines: Sequence[Line]) -> list[Verdict]:
    """In general not slower than over the best link alone, 5 % allowed."""
    alone = object_times(lines, profile.number, "tquic", True)
    found: list[Verdict] = []
    for size, times_s in object_times(lines, profile.number, "tquic", False).items():
        if size not in alone:
            continue
        took_s, best_s = median(times_s), median(alone[size])
        text = (
            f"profile {profile.number}: {size >> 10} KiB in {took_s * 1000:.0f} ms, "
            f"over the best link {best_s * 1000:.0f} ms"
        )
        found.append(Verdict(text, took_s <= 1.05 * best_s))
    return found


def verdicts(lines: Sequence[Line], scored: Sequence[Score] = ()) -> list[Verdict]:
    """What the figures say about the targets."""
    found: list[Verdict] = []
    for number in sorted({item.profile for item in lines}):
        profile = PROFILES[number]
        for of in (_bulk, _broken, _objects, _fair):
            found += of(profile, lines)
    return found + [Verdict(score.text, score.met) for score in scored]
