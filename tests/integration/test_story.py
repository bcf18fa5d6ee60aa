# SPDX-License-Identifier: GPL-2.0
"""What a new user does with two links and only the docs, and whether the tools tell the truth.

Leaves a record of all screens; `make tour` makes Documentation/networking/tquic-tour.rst of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import random
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import ynl
from conftest import LabMaker
from running import NAME, Certificates, load_diag, unload_diag, wait_for
from story import Running, Terminals

from tquic import iproute, paths
from tquic.lab import Counters, Link, Namespace, TwoLinks

pytestmark = [
    pytest.mark.usefixtures("module"),
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        os.environ.get("TQUIC_KERNEL") == "debug",
        reason="bcc compiles against the headers of an installed kernel",
    ),
]

FAST = Link(rate_mbit=2, delay_ms=10, limit=24)
SLOW = Link(rate_mbit=1, delay_ms=25, limit=16)
WIDE = Link(rate_mbit=100, delay_ms=5)
FILE_BYTES = 192 << 20
BACKUP_FRAME = 0x3E76  # PATH_STATUS_BACKUP, RFC 10069
#: ARP and neighbour discovery, which are no packets of a path.
OTHERS = 16
COUNTS = ("packets_sent", "packets_received", "bytes_sent", "bytes_received")


@dataclass
class Look:
    """What one tool says of each of the client's two paths, by name; ss tells no packets."""

    tool: str
    paths: list[dict[str, int]]


@dataclass
class Told:
    """The story as it was told."""

    nothing: list[str] = field(default_factory=list)
    before: list[Counters] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    after: list[Counters] = field(default_factory=list)
    conn: dict[str, Any] = field(default_factory=dict)
    proc: list[str] = field(default_factory=list)
    spared: str = ""
    scheduled: str = ""
    monitor: str = ""
    stalls: str = ""
    sched: str = ""
    paths: str = ""
    logs: list[Path] = field(default_factory=list)
    digests: tuple[str, str] = ("", "")


