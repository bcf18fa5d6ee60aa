# SPDX-License-Identifier: GPL-2.0
"""qlog of every connection from the tracepoints: a JSON text sequence (RFC 7464) per connection.

Two dialects of the same content: that of draft-ietf-quic-qlog-main-schema-14 and
-quic-events-13, and qlog 0.3, which is what qvis reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TextIO

from .trace_events import (
    PACKET_THRESHOLD,
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
    conn_name,
    frame_name,
    token,
)
from .uapi import CloseFlag, PathState, State

__all__ = ["DRAFT", "QVIS", "WANTS", "Dialect", "QlogTrace", "QlogWriter"]

WANTS: Final[tuple[type[Event], ...]] = (
    CcUpdate,
    Close,
    ConnState,
    Frame,
    Handshake,
    PacketDropped,
    PacketLost,
    PacketReceived,
    PacketSent,
    PacketSpurious,
    PathChange,
)

Json = dict[str, Any]

#: Connections remembered after their end.
_COMPLETE_KEPT: Final = 65536

_TYPES: Final = {
    Level.INITIAL: "initial",
    Level.EARLY: "0RTT",
    Level.HANDSHAKE: "handshake",
    Level.APP: "1RTT",
}
_STATES: Final = {
    State.HANDSHAKE: "attempted",
    State.ESTABLISHED: "handshake_complete",
    State.CLOSING: "closing",
    State.DRAINING: "draining",
    State.CLOSED: "closed",
}


@dataclass(frozen=True)
class Dialect:
    """How a version of qlog names things.

    names   our name of an event -> its name in the file
    drops   why a packet was dropped -> its trigger
    path    member of an event that tells the path
    """

    names: Mapping[str, str]
    drops: Mapping[Drop, str]
    path: str
    modern: bool

    def header(self, title: str, role: str) -> Json:
        """The first record of a file."""
        common: Json = {"group_id": title}
        trace: Json = {"title": title, "vantage_point": {"type": role}, "common_fields": common}
        if not self.modern:
            common["time_format"] = "absolute"
            return {
                "qlog_version": "0.3",
                "qlog_format": "JSON-SEQ",
                "title": title,
                "trace": trace,
            }
        common["time_format"] = "relative_to_epoch"
        common["reference_time"] = {"clock_type": "monotonic", "epoch": "unknown"}
        trace["event_schemas"] = ["urn:ietf:params:qlog:events:quic-13", "urn:tquic:qlog:events"]
        return {
            "file_schema": "urn:ietf:params:qlog:file:sequential",
            "serialization_format": "application/qlog+json-seq",
            "title": title,
            "trace": trace,
        }


DRAFT: Final = Dialect(
    names={
        "packet_sent": "quic:packet_sent",
        "packet_received": "quic:packet_received",
        "packet_dropped": "quic:packet_dropped",
        "packet_lost": "quic:packet_lost",
        "metrics": "quic:recovery_metrics_updated",
        "state": "quic:connection_state_updated",
        "closed": "quic:connection_closed",
        "spurious": "tquic:packet_spurious",
        "path": "tquic:path_state_updated",
    },
    drops={
        Drop.HEADER: "invalid",
        Drop.NO_CONN: "connection_unknown",
        Drop.NO_KEYS: "key_unavailable",
        Drop.DECRYPT: "decryption_failure",
        Drop.RESERVED: "invalid",
        Drop.DUPLICATE: "duplicate",
        Drop.BACKLOG: "rejected",
        Drop.MEMORY: "internal_error",
        Drop.SEAL: "internal_error",
        Drop.ADDRESS: "rejected",
    },
    path="tuple",
    modern=True,
)

QVIS: Final = Dialect(
    names={
        "packet_sent": "transport:packet_sent",
        "packet_received": "transport:packet_received",
        "packet_dropped": "transport:packet_dropped",
        "packet_lost": "recovery:packet_lost",
        "metrics": "recovery:metrics_updated",
        "state": "connectivity:connection_state_updated",
        "closed": "connectivity:connection_closed",
        "spurious": "tquic:packet_spurious",
        "path": "tquic:path_state_updated",
    },
    drops={
        Drop.HEADER: "header_parse_error",
        Drop.NO_CONN: "unknown_connection_id",
        Drop.NO_KEYS: "key_unavailable",
        Drop.DECRYPT: "payload_decrypt_error",
        Drop.RESERVED: "protocol_violation",
        Drop.DUPLICATE: "duplicate",
        Drop.BACKLOG: "dos_prevention",
        Drop.MEMORY: "dos_prevention",
        Drop.SEAL: "key_unavailable",
        Drop.ADDRESS: "unexpected_packet",
    },
    path="path",
    modern=False,
)


def frame_json(frame: Frame) -> Json:
    """A frame as qlog has it; one whose required members are not traced is "unknown"."""
    name = frame_name(frame.type)
    raw: Json = {"raw": {"length": frame.len}}
    uni = "unidirectional" if frame.type & 1 else "bidirectional"
    members: dict[str, Json] = {
        "padding": {},
        "ping": {},
        "ack": {},
        "crypto": {"offset": frame.value},
        "stream": {"stream_id": frame.id, "offset": frame.value, "fin": bool(frame.type & 1)},
        "max_data": {"maximum": frame.value},
        "max_stream_data": {"stream_id": frame.id, "maximum": frame.value},
        "max_streams": {"stream_type": uni if frame.type == 0x13 else "bidirectional"}
        | {"maximum": frame.value},
        "data_blocked": {"limit": frame.value},
        "stream_data_blocked": {"stream_id": frame.id, "limit": frame.value},
        "streams_blocked": {"stream_type": uni, "limit": frame.value},
        "retire_connection_id": {"sequence_number": frame.value},
        "path_challenge": {},
        "path_response": {},
        "connection_close": {"error_code": frame.value},
        "handshake_done": {},
        "datagram": {},
    }
    if name in members:
        return {"frame_type": name, **members[name], **raw}
    return {"frame_type": "unknown", "frame_type_bytes": frame.type, **raw}


class QlogTrace:
    """The records of one connection."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._frames: dict[tuple[int, int, bool], list[Json]] = {}

    def feed(self, event: Event) -> Json | None:
        """The record of an event; None for one that belongs to a later one, or to nothing."""
        made = self._data(event)
        if made is None:
            return None
        name, data = made
        record: Json = {"time": event.ns / 1e6, "name": self._dialect.names[name], "data": data}
        path = getattr(event, "path", None)
        if path is not None:
            record[self._dialect.path] = str(path)
        return record

    def _data(self, event: Event) -> tuple[str, Json] | None:
        made: tuple[str, Json] | None = None
        match event:
            case Frame():
                key = (event.path, event.level, bool(event.sent))
                self._frames.setdefault(key, []).append(frame_json(event))
            case PacketSent() | PacketReceived():
                made = self._packet(event)
            case PacketDropped():
                trigger = self._dialect.drops[Drop(event.reason)]
                made = "packet_dropped", {"raw": {"length": event.bytes}, "trigger": trigger}
            case PacketLost():
                overtaken = event.largest_acked >= event.pn + PACKET_THRESHOLD
                trigger = "reordering_threshold" if overtaken else "time_threshold"
                made = "packet_lost", {"header": _header(event), "trigger": trigger}
            case PacketSpurious():
                made = "spurious", {"header": _header(event)}
            case CcUpdate():
                made = "metrics", _metrics(event)
            case ConnState() if event.to in _STATES:
                old = {"old": _STATES[State(event.from_)]} if event.from_ in _STATES else {}
                made = "state", {**old, "new": _STATES[State(event.to)]}
            case PathChange():
                made = "path", _path_states(event)
            case Close():
                made = "closed", self._close(event)
        return made

    def _packet(self, event: PacketSent | PacketReceived) -> tuple[str, Json]:
        sent = isinstance(event, PacketSent)
        frames = self._frames.pop((event.path, event.level, sent), [])
        data = {"header": _header(event), "raw": {"length": event.bytes}, "frames": frames}
        return "packet_sent" if sent else "packet_received", data

    def _close(self, event: Close) -> Json:
        by = "remote" if event.flags & CloseFlag.PEER else "local"
        app = event.flags & CloseFlag.APP
        trigger = "application" if app else "error" if event.error else "unspecified"
        if event.flags & CloseFlag.IDLE:
            trigger = "idle_timeout"
        if self._dialect.modern:
            return {"initiator": by, "error_code": event.error, "trigger": trigger}
        trigger = "clean" if trigger == "unspecified" else trigger
        code = "application_code" if app else "connection_code"
        return {"owner": by, code: event.error, "trigger": trigger}


