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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ..lab import Namespace
from . import identity, pcap, report
from .capture import Packet
from .cases import CASES, Case
from .neighbour import Neighbour
from .network import PORT, Network
from .opened import Wire, read_keylog
from .peers import PEERS, Role, missing, protocol
from .plan import Feature, Plan
from .report import Outcome, Result

__all__ = ["CAPTURES", "RECORD_FILE", "Pairing", "main", "run"]

RECORD_FILE = "record.json"
CAPTURES = "captures"
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

    @property
    def capture(self) -> str:
        """The name of the file with its packets."""
        return f"{self.case}-{self.client}-{self.server}.pcap"

    @property
    def keys(self) -> str:
        """The name of the file with its secrets."""
        return f"{self.case}-{self.client}-{self.server}.keys"


def run(pairing: Pairing, keep: Path | None = None) -> Result:
    """Run one case and judge it; ``keep`` is where its capture goes, with the secrets."""
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
        stage = _Stage(pairing, case, Path(folder), keep)
        try:
            stage.play()
        except CaseFailedError as error:
            base = replace(base, outcome=Outcome.FAILED, reason=str(error))
        else:
            base = replace(
                base,
                outcome=Outcome.PASSED,
                kbit_s=stage.kbit_s,
                beside_kbit_s=stage.beside_kbit_s,
            )
    seconds = round(time.monotonic() - started_s, 1)
    return replace(base, protocol=str(protocol(client, server)), seconds=seconds)


class _Stage:
    """One case being played."""

    def __init__(self, pairing: Pairing, case: Case, folder: Path, keep: Path | None) -> None:
        self._pairing = pairing
        self._case = case
        self._folder = folder
        self._keep = keep
        self._ends = PEERS[pairing.client], PEERS[pairing.server]
        self._keylog = folder / "keys.log"
        self.kbit_s = 0
        self.beside_kbit_s = 0

    def play(self) -> None:
        """Run the case and check what was seen. Raises CaseFailedError."""
        case = self._case
        names = _make_files(case, self._folder / "www")
        (self._folder / "downloads").mkdir()
        second = Feature.PREFERRED_ADDRESS in case.features
        network = Network(
            case.link, case.trouble(), v6=case.v6, second=second, routed=case.beside_tcp
        )
        with network as net:
            try:
                self._transfer(net, *self._plans(net, names, second))
            finally:
                self._save(net.packets)
        wire = Wire(net.packets, read_keylog(self._keys()))
        _compare(names, self._folder)
        problems = [line for check in case.all_checks for line in check(wire)]
        if problems:
            raise CaseFailedError("; ".join(problems))
        if case.measured:
            self.kbit_s = _kbit_s(case, wire)

    def _plans(self, net: Network, names: list[str], second: bool) -> tuple[Plan, Plan]:
        """What the server and the client are to do."""
        case = self._case
        made = identity.make(self._folder / "certificates", SERVER_NAME, case.chain)
        base = Plan(
            host=net.back.host,
            port=PORT,
            server_name=SERVER_NAME,
            protocol=protocol(*self._ends),
            folder=str(self._folder / "www"),
            ca=str(made.ca),
            certificate=str(made.certificate),
            key=str(made.key),
            keylog=str(self._keylog),
            features=case.features,
            timeout_s=case.timeout_s,
            preferred=net.other.host if second else "",
        )
        each = len(names) // case.connections
        requests = tuple(tuple(names[i : i + each]) for i in range(0, len(names), each))
        downloads = str(self._folder / "downloads")
        other = net.client_other if Feature.MOVE in case.features else ""
        return base, replace(
            base, host=net.front.host, folder=downloads, requests=requests, other=other
        )

    def _transfer(self, net: Network, serving: Plan, asking: Plan) -> None:
        client, server = self._ends
        folder, case = self._folder, self._case
        server_plan, client_plan = folder / "server.json", folder / "client.json"
        server_plan.write_text(serving.dump())
        client_plan.write_text(asking.dump())
        words = server.commands(Role.SERVER, serving, server_plan)[0]
        commands = client.commands(Role.CLIENT, asking, client_plan)
        neighbour = Neighbour()
        with ExitStack() as around:
            around.enter_context(_serving(words, net.server, folder, case.v6))
            if case.beside_tcp:
                around.enter_context(neighbour.running(net))
            _fetch(commands, net.client, folder, case.timeout_s)
        if case.beside_tcp:
            self.beside_kbit_s = neighbour.kbit_s

    def _keys(self) -> str:
        return self._keylog.read_text() if self._keylog.exists() else ""

    def _save(self, packets: Sequence[Packet]) -> None:
        if self._keep is not None:
            pcap.save(self._keep / self._pairing.capture, packets)
            (self._keep / self._pairing.keys).write_text(self._keys())


def _kbit_s(case: Case, wire: Wire) -> int:
    """Payload over the time from the first packet to the last one of the server's."""
    took_s = max(p.time_s for p in wire.packets if not p.to_server) - wire.packets[0].time_s
    return round(sum(case.files) * 8 / 1000 / took_s)


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
    top = Path(os.environ["TQUIC_RESULTS"])
    record, captures = top / RECORD_FILE, top / CAPTURES
    captures.mkdir()
    results: list[Result] = []
    for number, pairing in enumerate(pairings, 1):
        result = run(pairing, captures)
        results.append(result)
        report.save(record, results)
        print(
            f"{number}/{len(pairings)} {pairing.case} {pairing.client}-{pairing.server}: "
            f"{result.outcome} {result.seconds:g} s {result.reason}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
