# SPDX-License-Identifier: GPL-2.0
"""The demonstration: one file over two links through the module on Debian's own kernel.

The host prepares the kernel, the module, the file and the certificates, boots a virtual machine
whose clock counts instructions, lets `tquic.demo_guest` do the transfer in it, and judges what
that wrote down. Everything is left in build/demo.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from . import (
    demo_content,
    demo_plan,
    demo_plot,
    demo_report,
    demo_trace,
    kernels,
    machine,
    modbuild,
    paths,
    vm,
)

REPORT_FILE = "report.json"
PLOT_FILE = "paths.png"
_OUTPUTS = (REPORT_FILE, PLOT_FILE, demo_trace.TRACE_FILE)
_TIMEOUT_S = 1500.0
_TAIL_LINES = 25

Say = Callable[[str], None]


class DemoError(RuntimeError):
    """The transfer did not come to an end that could be judged."""


def folder() -> Path:
    """Return build/demo, made if needed."""
    return paths.part("demo")


def run(
    file: Path | None,
    size_bytes: int | None,
    clock: machine.Clock,
    say: Say,
    progress: vm.Progress,
) -> demo_report.Report:
    """Do the demonstration and return its figures; report.json and paths.png are written.

    @file is sent instead of the kernel source when given, @size_bytes of it (default: all).
    @say gets the lines that stay, @progress the moving one.
    Raises DemoError when the guest did not finish, and what kernels, modbuild, vm and
    demo_content raise.
    """
    for old in _OUTPUTS:
        (folder() / old).unlink(missing_ok=True)
    kernel = kernels.get("stock", say)
    say(f"kernel {kernel.release} (Debian's own)")
    say("building tquic.ko")
    module = modbuild.build(kernel)
    plan = _plan(file, size_bytes)
    plan.save(folder() / demo_plan.PLAN_FILE)
    say(f"sending {plan.size_bytes / 1e6:.0f} MB of {plan.file}")
    say(f"booting it in a virtual machine, {clock} clock; the transfer starts in about 20 s")
    finished = vm.run(
        [sys.executable, "-m", f"{__package__}.demo_guest", str(folder() / demo_plan.PLAN_FILE)],
        kernel="stock",
        clock=clock,
        timeout_s=_TIMEOUT_S,
        name="demo",
        module=module,
        progress=progress,
    )
    return conclude(finished, kernel.release, clock)


def conclude(finished: vm.VmResult, kernel_release: str, clock: str) -> demo_report.Report:
    """Judge a finished run; raise DemoError when it left nothing to judge."""
    record = finished.files / demo_trace.TRACE_FILE
    if finished.exit_code != 0 or not record.exists():
        raise DemoError(f"the transfer failed: {finished.verdict()}\n{_tail(finished)}")
    trace = demo_trace.load(record)
    warnings = [problem.headline for problem in finished.problems]
    report = demo_report.build(trace, kernel_release, clock, finished.host_s, warnings)
    trace.save(folder() / demo_trace.TRACE_FILE)
    report.save(folder() / REPORT_FILE)
    demo_plot.draw(trace, report, folder() / PLOT_FILE)
    return report


def _plan(file: Path | None, size_bytes: int | None) -> demo_plan.Plan:
    needed = size_bytes or demo_report.MIN_FILE_BYTES
    if file:
        demo_content.check(file, needed)
    chosen = (file or demo_content.find(needed)).resolve()
    made = demo_content.make_identity(folder() / "certificates", demo_plan.SERVER_NAME)
    size = size_bytes or chosen.stat().st_size
    return demo_plan.Plan(
        file=str(chosen),
        size_bytes=size,
        sha256=demo_content.sha256(chosen, size),
        server_name=demo_plan.SERVER_NAME,
        ca=str(made.ca),
        certificate=str(made.certificate),
        key=str(made.key),
    )


def _tail(finished: vm.VmResult) -> str:
    lines = (finished.stdout + finished.stderr).splitlines()
    return "\n".join(lines[-_TAIL_LINES:])
