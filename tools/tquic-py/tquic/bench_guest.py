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
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from . import bench_peers
from .bench_peers import Sample, Task
from .bench_profiles import PROFILES, Profile
from .lab import LabError, Link, TwoLinks
from .netlink import TquicNetlink
from .sched_trials import BASE, TRIALS, Load, Outcome, Trial, quantile

RECORD_FILE = "record.json"
PORT = 4433
LOAD_PORT = 4434
STREAM_PORT = 5001
CUT_AT_S = 4.0
_ASK_BEFORE_S = 0.2
RESTORE_AT_S = 7.0
CUT_RUN_S = 12.0
#: Who is ahead after slow start is so for many seconds: `tquic sim fair`.
SHARED_RUN_S = 100.0
#: A coupled congestion control: its paths together take what one flow of the kernel's TCP takes.
COUPLED = "lia"
#: What runs beside a TCP flow with its usual controller, and how often: in the simulator single
#: runs of TQUIC differ by a third.
RIVALS = (("tquic", 3), ("mptcp", 1))
#: Sizes, and how often each is fetched: in a small one a link's own losses are a matter of chance.
OBJECTS = ((64 << 10, 3), (1 << 20, 3), (32 << 20, 1))
#: How often TQUIC's link goes: a queue is now fuller and now emptier than a moment before.
BREAK_TIMES = 3
#: Datagrams beside as much stream data as the links take.
DATAGRAMS = Load(seconds=5, bulk=True, datagram_bytes=1000, datagram_every_s=0.01)
#: TCP's controller beside one of TQUIC's, when it is not its usual one.
_TCP_CONTROLLERS = {"newreno": "reno", "bbr": "bbr"}
_TCP_USUAL = "cubic"
_START_TIMEOUT_S = 30.0
_SECOND_ADDRESS = "10.66.0.11"


class BenchError(RuntimeError):
    """A transfer failed; the text says which."""


@dataclass(frozen=True)
class Job:
    """What the host asks for. Paths are the host's, which the guest sees too.

    ``profile``: 0 for the trials instead, what each scheduler is for beside `minrtt`.
    """

    profile: int
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
    """One transfer and what came of it.

    kind        bulk, cut, down, sender-down, object, datagrams; shared, rival: two transfers at
                once, ``transport`` that of the bonded one
    wire_bytes  what the links brought to the client meanwhile
    srtt_ms     the server's SRTT of the fastest path that stays, as the first link goes
    again_bytes, reinjected_bytes
                stream bytes that the server had sent again just before a bulk transfer's end, and
                those of them that were not lost but went again on a faster path
    """

    profile: int
    kind: str
    transport: str
    links: int
    sample: Sample
    first: int = 0
    scheduler: str = ""
    congestion: str = ""
    wire_bytes: int = 0
    srtt_ms: float = 0
    again_bytes: int = 0
    reinjected_bytes: int = 0


@dataclass(frozen=True)
class TrialRun:
    """A trial, by its place in the list, under one scheduler."""

    trial: int
    scheduler: str
    outcome: Outcome


Event = Callable[[], None]


