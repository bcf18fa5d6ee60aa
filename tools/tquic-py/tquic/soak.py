# SPDX-License-Identifier: GPL-2.0
"""Hours of trouble for the kernel module, in a virtual machine whose idle time takes none.

Everything is left in build/soak.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from . import demo_content, kernels, modbuild, paths, soak_guest, soak_report, vm
from .soak_guest import Job
from .soak_plan import rounds
from .soak_report import Report

REPORT_FILE = "report.json"
SERVER_NAME = "server.soak.test"
#: Host seconds for a virtual minute that not even a busy machine needs.
_TIMEOUT_S_PER_MIN = 120.0
_TIMEOUT_S = 1200.0

Say = Callable[[str], None]


class SoakFailedError(RuntimeError):
    """The guest left nothing that could be judged."""


def folder() -> Path:
    """Return build/soak, made if needed."""
    return paths.part("soak")


def run(
    minutes: float, seed: int, kernel: kernels.Kind, *, say: Say, progress: vm.Progress
) -> Report:
    """Run the rounds that make up so many virtual minutes; report.json is written.

    Raises SoakFailedError, and what kernels, modbuild and vm raise.
    """
    chosen = kernels.get(kernel, say)
    say(f"kernel {chosen.release} ({kernel}), building tquic.ko")
    module = modbuild.build(chosen)
    made = demo_content.make_identity(folder() / "certificates", SERVER_NAME)
    job = Job(minutes, seed, SERVER_NAME, str(made.ca), str(made.certificate), str(made.key))
    plan = folder() / "job.json"
    plan.write_text(json.dumps(asdict(job)))
    say(f"booting it, virtual clock: {len(rounds(minutes, seed))} rounds")
    done = vm.run(
        [sys.executable, "-m", soak_guest.__name__, str(plan)],
        kernel=kernel,
        clock="virtual",
        timeout_s=_TIMEOUT_S + minutes * _TIMEOUT_S_PER_MIN,
        name="soak",
        module=module,
        progress=progress,
    )
    return _conclude(done, job, chosen.release, kernel)


def _conclude(done: vm.VmResult, job: Job, release: str, kernel: kernels.Kind) -> Report:
    record = done.files / soak_guest.RECORD_FILE
    if not record.exists():
        raise SoakFailedError(done.failure())
    shutil.copy(record, folder() / soak_guest.RECORD_FILE)
    records = soak_report.load_record(record)
    judged, broken = soak_report.judge_all(records)
    broken += [f"the kernel says: {problem.headline}" for problem in done.problems]
    if done.exit_code != 0 or done.timed_out:
        last = records[-1]["seed"] if records else "none"
        broken.append(f"after the round with seed {last}: {done.failure()}")
    report = Report(
        kernel_release=release,
        command=f"tquic soak --minutes {job.minutes:g} --seed {job.seed} --kernel {kernel}",
        seed=job.seed,
        minutes=sum(item.minutes for item in judged),
        host_s=done.host_s,
        guest_s=done.command_s,
        rounds=judged,
        broken=broken,
        memory_kb=[item["memory_kb"] for item in records],
        counters=soak_report.sums(records),
    )
    report.save(folder() / REPORT_FILE)
    return report
