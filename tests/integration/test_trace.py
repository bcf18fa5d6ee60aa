# SPDX-License-Identifier: GPL-2.0
"""Tracepoints and `tquic trace`: one traced transfer, and what every report makes of it."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import LabMaker
from running import DATA, Certificates, Echo, RunningServer, Sender, dial, exchange

from tquic.lab import Link, TwoLinks
from tquic.sock import TquicSocket
from tquic.trace_bcc import Tracer
from tquic.trace_events import (
    EVENTS,
    ConnState,
    Event,
    PacketDropped,
    PacketLost,
    PacketReceived,
    PacketSent,
    SchedCandidate,
    SentFlag,
    token,
)
from tquic.trace_live import (
    FrameRow,
    FramesReport,
    PathRow,
    PathsReport,
    SchedReport,
    SchedRow,
)
from tquic.trace_qlog import DRAFT, QlogWriter
from tquic.trace_report import Record, Report
from tquic.trace_story import (
    HandshakeReport,
    HandshakeRow,
    LifeReport,
    LifeRow,
    LossReport,
    LossSum,
    StallReport,
    StallRow,
)
from tquic.uapi import Info, PathInfo, State

pytestmark = [
    pytest.mark.usefixtures("module"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        os.environ.get("TQUIC_KERNEL") == "debug",
        reason="bcc compiles against the headers of an installed kernel",
    ),
]

LINK = Link(rate_mbit=20, delay_ms=10)
LOSSY = Link(rate_mbit=20, delay_ms=10, loss=3)
CUT_S = 1.5


@dataclass
class Traced:
    """What was traced, and what the client's socket says of the same connection."""

    events: list[Event]
    overruns: int
    info: Info
    paths: dict[int, PathInfo]
    conn: int = 0
    sent: Counter[int] = field(default_factory=Counter)

    def records(self, report: Report) -> list[Record]:
        """All that a report makes of the client's connection."""
        rows: list[Record] = []
        for event in self.events:
            rows += report.feed(event)
        rows += report.tick()
        rows += report.finish()
        return [row for row in rows if row.conn == self.conn]


def mend_after_a_while(lab: TwoLinks) -> None:
    """Restore both links."""
    time.sleep(CUT_S)
    for index in range(2):
        lab.restore(index)


@contextmanager
def reading(tracer: Tracer) -> Iterator[list[Event]]:
    """Read while the transfer runs, so that the ring buffer does not fill."""
    events: list[Event] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            events.extend(tracer.read(0.1))
        events.extend(tracer.read(0))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield events
    finally:
        stop.set()
        reader.join()


def wait_closed(events: list[Event], wait_s: float = 60) -> None:
    """Wait until both ends of the connection are gone."""
    deadline = time.monotonic() + wait_s
    while True:
        closed = [e for e in list(events) if isinstance(e, ConnState) and e.to == State.CLOSED]
        if len({event.conn for event in closed}) == 2:
            return
        assert time.monotonic() < deadline
        time.sleep(0.2)


def transfer(lab: TwoLinks, sock: TquicSocket) -> None:
    """Move data over a link that loses packets, then over links that are dead for a while."""
    lab.change(1, LOSSY)
    exchange(sock, [Sender(DATA)])
    lab.change(1, LINK)
    for index in range(2):
        lab.cut(index)
    mender = threading.Thread(target=mend_after_a_while, args=(lab,))
    mender.start()
    exchange(sock, [Sender(DATA)])
    mender.join()


@pytest.fixture(scope="module")
def traced(make_lab: LabMaker, certificates: Certificates) -> Traced:
    """Two paths, one of them lossy; both cut for a while; everything traced. Attached once."""
    lab = make_lab(LINK, LINK)
    begun_s = time.monotonic()
    with Tracer(EVENTS) as tracer:
        print(f"attached in {time.monotonic() - begun_s:.1f} s")
        with (
            reading(tracer) as events,
            RunningServer(lab, certificates.server(), lambda _stream: Echo()) as server,
        ):
            with dial(lab, server.address, certificates.client(), paths=2) as sock:
                transfer(lab, sock)
                info = sock.info()
                at_ns = time.monotonic_ns()
                paths = {path.path_id: path for path in sock.paths()}
            wait_closed(events)
        found = Traced(events, tracer.overruns, info, paths)
    print(f"{len(events)} events in all: {Counter(type(event).NAME for event in events)}")
    begin = next(e for e in events if isinstance(e, ConnState) and not e.server)
    found.conn = begin.conn
    found.sent.update(
        e.path
        for e in events
        if isinstance(e, PacketSent) and e.conn == found.conn and e.ns < at_ns
    )
    return found


