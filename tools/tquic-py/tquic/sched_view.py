# SPDX-License-Identifier: GPL-2.0
"""The table of schedulers beside `minrtt`, of the bench and the simulator."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from .sched_trials import BASE, METRICS, Score


def score_table(scores: Sequence[Score]) -> Table:
    """A line for each figure of each trial."""
    table = Table(title=f"Schedulers beside {BASE}", title_justify="left")
    for name in ("scheduler", "conditions", "figure"):
        table.add_column(name)
    for name in ("its own", BASE, "times better", "wanted"):
        table.add_column(name, justify="right")
    table.add_column("")
    for score in scores:
        metric = METRICS[score.metric]
        table.add_row(
            score.scheduler,
            score.title,
            metric.title,
            metric.text(score.ours),
            metric.text(score.base),
            f"{score.gain:.2f}",
            f"{score.wanted_gain:g}",
            "met" if score.met else "NOT MET",
        )
    return table
