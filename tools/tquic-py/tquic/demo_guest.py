# SPDX-License-Identifier: GPL-2.0
"""The demo inside the virtual machine: builds the links, runs both ends, cuts and restores one.

Standard output carries progress lines for the host; the record goes to $TQUIC_RESULTS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Protocol

from . import demo_plan, demo_trace
from .demo_plan import Plan, Workplace
from .demo_progress import Step
from .demo_trace import (
    Connection,
    Delivery,
    Gap,
    LinkPlan,
    Reading,
    Trace,
    Transfer,
    WireReading,
)
from .lab import Counters, Link, TwoLinks

# Netem's queue holds what is on its way (rate times one-way delay) and as much again, plus 64
# packets: about one bandwidth-delay product of the round trip waits at most.
LINKS = {
    "A": Link(rate_mbit=50, delay_ms=10),
    "B": Link(rate_mbit=30, delay_ms=30),
}
CUT = "A"
MEMORY = "/dev/shm"
COUNTERS = Path("/proc/thread-self/net/tquic/snmp")
_PRINT_EVERY_S = 0.5
_END_TIMEOUT_S = 20.0
_COPY_BYTES = 1 << 20


class GuestError(RuntimeError):
    """One of the ends failed."""


class Network(Protocol):
    """What is used of lab.TwoLinks."""

    def cut(self, index: int) -> None: ...
    def restore(self, index: int) -> None: ...
    def counters(self, index: int) -> Counters: ...


@dataclass(frozen=True)
class Beat:
    """What the client reports while it reads: file bytes so far, and UDP payload per link."""

    t_s: float
    total_bytes: int
    received: dict[str, int]

    @classmethod
    def parse(cls, line: str) -> Beat:
        """Read a line of the client; raise GuestError when it is none."""
        try:
            return cls(**json.loads(line))
        except (ValueError, TypeError) as err:
            raise GuestError(f"the client said {line!r}") from err


class Director:
    """Watches the transfer and breaks and mends the link at the moments of the plan."""

    def __init__(self, plan: Plan, network: Network) -> None:
        self._plan = plan
        self._network = network
        self._index = list(LINKS).index(CUT)
        self._shown: Beat | None = None
        self._start_s = 0.0
        self.cut_s: float | None = None
        self.restore_s: float | None = None
        self.wire: list[WireReading] = []

    def on_beat(self, beat: Beat) -> Step | None:
        """Do what is due; return a line for the host now and then."""
        if self.cut_s is None:
            if beat.total_bytes >= self._plan.cut_at * self._plan.size_bytes:
                self.cut_s = time.monotonic()
                self._network.cut(self._index)
        elif self.restore_s is None and beat.t_s >= self.cut_s + self._plan.cut_s:
            self._network.restore(self._index)
            self.restore_s = time.monotonic()
        self.read_devices()
        return self._step(beat)

    def read_devices(self) -> None:
        """Note what the client's devices have counted."""
        now_s = time.monotonic()
        for index, name in enumerate(LINKS):
            self.wire.append(WireReading(now_s, name, self._network.counters(index).rx_bytes))

    def _step(self, beat: Beat) -> Step | None:
        last = self._shown
        if last and beat.t_s - last.t_s < _PRINT_EVERY_S:
            return None
        self._shown = beat
        if last is None:
            self._start_s = beat.t_s
            return None
        time_s = beat.t_s - last.t_s
        rates = {
            name: (beat.received.get(name, 0) - last.received.get(name, 0)) * 8 / time_s / 1e6
            for name in LINKS
        }
        return Step(
            percent=beat.total_bytes * 100 // self._plan.size_bytes,
            size_mb=self._plan.size_bytes // 1_000_000,
            t_s=beat.t_s - self._start_s,
            rates=rates,
            note=self._note(),
        )

    def _note(self) -> str:
        if self.cut_s is None:
            return "both links"
        return f"{CUT} cut" if self.restore_s is None else f"{CUT} restored"


def stage(plan: Plan, place: Workplace) -> None:
    """Copy what is sent into memory: reading it from the host must not count as transfer."""
    place.served.mkdir()
    left = plan.size_bytes
    with Path(plan.file).open("rb") as source, (place.served / plan.name).open("wb") as target:
        while left and (block := source.read(min(_COPY_BYTES, left))):
            target.write(block)
            left -= len(block)
    if left:
        raise GuestError(f"{plan.file} is {left} bytes shorter than planned")


