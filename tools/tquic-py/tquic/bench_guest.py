# SPDX-License-Identifier: GPL-2.0
"""`tquic bench` inside the virtual machine: builds a profile's links and runs transfers over them.

Standard output carries progress lines; the record goes to $TQUIC_RESULTS. Both transports use the
same namespaces, one after the other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from . import bench_peers
from .bench_peers import Sample, Task
from .bench_profiles import PROFILES, Profile
from .lab import LabError, Link, TwoLinks

RECORD_FILE = "record.json"
PORT = 4433
STREAM_PORT = 5001
CUT_AT_S = 4.0
RESTORE_AT_S = 7.0
CUT_RUN_S = 12.0
OBJECTS = (64 << 10, 1 << 20, 32 << 20)
_START_TIMEOUT_S = 30.0


class BenchError(RuntimeError):
    """A transfer failed; the text says which."""


@dataclass(frozen=True)
class Job:
    """What the host asks for. Paths are the host's, which the guest sees too."""

    profiles: tuple[int, ...]
    seconds: int
    quick: bool
    scheduler: str
    congestion: str
    server_name: str
    ca: str
    certificate: str
    key: str


@dataclass(frozen=True)
class Run:
    """One transfer and what came of it. ``kind``: bulk, cut, down or object."""

    profile: int
    kind: str
    transport: str
    links: int
    sample: Sample
    first: int = 0


Event = Callable[[], None]


