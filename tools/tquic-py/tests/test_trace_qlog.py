# SPDX-License-Identifier: GPL-2.0
"""qlog files: what is written follows the rules of the drafts, in both dialects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from trace_make import CONN, make

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
    PacketReceived,
    PacketSent,
    PacketSpurious,
    PathChange,
)
from tquic.trace_qlog import DRAFT, QVIS, WANTS, Dialect, QlogWriter
from tquic.uapi import CloseFlag, PathState, State

Json = dict[str, Any]

NUMBER = {"type": "number", "minimum": 0}
UINT = {"type": "integer", "minimum": 0, "maximum": (1 << 64) - 1}
RAW = {"type": "object", "properties": {"length": UINT}, "required": ["length"]}


def closed(required: Json, **optional: Json) -> Json:
    """An object with these members and no other."""
    return {
        "type": "object",
        "properties": required | optional,
        "required": list(required),
        "additionalProperties": False,
    }


def frame(name: str, **required: Json) -> Json:
    return closed({"frame_type": {"const": name}, **required}, raw=RAW)


STREAM_TYPE = {"enum": ["unidirectional", "bidirectional"]}
#: quic-events 8.13: the members that each frame must have.
FRAME = {
    "oneOf": [
        *(frame(name) for name in ("padding", "ping", "ack", "path_challenge", "path_response")),
        *(frame(name) for name in ("handshake_done", "datagram")),
        frame("crypto", offset=UINT),
        frame("stream", stream_id=UINT, offset=UINT, fin={"type": "boolean"}),
        frame("max_data", maximum=UINT),
        frame("max_stream_data", stream_id=UINT, maximum=UINT),
        frame("max_streams", stream_type=STREAM_TYPE, maximum=UINT),
        frame("data_blocked", limit=UINT),
        frame("stream_data_blocked", stream_id=UINT, limit=UINT),
        frame("streams_blocked", stream_type=STREAM_TYPE, limit=UINT),
        frame("retire_connection_id", sequence_number=UINT),
        frame("connection_close", error_code=UINT),
        frame("unknown", frame_type_bytes=UINT),
    ]
}
HEADER = closed(
    {"packet_type": {"enum": ["initial", "0RTT", "handshake", "1RTT"]}, "packet_number": UINT}
)
PACKET = closed({"header": HEADER, "raw": RAW, "frames": {"type": "array", "items": FRAME}})
LOST = closed(
    {
        "header": HEADER,
        "trigger": {"enum": ["reordering_threshold", "time_threshold", "pto_expired"]},
    }
)
METRICS = closed(
    {},
    **dict.fromkeys(("smoothed_rtt", "min_rtt", "latest_rtt", "rtt_variance"), NUMBER),
    **dict.fromkeys(("congestion_window", "bytes_in_flight", "ssthresh", "pacing_rate"), UINT),
)
STATE = {"enum": ["attempted", "handshake_complete", "closing", "draining", "closed"]}
STATES = closed({"new": STATE}, old=STATE)
PATHS = closed(
    {"old": {"type": "string"}, "new": {"type": "string"}, "backup": {"type": "boolean"}}
)
SPURIOUS = closed({"header": HEADER})

DRAFT_EVENTS = {
    "quic:packet_sent": PACKET,
    "quic:packet_received": PACKET,
    "quic:packet_dropped": closed(
        {
            "raw": RAW,
            "trigger": {
                "enum": [
                    *("internal_error", "rejected", "unsupported", "invalid", "duplicate"),
                    *("connection_unknown", "decryption_failure", "key_unavailable", "general"),
                ]
            },
        }
    ),
    "quic:packet_lost": LOST,
    "quic:recovery_metrics_updated": METRICS,
    "quic:connection_state_updated": STATES,
    "quic:connection_closed": closed(
        {
            "initiator": {"enum": ["local", "remote"]},
            "error_code": UINT,
            "trigger": {"enum": ["idle_timeout", "application", "error", "unspecified"]},
        }
    ),
    "tquic:packet_spurious": SPURIOUS,
    "tquic:path_state_updated": PATHS,
}
QVIS_EVENTS = {
    "transport:packet_sent": PACKET,
    "transport:packet_received": PACKET,
    "transport:packet_dropped": closed(
        {
            "raw": RAW,
            "trigger": {
                "enum": [
                    *("key_unavailable", "unknown_connection_id", "header_parse_error"),
                    *("payload_decrypt_error", "protocol_violation", "dos_prevention"),
                    *("unsupported_version", "unexpected_packet", "duplicate"),
                ]
            },
        }
    ),
    "recovery:packet_lost": LOST,
    "recovery:metrics_updated": METRICS,
    "connectivity:connection_state_updated": STATES,
    "connectivity:connection_closed": closed(
        {
            "owner": {"enum": ["local", "remote"]},
            "trigger": {"enum": ["idle_timeout", "application", "error", "clean"]},
        },
        connection_code=UINT,
        application_code=UINT,
    ),
    "tquic:packet_spurious": SPURIOUS,
    "tquic:path_state_updated": PATHS,
}

ROLE = closed({"type": {"enum": ["client", "server", "network", "unknown"]}})
TEXT = {"type": "string", "minLength": 1}
DRAFT_HEADER = closed(
    {
        "file_schema": {"const": "urn:ietf:params:qlog:file:sequential"},
        "serialization_format": {"const": "application/qlog+json-seq"},
        "title": TEXT,
        "trace": closed(
            {
                "title": TEXT,
                "vantage_point": ROLE,
                "event_schemas": {
                    "type": "array",
                    "items": {"type": "string", "pattern": "^urn:"},
                    "contains": {"const": "urn:ietf:params:qlog:events:quic-13"},
                },
                "common_fields": closed(
                    {
                        "group_id": TEXT,
                        "time_format": {"const": "relative_to_epoch"},
                        "reference_time": closed(
                            {"clock_type": {"const": "monotonic"}, "epoch": {"const": "unknown"}}
                        ),
                    }
                ),
            }
        ),
    }
)
QVIS_HEADER = closed(
    {
        "qlog_version": {"const": "0.3"},
        "qlog_format": {"const": "JSON-SEQ"},
        "title": TEXT,
        "trace": closed(
            {
                "title": TEXT,
                "vantage_point": ROLE,
                "common_fields": closed({"group_id": TEXT, "time_format": {"const": "absolute"}}),
            }
        ),
    }
)


def every_frame(level: int, sent: int) -> list[Event]:
    types = [*range(0x1F), 0x30, 0x31, 0x3E, 0x3F, *range(0x3E75, 0x3E7D), 0x7777]
    return [
        make(Frame, 3, path=1, level=level, sent=sent, type=number, id=4, value=9, len=20)
        for number in types
    ]


STORY: list[Event] = [
    make(ConnState, 1, from_=State.IDLE, to=State.HANDSHAKE, server=1),
    make(Handshake, 1),
    make(PathChange, 2, from_=PathState.UNUSED, to=PathState.ACTIVE),
    *every_frame(Level.APP, 1),
    make(PacketSent, 4, path=1, pn=70, bytes=1200, level=Level.APP),
    *every_frame(Level.HANDSHAKE, 0),
    make(PacketReceived, 5, path=1, pn=71, bytes=1300, level=Level.HANDSHAKE),
    *(make(PacketDropped, 6, bytes=30, reason=drop) for drop in Drop),
    make(PacketLost, 7, path=1, pn=5, largest_acked=8, level=Level.APP),
    make(PacketLost, 7, path=1, pn=6, largest_acked=8, level=Level.APP),
    make(PacketSpurious, 8, path=1, pn=6, level=Level.APP),
    make(CcUpdate, 9, path=1, srtt_ns=1500000, ssthresh_bytes=U64_MAX, pacing_rate=1000),
    make(CcUpdate, 9, path=0, ssthresh_bytes=5000),
    make(ConnState, 10, from_=State.HANDSHAKE, to=State.ESTABLISHED, server=1),
    make(Close, 11, error=7, flags=int(CloseFlag.APP | CloseFlag.PEER)),
    make(Close, 11, error=1),
    make(Close, 11),
    make(Close, 11, flags=int(CloseFlag.IDLE)),
    make(ConnState, 12, from_=State.ESTABLISHED, to=State.DRAINING, server=1),
    make(ConnState, 13, from_=State.DRAINING, to=State.CLOSED, server=1),
]


def write(folder: Path, dialect: Dialect, story: list[Event]) -> list[Json]:
    """The records of the one file that a story gives."""
    complete: list[Path] = []
    with QlogWriter(folder, dialect) as writer:
        for event in story:
            complete += writer.feed(event)
    (path,) = folder.iterdir()
    assert complete in ([], [path])
    lines = path.read_text().split("\x1e")
    assert lines[0] == ""
    assert all(line.endswith("\n") for line in lines[1:])
    return [json.loads(line) for line in lines[1:]]


@pytest.mark.parametrize(
    ("dialect", "header", "events"),
    [(DRAFT, DRAFT_HEADER, DRAFT_EVENTS), (QVIS, QVIS_HEADER, QVIS_EVENTS)],
    ids=["draft", "qvis"],
)
def test_every_record_follows_its_schema(
    tmp_path: Path, dialect: Dialect, header: Json, events: dict[str, Json]
) -> None:
    first, *records = write(tmp_path, dialect, STORY)
    jsonschema.validate(first, header)
    for record in records:
        rules = closed({"time": NUMBER, "name": TEXT, "data": events[record["name"]]})
        rules["properties"][dialect.path] = {"type": "string", "pattern": "^[0-9]+$"}
        jsonschema.validate(record, rules)
    assert {record["name"] for record in records} == set(events)


def test_every_kind_is_in_the_story() -> None:
    assert {type(event) for event in STORY} == set(WANTS)


def test_packets_have_their_frames_path_and_time(tmp_path: Path) -> None:
    story: list[Event] = [
        make(Frame, 3, path=1, level=Level.APP, sent=1, type=0x0F, id=4, value=9, len=20),
        make(Frame, 3, path=1, level=Level.APP, sent=0, type=0x01, len=1),
        make(PacketSent, 4, path=1, pn=70, bytes=1200, level=Level.APP),
        make(PacketReceived, 5.5, path=1, pn=71, bytes=40, level=Level.APP),
        make(PacketSent, 6, path=1, pn=72, bytes=1200, level=Level.APP),
    ]
    first, sent, received, again = write(tmp_path, DRAFT, story)
    assert first["trace"]["vantage_point"] == {"type": "unknown"}
    assert sent == {
        "time": 4.0,
        "name": "quic:packet_sent",
        "tuple": "1",
        "data": {
            "header": {"packet_type": "1RTT", "packet_number": 70},
            "raw": {"length": 1200},
            "frames": [
                {
                    "frame_type": "stream",
                    "stream_id": 4,
                    "offset": 9,
                    "fin": True,
                    "raw": {"length": 20},
                }
            ],
        },
    }
    assert received["time"] == 5.5
    assert [frame["frame_type"] for frame in received["data"]["frames"]] == ["ping"]
    assert again["data"]["frames"] == []


def test_units(tmp_path: Path) -> None:
    story: list[Event] = [make(CcUpdate, srtt_ns=1500000, pacing_rate=1000, ssthresh_bytes=U64_MAX)]
    _, record = write(tmp_path, DRAFT, story)
    assert record["data"]["smoothed_rtt"] == 1.5
    assert record["data"]["pacing_rate"] == 8000
    assert "ssthresh" not in record["data"]


def test_a_file_per_connection_and_none_for_nobody(tmp_path: Path) -> None:
    opened = make(ConnState, from_=State.IDLE, to=State.HANDSHAKE)
    other = make(ConnState, from_=State.IDLE, to=State.HANDSHAKE, server=1, conn=CONN + 1)
    ended = make(ConnState, from_=State.ESTABLISHED, to=State.CLOSED)
    with QlogWriter(tmp_path / "new" / "folder", QVIS) as writer:
        assert not writer.feed(make(PacketDropped, conn=0, reason=Drop.NO_CONN))
        assert not writer.feed(opened)
        assert not writer.feed(other)
        assert [path.name for path in writer.feed(ended)] == ["4026532000-7-client.sqlog"]
        size = (tmp_path / "new/folder/4026532000-7-client.sqlog").stat().st_size
        assert not writer.feed(make(PacketDropped, reason=Drop.NO_KEYS))
        assert size == (tmp_path / "new/folder/4026532000-7-client.sqlog").stat().st_size > 0
    names = {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    assert names == {"4026532000-7-client.sqlog", "4026532000-8-server.sqlog"}
