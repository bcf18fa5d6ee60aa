# SPDX-License-Identifier: GPL-2.0
"""Measurements beside kernel MPTCP, in Debian's own kernel with a virtual clock.

Each profile has a boot of its own, for both transports. The guest's clock counts instructions, so
figures repeat from run to run and machine to machine, and do not tell what runs beside it.
Everything is left in build/bench.
"""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, replace
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
    proc,
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
    job = Job(
        profile=0,
        seconds=_QUICK_S if quick else _FULL_S,
        quick=quick,
        scheduler=scheduler,
        congestion=congestion,
        server_name=SERVER_NAME,
        ca=str(made.ca),
        certificate=str(made.certificate),
        key=str(made.key),
    )
    profiles = list(dict.fromkeys(profiles))
    parts = profiles + [0] * trials
    at_once = min(vm.slots(), len(parts))
    say(f"booting it {len(parts)} times, {at_once} at once, with a virtual clock")
    jobs = [replace(job, profile=part) for part in parts]
    done = boot(jobs, module, at_once, progress)
    options = [f"--profile {number}" for number in profiles]
    options += ["--schedulers"] * trials + ["--quick"] * quick
    return _conclude(done, job, kernel.release, options)


def boot(
    jobs: Sequence[Job], module: Path, at_once: int, progress: vm.Progress
) -> list[vm.VmResult]:
    """Do each job in a machine of its own; one that fails stops the others.

    Returns what they left, in the order of the jobs. Raises BenchFailedError and what vm raises.
    """
    stop = threading.Event()

    def measure(job: Job) -> vm.VmResult:
        part = f"bench-{job.profile or 'schedulers'}"
        plan = folder() / f"{part}.json"
        plan.write_text(json.dumps(asdict(job)))
        done = vm.run(
            [sys.executable, "-m", bench_guest.__name__, str(plan)],
            kernel="stock",
            clock="virtual",
            timeout_s=_TIMEOUT_S,
            name=part,
            module=module,
            progress=progress,
            stop=stop,
        )
        if done.exit_code != 0 or not (done.files / bench_guest.RECORD_FILE).exists():
            raise BenchFailedError(done.failure())
        return done

    with proc.unwinding(), ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(measure, job) for job in jobs]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [future.result() for future in futures]


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


def _conclude(
    done: Sequence[vm.VmResult], job: Job, release: str, options: Sequence[str]
) -> bench_report.Report:
    runs, tried = bench_report.load_records([item.files / bench_guest.RECORD_FILE for item in done])
    scored = bench_report.scores(tried)
    lines = [bench_report.line(item, job.seconds) for item in runs]
    chosen = [f"--scheduler {job.scheduler}", f"--congestion {job.congestion}"]
    report = bench_report.Report(
        kernel_release=release,
        scheduler=job.scheduler,
        congestion=job.congestion,
        seconds=job.seconds,
        command=" ".join(["tquic bench", *options, *chosen]),
        lines=lines,
        scores=scored,
        verdicts=bench_report.verdicts(lines, scored),
        dmesg_warnings=[problem.headline for item in done for problem in item.problems],
    )
    report.save(folder() / REPORT_FILE)
    bench_plot.draw(runs, folder())
    return report
