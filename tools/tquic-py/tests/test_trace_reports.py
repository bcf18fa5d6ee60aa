# SPDX-License-Identifier: GPL-2.0
"""What the reports of `tquic trace` make of events."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from trace_make import CONN, NAME, make, run

from tquic.trace_events import (
    U64_MAX,
    CcUpdate,
    Close,
    ConnState,
    Drop,
    Event,
    Frame,
    Handshake,
    Level,
    PacketDropped,
    PacketLost,
    PacketSpurious,
    PathChange,
    SchedCandidate,
    SchedDecision,
    SentFlag,
    Step,
    Why,
)
from tquic.trace_live import FramesReport, PathsReport, SchedReport
from tquic.trace_report import Record
from tquic.trace_run import report_on
from tquic.trace_story import HandshakeReport, LifeReport, LossReport, StallReport
from tquic.uapi import CloseFlag, PathState, State


def cc(at_ms: float, path: int, sent: int, lost: int) -> CcUpdate:
    return make(
        CcUpdate,
        at_ms,
        path=path,
        srtt_ns=20_000_000,
        min_ns=19_000_000,
        cwnd_bytes=12000,
        ssthresh_bytes=U64_MAX,
        pacing_rate=1_000_000,
        sent_packets=sent,
        lost_packets=lost,
    )


def test_paths_counts_what_the_interval_added() -> None:
    report = PathsReport()
    for event in (cc(1, 0, 100, 5), cc(2, 0, 300, 7), cc(2, 1, 50, 0)):
        assert not list(report.feed(event))
    first = [row.json() for row in report.tick()]
    assert [(row["path"], row["sent"], row["lost"]) for row in first] == [(0, 200, 2), (1, 0, 0)]
    assert first[0]["ssthresh_bytes"] is None
    assert not report.tick()
    report.feed(make(PathChange, 3, path=0, to=PathState.SUSPECT))
    report.feed(cc(4, 0, 310, 17))
    (row,) = report.tick()
    assert row.json()["sent"] == 10
    line = row.line()
    assert line.startswith(f"{NAME} path 0 suspect: rtt 20.0 ms (min 19.0 ms), window 12000")
    assert "pacing 8.0 Mbit/s" in line
    assert "lost 10 (100.0 %)" in line


def candidate(
    path: int, srtt_ms: float, *, room: int = 1, paced: int = 0, backup: int = 0
) -> SchedCandidate:
    return make(
        SchedCandidate,
        path=path,
        srtt_ns=int(srtt_ms * 1e6),
        room=room,
        paced=paced,
        backup=backup,
    )


def data(path: int) -> SchedDecision:
    return make(SchedDecision, path=path, why=Why.DATA)


@pytest.mark.parametrize(
    ("candidates", "chosen", "reason"),
    [
        ([candidate(0, 10), candidate(1, 20)], data(0), "lowest rtt"),
        ([candidate(0, 10)], data(0), "only path"),
        ([candidate(0, 10, room=0), candidate(1, 20)], data(1), "faster is full"),
        ([candidate(0, 10, backup=1), candidate(1, 20)], data(1), "faster is backup"),
        ([candidate(0, 10, paced=1), candidate(1, 20)], data(1), "faster waits for its pacer"),
        ([candidate(0, 10), candidate(1, 20)], data(1), "scheduler's policy"),
        ([candidate(0, 10, paced=1), candidate(1, 20, room=0)], data(-1), "for the pacer"),
        ([candidate(0, 10, room=0), candidate(1, 20, room=0)], data(-1), "windows full"),
        ([candidate(0, 10, room=0), candidate(1, 9, backup=1)], data(-1), "backup held back"),
        ([], data(-1), "no usable path"),
        ([], make(SchedDecision, path=1, why=Why.ACK), "acknowledgment"),
        ([], make(SchedDecision, path=1, why=Why.PROBE), "probe timeout"),
        ([], make(SchedDecision, path=1, why=Why.PATH), "path validation"),
        ([], make(SchedDecision, path=1, why=Why.MTU), "size probe"),
    ],
)
def test_sched_says_why(
    candidates: list[SchedCandidate], chosen: SchedDecision, reason: str
) -> None:
    (row,) = run(SchedReport(), *candidates, chosen)
    shown = row.json()
    assert (shown["reason"], shown["count"], shown["percent"]) == (reason, 1, 100)
    assert shown["path"] == (None if chosen.path < 0 else chosen.path)


def test_sched_counts_and_forgets_candidates() -> None:
    rows = run(
        SchedReport(),
        *(candidate(0, 10, room=0), candidate(1, 20), data(1)),
        *(candidate(0, 10), candidate(1, 20), data(0)),
        *(candidate(0, 10), candidate(1, 20), data(0)),
        *(candidate(0, 10), candidate(1, 20), data(0)),
    )
    assert [(row.json()["path"], row.json()["count"]) for row in rows] == [(0, 3), (1, 1)]
    assert rows[0].line().endswith("75.0 % " + "#" * 30)


def test_frames_by_path_and_direction() -> None:
    rows = run(
        FramesReport(),
        make(Frame, 1, path=0, type=0x0A, len=100, sent=1),
        make(Frame, 2, path=0, type=0x0E, len=50, sent=1),
        make(Frame, 3, path=0, type=0x02, len=9, sent=0),
        make(Frame, 4, path=1, type=0x3E, len=12, sent=1),
    )
    shown = [row.json() for row in rows]
    assert [(r["path"], r["sent"], r["frame"], r["count"], r["bytes"]) for r in shown] == [
        (0, False, "ack", 1, 9),
        (0, True, "stream", 2, 150),
        (1, True, "path_ack", 1, 12),
    ]
    assert "path 1 sent     path_ack" in rows[2].line()


def test_loss_spurious_and_dropped() -> None:
    rows = run(
        LossReport(),
        make(PacketLost, 10, path=1, pn=5, largest_acked=8, bytes=1200, level=3, age_ns=4 * 10**6),
        make(PacketLost, 11, path=1, pn=6, largest_acked=8, bytes=1200, level=3),
        make(
            PacketLost, 12, path=0, pn=7, largest_acked=-1, level=3, flags=int(SentFlag.MTU_PROBE)
        ),
        make(PacketSpurious, 13.5, path=1, pn=6, bytes=1200, level=3),
        make(PacketSpurious, 14, path=1, pn=900, bytes=1200, level=3),
        make(PacketDropped, 15, path=1, bytes=40, reason=Drop.NO_KEYS),
    )
    lines = [row.line() for row in rows]
    assert lines[0] == (
        f"{NAME} path 1 app packet 5 of 1200 bytes lost 4.0 ms after it left: "
        "later packets were acknowledged"
    )
    assert lines[1].endswith("its time was up")
    assert "a probe of the size" in lines[2]
    assert "spurious 2.5 ms after it was declared lost" in lines[3]
    assert lines[4].endswith("bytes spurious: acknowledged late")
    assert lines[5] == f"{NAME} path 1 dropped a packet of 40 bytes: no keys"
    assert lines[6].endswith("path 0: 1 lost, 0 of them spurious (0.0 %), 0 dropped here")
    assert lines[7].endswith("path 1: 2 lost, 2 of them spurious (100.0 %), 1 dropped here")


def test_loss_tells_levels_apart() -> None:
    rows = run(
        LossReport(),
        make(PacketLost, 1, pn=0, level=Level.INITIAL),
        make(PacketSpurious, 5, pn=0, level=Level.HANDSHAKE),
    )
    assert rows[1].json()["age_ns"] is None


def step(at_ms: float, which: Step) -> Handshake:
    return make(Handshake, at_ms, step=which, server=1)


def test_handshake_breakdown() -> None:
    (row,) = run(
        HandshakeReport(),
        step(100, Step.START),
        step(101, Step.AGENT_ASKED),
        step(110, Step.KEYS_HANDSHAKE),
        step(111, Step.KEYS_HANDSHAKE),
        step(120, Step.TLS_DONE),
        step(150, Step.CONFIRMED),
        make(Close, 500),
    )
    assert row.json()["steps"] == {
        "agent_asked": 1_000_000,
        "keys_handshake": 11_000_000,
        "tls_done": 20_000_000,
        "confirmed": 50_000_000,
    }
    assert row.line() == (
        f"{NAME} server confirmed in 50.0 ms: agent_asked +1.0 ms, keys_handshake +10.0 ms, "
        "tls_done +9.0 ms, confirmed +30.0 ms"
    )


def test_handshake_that_fails_and_one_seen_halfway() -> None:
    (row,) = run(HandshakeReport(), step(100, Step.START), make(Close, 130, error=0x12A))
    assert (row.json()["done"], row.json()["steps"]) == (False, {"closed": 30_000_000})
    assert "failed after 30.0 ms" in row.line()
    assert not run(HandshakeReport(), step(100, Step.TLS_DONE), step(130, Step.CONFIRMED))


def stream(at_ms: float, *, sent: int = 1) -> Frame:
    return make(Frame, at_ms, type=0x0A, sent=sent)


@pytest.mark.parametrize(
    ("between", "cause"),
    [
        ([make(PathChange, 20, path=1, to=PathState.SUSPECT)], "path 1 went silent"),
        ([make(PacketLost, 20, path=2), make(PacketLost, 20, path=2)], "2 packets lost on path 2"),
        ([make(Frame, 20, type=0x14, sent=1)], "flow control: the reader is slow"),
        ([make(Frame, 20, type=0x15, sent=1)], "flow control: the reader is slow"),
        ([data(-1)], "no path had room in its window, or all waited for their pacers"),
        ([], "the program sent nothing"),
        ([data(0)], "the program sent nothing"),
        ([make(Frame, 20, type=0x02, sent=1)], "the program sent nothing"),
    ],
)
def test_stall_causes(between: Sequence[Event], cause: str) -> None:
    (row,) = run(StallReport(200_000_000), stream(10), *between, stream(300))
    assert row.json()["causes"] == [cause]
    assert row.line() == f"{NAME} sent no data for 290.0 ms: {cause}"


def test_stall_boundaries() -> None:
    report = StallReport(200_000_000)
    assert not run(report, stream(10), stream(210))
    assert not run(report, stream(300, sent=0))
    rows = run(report, stream(600, sent=0))
    assert rows[0].line() == f"{NAME} received no data for 300.0 ms: the peer sent nothing"
    assert not run(report, make(Close, 700), stream(2000))


def test_stall_knows_a_path_that_was_silent_before() -> None:
    report = StallReport(200_000_000)
    suspect = make(PathChange, 20, path=1, to=PathState.SUSPECT)
    assert not run(report, stream(10), suspect, stream(100))
    (row,) = run(report, stream(400))
    assert row.json()["causes"] == ["path 1 went silent"]
    run(report, make(PathChange, 401, path=1, to=PathState.ACTIVE), stream(402))
    (row,) = run(report, stream(900))
    assert row.json()["causes"] == ["the program sent nothing"]


def state(at_ms: float, came: State, to: State, **values: int) -> ConnState:
    return make(ConnState, at_ms, from_=came, to=to, **values)


def test_life_of_a_connection() -> None:
    (row,) = run(
        LifeReport(),
        state(100, State.IDLE, State.HANDSHAKE),
        make(PathChange, 101, path=0, to=PathState.ACTIVE),
        state(120, State.HANDSHAKE, State.ESTABLISHED),
        make(PathChange, 130, path=1, to=PathState.ACTIVE),
        make(PathChange, 131, path=1, to=PathState.ACTIVE),
        make(PathChange, 132, path=2, to=PathState.VALIDATING),
        make(PacketLost, 140),
        make(Close, 190, error=7, flags=int(CloseFlag.APP | CloseFlag.PEER)),
        state(191, State.ESTABLISHED, State.DRAINING),
        state(200, State.DRAINING, State.CLOSED, sent_bytes=1000, received_bytes=5),
    )
    assert row.json() == {
        "kind": "life",
        "ns": 200_000_000,
        "conn": NAME,
        "role": "client",
        "life_ns": 100_000_000,
        "established": True,
        "sent_bytes": 1000,
        "retransmitted_bytes": 0,
        "received_bytes": 5,
        "paths": 2,
        "lost": 1,
        "close": "the peer closed with application code 0x7",
    }
    assert f"{NAME} client 100.0 ms: sent 1000 bytes (0 again)" in row.line()


def test_life_seen_halfway() -> None:
    (row,) = run(LifeReport(), state(9, State.ESTABLISHED, State.CLOSED, server=1))
    shown = row.json()
    assert (shown["role"], shown["life_ns"], shown["established"]) == ("server", None, True)
    assert "longer than traced" in row.line()


class Canned:
    """Batches of events in place of the kernel's."""

    overruns = 3

    def __init__(self, *batches: list[Event]) -> None:
        self.batches = list(batches)

    def read(self, wait_s: float) -> Sequence[Event]:
        return self.batches.pop(0) if self.batches else []


def test_what_is_left_at_the_end_is_read_and_loss_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = Canned([cc(1, 0, 1, 0)], [cc(2, 0, 9, 0)])
    stops = iter([False, True])
    rows: list[Record] = []
    report_on(source, PathsReport(), rows.append, lambda: next(stops), every_s=3600)
    assert [row.json()["sent"] for row in rows] == [8]
    assert "3 events were lost" in capsys.readouterr().err


def test_intervals_tick() -> None:
    source = Canned([cc(1, 0, 1, 0)], [cc(2, 0, 9, 0)])
    stops = iter([False, False, True])
    rows: list[Record] = []
    report_on(source, PathsReport(), rows.append, lambda: next(stops), every_s=0)
    assert [row.json()["sent"] for row in rows] == [0, 8]


def test_records_are_json() -> None:
    for row in run(FramesReport(), stream(1)):
        assert json.loads(json.dumps(row.json()))["conn"] == NAME
        assert row.conn == CONN
