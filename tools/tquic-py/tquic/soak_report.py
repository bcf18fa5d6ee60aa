# SPDX-License-Identifier: GPL-2.0
"""What the record of a soak says: which rules did not hold, and how near to it the rest came.

A wait for data counts while one and the same link is usable: not cut, its devices up, the client's
address there, and a path of the connection on it. It may last three round trips, with the queue
full, of the slowest link that data can have been under way on. Data may also leave on a link that
has been out for longer, as long as nothing was sent there that could have shown it: to notice that
takes two round trips of that link at most, and one of another until it is there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from .soak_peers import IDLE_S
from .soak_plan import RESTARTS, Kind, Round, round_of, round_trip_s
from .soak_timeline import Line, Span, Timeline, without

ROUND_TRIPS = 3
#: Until silence on a link is noticed.
NOTICE_ROUND_TRIPS = 2
#: Where packets were lost at random a repetition may be lost as well.
LOSSY_ROUND_TRIPS = 9
#: The longest pause between probes of a path that others stand in for (path_probe_max_ms).
PROBE_S = 0.5
#: Without a usable link for nearly the idle timeout a connection ends.
SILENT_S = IDLE_S - 2
#: The last trouble may be over so much later than planned.
LATE_S = 2.0
#: How long an end may take to notice that the other one has gone: the idle timeout, what was
#: still to be delivered, and the close's own time.
NOTICE_S = 35.0
#: How long a client may take until it is connected: attempts of 8 s over each link in turn.
CONNECT_S = 45.0
#: How often a path may become suspect within a second.
SUSPECTS = 5
#: Kernel memory that may be in use beyond what the first rounds needed.
GROWTH_KB = 8192
_WARM_ROUNDS = 4
_WORST = 5
#: Nothing here damages packets or exhausts memory.
BAD_COUNTERS = (
    "RxChecksumErrors",
    "RxNoMemory",
    "RxBadHeader",
    "RxTooShort",
    "RxUnknownVersion",
    "RxInitialTooSmall",
    "RxReservedBits",
    "RxDecryptErrors",
    "RxProtocolErrors",
    "RxRetryInvalid",
    "RxVersionNegotiation",
    "TxNoMemory",
    "TxTooBig",
    "ListenOverflows",
    "TokensInvalid",
    "CidCollisions",
    "MemoryDrops",
)


@dataclass(frozen=True)
class Wait:
    """A wait for data of a transfer; ``token`` is the client's connection."""

    number: int
    span: Span
    both: bool
    token: int


@dataclass(frozen=True)
class Stall:
    """What of a wait counts, and how long that may be.

    during  what happened to the links meanwhile and shortly before
    """

    number: int
    at_s: float
    wait_s: float
    counted_s: float
    limit_s: float
    link: int
    during: Sequence[str] = ()

    @property
    def share(self) -> float:
        """The part of the limit that was used."""
        return self.counted_s / self.limit_s

    def text(self) -> str:
        """In a line."""
        return (
            f"transfer {self.number} at {self.at_s:.1f} s waited {self.wait_s:.2f} s, "
            f"{self.counted_s:.2f} s of it with link {self.link} usable, {self.limit_s:.2f} s "
            f"allowed: {'; '.join(self.during) or 'nothing happened'}"
        )


