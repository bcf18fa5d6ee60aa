# SPDX-License-Identifier: GPL-2.0
"""Run the KUnit suites of tquic.ko on the debug kernel and report what they found."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from . import kernels, ktap, modbuild, paths, results, vm
from .errors import TquicError

_SUITE_NAME = re.compile(
    r"struct kunit_suite\s+\w+\s*=\s*\{[^}]*?\.name\s*=\s*\"([^\"]+)\"", re.DOTALL
)
_TIMEOUT_S = 1800.0
#: insmod sleeps until a case has ended, which KUnit itself limits to five minutes.
_PATIENCE = "sysctl.kernel.hung_task_timeout_secs=360"
_BUILD_COPY = re.compile(r"\S*/build/module/[^/\s]+/src/")
_DEBUGFS = "/sys/kernel/debug/kunit"

# In the guest: the suites run while the module loads, and their results stay in debugfs until it
# is unloaded, which must work as well.
_COLLECT = f"""
for suite in {_DEBUGFS}/*/; do
	name=$(basename "$suite")
	cat "$suite/results" >"$TQUIC_RESULTS/$name.ktap"
done
rmmod tquic
"""


@dataclass(frozen=True)
class Source:
    """A suite as the source tree declares it."""

    name: str
    file: str


@dataclass(frozen=True)
class Report:
    """What a run found: suites that reported, suites that should have and did not, the guest."""

    suites: list[ktap.Suite]
    missing: list[Source]
    files: int
    machine: vm.VmResult

    @property
    def passed(self) -> int:
        """Cases that passed."""
        return sum(suite.count("passed") for suite in self.suites)

    @property
    def failed(self) -> int:
        """How much failed: cases, silent suites, complaints of the kernel, the guest itself."""
        return len(self.failures)

    @property
    def failed_cases(self) -> list[tuple[ktap.Suite, ktap.Case]]:
        """Cases that failed, with their suites."""
        return [
            (suite, case)
            for suite in self.suites
            for case in suite.cases
            if case.status == "failed"
        ]

    @property
    def failures(self) -> tuple[str, ...]:
        """What failed: cases with what was expected, silent suites, complaints of the kernel.

        How the guest ended is one if it was not well and nothing else tells why.
        """
        cases = [
            f"{suite.name}.{case.name}: {' '.join(line.strip() for line in case.log)}"
            for suite, case in self.failed_cases
        ]
        silent = [f"{source.name}: not all of it ran" for source in self.missing]
        found = (*cases, *silent, *(problem.headline for problem in self.machine.problems))
        return found or (() if self.machine.ok else (self.machine.ending,))

    @property
    def ok(self) -> bool:
        """Tell whether something ran and nothing failed."""
        return self.passed > 0 and not self.failed


def sources() -> list[Source]:
    """Return the suites that net/tquic/test declares, by file."""
    found: list[Source] = []
    for path in sorted((paths.root() / "net/tquic/test").glob("*_test.c")):
        found += [Source(name, path.name) for name in _SUITE_NAME.findall(path.read_text())]
    return found


def run(wanted: Sequence[str], progress: vm.Progress) -> Report:
    """Run the named suites (all without names), and leave report.json and ktap.txt in build/kunit.

    Raises TquicError for a name no file declares, proc.CommandError when the module does not
    build, vm.VmError when no machine can be run.
    """
    declared = sources()
    names = [source.name for source in declared]
    for name in wanted:
        if name not in names:
            raise TquicError(f"no suite {name!r}: `tquic kunit list` shows the names")
    progress("building tquic.ko with its suites")
    module = modbuild.build(kernels.get("debug", progress), kunit=True)
    only = [f"kunit.filter_glob={wanted[0]}"] if len(wanted) == 1 else []
    machine = vm.run(
        ["bash", "-c", _COLLECT],
        kernel="debug",
        timeout_s=_TIMEOUT_S,
        name="kunit",
        module=module,
        boot_args=[_PATIENCE, *only],
        progress=progress,
    )
    report = _read(machine, [s for s in declared if not wanted or s.name in wanted])
    _write(report)
    return report


def _read(machine: vm.VmResult, expected: Sequence[Source]) -> Report:
    suites: list[ktap.Suite] = []
    missing: list[Source] = []
    for source in expected:
        path = machine.files / f"{source.name}.ktap"
        text = path.read_text(errors="replace") if path.exists() else ""
        text = _BUILD_COPY.sub("", text)
        suite = ktap.parse_suite(text)
        if suite.cases:
            suites.append(suite)
        if not suite.cases or len(suite.cases) < ktap.planned(text):
            missing.append(source)
    files = len({source.file for source in expected})
    return Report(suites, missing, files, machine)


def _write(report: Report) -> None:
    folder = paths.part("kunit")
    texts = [path.read_text() for path in sorted(report.machine.files.glob("*.ktap"))]
    (folder / "ktap.txt").write_text("\n".join(texts))
    (folder / "report.json").write_text(json.dumps(as_dict(report), indent=1) + "\n")
    results.record("kunit", results.Tally(report.passed, report.failed, report.failures))


def as_dict(report: Report) -> dict[str, object]:
    """Return the report as it is written to report.json."""
    return {
        "suites": len(report.suites),
        "files": report.files,
        "cases": sum(len(suite.cases) for suite in report.suites),
        "passed": report.passed,
        "failed": report.failed,
        "skipped": sum(suite.count("skipped") for suite in report.suites),
        "missing": [source.name for source in report.missing],
        "complaints": [problem.text for problem in report.machine.problems],
        "failures": [
            {"suite": suite.name, "case": case.name, "log": case.log}
            for suite, case in report.failed_cases
        ],
        "results": {
            suite.name: {case.name: case.status for case in suite.cases} for suite in report.suites
        },
        "directory": str(report.machine.dir),
    }