def _header(event: PacketSent | PacketReceived | PacketLost | PacketSpurious) -> Json:
    return {"packet_type": _TYPES[Level(event.level)], "packet_number": event.pn}


def _path_states(event: PathChange) -> Json:
    return {
        "old": PathState(event.from_).name.lower(),
        "new": PathState(event.to).name.lower(),
        "backup": bool(event.backup),
    }


def _metrics(event: CcUpdate) -> Json:
    data: Json = {
        "smoothed_rtt": event.srtt_ns / 1e6,
        "min_rtt": event.min_ns / 1e6,
        "latest_rtt": event.latest_ns / 1e6,
        "rtt_variance": event.rttvar_ns / 1e6,
        "congestion_window": event.cwnd_bytes,
        "bytes_in_flight": event.in_flight_bytes,
        "pacing_rate": event.pacing_rate * 8,
    }
    if event.ssthresh_bytes != U64_MAX:
        data["ssthresh"] = event.ssthresh_bytes
    return data


@dataclass
class _File:
    trace: QlogTrace
    out: TextIO


class QlogWriter:
    """A folder with a file per connection: <namespace>-<token>-<role>.sqlog."""

    def __init__(self, folder: Path, dialect: Dialect) -> None:
        """Make the folder if need be; files of the same name are replaced."""
        self._folder = folder
        self._dialect = dialect
        self._open: dict[int, _File] = {}
        self._complete: dict[int, None] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self._open.values():
            file.out.close()
        self._open.clear()

    def feed(self, event: Event) -> Iterable[Path]:
        """Write an event; the file that is complete with it, if any."""
        # Packets still come when their connection is gone.
        if not event.conn or event.conn in self._complete:
            return ()
        file = self._open.get(event.conn) or self._begin(event)
        record = file.trace.feed(event)
        if record is not None:
            _write(file.out, record)
        if not (isinstance(event, ConnState) and event.to == State.CLOSED):
            return ()
        file.out.close()
        del self._open[event.conn]
        self._complete[event.conn] = None
        if len(self._complete) > _COMPLETE_KEPT:
            del self._complete[next(iter(self._complete))]
        return (Path(file.out.name),)

    def _begin(self, event: Event) -> _File:
        # The role is known of a connection whose beginning is seen.
        server = getattr(event, "server", None)
        role = "unknown" if server is None else "server" if server else "client"
        name = f"{event.conn >> 32}-{token(event.conn)}-{role}.sqlog"
        out = (self._folder / name).open("w")
        _write(out, self._dialect.header(conn_name(event.conn), role))
        file = self._open[event.conn] = _File(QlogTrace(self._dialect), out)
        return file


def _write(out: TextIO, record: Json) -> None:
    out.write(f"\x1e{json.dumps(record, separators=(',', ':'))}\n")