def stall(wait: Wait, timeline: Timeline) -> Stall | None:
    """The part of a wait that comes nearest to its limit; None when no link was usable."""
    runs = [timeline.usable(wait.token, link) for link in range(timeline.count)]
    reach_s, times, unseen_s = 0.0, ROUND_TRIPS, 0.0
    for link, spans in enumerate(runs):
        kinds = timeline.kinds(link, wait.span)
        trip_s = max(round_trip_s(kind, both=wait.both) for kind in kinds)
        near = Span(wait.span.a - trip_s, wait.span.b)
        if not any(span.meets(near) for span in spans):
            if timeline.has_path(wait.token, link, wait.span):
                unseen_s = max(unseen_s, NOTICE_ROUND_TRIPS * trip_s)
            continue
        kinds = timeline.kinds(link, near)
        reach_s = max(reach_s, *(round_trip_s(kind, both=wait.both) for kind in kinds))
        if any(kind.loss for kind in kinds):
            times = LOSSY_ROUND_TRIPS
    worst: Stall | None = None
    for link, spans in enumerate(runs):
        before: Span | None = None
        for span in spans:
            part = Span(max(span.a, wait.span.a), min(span.b, wait.span.b))
            outage = Span(before.b if before else wait.span.a, span.a)
            extra_s = _until_probed(outage, runs) if span.a > wait.span.a else 0.0
            before = span
            if part.length_s <= 0:
                continue
            found = Stall(
                wait.number,
                wait.span.a,
                wait.span.length_s,
                part.length_s,
                max(times * reach_s, unseen_s + reach_s) + extra_s,
                link,
            )
            if worst is None or found.share > worst.share:
                worst = found
    if worst is None:
        return None
    return replace(worst, during=timeline.troubles(Span(wait.span.a - reach_s, wait.span.b)))


def _until_probed(outage: Span, runs: Sequence[Sequence[Span]]) -> float:
    """How long a link that has come back, or has a new path, may not be tried.

    While no link was usable probe timeouts have backed off, each twice as long as the one before:
    the next one comes at the latest after as much time again.
    """
    dark = without(outage, [span for spans in runs for span in spans])
    return max(PROBE_S, *(span.length_s for span in dark), 0)


@dataclass
class Judged:
    """What came of a round.

    broken   rules that did not hold, in words
    worst    the waits that came nearest to their limit
    lost     connections that ended because no link was usable for the whole idle timeout
    notices  how ends learned that the other one had been killed, and how often
    """

    seed: int
    minutes: float
    at_min: float = 0
    broken: list[str] = field(default_factory=list)
    troubles: dict[str, int] = field(default_factory=dict)
    transfers: int = 0
    megabytes: float = 0
    waits: int = 0
    excused: int = 0
    worst: list[Stall] = field(default_factory=list)
    lost: int = 0
    notices: dict[str, int] = field(default_factory=dict)
    slowest_notice_s: float = 0
    slowest_connect_s: float = 0

    def line(self) -> str:
        """The round in a line."""
        share = max((item.share for item in self.worst), default=0.0)
        what = f"{len(self.broken)} BROKEN: {self.broken[0]}" if self.broken else "ok"
        return (
            f"seed {self.seed}: {self.transfers} transfers, {self.megabytes:.1f} MB, "
            f"{sum(self.troubles.values())} troubles, worst wait {share:.0%} of its limit: {what}"
        )


