# SPDX-License-Identifier: GPL-2.0
"""The schedulers' trials in the simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .sched_trials import BASE, TRIALS, Outcome, Score, Trial, judge, quantile
from .sim import SERVER, Event, Result, Scenario, SimError, endless_bytes, run_sound


def scenario(trial: Trial, scheduler: str, congestion: str, seed: int) -> Scenario:
    """A trial's conditions under one scheduler."""
    load = trial.load
    events = [Event(0, "weight", pair) for pair in enumerate(trial.weights)]
    if load.bulk:
        events.append(Event(0, "flow", (SERVER, endless_bytes(trial.links, load.seconds))))
    events += [Event(at_s, "flow", (SERVER, size)) for at_s, size in load.objects()]
    if load.datagram_bytes:
        every_ns, after_ns = (int(s * 1e9) for s in (load.datagram_every_s, load.deadline_s))
        count = int(load.seconds / load.datagram_every_s)
        words = (SERVER, load.datagram_bytes, every_ns, count, after_ns)
        events.append(Event(0, "dgrams", words))
    return Scenario(
        trial.links,
        tuple(events),
        load.seconds,
        scheduler=scheduler,
        congestion=congestion,
        seed=seed,
        finish=bool(load.object_bytes),
        window_bytes=load.window_bytes,
    )


def outcome(result: Result) -> Outcome:
    """The figures of a run. Raises SimError when an object did not arrive."""
    if result.scenario.finish and not all(flow.done for flow in result.flows):
        raise SimError(f"seed {result.scenario.seed}: an object did not arrive")
    took_ms = [flow.took_s * 1e3 for flow in result.flows if flow.done]
    client, server = result.ends
    asked = server["datagrams_sent"] + server["datagrams_refused"]
    carried = [link["bytes"][0] for link in result.links]
    return Outcome(
        goodput_mbit_s=result.read_bytes * 8 / 1e6 / result.scenario.seconds,
        object_mean_ms=sum(took_ms) / max(len(took_ms), 1),
        object_p99_ms=quantile(took_ms, 99),
        delay_p99_ms=client["delay_p99_ns"] / 1e6,
        missed=1 - client["datagrams_in_time"] / asked if asked else 0.0,
        first_share=carried[0] / max(sum(carried), 1),
    )


def run(
    trials: Sequence[Trial] = TRIALS,
    congestion: str = "cubic",
    seed: int = 1,
    told: Callable[[int, int], None] = lambda *_: None,
) -> list[Score]:
    """Run the trials and judge them; @told gets the number of runs done and their total.

    Raises SimError when a run broke a rule of the engine.
    """
    plans = [
        scenario(trial, name, congestion, seed)
        for trial in trials
        for name in (trial.scheduler, BASE)
    ]
    results = [outcome(item) for item in run_sound(plans, told)]
    scores: list[Score] = []
    for trial, ours, base in zip(trials, results[::2], results[1::2], strict=True):
        scores += judge(trial, ours, base)
    return scores