def make_trace(plan: Plan, client: dict[str, Any], server: dict[str, Any], log: Director) -> Trace:
    """Put the records of both ends together; times count from the request."""
    if log.cut_s is None or log.restore_s is None:
        raise GuestError("the transfer ended before the link was cut and restored")
    origin_s: float = client["origin_s"]

    def since(moment_s: float) -> float:
        return round(moment_s - origin_s, 6)

    readings = [Reading(**item) for item in client["readings"] + server["readings"]]
    deliveries = [Delivery(**item) for item in client["deliveries"]]
    return Trace(
        links=[LinkPlan(name, link.rate_mbit, 2 * link.delay_ms) for name, link in LINKS.items()],
        cut_link=CUT,
        transfer=Transfer(
            file_name=plan.name,
            file_bytes=plan.size_bytes,
            sent_sha256=plan.sha256,
            received_bytes=client["received_bytes"],
            received_sha256=client["sha256"],
            first_byte_s=deliveries[0].t_s,
            cut_s=since(log.cut_s),
            restore_s=since(log.restore_s),
            last_byte_s=deliveries[-1].t_s,
        ),
        connection=Connection(**client["connection"]),
        deliveries=deliveries,
        gaps=[Gap(**item) for item in client["gaps"]],
        readings=[replace(item, t_s=since(item.t_s)) for item in readings],
        wire=[replace(item, t_s=since(item.t_s)) for item in log.wire],
    )


def _lines(client: subprocess.Popen[str]) -> Iterator[str]:
    stream: IO[str] | None = client.stdout
    assert stream is not None
    yield from stream


def _finish(name: str, process: subprocess.Popen[str]) -> None:
    try:
        code = process.wait(_END_TIMEOUT_S)
    except subprocess.TimeoutExpired as err:
        process.kill()
        raise GuestError(f"the {name} does not end") from err
    if code:
        raise GuestError(f"the {name} failed with {code}")


def transfer(plan: Plan, place: Workplace, lab: TwoLinks, links: Mapping[str, str]) -> Director:
    """Run both ends and direct the links until the file has arrived. Raises GuestError."""
    place.links.write_text(json.dumps(dict(links)))
    base = [sys.executable, "-m", f"{__package__}.demo_peers"]
    log = Director(plan, lab)
    words = [*base, "server", str(place.folder), str(lab.server_address(port=demo_plan.PORT))]
    with lab.server.popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            if next(_lines(server), "") != demo_plan.READY:
                raise GuestError("the server did not start")
            words = [
                *base,
                "client",
                str(place.folder),
                str(lab.server_address(port=demo_plan.PORT)),
            ]
            with lab.client.popen(words, stdout=subprocess.PIPE, text=True) as client:
                for line in _lines(client):
                    step = log.on_beat(Beat.parse(line))
                    if step:
                        print(step, flush=True)
                log.read_devices()
                _finish("client", client)
            _finish("server", server)
        finally:
            server.kill()
    return log


def explain(lab: TwoLinks) -> None:
    """Write the module's counters in both namespaces to standard error: an end has failed."""
    for name, namespace in (("client", lab.client), ("server", lab.server)):
        with namespace.entered():
            lines = COUNTERS.read_text().splitlines()
        moved = [line for line in lines if line.split()[-1:] != ["0"]]
        print(f"{name}'s counters:", *moved, sep="\n  ", file=sys.stderr, flush=True)


def unload() -> None:
    """Take the module out; what it still holds would show now. Raises GuestError.

    Closed connections remain for three probe timeouts (RFC 9000 10.2) and hold the module.
    """
    deadline = time.monotonic() + _END_TIMEOUT_S
    while True:
        done = subprocess.run(["rmmod", "tquic"], capture_output=True, text=True, check=False)
        if not done.returncode:
            return
        if time.monotonic() > deadline:
            raise GuestError(f"the module cannot be unloaded: {done.stderr.strip()}")
        time.sleep(0.5)


def main() -> None:
    """Do what the plan says and leave the record."""
    plan = demo_plan.load(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        place = Workplace(Path(name))
        plan.save(place.plan)
        print("copying the file into memory", flush=True)
        stage(plan, place)
        print("building the links", flush=True)
        with TwoLinks(list(LINKS.values())) as lab:
            links = {lab.client_address(index).host: link for index, link in enumerate(LINKS)}
            try:
                log = transfer(plan, place, lab, links)
            except GuestError:
                explain(lab)
                raise
        client = json.loads(place.client.read_text())
        server = json.loads(place.server.read_text())
    trace = make_trace(plan, client, server, log)
    trace.save(Path(os.environ["TQUIC_RESULTS"]) / demo_trace.TRACE_FILE)
    print("unloading the module", flush=True)
    unload()


if __name__ == "__main__":
    main()