class _Judge:
    """One round's lines, rule by rule."""

    def __init__(self, plan: Round, record: Line) -> None:
        self._plan = plan
        self._record = record
        self._lines: list[Line] = sorted(record["lines"], key=lambda line: float(line["t"]))
        self._timeline = Timeline(plan, self._lines)
        self._kills = [
            line
            for line in self._of("trouble")
            if line["kind"] in RESTARTS and line.get("on", True)
        ]
        self.out = Judged(plan.seed, plan.seconds / 60)

    def _of(self, *whats: str) -> list[Line]:
        return [line for line in self._lines if line["what"] in whats]

    def _break(self, at_s: float, text: str) -> None:
        self.out.broken.append(f"at {at_s:.1f} s: {text}")

    def _killed(self, span: Span, *, server: bool) -> bool:
        return any(
            span.a <= line["since"] <= span.b and (line["kind"] != Kind.KILL_CLIENT) == server
            for line in self._kills
        )

    def _client_left(self, span: Span) -> bool:
        """Whether a client may have ended a handshake: it was killed, or had tried long enough."""
        gave_up = any(span.a <= line["t"] <= span.b for line in self._of("unconnected"))
        return gave_up or self._killed(span, server=False)

    def run(self) -> Judged:
        out = self.out
        out.troubles = dict(
            Counter(line["kind"] for line in self._of("trouble") if line.get("on", True))
        )
        for line in self._of("wrong"):
            self._break(line["t"], f"{line['who']}: transfer {line['n']} is wrong at {line['at']}")
        for line in self._of("refused"):
            if not self._client_left(Span(line["t"] - NOTICE_S, line["t"])):
                self._break(line["t"], f"the server says: {line['text']}")
        self._transfers()
        self._connections()
        self._notices()
        self._paths()
        self._flaps()
        self._rest()
        return out

    # --- transfers

    def _transfers(self) -> None:
        ends = {line["n"]: line for line in self._of("end")}
        found: list[Stall] = []
        for begin in self._of("begin"):
            if begin["n"] in ends:
                self.out.transfers += 1
                self.out.megabytes += (begin["up"] + begin["down"]) / 1e6
            for wait in self._waits(begin, ends.get(begin["n"])):
                self.out.waits += 1
                judged = stall(wait, self._timeline)
                if judged is None:
                    self.out.excused += 1
                    continue
                found.append(judged)
                if judged.share > 1:
                    self._break(wait.span.a, judged.text())
        self.out.worst = sorted(found, key=lambda item: -item.share)[:_WORST]

    def _waits(self, begin: Line, end: Line | None) -> Iterator[Wait]:
        number = begin["n"]
        mine = [line for line in self._lines if line.get("n") == number]
        at = {line["what"]: line["t"] for line in mine}
        spans = [Span(line["a"], line["b"]) for line in mine if line["what"] == "wait"]
        if "first" in at:
            spans.append(Span(begin["t"], at["first"]))
        if end and "all" in at:
            spans.append(Span(max(at["all"], at.get("got", 0.0)), end["t"]))
        token, since_s = self._connection(begin["t"])
        # What a killed end leaves is no stall: when the other one notices is a rule of its own.
        killed = [line["since"] for line in self._kills if line["since"] >= since_s]
        until_s = min(killed, default=float("inf"))
        for span in spans:
            part = Span(span.a, min(span.b, until_s))
            if part.length_s > 0:
                yield Wait(number, part, bool(begin["up"] and begin["down"]), token)

    def _connection(self, at_s: float) -> tuple[int, float]:
        """The client's connection at a moment, and since when it has been there."""
        found = [line for line in self._of("connected") if line["t"] <= at_s]
        return (int(found[-1]["token"]), float(found[-1]["t"])) if found else (-1, at_s)

    # --- connections

    def _connections(self) -> None:
        since_s: float | None = None
        connected_s = 0.0
        for line in self._of("start", "connected", "broken", "given-up", "trouble"):
            at_s = line["t"]
            match line["what"]:
                case "start":
                    since_s = at_s
                case "connected":
                    if since_s is not None:
                        took_s = at_s - since_s
                        self.out.slowest_connect_s = max(self.out.slowest_connect_s, took_s)
                        if took_s > CONNECT_S:
                            self._break(at_s, f"connected after {took_s:.0f} s only")
                    since_s, connected_s = None, at_s
                case "trouble":
                    if line["kind"] == Kind.KILL_CLIENT:
                        since_s = None
                case _:
                    since_s = at_s
                    if self._is_dead(at_s):
                        self.out.lost += 1
                    elif not self._killed(Span(connected_s - 1, at_s), server=True):
                        text = line.get("text", "a transfer was given up")
                        self._break(at_s, f"no end was killed, yet: {text}")
        if since_s is not None and self._record.get("took_s", 0.0) - since_s > CONNECT_S:
            self._break(since_s, "not connected any more")

    def _is_dead(self, at_s: float) -> bool:
        """Whether a connection had no usable link for so long that it had to end."""
        token, since_s = self._connection(at_s)
        silent = Span(at_s - SILENT_S, at_s)
        return silent.a >= since_s and self._timeline.is_dark(token, silent)

    def _notices(self) -> None:
        for kill in self._kills:
            if kill["kind"] == Kind.KILL_CLIENT:
                self._server_notices(kill)
            else:
                self._client_notices(kill)

    def _noticed(self, kill: Line, at_s: float, how: str) -> None:
        took_s = at_s - kill["since"]
        self.out.notices[how] = self.out.notices.get(how, 0) + 1
        self.out.slowest_notice_s = max(self.out.slowest_notice_s, took_s)
        if took_s > NOTICE_S:
            self._break(kill["since"], f"{kill['kind']} was noticed after {took_s:.0f} s only")

    def _client_notices(self, kill: Line) -> None:
        at_s = kill["since"]
        before = [line for line in self._of("start", "connected", "broken") if line["t"] < at_s]
        if not before or before[-1]["what"] != "connected":
            return
        end_s = at_s + NOTICE_S
        for line in self._lines:
            if line["t"] < at_s:
                continue
            if line["what"] == "broken" or line["what"] == "unconnected":
                self._noticed(kill, line["t"], f"client: {_how(line['text'])}")
                return
            if line is not kill and line in self._kills and line["kind"] == Kind.KILL_CLIENT:
                return
            if line["what"] == "done" and line["t"] < end_s:
                return
        self._break(at_s, f"the client never noticed {kill['kind']}")

    def _server_notices(self, kill: Line) -> None:
        at_s = kill["since"]
        news = [line for line in self._of("news") if line["side"] == "server"]
        open_then: set[int] = set()
        for line in news:
            if line["t"] >= at_s:
                break
            if line["event"] == "conn_established":
                open_then.add(line["token"])
            elif line["event"] == "conn_closed":
                open_then.discard(line["token"])
        for token in open_then:
            closed = [
                line
                for line in news
                if line["t"] >= at_s and line["event"] == "conn_closed" and line["token"] == token
            ]
            if closed:
                self._noticed(kill, closed[0]["t"], f"server: {_flags(closed[0]['flags'])}")
            elif not self._killed(Span(at_s, at_s + NOTICE_S), server=True):
                self._break(at_s, "the server never noticed kill-client")

    # --- the end

    def _paths(self) -> None:
        hosts = [host for line in self._of("addresses") for host in line["hosts"]]
        token, _ = self._connection(self._plan.seconds)
        found = self._of("path")
        over_s = max((line["t"] for line in self._of("trouble")), default=0.0)
        if over_s > self._plan.quiet_s + LATE_S:
            text = f"the machine was too busy for this round: its trouble was over {over_s:.1f} s"
            self._break(self._plan.seconds, f"{text}, planned were {self._plan.quiet_s:.1f} s")
            return
        # One that seemed silent just then, and answered a moment later, is there.
        asked_s = max((line["t"] for line in found), default=0.0)
        recovered = {
            (line["side"], line["token"], line["id"])
            for line in self._of("news")
            if line["event"] == "path_recovered" and line["t"] >= asked_s
        }
        for side in ("client", "server"):
            active = {
                line["client"]
                for line in found
                if line["side"] == side
                and (line["state"] == "active" or (side, line["token"], line["id"]) in recovered)
            }
            for link, host in enumerate(hosts):
                if host not in active:
                    self._break(self._plan.seconds, f"the {side} has no path back over link {link}")
        if not any(line["side"] == "client" and line["token"] == token for line in found):
            self._break(self._plan.seconds, "no connection is left in the end")

    def _flaps(self) -> None:
        at: dict[tuple[str, int, int], list[float]] = {}
        for line in self._of("news"):
            if line["event"] == "path_suspect":
                at.setdefault((line["side"], line["token"], line["id"]), []).append(line["t"])
        for (side, _, number), times in at.items():
            for first, last in zip(times, times[SUSPECTS:], strict=False):
                if last - first <= 1:
                    text = f"path {number} of the {side} became suspect {SUSPECTS + 1} times in 1 s"
                    self._break(first, text)
                    break

    def _rest(self) -> None:
        record, end_s = self._record, self._plan.seconds
        if "failed" in record:
            self._break(end_s, f"the round could not be gone through:\n{record['failed']}")
            return
        if record["late"]:
            self._break(end_s, "the transfers did not end")
        for name, code in zip(("client", "server"), record["codes"], strict=True):
            if code and not (record["late"] and name == "client"):
                self._break(end_s, f"the {name} ended with {code}")
        for line in record["left"]:
            self._break(end_s, f"still there: {line}")
        for side, counters in record["counters"].items():
            for name in BAD_COUNTERS:
                if counters.get(name):
                    self._break(end_s, f"the {side} counts {counters[name]} {name}")


