# SPDX-License-Identifier: GPL-2.0
"""Measurements beside kernel MPTCP, in one boot of Debian's own kernel with a virtual clock.

The guest's clock counts instructions, so figures repeat from run to run and machine to machine.
Everything is left in build/bench.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from . import (
    bench_guest,
    bench_page,
    bench_plot,
    bench_report,
    demo_content,
    kernels,
    modbuild,
    paths,
    vm,
)
from .bench_guest import Job

REPORT_FILE = "report.json"
#: Below the top of the tree: plots that are kept, and the page that shows them.
RESULTS = "bench/results"
_PAGE = "Documentation/networking/tquic-bench-results.rst"
SERVER_NAME = "server.bench.test"
_TIMEOUT_S = 3 * 3600.0
_QUICK_S = 3
_FULL_S = 10

Say = Callable[[str], None]


class BenchFailedError(RuntimeError):
    """The guest left nothing that could be judged."""


def folder() -> Path:
    """Return build/bench, made if needed."""
    return paths.part("bench")


def run(
    profiles: Sequence[int],
    *,
    quick: bool,
    trials: bool,
    scheduler: str,
    congestion: str,
    say: Say,
    progress: vm.Progress,
) -> bench_report.Report:
    """Measure the profiles and, if asked for, the schedulers' trials; return all figures.

    report.json and the plots are written.

    Raises BenchFailedError, and what kernels, modbuild and vm raise.
    """
    kernel = kernels.get("stock", say)
    say(f"kernel {kernel.release} (Debian's own), building tquic.ko")
    module = modbuild.build(kernel)
    made = demo_content.make_identity(folder() / "certificates", SERVER_NAME)
    seconds = _QUICK_S if quick else _FULL_S
    job = Job(
        profiles=tuple(profiles),
        seconds=seconds,
        quick=quick,
        trials=trials,
        scheduler=scheduler,
        congestion=congestion,
        server_name=SERVER_NAME,
        ca=str(made.ca),
        certificate=str(made.certificate),
        key=str(made.key),
    )
    plan = folder() / "job.json"
    plan.write_text(json.dumps(asdict(job)))
    parts = [f"profile {number}" for number in profiles] + ["schedulers"] * trials
    say(f"booting it, virtual clock: {', '.join(parts)}")
    done = vm.run(
        [sys.executable, "-m", bench_guest.__name__, str(plan)],
        kernel="stock",
        clock="virtual",
        timeout_s=_TIMEOUT_S,
        name="bench",
        module=module,
        progress=progress,
    )
    return _conclude(done, job, kernel.release)


def document(report: bench_report.Report) -> Path:
    """Keep a run's plots and write the page about it; return where that is."""
    kept = paths.root() / RESULTS
    kept.mkdir(exist_ok=True)
    plots = []
    for number in sorted({line.profile for line in report.lines}):
        plot = bench_plot.path(folder(), number)
        if plot.exists():
            shutil.copy(plot, kept / plot.name)
            plots.append(f"../../{RESULTS}/{plot.name}")
    page = paths.root() / _PAGE
    page.write_text(bench_page.rst(report, plots))
    return page


def _conclude(done: vm.VmResult, job: Job, release: str) -> bench_report.Report:
    record = done.files / bench_guest.RECORD_FILE
    if done.exit_code != 0 or not record.exists():
        raise BenchFailedError(done.failure())
    runs, tried = bench_report.load_record(record)
    scored = bench_report.scores(tried)
    lines = [bench_report.line(item, job.seconds) for item in runs]
    options = [f"--profile {number}" for number in job.profiles]
    options += ["--schedulers"] * job.trials
    options += ["--quick"] if job.quick else []
    options += [f"--scheduler {job.scheduler}", f"--congestion {job.congestion}"]
    report = bench_report.Report(
        kernel_release=release,
        scheduler=job.scheduler,
        congestion=job.congestion,
        seconds=job.seconds,
        command=" ".join(["tquic bench", *options]),
        lines=lines,
        scores=scored,
        verdicts=bench_report.verdicts(lines, scored),
        dmesg_warnings=[problem.headline for problem in done.problems],
    )
    report.save(folder() / REPORT_FILE)
    bench_plot.draw(runs, folder())
    return report
