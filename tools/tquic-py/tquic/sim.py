# SPDX-License-Identifier: GPL-2.0
"""The protocol engine in virtual time: scenarios, runs, and what came of them.

The simulator (bench/sim) is the module's own code: connections, schedulers, congestion control,
loss detection and the bond, with links in memory instead of sockets. A minute of two links takes
about a second.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import paths, proc
from .bench_profiles import FRAME_BYTES, TQUIC_PAYLOAD_BYTES, Profile
from .lab import Link
from .sysctl import default_of

#: UDP payload of a full datagram, and of it what is stream data.
DATAGRAM_BYTES = 1472
_NS = 1_000_000_000
_PPM_PER_PERCENT = 10_000
#: netem's jitter reorders; the simulator holds one datagram in ten back instead.
_JITTER_REORDER_PPM = 100_000
#: After the scenario, transfers may go on this long when it says they shall be finished.
SETTLE_S = 600
#: And then nothing is sent for so long: paths that were suspected have to be back.
REST_S = 5
CLIENT, SERVER = 0, 1


class SimError(RuntimeError):
    """A scenario the simulator does not take, or one in which the engine broke a rule."""


@dataclass(frozen=True)
class Event:
    """Something that happens ``at_s`` seconds after all paths were opened.

    word and args are those of bench/sim/main.c: rate, delay, loss, cut, flow, sched, ….
    """

    at_s: float
    word: str
    args: tuple[int | str, ...]

    def line(self) -> str:
        """The line of the script."""
        return " ".join(("at", str(round(self.at_s * _NS)), self.word, *map(str, self.args)))


@dataclass(frozen=True)
class Scenario:
    """Links, what happens, how long. ``finish``: go on until all transfers have ended.

    ``window_bytes`` is the credit both ends give, which then does not grow; 0: the module's own.
    ``one_queue``: all links lead through the first one's queue, at its rate.
    """

    links: tuple[Link, ...]
    events: tuple[Event, ...]
    seconds: float
    scheduler: str = default_of("scheduler")
    congestion: str = default_of("congestion_control")
    seed: int = 1
    sample_s: float = 0
    finish: bool = False
    window_bytes: int = 0
    one_queue: bool = False

    def script(self) -> str:
        """The text the simulator reads."""
        lines = [f"links {len(self.links)}"]
        for number, link in enumerate(self.links):
            lines.append(_link_line(number, link))
        if self.one_queue:
            lines += [f"share {number} 0" for number in range(1, len(self.links))]
        if self.window_bytes:
            lines.append(f"window {self.window_bytes}")
        lines += [f"sched {self.scheduler}", f"cc {self.congestion}"]
        lines += [f"sample {round(self.sample_s * _NS)}", "open"]
        lines += [event.line() for event in sorted(self.events, key=lambda event: event.at_s)]
        lines.append(f"run {round(self.seconds * _NS)}")
        if self.finish:
            lines.append(f"settle {round((self.seconds + SETTLE_S) * _NS)}")
            lines.append(f"rest {round(REST_S * _NS)}")
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Flow:
    """A transfer. took_s is 0 and ``done`` false when it did not end; gap_s: longest silence."""

    end: int
    total_bytes: int
    read_bytes: int
    start_s: float
    took_s: float
    gap_s: float
    done: bool


@dataclass(frozen=True)
class Result:
    """What came of a scenario; times in seconds, ``ends`` and ``links`` as the simulator has them.

    ends    per end (client, server): bytes sent, sent again and reinjected, datagrams and their
            delays, packets sent through a full window, paths
    links   per link: bytes that arrived and datagrams the queue dropped, by receiver
    rivals  per connection that shared a queue, the last first: stream bytes its client has read
    """

    scenario: Scenario
    flows: tuple[Flow, ...]
    ends: tuple[dict[str, Any], ...]
    links: tuple[dict[str, Any], ...]
    samples: tuple[dict[str, Any], ...]
    rivals: tuple[int, ...]

    @property
    def read_bytes(self) -> int:
        """Stream bytes programs have read."""
        return sum(flow.read_bytes for flow in self.flows)

    @property
    def longest_gap_s(self) -> float:
        """Longest time in which a transfer made no progress."""
        return max((flow.gap_s for flow in self.flows), default=0.0)


def _link_line(number: int, link: Link) -> str:
    rate_bps = link.rate_mbit * 1e6 * DATAGRAM_BYTES / FRAME_BYTES
    on_the_way = rate_bps / 8 * link.delay_ms / 1e3
    queue = max(int(link.queue_packets * DATAGRAM_BYTES - on_the_way), 10 * DATAGRAM_BYTES)
    reorder = int(link.reorder * _PPM_PER_PERCENT) or (_JITTER_REORDER_PPM * bool(link.jitter_ms))
    numbers = (
        number,
        int(rate_bps),
        int(link.delay_ms * 1e6),
        queue if link.rate_mbit else 0,
        int(link.loss * _PPM_PER_PERCENT),
        reorder,
        int(link.duplicate * _PPM_PER_PERCENT),
    )
    return " ".join(("link", *map(str, numbers)))


def rate_event(at_s: float, link: int, rate_mbit: float) -> Event:
    """A link's rate changes, megabits per second with all headers."""
    return Event(at_s, "rate", (link, int(rate_mbit * 1e6 * DATAGRAM_BYTES / FRAME_BYTES)))