def _how(text: str) -> str:
    """An error's words without the address, and without what is not needed to tell kinds."""
    return text.split(": ", 1)[-1].split(":", maxsplit=1)[0]


def _flags(flags: int) -> str:
    names = {0x1: "application", 0x2: "peer", 0x4: "idle timeout", 0x8: "stateless reset"}
    return " ".join(name for bit, name in names.items() if flags & bit) or "own"


def judge(plan: Round, record: Line) -> Judged:
    """The rules that did not hold in a round."""
    return _Judge(plan, record).run()


@dataclass(frozen=True)
class Report:
    """All rounds; ``command`` repeats the run, a round's seed with --minutes 1 that round."""

    kernel_release: str
    command: str
    seed: int
    minutes: float
    host_s: float
    guest_s: float
    rounds: Sequence[Judged]
    broken: Sequence[str]
    memory_kb: Sequence[int]
    counters: dict[str, dict[str, int]]

    def troubles(self) -> dict[str, int]:
        """How often each kind of trouble was made."""
        total: Counter[str] = Counter()
        for item in self.rounds:
            total.update(item.troubles)
        return dict(total.most_common())

    def worst(self) -> list[tuple[int, Stall]]:
        """The waits that came nearest to their limit, with the seeds of their rounds."""
        found = [(item.seed, stall) for item in self.rounds for stall in item.worst]
        return sorted(found, key=lambda pair: -pair[1].share)[:_WORST]

    def summary(self) -> str:
        """The figures in a paragraph."""
        rounds = self.rounds
        notices: Counter[str] = Counter()
        for item in rounds:
            notices.update(item.notices)
        how = ", ".join(f"{name} {count}" for name, count in notices.most_common())
        return (
            f"{len(rounds)} rounds, {self.minutes:.0f} virtual minutes in "
            f"{self.host_s / 60:.0f} real ones. "
            f"{sum(item.transfers for item in rounds)} transfers, "
            f"{sum(item.megabytes for item in rounds):.0f} MB, every byte compared; "
            f"{sum(item.waits for item in rounds)} waits judged, "
            f"{sum(item.excused for item in rounds)} of them with no link usable; "
            f"{sum(item.lost for item in rounds)} connections lost all links for good. "
            f"Restarts were noticed by {how or 'nobody'}, the slowest after "
            f"{max((item.slowest_notice_s for item in rounds), default=0):.1f} s; slowest connect "
            f"{max((item.slowest_connect_s for item in rounds), default=0):.1f} s. "
            f"{len(self.broken)} rules broken."
        )

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


