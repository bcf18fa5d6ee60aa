# SPDX-License-Identifier: GPL-2.0
"""What tracing costs: instructions per packet without tracepoints, with them off, and traced.

Each is a transfer over two links in a virtual machine whose clock counts instructions; figures
repeat from run to run. The figures are left in build/trace-cost.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from . import demo_content, kernels, modbuild, paths, trace_cost_guest, vm
from .console import Ticker
from .trace_cost_guest import SERVER_NAME, Count

__all__ = ["Cost", "CostError", "measure"]

REPORT_FILE = "report.json"
_TIMEOUT_S = 3600.0
#: What observation may cost, as shares of the instructions per packet.
OFF_MOST = 0.005
PATHS_MOST = 0.05

Say = Callable[[str], None]


class CostError(RuntimeError):
    """The guest left no figures."""


@dataclass(frozen=True)
class Cost:
    """Instructions of the whole machine per packet that passed the client's devices.

    without  tracepoints compiled out of the module
    off      compiled in, nothing attached
    paths    `tquic trace paths` running, its own work included
    """

    without: float
    off: float
    paths: float

    @property
    def off_share(self) -> float:
        """What tracepoints that are off add."""
        return self.off / self.without - 1

    @property
    def paths_share(self) -> float:
        """What `tquic trace paths` adds."""
        return self.paths / self.off - 1

    @property
    def met(self) -> bool:
        """Whether both are within bounds."""
        return abs(self.off_share) <= OFF_MOST and self.paths_share <= PATHS_MOST


def folder() -> Path:
    """Return build/trace-cost, made if needed."""
    path = paths.build() / "trace-cost"
    path.mkdir(exist_ok=True)
    return path


def measure(say: Say, progress: vm.Progress) -> Cost:
    """Run all three and write the report. Raises CostError, and what modbuild and vm raise."""
    kernel = kernels.get("stock", say)
    made = demo_content.make_identity(folder() / "certificates", SERVER_NAME)
    files = [str(made.ca), str(made.certificate), str(made.key)]
    found: dict[str, float] = {}
    for name, options in (("without", ("NOTRACE",)), ("off", ()), ("paths", ())):
        say(f"{name}: building, booting")
        module = modbuild.build(kernel, defines=options)
        done = vm.run(
            [sys.executable, "-m", trace_cost_guest.__name__, name, *files],
            clock="virtual",
            timeout_s=_TIMEOUT_S,
            name=f"trace-cost-{name}",
            module=module,
            progress=progress,
        )
        found[name] = _per_packet(done)
        say(f"{name}: {found[name]:.0f} instructions per packet")
    cost = Cost(**found)
    shares = {"off_share": round(cost.off_share, 5), "paths_share": round(cost.paths_share, 5)}
    report = {"kernel": kernel.release, **asdict(cost), **shares, "met": cost.met}
    (folder() / REPORT_FILE).write_text(json.dumps(report, indent=1) + "\n")
    return cost


def _per_packet(done: vm.VmResult) -> float:
    record = done.files / trace_cost_guest.RECORD_FILE
    if not done.ok or not record.exists():
        raise CostError(done.failure())
    counts = [Count(**item) for item in json.loads(record.read_text())]
    return sum(c.instructions for c in counts) / sum(c.packets for c in counts)


def main() -> None:
    """Measure and tell; the exit code is 1 beyond the bounds."""
    with Ticker() as ticker:
        cost = measure(ticker.say, ticker.update)
    print(f"tracepoints that are off: {cost.off_share:+.2%} instructions per packet")
    print(f"`tquic trace paths`: {cost.paths_share:+.2%}")
    sys.exit(0 if cost.met else 1)


if __name__ == "__main__":
    main()
