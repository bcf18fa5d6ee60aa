# SPDX-License-Identifier: GPL-2.0
"""Plots of `tquic bench`: a profile's goodput over time, TQUIC and MPTCP one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .bench_guest import CUT_AT_S, RESTORE_AT_S, Run
from .bench_profiles import PROFILES
from .bench_report import BREAKS

_BIN_S = 0.1
_COLORS = {"tquic": "#1b6ca8", "mptcp": "#c8553d"}


def _panels(runs: Sequence[Run], profile: int) -> list[str]:
    kinds = ("bulk", *BREAKS)
    return [
        kind
        for kind in kinds
        if any(run.profile == profile and run.kind == kind and run.links > 1 for run in runs)
    ]


def path(folder: Path, profile: int) -> Path:
    """Where the plot of a profile is."""
    return folder / f"profile-{profile}.png"


def draw(runs: Sequence[Run], folder: Path) -> list[Path]:
    """Write profile-<number>.png for each profile measured; return the files."""
    import matplotlib as mpl  # noqa: PLC0415 - slow to import, and not needed to measure

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    made: list[Path] = []
    for number in sorted({run.profile for run in runs}):
        kinds = _panels(runs, number)
        if not kinds:
            continue
        figure, axes = plt.subplots(
            len(kinds), 1, figsize=(8, 2.4 * len(kinds) + 0.6), squeeze=False, layout="constrained"
        )
        for axis, kind in zip(axes[:, 0], kinds, strict=True):
            drawn: set[str] = set()
            for run in runs:
                if (run.profile, run.kind) != (number, kind) or run.links < 2:
                    continue
                if kind != "bulk" and run.transport in drawn:
                    continue
                drawn.add(run.transport)
                times = [(index + 0.5) * _BIN_S for index in range(len(run.sample.bins))]
                rates = [size * 8 / 1e6 / _BIN_S for size in run.sample.bins]
                axis.plot(times, rates, label=run.transport, color=_COLORS[run.transport], lw=1.2)
            if kind != "bulk":
                axis.axvspan(CUT_AT_S, RESTORE_AT_S, color="#dddddd", zorder=0)
            axis.set_ylabel(f"{kind}, Mbit/s")
            axis.set_ylim(bottom=0)
            axis.legend(loc="lower right", frameon=False)
        axes[-1, 0].set_xlabel("seconds")
        figure.suptitle(f"Profile {number}: {PROFILES[number].title}", fontsize=11)
        made.append(path(folder, number))
        figure.savefig(made[-1], dpi=110)
        plt.close(figure)
    return made