def load_record(path: Path) -> list[Line]:
    """The records of the rounds; the last is missing when the guest died in it."""
    found: list[Line] = []
    for text in path.read_text().splitlines():
        try:
            found.append(json.loads(text))
        except ValueError:
            break
    return found


def judge_all(records: Sequence[Line]) -> tuple[list[Judged], list[str]]:
    """All rounds, and the rules that did not hold, with the seeds that show it."""
    judged: list[Judged] = []
    at_min = 0.0
    for record in records:
        item = judge(round_of(record["seed"]), record)
        item.at_min = at_min
        at_min += item.minutes
        judged.append(item)
    broken = [
        f"seed {item.seed}, minute {item.at_min:.0f}: {text}"
        for item in judged
        for text in item.broken
    ]
    return judged, broken + growth([record["memory_kb"] for record in records])


def growth(memory_kb: Sequence[int]) -> list[str]:
    """What grows from round to round is a leak."""
    if len(memory_kb) <= 2 * _WARM_ROUNDS:
        return []
    early, late = max(memory_kb[:_WARM_ROUNDS]), min(memory_kb[-_WARM_ROUNDS:])
    if late <= early + GROWTH_KB:
        return []
    return [f"kernel memory grew from {early} to {late} KiB in {len(memory_kb)} rounds"]


def sums(records: Sequence[Line]) -> dict[str, dict[str, int]]:
    """Counters of both ends over all rounds."""
    out: dict[str, Counter[str]] = {}
    for record in records:
        for side, counters in record.get("counters", {}).items():
            out.setdefault(side, Counter()).update(counters)
    return {side: dict(counter) for side, counter in out.items()}
