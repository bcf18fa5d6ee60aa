# SPDX-License-Identifier: GPL-2.0
"""Runs cases where the module is loaded: inside the virtual machine, or a test that is there."""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ..lab import Namespace
from . import identity, report
from .cases import CASES, Case
from .network import PORT, Network
from .opened import Wire, read_keylog
from .peers import PEERS, Role, missing, protocol
from .plan import Plan
from .report import Outcome, Result

__all__ = ["RECORD_FILE", "Pairing", "main", "run"]

RECORD_FILE = "record.json"
SERVER_NAME = "server.test"
_START_S = 30.0
_TAIL_BYTES = 400


class CaseFailedError(Exception):
    """A case did not do what it is about; the text says why."""


@dataclass(frozen=True)
class Pairing:
    """One case and who plays it."""

    case: str
    client: str
    server: str


def run(pairing: Pairing) -> Result:
    """Run one case and judge it."""
    case = CASES[pairing.case]
    client, server = PEERS[pairing.client], PEERS[pairing.server]
    reason = missing(client) or missing(server)
    reason = reason or client.reason(Role.CLIENT, case.features)
    reason = reason or server.reason(Role.SERVER, case.features)
    base = Result(pairing.case, pairing.client, pairing.server, Outcome.UNSUPPORTED, reason)
    if reason:
        return base
    started_s = time.monotonic()
    with TemporaryDirectory(prefix="tquic-interop-") as folder:
        try:
            wire = _play(pairing, case, Path(folder))
        except CaseFailedError as error:
            base = replace(base, outcome=Outcome.FAILED, reason=str(error))
        else:
            kbit_s = _kbit_s(case, wire) if case.measured else 0
            base = replace(base, outcome=Outcome.PASSED, kbit_s=kbit_s)
    seconds = round(time.monotonic() - started_s, 1)
    return replace(base, protocol=str(protocol(client, server)), seconds=seconds)


def _kbit_s(case: Case, wire: Wire) -> int:
    """Payload over the time from the first packet to the last one of the server's."""
    took_s = max(p.time_s for p in wire.packets if not p.to_server) - wire.packets[0].time_s
    return round(sum(case.files) * 8 / 1000 / took_s)


def _play(pairing: Pairing, case: Case, folder: Path) -> Wire:
    """Run a case; return what was seen. Raises CaseFailedError."""
    client, server = PEERS[pairing.client], PEERS[pairing.server]
    names = _make_files(case, folder / "www")
    (folder / "downloads").mkdir()
    made = identity.make(folder / "certificates", SERVER_NAME, case.chain)
    trouble = case.trouble()
    with Network(case.link, trouble, v6=case.v6) as net:
        each = len(names) // case.connections
        base = Plan(
            host=net.back.host,
            port=PORT,
            server_name=SERVER_NAME,
            protocol=protocol(client, server),
            folder=str(folder / "www"),
            ca=str(made.ca),
            certificate=str(made.certificate),
            key=str(made.key),
            keylog=str(folder / "keys.log"),
            features=case.features,
            timeout_s=case.timeout_s,
        )
        requests = tuple(tuple(names[i : i + each]) for i in range(0, len(names), each))
        asking = replace(
            base, host=net.front.host, folder=str(folder / "downloads"), requests=requests
        )
        server_plan, client_plan = folder / "server.json", folder / "client.json"
        server_plan.write_text(base.dump())
        client_plan.write_text(asking.dump())
        words = server.commands(Role.SERVER, base, server_plan)[0]
        with _serving(words, net.server, folder, case.v6):
            _fetch(
                client.commands(Role.CLIENT, asking, client_plan),
                net.client,
                folder,
                case.timeout_s,
            )
        packets = list(net.packets)
    keylog = folder / "keys.log"
    wire = Wire(packets, read_keylog(keylog.read_text() if keylog.exists() else ""))
    _compare(names, folder)
    problems = [line for check in case.all_checks for line in check(wire)]
    if problems:
        raise CaseFailedError("; ".join(problems))
    return wire


def _make_files(case: Case, folder: Path) -> list[str]:
    folder.mkdir()
    names = []
    source = random.Random(case.name)
    for number, size in enumerate(case.files):
        names.append(f"file{number:04}")
        (folder / names[-1]).write_bytes(source.randbytes(size))
    return names


def _compare(names: list[str], folder: Path) -> None:
    for name in names:
        path = folder / "downloads" / name
        if not path.exists():
            raise CaseFailedError(f"{name} did not arrive")
        digests = {
            hashlib.sha256(item.read_bytes()).digest() for item in (path, folder / "www" / name)
        }
        if len(digests) != 1:
            raise CaseFailedError(f"{name} differs")


@contextmanager
def _serving(words: list[str], where: Namespace, folder: Path, v6: bool) -> Iterator[None]:
    """A server that listens, for as long as the block runs."""
    log = folder / "server.log"
    with log.open("wb") as sink:
        server = where.popen(words, stdout=sink, stderr=sink, cwd=folder)
    try:
        deadline_s = time.monotonic() + _START_S
        while not _listens(where, v6):
            if server.poll() is not None or time.monotonic() > deadline_s:
                raise CaseFailedError(f"the server did not start: {_tail(log)}")
            time.sleep(0.05)
        yield
        if server.poll() is not None:
            raise CaseFailedError(f"the server ended: {_tail(log)}")
    finally:
        server.terminate()
        server.wait(_START_S)


def _listens(where: Namespace, v6: bool) -> bool:
    """Whether somebody has bound the port in a namespace."""
    with where.entered():
        table = Path("/proc/thread-self/net", "udp6" if v6 else "udp").read_text()
    return f":{PORT:04X} " in table


def _fetch(commands: list[list[str]], where: Namespace, folder: Path, timeout_s: float) -> None:
    """Run the client's programs one after the other."""
    log = folder / "client.log"
    deadline_s = time.monotonic() + timeout_s + _START_S
    for words in commands:
        with log.open("ab") as sink:
            client = where.popen(words, stdout=sink, stderr=sink, cwd=folder)
        try:
            code = client.wait(max(0.1, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            client.kill()
            client.wait()
            server = _tail(folder / "server.log")
            raise CaseFailedError(
                f"not done after {timeout_s:g} s: {_tail(log)} / {server}"
            ) from None
        if code:
            server = _tail(folder / "server.log")
            raise CaseFailedError(f"the client ended with {code}: {_tail(log)} / {server}")


def _tail(path: Path) -> str:
    text = path.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
    return " | ".join(line.strip() for line in text.splitlines() if line.strip())


def main(words: list[str]) -> None:
    """Run the pairings of a file; the record is rewritten after each."""
    # ngtcp2's server keeps every file open that it was asked for.
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    pairings = [Pairing(**item) for item in json.loads(Path(words[0]).read_text())]
    record = Path(os.environ["TQUIC_RESULTS"], RECORD_FILE)
    results: list[Result] = []
    for number, pairing in enumerate(pairings, 1):
        result = run(pairing)
        results.append(result)
        report.save(record, results)
        print(
            f"{number}/{len(pairings)} {pairing.case} {pairing.client}-{pairing.server}: "
            f"{result.outcome} {result.seconds:g} s {result.reason}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