class Bench:
    """The links of one profile with servers on them."""

    def __init__(self, job: Job, profile: Profile, lab: TwoLinks) -> None:
        self._job = job
        self._profile = profile
        self._lab = lab

    @contextmanager
    def servers(self) -> Iterator[None]:
        """Servers of both kinds, while the block runs."""
        job = self._job
        base = [sys.executable, "-m", bench_peers.__name__, "server"]
        here = self._lab.server_address(0)
        lines = (
            [*base, "tquic", f"{here.host}:{PORT}", job.certificate, job.key],
            [*base, "stream", f"{here.host}:{STREAM_PORT}"],
        )
        running: list[subprocess.Popen[str]] = []
        try:
            for line in lines:
                server = self._lab.server.popen(line, stdout=subprocess.PIPE, text=True)
                running.append(server)
                if server.stdout is None or server.stdout.readline() != bench_peers.READY:
                    raise BenchError(f"a server did not start: {' '.join(line)}")
            yield
        finally:
            for server in running:
                server.terminate()
                server.wait(_START_TIMEOUT_S)

    def use(self, scheduler: str, congestion: str) -> None:
        """Set the module's defaults at both ends."""
        for namespace in (self._lab.client, self._lab.server):
            namespace.sysctl("net.tquic.scheduler", scheduler)
            namespace.sysctl("net.tquic.congestion_control", congestion)

    def join_subflows(self) -> None:
        """Have MPTCP use every link: an endpoint for each address but the first."""
        count = len(self._profile.links)
        for namespace in (self._lab.client, self._lab.server):
            namespace.ip(f"mptcp limits set subflow {count} add_addr_accepted {count}")
        for index in range(1, count):
            host = self._lab.client_address(index).host
            self._lab.client.ip(f"mptcp endpoint add {host} dev c{index} subflow")

    def task(self, transport: str, links: list[int], seconds: float = 0, size: int = 0) -> Task:
        """A task over the links given, the first of which is connected over."""
        job = self._job
        return Task(
            transport=transport,
            host=self._lab.server_address(0).host,
            port=PORT if transport == "tquic" else STREAM_PORT,
            sources=[self._lab.client_address(index).host for index in links],
            seconds=seconds,
            size=size,
            server_name=job.server_name,
            ca=job.ca,
        )

    def run(self, task: Task, *events: tuple[float, Event]) -> Sample:
        """Do a task; events happen at seconds after its request. Raises BenchError."""
        line = [sys.executable, "-m", bench_peers.__name__, "client", json.dumps(asdict(task))]
        with self._lab.client.popen(line, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdout is not None
            begun = client.stdout.readline()
            try:
                origin_s = float(begun)
            except ValueError:
                raise BenchError(f"{task.transport} did not connect") from None
            stop = threading.Event()
            clock = threading.Thread(target=_happen, args=(origin_s, events, stop))
            clock.start()
            text = client.stdout.readline()
            stop.set()
            clock.join()
        if client.returncode or not text:
            raise BenchError(f"{task.transport} failed with {client.returncode}")
        return Sample(**json.loads(text))

    def swing(self) -> list[tuple[float, Event]]:
        """The changes of rate of a swinging link, second by second."""
        profile = self._profile
        if not profile.swing_mbit:
            return []
        fast = profile.links[0]
        # What netem holds was measured out for the fast rate: keep its limit.
        slow = replace(fast, rate_mbit=profile.swing_mbit, limit=fast.queue_packets)

        def change(link: Link) -> Event:
            return lambda: self._lab.change(0, link)

        return [
            (float(second), change(slow if second % 2 else fast))
            for second in range(1, self._job.seconds)
        ]


def _happen(
    origin_s: float, events: tuple[tuple[float, Event], ...], stop: threading.Event
) -> None:
    for at_s, event in events:
        if stop.wait(max(0.0, origin_s + at_s - time.monotonic())):
            return
        try:
            event()
        except LabError as error:
            print(f"event failed: {error}", file=sys.stderr, flush=True)


def measure(job: Job, profile: Profile, bench: Bench, lab: TwoLinks) -> Iterator[Run]:
    """All transfers of a profile, each as soon as it is done."""
    every = list(range(len(profile.links)))
    best = max(every, key=lambda index: profile.links[index].rate_mbit)

    def done(kind: str, transport: str, links: list[int], sample: Sample) -> Run:
        return Run(profile.number, kind, transport, len(links), sample, links[0])

    def bulk(transport: str, links: list[int]) -> Run:
        sample = bench.run(bench.task(transport, links, job.seconds), *bench.swing())
        lab.change(0, profile.links[0])
        return done("bulk", transport, links, sample)

    yield bulk("tquic", every)
    yield bulk("mptcp", every)
    if not profile.swing_mbit:
        for transport in ("tquic", "mptcp"):
            task = bench.task(transport, every, CUT_RUN_S)
            cut = ((CUT_AT_S, lambda: lab.cut(0)), (RESTORE_AT_S, lambda: lab.restore(0)))
            yield done("cut", transport, every, bench.run(task, *cut))
        task = bench.task("tquic", every, CUT_RUN_S)
        down = ((CUT_AT_S, lambda: lab.device_down(0)), (RESTORE_AT_S, lambda: lab.device_up(0)))
        yield done("down", "tquic", every, bench.run(task, *down))
    for size in OBJECTS[:1] if job.quick else OBJECTS:
        for transport, links in (("tquic", every), ("tquic", [best]), ("mptcp", every)):
            sample = bench.run(bench.task(transport, links, size=size))
            if sample.received_bytes != size:
                raise BenchError(f"{transport}: {sample.received_bytes} of {size} bytes came")
            yield done("object", transport, links, sample)
    if not job.quick:
        yield bulk("tquic", [best])
        yield bulk("tcp", [best])


def _say(run: Run) -> None:
    sample = run.sample
    rate = sample.received_bytes * 8 / 1e6 / sample.seconds if sample.seconds else 0.0
    links = "all links" if run.links > 1 else f"link {run.first + 1}"
    print(
        f"profile {run.profile}: {run.kind} {run.transport} on {links}: "
        f"{sample.received_bytes / 1e6:.2f} MB in {sample.seconds:.2f} s, {rate:.1f} Mbit/s",
        flush=True,
    )


def main() -> None:
    """Do the job and leave the record, which grows run by run."""
    words = json.loads(Path(sys.argv[1]).read_text())
    job = Job(**{**words, "profiles": tuple(words["profiles"])})
    target = Path(os.environ["TQUIC_RESULTS"]) / RECORD_FILE
    runs: list[Run] = []
    for number in job.profiles:
        profile = PROFILES[number]
        print(f"profile {number}: {profile.title}", flush=True)
        with TwoLinks(list(profile.links)) as lab:
            bench = Bench(job, profile, lab)
            bench.use(job.scheduler, job.congestion)
            bench.join_subflows()
            with bench.servers():
                for run in measure(job, profile, bench, lab):
                    _say(run)
                    runs.append(run)
                    target.write_text(json.dumps([asdict(item) for item in runs]))


if __name__ == "__main__":
    main()
