# SPDX-License-Identifier: GPL-2.0
"""Run tests/integration with pytest inside a guest that has the module loaded."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import iproute, kernels, modbuild, paths, results, vm

_TIMEOUT_S = {"stock": 2400.0, "debug": 3600.0}
_JUNIT = "junit.xml"


@dataclass(frozen=True)
class Outcome:
    """The guest's run and what pytest counted in it."""

    machine: vm.VmResult
    tally: results.Tally

    @property
    def ok(self) -> bool:
        """Tell whether tests ran, none failed, and the kernel kept quiet."""
        return self.machine.ok and self.tally.passed > 0 and not self.tally.failed

    def report(self) -> str:
        """Return pytest's output and the verdict on the machine."""
        return "\n".join((self.machine.stdout, self.machine.stderr, self.machine.verdict()))


def run(
    kernel: kernels.Kind,
    pytest_args: Sequence[str],
    progress: vm.Progress,
    timeout_s: float | None = None,
) -> Outcome:
    """Boot @kernel with the module and run the tests; record the counts for the tally."""
    module = modbuild.build(kernels.get(kernel, progress))
    iproute.build(progress)
    machine = vm.run(
        _command(pytest_args),
        kernel=kernel,
        timeout_s=timeout_s or _TIMEOUT_S[kernel],
        name=f"integration-{kernel}",
        module=module,
        progress=progress,
    )
    tally = count(machine)
    results.record(f"integration-{kernel}", tally)
    return Outcome(machine, tally)


def _command(pytest_args: Sequence[str]) -> list[str]:
    base = f"--rootdir={paths.root()}"
    line = [sys.executable, "-m", "pytest", base, "-p", "no:cacheprovider", "-ra"]
    wanted = list(pytest_args)
    if not any(arg.startswith("tests/") for arg in wanted):
        wanted.append("tests/integration")
    return ["env", "PYTHONDONTWRITEBYTECODE=1", "bash", "-c", _IN_GUEST, "bash", *line, *wanted]


_IN_GUEST = f'exec "$@" --junitxml="$TQUIC_RESULTS/{_JUNIT}"'


def count(machine: vm.VmResult) -> results.Tally:
    """Count from the JUnit file; a complaint of the kernel or a dead guest is a failure too."""
    tally = junit_tally(machine.files / _JUNIT)
    told = [problem.headline for problem in machine.problems]
    cut_short = machine.timed_out or machine.exit_code is None
    if cut_short or (machine.exit_code and not tally.failed and not told):
        told.append(machine.ending)
    return results.Tally(tally.passed, tally.failed + len(told), (*tally.failures, *told))


def junit_tally(path: Path) -> results.Tally:
    """Return what a JUnit file says; nothing passed when it is missing or broken."""
    try:
        suites = list(ET.parse(path).getroot().iter("testsuite"))
    except (FileNotFoundError, ET.ParseError):
        return results.Tally(0, 0)
    total = _sum(suites, "tests")
    failed = _sum(suites, "failures") + _sum(suites, "errors")
    names = tuple(
        f"{case.get('classname')}.{case.get('name')}"
        for suite in suites
        for case in suite.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    )
    return results.Tally(total - failed - _sum(suites, "skipped"), failed, names)


def _sum(suites: list[ET.Element], key: str) -> int:
    return sum(int(suite.get(key, "0")) for suite in suites)