def test_events_are_complete(traced: Traced) -> None:
    """Nothing is lost on the way, every tracepoint fires, and the socket counts the same."""
    assert traced.overruns == 0
    fired = {type(event) for event in traced.events}
    assert set(EVENTS) - fired <= {PacketDropped, *OPTIONAL}, fired
    assert token(traced.conn) == traced.info.token
    for path_id, path in traced.paths.items():
        # Acknowledgments may leave between the two questions.
        assert abs(traced.sent[path_id] - path.packets_sent) <= 20, (path_id, path)


#: Spurious losses cannot be made to happen without reordering.
OPTIONAL = {event for event in EVENTS if event.__name__ == "PacketSpurious"}


def test_handshake(traced: Traced) -> None:
    (row,) = traced.records(HandshakeReport())
    assert isinstance(row, HandshakeRow)
    assert (row.role, row.done) == ("client", True)
    assert list(row.steps)[-1] == "confirmed"
    assert {"keys_handshake", "keys_app", "params", "tls_done"} < set(row.steps)


def test_paths(traced: Traced) -> None:
    rows = {row.path: row for row in traced.records(PathsReport()) if isinstance(row, PathRow)}
    assert set(rows) == {0, 1}
    for row in rows.values():
        assert row.min_rtt_ns >= 20e6
        assert row.cwnd_bytes > 2000


def test_sched(traced: Traced) -> None:
    rows = [row for row in traced.records(SchedReport()) if isinstance(row, SchedRow)]
    data = {row.path for row in rows if row.reason in ("lowest rtt", "faster is full")}
    assert data == {0, 1}, rows
    assert {row.path for row in rows} == {0, 1, None}
    assert abs(sum(row.percent for row in rows) - 100) < 1
    assert any(isinstance(event, SchedCandidate) for event in traced.events)


def test_loss(traced: Traced) -> None:
    sums = {row.path: row for row in traced.records(LossReport()) if isinstance(row, LossSum)}
    for path_id, path in traced.paths.items():
        lost = [
            event
            for event in traced.events
            if isinstance(event, PacketLost) and (event.conn, event.path) == (traced.conn, path_id)
        ]
        # Acknowledgments on their own do not count against the window, nor in the socket.
        counted = [event for event in lost if event.flags & SentFlag.IN_FLIGHT]
        assert abs(len(counted) - path.packets_lost) <= 2, (path_id, path)
        assert len(lost) == (sums[path_id].lost if path_id in sums else 0)
    assert sums[1].lost > 0


def test_frames(traced: Traced) -> None:
    rows = [row for row in traced.records(FramesReport()) if isinstance(row, FrameRow)]
    for sent in (True, False):
        streams = [row for row in rows if row.frame == "stream" and row.sent == sent]
        assert {row.path for row in streams} == {0, 1}
        assert sum(row.bytes for row in streams) > 2 * len(DATA)
    assert not any(row.frame == "unknown" for row in rows)


def test_stall(traced: Traced) -> None:
    rows = [row for row in traced.records(StallReport(50_000_000)) if isinstance(row, StallRow)]
    assert any("went silent" in cause for row in rows for cause in row.causes), rows


def test_life(traced: Traced) -> None:
    (row,) = traced.records(LifeReport())
    assert isinstance(row, LifeRow)
    assert (row.role, row.established, row.paths) == ("client", True, 2)
    assert row.sent_bytes == traced.info.bytes_sent == 2 * len(DATA)
    assert row.received_bytes == 2 * len(DATA)
    assert row.life_ns is not None
    assert row.life_ns > CUT_S * 1e9


def test_qlog(traced: Traced, tmp_path: Path) -> None:
    complete: list[Path] = []
    with QlogWriter(tmp_path, DRAFT) as writer:
        for event in traced.events:
            complete += writer.feed(event)
    assert {path.stem.rpartition("-")[2] for path in complete} == {"client", "server"}
    for path in complete:
        records = [json.loads(line) for line in path.read_text().split("\x1e")[1:]]
        netns, number, _role = path.stem.split("-")
        conn = int(netns) << 32 | int(number)
        for name, kind in (
            ("quic:packet_sent", PacketSent),
            ("quic:packet_received", PacketReceived),
        ):
            found = [record for record in records[1:] if record["name"] == name]
            wanted = [e for e in traced.events if isinstance(e, kind) and e.conn == conn]
            assert len(found) == len(wanted)
            assert all(record["data"]["frames"] for record in found)
            assert {record["tuple"] for record in found} == {"0", "1"}