def profile_events(profile: Profile, seconds: float) -> tuple[Event, ...]:
    """What happens to the links of one of the bench's profiles."""
    if not profile.swing_mbit:
        return ()
    rates = (profile.swing_mbit, profile.links[0].rate_mbit)
    return tuple(rate_event(at, 0, rates[(at - 1) % 2]) for at in range(1, int(seconds)))


def endless_bytes(links: tuple[Link, ...], seconds: float) -> int:
    """More than the links carry in so long."""
    return int(sum(link.rate_mbit for link in links) * 1e6 * (seconds + 1))


def bulk(
    links: tuple[Link, ...], happens: tuple[Event, ...], seconds: float, **more: Any
) -> Scenario:
    """A server that sends to its client as much as it can for so long; @more as of Scenario."""
    endless = Event(0, "flow", (SERVER, endless_bytes(links, seconds)))
    return Scenario(links, (*happens, endless), seconds, **more)


def one_object(links: tuple[Link, ...], size_bytes: int, **more: Any) -> Scenario:
    """An object that is fetched over fresh paths; ends when it is there."""
    return Scenario(links, (Event(0, "flow", (SERVER, size_bytes)),), 0.001, finish=True, **more)


def payload_share(result: Result, capacity_mbit: float) -> float:
    """Stream bytes read, as a share of what the links can carry of them in that time."""
    payload_mbit = capacity_mbit * TQUIC_PAYLOAD_BYTES / FRAME_BYTES
    return result.read_bytes * 8 / 1e6 / result.scenario.seconds / payload_mbit


def binary() -> Path:
    """Return the simulator, built when its sources are newer. Raises proc.CommandError."""
    root, out = paths.root(), paths.build() / "sim"
    with proc.locked(out.with_suffix(".lock")):
        proc.logged(
            ["make", "-s", f"-j{os.cpu_count()}", "-C", root / "bench/sim", f"OUT={out}"],
            paths.build() / "sim.log",
        )
    return out / "tquic-sim"


def run(scenario: Scenario, program: Path | None = None) -> Result:
    """Run one scenario. Raises SimError when it is refused or a rule of the engine broke."""
    done = subprocess.run(
        [program or binary()],
        input=scenario.script(),
        capture_output=True,
        text=True,
        check=False,
        env={"TQUIC_SEED": str(scenario.seed)},
    )
    *told, last = done.stdout.splitlines() or [""]
    if done.returncode or not last.startswith("{"):
        why = "\n".join([*told, done.stderr.strip()]).strip() or f"exit code {done.returncode}"
        if last.startswith('{"opened":false'):
            why = f"the paths did not open\n{why}"
        raise SimError(f"seed {scenario.seed}: {why}")
    raw = json.loads(last)
    return Result(
        scenario=scenario,
        flows=tuple(_flow(item) for item in raw["flows"]),
        ends=tuple(raw["ends"]),
        links=tuple(raw["links"]),
        samples=tuple(raw["samples"]),
        rivals=tuple(raw["rivals"]),
    )


def _flow(raw: dict[str, Any]) -> Flow:
    return Flow(
        end=raw["end"],
        total_bytes=raw["total_bytes"],
        read_bytes=raw["read_bytes"],
        start_s=raw["start_ns"] / _NS,
        took_s=raw["took_ns"] / _NS,
        gap_s=raw["gap_ns"] / _NS,
        done=raw["done"],
    )


def run_all(
    scenarios: Sequence[Scenario] | Iterable[Scenario],
    told: Callable[[int], None] = lambda _: None,
) -> list[Result | SimError]:
    """Run many, one on each processor; results in the order of @scenarios, errors in place.

    @told is called with the number of those that are done.
    """
    program = binary()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(run, scenario, program) for scenario in scenarios]
        for count, _ in enumerate(as_completed(jobs), 1):
            told(count)
    out: list[Result | SimError] = []
    for job in jobs:
        error = job.exception()
        if error is not None and not isinstance(error, SimError):
            raise error
        out.append(error if isinstance(error, SimError) else job.result())
    return out


def run_sound(scenarios: Sequence[Scenario], told: Callable[[int, int], None]) -> list[Result]:
    """As run_all(), for those that want all; @told is also called with the total.

    Raises the SimError of the first that was refused or broke a rule.
    """
    out: list[Result] = []
    for item in run_all(scenarios, lambda done: told(done, len(scenarios))):
        if isinstance(item, SimError):
            raise item
        out.append(item)
    return out
