# SPDX-License-Identifier: GPL-2.0
"""Cases in one boot of Debian's own kernel with a virtual clock, and the report of them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import NamedTemporaryFile

from .. import kernels, modbuild, paths, vm
from . import decoder, guest, report
from .cases import CASES
from .guest import Pairing
from .peers import PEERS, Role
from .report import Outcome, Result

__all__ = ["REPORT_FILE", "InteropError", "document", "folder", "pairings", "run"]

REPORT_FILE = "report.json"
_PAGE = Path("Documentation/networking/tquic-interop.rst")
_TIMEOUT_S = 3 * 3600.0

Say = Callable[[str], None]


class InteropError(RuntimeError):
    """The guest left nothing that could be judged, or the kernel complained."""


def folder() -> Path:
    """Return build/interop, made if needed."""
    path = paths.build() / "interop"
    path.mkdir(exist_ok=True)
    return path


def pairings(cases: Sequence[str], peers: Sequence[str], roles: Sequence[Role]) -> list[Pairing]:
    """Every case with TQUIC in each role and each peer at the other end; nothing named: all."""
    out: dict[Pairing, None] = {}
    for case in cases or CASES:
        for peer in peers or PEERS:
            for role in roles or Role:
                ends = ("tquic", peer) if role is Role.CLIENT else (peer, "tquic")
                out[Pairing(case, *ends)] = None
    return list(out)


def run(wanted: Sequence[Pairing], say: Say, progress: vm.Progress) -> list[Result]:
    """Run the pairings and merge them into report.json. Raises InteropError, and as vm does."""
    kernel = kernels.get("stock", say)
    module = modbuild.build(kernel)
    say(f"booting {kernel.release}, virtual clock: {len(wanted)} pairings")
    # The guest may read its file late: another run is not to write the same one.
    with NamedTemporaryFile("w", dir=folder(), prefix="pairings-", suffix=".json") as plan:
        plan.write(json.dumps([asdict(item) for item in wanted]))
        plan.flush()
        done = vm.run(
            [sys.executable, "-m", guest.__name__, plan.name],
            kernel="stock",
            clock="virtual",
            timeout_s=_TIMEOUT_S,
            name="interop",
            module=module,
            progress=progress,
        )
    results = _decoded(report.load(done.files / guest.RECORD_FILE), done.files, say)
    path = folder() / REPORT_FILE
    report.save(path, report.merge(report.load(path), results))
    if not done.ok or len(results) != len(wanted):
        raise InteropError(done.failure())
    return results


def _decoded(results: Sequence[Result], files: Path, say: Say) -> list[Result]:
    """Results with what tshark says of the captures, which are moved to build/interop."""
    top = folder() / guest.CAPTURES
    top.mkdir(exist_ok=True)
    out = []
    for result in results:
        here = Pairing(*result.key)
        if result.outcome is not Outcome.UNSUPPORTED:
            for name in (here.capture, here.keys):
                shutil.move(files / guest.CAPTURES / name, top / name)
        if result.outcome is Outcome.PASSED:
            say(f"decoding {here.capture}")
            connections = CASES[result.case].connections
            said = decoder.confirm(top / here.capture, top / here.keys, connections)
            result = replace(result, decoded=said)  # noqa: PLW2901
        out.append(result)
    return out


def document() -> Path:
    """Write the page of the latest results; return where it is."""
    titles = [(case.name, case.title) for case in CASES.values()]
    order = {name: number for number, (name, _title) in enumerate(titles)}
    results = [item for item in report.load(folder() / REPORT_FILE) if item.case in order]
    results.sort(key=lambda item: order[item.case])
    path = paths.root() / _PAGE
    path.write_text(report.rst(results, titles))
    return path