class Story:
    """The steps, in order."""

    def __init__(self, lab: TwoLinks, folder: Path, held: ExitStack) -> None:
        self.lab, self.folder, self.held, self.told = lab, folder, held, Told()
        programs = {"ss": [str(iproute.binary())], "ynl": ynl.command()}
        self.at = Terminals(folder, programs)

    def client(self, name: str, line: str) -> str:
        return self.at.run(name, "client", self.lab.client, line)

    def start(self, name: str, host: str, line: str) -> Running:
        space: Namespace | None = self.lab.client if host == "client" else self.lab.server
        if line.startswith("tquic trace "):
            space = None
        running = self.at.start(name, host, space, line)
        self.held.callback(running.kill)
        return running

    def load(self) -> None:
        """A module without a past, and nothing to be seen at first."""
        wait_for(lambda: not subprocess.run(["rmmod", "tquic"], check=False).returncode)
        module = paths.build() / "module" / platform.release() / "tquic.ko"
        subprocess.run(["insmod", str(module)], check=True)
        load_diag()
        for name, line in (
            ("no-conn", "tquic conn show"),
            ("no-path", "tquic path show"),
            ("no-ss", "ss -aHqn"),
            ("no-proc", "cat /proc/net/tquic/conns"),
            ("no-ynl", "ynl --dump conn-get"),
        ):
            self.told.nothing.append(self.client(name, line))

    def watch(self) -> None:
        """A monitor, before anything happens."""
        self.monitor = self.start("monitor", "server", "tquic monitor")
        self.monitor.wait_ready("monitoring")

    def trace(self) -> None:
        """Tracers, before anything changes."""
        self.stall = self.start("stall", "server", "tquic trace stall --over-ms 60")
        self.qlog = self.start("qlog", "client", "tquic trace qlog logs")
        self.stall.wait_ready("tracing")
        self.qlog.wait_ready("tracing")

    def transfer(self) -> None:
        """A server, a client, two paths."""
        serve = "tquic serve files --cert server.pem --key server.key --listen 10.66.0.2:4433"
        self.server = self.start("serve", "server", serve)
        self.server.wait_ready("serving")
        self.get = self.start(
            "get",
            "client",
            f"tquic get https://10.66.0.2:4433/image --ca ca.pem --server-name {NAME} "
            "--path 10.66.0.1 --path 10.66.1.1 -o got",
        )
        wait_for(lambda: self.get.goes_on() and self._states() == ["active", "active"])
        time.sleep(5)

    def _paths(self) -> list[dict[str, Any]]:
        words = self.at.argv("tquic path show --json")
        found: list[dict[str, Any]] = json.loads(
            self.lab.client.run(words, capture_output=True, check=True).stdout
        )
        return found

    def _states(self) -> list[str]:
        return [path["state"] for path in self._paths()]

    def _counters(self) -> list[Counters]:
        return [self.lab.counters(index) for index in range(2)]

    def _look(self, tool: str, found: list[dict[str, Any]]) -> None:
        told = [{name.replace("-", "_"): item for name, item in path.items()} for path in found]
        wanted = [{name: int(path[name]) for name in COUNTS if name in path} for path in told]
        self.told.looks.append(Look(tool, wanted))

    def look(self) -> None:
        """Every tool is asked for the same, while the data flows."""
        (self.told.conn,) = json.loads(self._client_json("tquic conn show --json"))
        self.client("conn", "tquic conn show")
        self.client("path", "tquic path show")
        self.told.before = self._counters()
        self._look("tquic", self._paths())
        text = self.client("ss", "ss -qnHi")
        lines = [line for line in text.splitlines() if " path:" in line]
        words = [dict(w.split(":", 1) for w in line.split() if ":" in w) for line in lines]
        self._look("ss", words)
        self._look("ynl", json.loads(self.client("ynl", "ynl --dump path-get")))
        self.told.after = self._counters()
        self.told.proc = self.client("proc", "cat /proc/net/tquic/conns").splitlines()
        self.client("top", "tquic top --once")
        for name in ("sched", "paths"):
            tracer = self.start(name, "server", f"tquic trace {name} --for 3")
            tracer.wait_ready("tracing")
            setattr(self.told, name, tracer.finish(120))

    def _client_json(self, line: str) -> str:
        return str(self.lab.client.run(self.at.argv(line), capture_output=True, text=True).stdout)

    def change(self) -> None:
        """A path becomes a backup; another scheduler takes over."""
        token = self.told.conn["token"]
        self.client("backup", f"tquic path set {token} 0 --backup")
        time.sleep(3)
        self.told.spared = self.client("spared", "tquic path show")
        self.client("scheduler", f"tquic conn set {token} --scheduler minrtt")
        self.told.scheduled = self.client("scheduled", "tquic conn show")

    def cut(self) -> None:
        """The link that carries all dies for a while."""
        suspect, back = (self.monitor.count(word) for word in ("path-suspect", "path-recovered"))
        self.lab.cut(1)
        self.monitor.wait_more("path-suspect", suspect)
        time.sleep(3)
        self.lab.restore(1)
        self.monitor.wait_more("path-recovered", back)
        time.sleep(1)
        self.told.stalls = self.stall.stop()
        self.qlog.stop()
        self.client("logs", "ls logs")
        self.told.logs = sorted((self.folder / "logs").iterdir())

    def end(self) -> None:
        """The rest comes quickly, and everybody leaves."""
        for index in range(2):
            self.lab.change(index, WIDE)
        self.get.finish(300)
        self.monitor.wait_more("conn-closed", 0)
        self.told.monitor = self.monitor.stop()
        self.server.stop()
        files = (self.folder / "files/image", self.folder / "got/image")
        one, other = (hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
        self.told.digests = (one, other)


@contextmanager
def prepared(folder: Path, certificates: Certificates) -> Iterator[ExitStack]:
    """The files a user would have, and a machine as it was afterwards."""
    for name in ("files", "got"):
        (folder / name).mkdir()
    (folder / "files/image").write_bytes(random.Random(7).randbytes(FILE_BYTES))
    shutil.copy(certificates.good.cert_file, folder / "server.pem")
    shutil.copy(certificates.good.key_file, folder / "server.key")
    shutil.copy(certificates.ca.file, folder / "ca.pem")
    try:
        with ExitStack() as held:
            yield held
    finally:
        unload_diag()


@pytest.fixture(scope="module")
def told(
    make_lab: LabMaker, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Told]:
    """The whole story, told once."""
    if not iproute.binary().exists():
        pytest.skip("no source of iproute2 in the cache: `tquic vm prepare` fetches it")
    lab = make_lab(FAST, SLOW)
    folder = tmp_path_factory.mktemp("story")
    with prepared(folder, certificates) as held:
        story = Story(lab, folder, held)
        for step in ("load", "watch", "transfer", "look", "trace", "change", "cut", "end"):
            begun_s = time.monotonic()
            getattr(story, step)()
            print(f"{step}: {time.monotonic() - begun_s:.1f} s")
        left_ms, rtt_ms = departure(story.told)
        story.at.save(
            release=platform.release(),
            fast=words(FAST),
            slow=words(SLOW),
            left=f"{left_ms:.0f} ms",
            rtt=f"{rtt_ms:.0f} ms",
        )
        yield story.told


def words(link: Link) -> str:
    return f"{link.rate_mbit:g} Mbit/s with a round trip of {2 * link.delay_ms:g} ms"


def test_nothing_at_first(told: Told) -> None:
    conns, table, sockets, proc, dump = told.nothing
    assert len(conns.splitlines()) <= 1
    assert len(table.splitlines()) <= 1
    assert sockets == ""
    assert len(proc.splitlines()) == 1
    assert json.loads(dump) == []


def test_tools_agree(told: Told) -> None:
    """Asked in turn while data flows, no tool is behind the one before."""
    assert [look.tool for look in told.looks] == ["tquic", "ss", "ynl"]
    for index in range(2):
        for name in COUNTS:
            counts = [p[name] for look in told.looks if name in (p := look.paths[index])]
            assert len(counts) == (2 if name.startswith("packets") else 3)
            assert counts == sorted(counts), (index, name)
            assert counts[0] > 0


def test_interfaces_agree(told: Told) -> None:
    """Packets of the paths are those of the interfaces, asked before and after."""
    for index in range(2):
        first, last = told.before[index], told.after[index]
        for look in told.looks:
            path = look.paths[index]
            if "packets_sent" not in path:
                continue
            assert first.tx_packets - OTHERS <= path["packets_sent"] <= last.tx_packets
            assert first.rx_packets - OTHERS <= path["packets_received"] <= last.rx_packets


def test_proc_agrees(told: Told) -> None:
    names, values = (line.split() for line in told.proc)
    row = dict(zip(names, values, strict=True))
    conn = told.conn
    assert (row["token"], row["role"], row["paths"]) == (str(conn["token"]), "client", "2")
    assert (row["local"], row["peer"]) == (conn["local"], conn["peer"])
    assert int(row["received"]) > conn["bytes_received"] > 0


def records(log: Path) -> list[dict[str, Any]]:
    """The events of a qlog file."""
    return [json.loads(text) for text in log.read_text().split("\x1e")[2:]]


def logs(told: Told) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Events of the client, who asked for the backup, and of the server."""
    one, other = (records(log) for log in told.logs)
    return (one, other) if any(map(asks_for_backup, one)) else (other, one)


def asks_for_backup(event: dict[str, Any]) -> bool:
    return event["name"] == "quic:packet_sent" and any(
        frame.get("frame_type_bytes") == BACKUP_FRAME for frame in event["data"]["frames"]
    )


def has_stream(event: dict[str, Any]) -> bool:
    return any(frame["frame_type"] == "stream" for frame in event["data"].get("frames", ()))


def departure(told: Told) -> tuple[float, float]:
    """When the last data came on the path after it was made a backup, and its round trip, in ms.

    By the kernel's own clock, from the client's frame that asks for it.
    """
    events, _ = logs(told)
    asked = next(event["time"] for event in events if asks_for_backup(event))
    on_path = [event for event in events if event.get("tuple") == "0"]
    rtts = [
        event["data"]["latest_rtt"]
        for event in on_path
        if event["name"] == "quic:recovery_metrics_updated" and asked - 3000 < event["time"] < asked
    ]
    last: float = asked
    for event in on_path:
        if event["name"] == "quic:packet_received" and has_stream(event) and event["time"] > asked:
            if event["time"] - last > 1000:  # the other path has died
                break
            last = event["time"]
    return last - asked, max(rtts)


def test_backup_within_a_round_trip(told: Told) -> None:
    assert "active,backup" in told.spared
    left_ms, rtt_ms = departure(told)
    # The queue is part of both, and not the same at both times.
    assert left_ms <= 1.25 * rtt_ms


def test_scheduler(told: Told) -> None:
    assert told.conn["scheduler"] == "ecf"
    assert " minrtt " in told.scheduled


def test_sched_histogram(told: Told) -> None:
    assert "path 0" in told.sched
    assert "path 1" in told.sched
    assert "faster is full" in told.sched
    assert " wait " in told.sched


def test_paths_are_traced(told: Told) -> None:
    """At the sending side, again and again, with what was sent in between."""
    found = re.findall(r"path (\d) active: rtt .* sent (\d+), lost", told.paths)
    for path in "01":
        counts = [int(count) for number, count in found if number == path]
        assert len(counts) > 2, told.paths
        assert sum(counts) > 100, told.paths


def test_monitor_tells_the_story(told: Told) -> None:
    told_lines = iter(told.monitor.splitlines())
    for start, about in (
        ("conn-established", ""),
        ("path-validated", " path 1 "),
        ("path-suspect", " path 1 "),
        ("path-recovered", " path 1 "),
        ("conn-closed", ""),
    ):
        # In this order; a slow machine may have more of the kind in between.
        assert any(line.startswith(start) and about in line for line in told_lines), told.monitor
    bonds = [line for line in told.monitor.splitlines() if line.startswith("bond-changed")]
    assert any("> degraded" in line for line in bonds), told.monitor


def test_stall_is_explained(told: Told) -> None:
    assert "path 1 went silent" in told.stalls, told.stalls


def test_qlog_tells_the_story(told: Told) -> None:
    states = [
        event["data"]["new"]
        for event in logs(told)[1]
        if event["name"] == "tquic:path_state_updated" and event["tuple"] == "1"
    ]
    assert "suspect" in states
    assert "active" in states[states.index("suspect") :]


def test_file_is_whole(told: Told) -> None:
    one, other = told.digests
    assert one == other
