# SPDX-License-Identifier: GPL-2.0
"""`tquic soak` inside the virtual machine: builds each round's links, makes the trouble, notes all.

Standard output carries a line for each round; $TQUIC_RESULTS gets the record, a line of JSON for
each round.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import soak_peers, soak_report
from .demo_guest import unload
from .lab import LabError, TwoLinks
from .netlink import Endpoint
from .record import Address
from .soak_ends import Child, Side
from .soak_links import TroubledLink
from .soak_peers import Log, Setting
from .soak_plan import Kind, Round, Trouble, rounds
from .uptime import idle_s

RECORD_FILE = "record.jsonl"
#: How long after its end a round's transfers may take, and connections to go.
_LATE_S = 45.0
_GONE_S = 60.0
_LIMITS = {"extra_paths": 8, "endpoints": 8}
_KMSG = Path("/dev/kmsg")


@dataclass(frozen=True)
class Job:
    """What the host asks for."""

    minutes: float
    seed: int
    server_name: str
    ca: str
    certificate: str
    key: str


class Director:
    """One round: starts both ends, makes the trouble, and writes down what becomes of it."""

    def __init__(self, job: Job, plan: Round, folder: Path, held: ExitStack) -> None:
        self._job = job
        self._plan = plan
        self._folder = folder
        self._client: Child | None = None
        self._server: Child | None = None
        self._lab = held.enter_context(TwoLinks(list(plan.links), prefix="sk"))
        self._begun_s = time.monotonic()
        self._log = Log(str(folder / "log"), self._begun_s, "guest")
        held.callback(self._log.close)
        held.callback(self._end_all)
        self._links = [TroubledLink(number, self._lab) for number in range(len(plan.links))]
        self._sides = {
            name: Side(name, namespace, self._log, held)
            for name, namespace in (("client", self._lab.client), ("server", self._lab.server))
        }
        self._endpoints: list[int] = []
        self._bad: dict[str, dict[str, int]] = {}
        self._setting = Setting(
            seed=plan.seed,
            log=str(folder / "log"),
            addresses=str(folder / "addresses"),
            server=self._lab.server_address(0).host,
            own_paths=plan.own_paths,
            begun_s=self._begun_s,
            end_s=plan.last_begin_s,
            server_name=job.server_name,
            ca=job.ca,
            certificate=job.certificate,
            key=job.key,
        )
        self._due: list[tuple[float, Callable[[], None]]] = []

    # --- both ends

    def _start_server(self) -> None:
        self._server = Child(self._lab.server, lambda: soak_peers.serve(self._setting))
        self._log.add("started", end="server")

    def _start_client(self) -> None:
        first = self._transfers_begun()
        self._client = Child(self._lab.client, lambda: soak_peers.use(self._setting, first))
        self._log.add("started", end="client")

    def _end_all(self) -> None:
        for child in (self._client, self._server):
            if child:
                child.end(signal.SIGKILL)

    def _transfers_begun(self) -> int:
        """One more than the number of the last transfer that a client began."""
        return 1 + max((line["n"] for line in self.lines() if line["what"] == "begin"), default=-1)

    def lines(self) -> list[dict[str, Any]]:
        """What was written down so far; the last line of one who was killed may be incomplete."""
        found = []
        for line in (self._folder / "log").read_text().splitlines():
            with suppress(ValueError):
                found.append(json.loads(line))
        return found

    def _publish(self) -> None:
        """Tell the client's program which addresses there are."""
        wanted = self._folder / "addresses"
        new = self._folder / "addresses.new"
        new.write_text(json.dumps([link.address for link in self._links]))
        new.replace(wanted)

    def _prepare(self) -> None:
        for side in self._sides.values():
            side.netlink.set_limits(**_LIMITS)
        for namespace in (self._lab.client, self._lab.server):
            namespace.sysctl("net.tquic.scheduler", self._plan.scheduler)
            namespace.sysctl("net.tquic.congestion_control", self._plan.congestion)
        if not self._plan.own_paths:
            self._endpoints = [self._add_endpoint(link.address) for link in self._links]
        self._publish()
        self._start_server()
        self._start_client()

    def _add_endpoint(self, host: str) -> int:
        return self._sides["client"].netlink.add_endpoint(Endpoint(addr=Address(host)))

    # --- trouble

    def _do(self, item: Trouble) -> None:
        begun_s, idle_before_s = self._log.now_s, idle_s()
        note = ""
        try:
            note = self._make(item) or ""
        except (LabError, OSError) as error:
            note = str(error)
        values = {key: value for key, value in asdict(item).items() if key != "at_s"}
        busy_s = round(self._log.now_s - begun_s - (idle_s() - idle_before_s), 3)
        self._log.add("trouble", since=begun_s, note=note, busy_s=busy_s, **values)
        self._count()

    def _count(self) -> None:
        """Note counters that should not count, as soon as they do."""
        for name, side in self._sides.items():
            now = side.counters()
            bad = {word: now[word] for word in soak_report.BAD_COUNTERS if word in now}
            if bad != self._bad.get(name, {}):
                self._bad[name] = bad
                self._log.add("counts", side=name, bad=bad)

    def _make(self, item: Trouble) -> str | None:
        match item.kind:
            case Kind.KILL_CLIENT:
                self._kill(self._client)
                self._later(item.value, self._start_client)
            case Kind.KILL_SERVER:
                self._kill(self._server)
                self._later(item.value, self._start_server)
            case Kind.LOSE_SERVER:
                self._lose_server(item)
            case Kind.SCHEDULER | Kind.CONGESTION:
                return self._hand_over(item)
            case _:
                return self._make_on_link(item, self._links[item.link])
        return None

    def _make_on_link(self, item: Trouble, link: TroubledLink) -> str | None:
        match item.kind:
            case Kind.CUT:
                link.cut(item.kind, item.on)
            case Kind.RATE:
                link.change(rate_mbit=item.value)
            case Kind.DELAY:
                link.change(delay_ms=item.value)
            case Kind.LOSS:
                link.change(loss=item.value if item.on else 0)
            case Kind.IFACE:
                link.iface(item.on)
            case Kind.PEER_IFACE:
                link.peer_iface(item.on)
            case Kind.ADDRESS:
                link.away(item.on)
            case Kind.NEW_ADDRESS:
                return self._readdress(item.link, link)
            case Kind.BACKUP:
                return self._spare(item, link)
        return None

    def _readdress(self, index: int, link: TroubledLink) -> str:
        host = link.readdress()
        if not self._plan.own_paths:
            new = self._add_endpoint(host)
            self._sides["client"].netlink.del_endpoint(self._endpoints[index])
            self._endpoints[index] = new
        self._publish()
        return host

    def _spare(self, item: Trouble, link: TroubledLink) -> str:
        side = self._sides["server" if item.server else "client"]
        every = side.netlink.paths()
        found = [path for path in every if side.client_end(path) == link.address]
        for path in found:
            side.netlink.set_path(path.token, path.path_id, backup=item.on)
        return f"{len(found)} paths"

    def _hand_over(self, item: Trouble) -> str:
        netlink = self._sides["server" if item.server else "client"].netlink
        found = netlink.connections()
        for conn in found:
            if item.kind is Kind.SCHEDULER:
                netlink.set_connection(conn.token, scheduler=item.name)
            else:
                netlink.set_connection(conn.token, congestion=item.name)
        return f"{len(found)} connections"

    def _kill(self, child: Child | None) -> None:
        if child:
            child.end(signal.SIGKILL)

    def _lose_server(self, item: Trouble) -> None:
        """Kill the server so that nobody hears of it: what it still says is lost on the way."""
        for link in self._links:
            link.cut(item.kind, True)
        self._kill(self._server)
        self._later(item.value, self._start_server)
        self._later(item.value + 3, lambda: self._found(item))

    def _found(self, item: Trouble) -> None:
        begun_s = self._log.now_s
        for link in self._links:
            link.cut(item.kind, False)
        self._log.add("trouble", since=begun_s, note="", kind=item.kind, link=-1, on=False)

    def _later(self, after_s: float, what: Callable[[], None]) -> None:
        self._due.append((self._log.now_s + after_s, what))

    # --- the course of things

    def _plan_all(self) -> None:
        for item in self._plan.troubles:
            self._due.append((item.at_s, lambda item=item: self._do(item)))  # type: ignore[misc]

    def _wait(self, until_s: float, *, for_client: bool = False) -> None:
        """Write down the news until then, or until the client has ended."""
        poller = select.poll()
        by_fd = {side.news.fileno(): side for side in self._sides.values()}
        for fd in by_fd:
            poller.register(fd, select.POLLIN)
        client = self._client if for_client else None
        if client and client.code is None:
            poller.register(client.pidfd, select.POLLIN)
        while (left_s := until_s - self._log.now_s) > 0:
            for fd, _ in poller.poll(left_s * 1000):
                if fd in by_fd:
                    by_fd[fd].note()
                elif client:
                    client.reap()
                    return

    def run(self) -> dict[str, Any]:
        """The round's record."""
        self._prepare()
        self._plan_all()
        while self._due:
            self._due.sort(key=lambda entry: entry[0], reverse=True)
            at_s, what = self._due.pop()
            self._wait(at_s)
            what()
        self._wait(self._plan.last_begin_s - 1)
        self._note_paths()
        self._count()
        self._wait(self._plan.seconds + _LATE_S, for_client=True)
        self._count()
        client, server = self._client, self._server
        assert client
        assert server
        late = client.code is None
        client.end(signal.SIGKILL)
        self._wait(self._log.now_s + 1)
        server.end(signal.SIGTERM)
        left = self._wait_gone()
        return {
            "late": late,
            "codes": [client.code, server.code],
            "left": left + [line for side in self._sides.values() for line in side.sockets()],
            "took_s": self._log.now_s,
            "counters": {name: side.counters() for name, side in self._sides.items()},
        }

    def _note_paths(self) -> None:
        """Which paths there are when the trouble has been over for a while."""
        for name, side in self._sides.items():
            for conn in side.netlink.connections():
                for path in side.netlink.paths(conn.token):
                    self._log.add(
                        "path",
                        side=name,
                        token=conn.token,
                        id=path.path_id,
                        client=side.client_end(path),
                        state=path.state_name,
                    )
        self._log.add("addresses", hosts=[link.address for link in self._links])

    def _wait_gone(self) -> list[str]:
        """Wait until no connection is left, and return those that stay all the same."""
        end_s = self._log.now_s + _GONE_S
        while True:
            left = [line for side in self._sides.values() for line in side.left()]
            if not left or self._log.now_s > end_s:
                return left
            self._wait(self._log.now_s + 1)