class Bench:
    """The links of one profile with servers on them."""

    def __init__(self, job: Job, profile: Profile, lab: TwoLinks) -> None:
        self._job = job
        self._profile = profile
        self._lab = lab

    @contextmanager
    def servers(self) -> Iterator[None]:
        """Servers of all kinds, while the block runs."""
        job = self._job
        base = [sys.executable, "-m", bench_peers.__name__, "server"]
        here = self._lab.server_address(0)
        lines = (
            [*base, "tquic", f"{here.host}:{PORT}", job.certificate, job.key],
            [*base, "load", f"{here.host}:{LOAD_PORT}", job.certificate, job.key],
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
        """Set the module's and TCP's defaults at both ends."""
        tcp = _TCP_CONTROLLERS.get(congestion, _TCP_USUAL)
        for namespace in (self._lab.client, self._lab.server):
            namespace.sysctl("net.tquic.scheduler", scheduler)
            namespace.sysctl("net.tquic.congestion_control", congestion)
            namespace.sysctl("net.ipv4.tcp_congestion_control", tcp)

    @property
    def sources(self) -> list[str]:
        """The client's address of each path."""
        if self._profile.shared:
            return [self._lab.client_address(0).host, _SECOND_ADDRESS]
        return [self._lab.client_address(index).host for index in range(len(self._profile.links))]

    def keep_server(self) -> None:
        """Have the server's address stay when the interface that it is from goes down."""
        self._lab.server.ip(f"addr add {self._lab.server_address(0).host}/32 dev lo")

    def join_subflows(self) -> None:
        """Have MPTCP use every path: an endpoint for each address but the first."""
        count = len(self.sources)
        if self._profile.shared:
            second = f"addr add {_SECOND_ADDRESS}/24 dev c0"
            self._lab.client.ip(second, f"rule add from {_SECOND_ADDRESS} lookup 100")
        for namespace in (self._lab.client, self._lab.server):
            namespace.ip(f"mptcp limits set subflow {count} add_addr_accepted {count}")
        for index, host in enumerate(self.sources[1:], 1):
            device = 0 if self._profile.shared else index
            self._lab.client.ip(f"mptcp endpoint add {host} dev c{device} subflow")

    def task(
        self,
        transport: str,
        paths: list[int],
        seconds: float = 0,
        size: int = 0,
        load: Load | None = None,
    ) -> Task:
        """A task over the paths given, the first of which is connected over."""
        job = self._job
        port = PORT if transport == "tquic" else STREAM_PORT
        return Task(
            transport=transport,
            host=self._lab.server_address(0).host,
            port=LOAD_PORT if load else port,
            sources=[self.sources[index] for index in paths],
            seconds=seconds,
            size=size,
            load=load,
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

    def survivor_srtt_ms(self) -> float:
        """The server's SRTT of the fastest path but the first, 0 when it has no other."""
        with self._lab.server.entered(), TquicNetlink() as netlink:
            found = [path.srtt_ns for path in netlink.paths() if path.path_id]
        return min(found, default=0) / 1e6

    def sent_again(self) -> tuple[int, int]:
        """Stream bytes that the server's connection sent again, and reinjected of these."""
        with self._lab.server.entered(), TquicNetlink() as netlink:
            found = [conn for conn in netlink.connections() if conn.paths]
        return (
            max((conn.bytes_retransmitted for conn in found), default=0),
            max((conn.bytes_reinjected for conn in found), default=0),
        )

    def swing(self) -> list[tuple[float, Event]]:
        """The changes of rate of a swinging link, second by second."""
        profile = self._profile
        if not profile.swing_mbit:
            return []
        fast = profile.links[0]
        slow = replace(fast, rate_mbit=profile.swing_mbit)
        # As many packets wait at either rate.
        more = fast.waiting_packets - slow.waiting_packets
        slow = replace(slow, limit=slow.queue_packets + more)

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


class _Measure:
    """The transfers of a profile, each given as soon as it is done."""

    def __init__(self, job: Job, profile: Profile, bench: Bench, lab: TwoLinks) -> None:
        self._job = job
        self._profile = profile
        self._bench = bench
        self._lab = lab
        self._every = list(range(len(bench.sources)))
        self._congestion = profile.congestion or job.congestion

    def _carried(self) -> int:
        return sum(self._lab.counters(index).rx_bytes for index in range(len(self._lab.links)))

    def _run(self, kind: str, task: Task, paths: list[int], *events: tuple[float, Event]) -> Run:
        before = self._carried()
        sample = self._bench.run(task, *events)
        return Run(
            self._profile.number,
            kind,
            task.transport,
            len(paths),
            sample,
            paths[0],
            self._job.scheduler,
            self._congestion,
            wire_bytes=self._carried() - before,
        )

    def _bulk(self, transport: str, paths: list[int]) -> Run:
        seconds = self._job.seconds
        again: list[tuple[int, int]] = []
        ask = (seconds - _ASK_BEFORE_S, lambda: again.append(self._bench.sent_again()))
        task = self._bench.task(transport, paths, seconds)
        run = self._run("bulk", task, paths, *self._bench.swing(), ask)
        self._lab.change(0, self._profile.links[0])
        if transport != "tquic" or not again:
            return run
        return replace(run, again_bytes=again[0][0], reinjected_bytes=again[0][1])

    def _usual_mptcp(self) -> Iterator[Run]:
        """MPTCP with TCP's usual controller where the profile has another for both."""
        if self._congestion == self._job.congestion:
            return
        kept, self._congestion = self._congestion, self._job.congestion
        self._bench.use(self._job.scheduler, self._congestion)
        yield self._bulk("mptcp", self._every)
        self._congestion = kept
        self._bench.use(self._job.scheduler, kept)

    def _datagrams(self, best: int) -> Iterator[Run]:
        for paths in (self._every, [best]):
            yield self._run("datagrams", self._bench.task("tquic", paths, load=DATAGRAMS), paths)

    def _broken(self) -> Iterator[Run]:
        lab = self._lab
        for kind, transport, go, back in (
            ("cut", "tquic", lab.cut, lab.restore),
            ("cut", "mptcp", lab.cut, lab.restore),
            ("down", "tquic", lab.device_down, lab.device_up),
            ("sender-down", "tquic", lab.server_device_down, lab.server_device_up),
        ):
            once = self._job.quick or transport != "tquic"
            for _ in range(1 if once else BREAK_TIMES):
                yield self._break(kind, transport, partial(go, 0), partial(back, 0))

    def _break(self, kind: str, transport: str, go: Event, back: Event) -> Run:
        srtt_ms: list[float] = []

        def ask() -> None:
            srtt_ms.append(self._bench.survivor_srtt_ms())

        # What takes a link away needs 20 ms for it: SRTT is asked for at once after that.
        events = ((CUT_AT_S, go), (CUT_AT_S, ask), (RESTORE_AT_S, back))
        task = self._bench.task(transport, self._every, CUT_RUN_S)
        run = self._run(kind, task, self._every, *events)
        return replace(run, srtt_ms=round(max(srtt_ms, default=0), 1))

    def _objects(self, best: int) -> Iterator[Run]:
        ways = (("tquic", self._every), ("tquic", [best]), ("mptcp", self._every))
        for size, times in OBJECTS[:1] if self._job.quick else OBJECTS:
            for transport, paths in ways * (1 if self._job.quick else times):
                run = self._run("object", self._bench.task(transport, paths, size=size), paths)
                if run.sample.received_bytes != size:
                    raise BenchError(
                        f"{transport}: {run.sample.received_bytes} of {size} bytes came"
                    )
                yield run

    def _shared(self) -> Iterator[Run]:
        number = self._profile.number
        self._bench.use(self._job.scheduler, COUPLED)
        for transport, times in RIVALS:
            tasks = (
                self._bench.task(transport, self._every, SHARED_RUN_S),
                self._bench.task("tcp", [0], SHARED_RUN_S),
            )
            used = COUPLED if transport == "tquic" else _TCP_USUAL
            for _ in range(1 if self._job.quick else times):
                with ThreadPoolExecutor(len(tasks)) as pool:
                    ours, rival = pool.map(self._bench.run, tasks)
                yield Run(number, "shared", transport, len(self._every), ours, congestion=used)
                yield Run(number, "rival", transport, 1, rival, congestion=_TCP_USUAL)

    def runs(self) -> Iterator[Run]:
        """All of them."""
        profile = self._profile
        if profile.shared:
            yield from self._shared()
            return
        self._bench.use(self._job.scheduler, self._congestion)
        best = max(self._every, key=lambda index: profile.links[index].rate_mbit)
        yield self._bulk("tquic", self._every)
        yield self._bulk("mptcp", self._every)
        yield from self._usual_mptcp()
        if not profile.swing_mbit:
            yield from self._broken()
        yield from self._objects(best)
        if not self._job.quick:
            yield from self._datagrams(best)
            yield self._bulk("tquic", [best])
            yield self._bulk("tcp", [best])


class _Tester:
    """A trial's links with servers on them."""

    def __init__(self, job: Job, trial: Trial, bench: Bench, lab: TwoLinks) -> None:
        self._job = job
        self._trial = trial
        self._bench = bench
        self._lab = lab

    def _weigh(self) -> None:
        """Give the weights to the paths of the server's one connection, which is what sends."""
        with self._lab.server.entered(), TquicNetlink() as netlink:
            for path in netlink.paths():
                for index, weight in enumerate(self._trial.weights):
                    if path.peer and path.peer.host == self._lab.client_address(index).host:
                        netlink.set_path(path.token, path.path_id, weight=weight)

    def run(self, scheduler: str) -> Outcome:
        """What comes of the load under a scheduler."""
        load, lab = self._trial.load, self._lab
        if load.window_bytes:
            for name in ("max_data", "max_stream_data", "window_max_bytes"):
                lab.client.sysctl(f"net.tquic.{name}", load.window_bytes)
        self._bench.use(scheduler, self._job.congestion)
        every = list(range(len(lab.links)))
        before = [lab.counters(index).rx_bytes for index in every]
        sample = self._bench.run(self._bench.task("tquic", every, load=load), (0.0, self._weigh))
        carried = [lab.counters(index).rx_bytes - before[index] for index in every]
        return outcome(load, sample, carried)


def outcome(load: Load, sample: Sample, carried: list[int]) -> Outcome:
    """The figures of a trial's run; ``carried`` is what each link brought."""
    due_ms = load.deadline_s * 1000
    in_time = sum(not due_ms or delay <= due_ms for delay in sample.delays_ms)
    took_ms = sample.objects_ms
    return Outcome(
        goodput_mbit_s=sample.received_bytes * 8 / 1e6 / load.seconds,
        object_mean_ms=sum(took_ms) / max(len(took_ms), 1),
        object_p99_ms=quantile(took_ms, 99),
        delay_p99_ms=quantile(sample.delays_ms, 99),
        missed=1 - in_time / sample.asked if sample.asked else 0.0,
        first_share=carried[0] / max(sum(carried), 1),
    )


def _trials(job: Job) -> Iterator[TrialRun]:
    for number, trial in enumerate(TRIALS):
        print(f"{trial.scheduler}: {trial.title}", flush=True)
        with TwoLinks(list(trial.links)) as lab:
            bench = Bench(job, Profile(0, trial.title, trial.links), lab)
            tester = _Tester(job, trial, bench, lab)
            for scheduler in (trial.scheduler, BASE):
                # Servers of its own: the connection is the only one there.
                with bench.servers():
                    run = TrialRun(number, scheduler, tester.run(scheduler))
                print(f"{scheduler}: {run.outcome}", flush=True)
                yield run


def _say(run: Run) -> None:
    sample = run.sample
    rate = sample.received_bytes * 8 / 1e6 / sample.seconds if sample.seconds else 0.0
    links = "all paths" if run.links > 1 else f"path {run.first + 1}"
    print(
        f"profile {run.profile}: {run.kind} {run.transport} on {links}: "
        f"{sample.received_bytes / 1e6:.2f} MB in {sample.seconds:.2f} s, {rate:.1f} Mbit/s",
        flush=True,
    )


def _profile(job: Job) -> Iterator[Run]:
    profile = PROFILES[job.profile]
    print(f"profile {profile.number}: {profile.title}", flush=True)
    with TwoLinks(list(profile.links)) as lab:
        bench = Bench(job, profile, lab)
        bench.keep_server()
        bench.join_subflows()
        with bench.servers():
            for run in _Measure(job, profile, bench, lab).runs():
                _say(run)
                yield run


def main() -> None:
    """Do the job and leave the record, which grows run by run."""
    job = Job(**json.loads(Path(sys.argv[1]).read_text()))
    target = Path(os.environ["TQUIC_RESULTS"]) / RECORD_FILE
    record: dict[str, list[dict[str, Any]]] = {"runs": [], "trials": []}
    for done in _profile(job) if job.profile else _trials(job):
        record["runs" if job.profile else "trials"].append(asdict(done))
        target.write_text(json.dumps(record))


if __name__ == "__main__":
    main()