def unreclaimable_kb() -> int:
    """Kernel memory that is not given back on request: where leaks show."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("SUnreclaim:"):
            return int(line.split()[1])
    return 0


def run_round(job: Job, plan: Round) -> dict[str, Any]:
    """One round from the first link to the last; its record, even if it could not be gone through.

    ``failed`` tells why then.
    """
    _KMSG.write_text(f"tquic soak: round with seed {plan.seed}\n")
    uptime_s, idle_before_s = time.monotonic(), idle_s()
    record: dict[str, Any] = {"seed": plan.seed}
    with ExitStack() as held, tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        director = None
        try:
            director = Director(job, plan, Path(name), held)
            record |= director.run()
        except Exception:
            record |= {"failed": traceback.format_exc()}
        record["lines"] = director.lines() if director else []
        held.close()
    record["busy_s"] = round(time.monotonic() - uptime_s - (idle_s() - idle_before_s), 1)
    return {**record, "uptime_s": uptime_s, "memory_kb": unreclaimable_kb()}


def main() -> None:
    """Do the job; the record grows round by round."""
    job = Job(**json.loads(Path(sys.argv[1]).read_text()))
    results = Path(os.environ["TQUIC_RESULTS"])
    plans = rounds(job.minutes, job.seed)
    spent_s = 0.0
    for number, plan in enumerate(plans, 1):
        record = run_round(job, plan)
        with (results / RECORD_FILE).open("a") as out:
            out.write(json.dumps(record) + "\n")
        spent_s += plan.seconds
        judged = soak_report.judge(plan, record)
        print(
            f"round {number} of {len(plans)}, {spent_s / 60:.0f} min, {judged.line()}", flush=True
        )
    unload()


if __name__ == "__main__":
    main()
