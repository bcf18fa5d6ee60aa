# SPDX-License-Identifier: GPL-2.0
"""The tracepoints of the module as typed events: include/trace/events/tquic.h in Python.

Field names, their order and the numbers of the enums are those of the kernel's headers, and a
test compares them. Times are in ns of the kernel's monotonic clock.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from typing import ClassVar, Final

__all__ = ["EVENTS", "WORDS_MAX", "Event", "conn_name", "decode", "frame_name", "token"]

U64_MAX: Final = (1 << 64) - 1
#: TQUIC_LOSS_PKT_THRESHOLD (RFC 9002 6.1.1).
PACKET_THRESHOLD: Final = 3


class Step(IntEnum):
    """TQUIC_STEP_*: milestones of a handshake."""

    START = 0
    AGENT_ASKED = 1
    AGENT_TOOK = 2
    KEYS_HANDSHAKE = 3
    KEYS_APP = 4
    PARAMS = 5
    TLS_DONE = 6
    CONFIRMED = 7


class Drop(IntEnum):
    """TQUIC_DROP_*: why a packet was dropped."""

    HEADER = 0
    NO_CONN = 1
    NO_KEYS = 2
    DECRYPT = 3
    RESERVED = 4
    DUPLICATE = 5
    BACKLOG = 6
    MEMORY = 7
    SEAL = 8
    ADDRESS = 9


class Why(IntEnum):
    """TQUIC_WHY_*: why a 1-RTT packet is sent."""

    PATH = 1
    ACK = 2
    PROBE = 4
    DATA = 8
    MTU = 16
    REINJECT = 32


class Level(IntEnum):
    """TQUIC_LEVEL_*: whose keys protect a packet."""

    INITIAL = 0
    EARLY = 1
    HANDSHAKE = 2
    APP = 3


class SentFlag(IntFlag):
    """TQUIC_SENT_F_*: what is remembered of a packet that was sent."""

    ELICITING = 1
    IN_FLIGHT = 2
    ECT0 = 4
    MTU_PROBE = 8
    KEPT = 16


@dataclass(frozen=True, kw_only=True)
class Event:
    """What all have: ``ns`` is when it was, ``conn`` whose (0: nobody's)."""

    NAME: ClassVar[str]
    SIGNED: ClassVar[frozenset[str]] = frozenset()

    ns: int
    conn: int


@dataclass(frozen=True, kw_only=True)
class ConnState(Event):
    """A connection entered a state; bytes are those of streams, so far."""

    NAME = "tquic_conn_state"

    sent_bytes: int
    retransmitted_bytes: int
    received_bytes: int
    delivered_bytes: int
    server: int
    from_: int
    to: int


@dataclass(frozen=True, kw_only=True)
class Close(Event):
    """Why a connection ends."""

    NAME = "tquic_close"

    error: int
    frame_type: int
    flags: int


@dataclass(frozen=True, kw_only=True)
class Handshake(Event):
    """A milestone of a handshake."""

    NAME = "tquic_handshake"

    server: int
    step: int


@dataclass(frozen=True, kw_only=True)
class PacketSent(Event):
    """A packet was built; its frames were told before."""

    NAME = "tquic_packet_sent"

    pn: int
    in_flight_bytes: int
    path: int
    bytes: int
    level: int
    flags: int


@dataclass(frozen=True, kw_only=True)
class PacketReceived(Event):
    """A packet was opened and processed; its frames were told before."""

    NAME = "tquic_packet_received"

    pn: int
    path: int
    bytes: int
    level: int
    ecn: int


@dataclass(frozen=True, kw_only=True)
class PacketDropped(Event):
    """A packet was dropped."""

    NAME = "tquic_packet_dropped"

    path: int
    bytes: int
    reason: int


@dataclass(frozen=True, kw_only=True)
class PacketLost(Event):
    """A packet was declared lost."""

    NAME = "tquic_packet_lost"
    SIGNED = frozenset({"largest_acked"})

    pn: int
    age_ns: int
    largest_acked: int
    path: int
    bytes: int
    level: int
    flags: int


@dataclass(frozen=True, kw_only=True)
class PacketSpurious(Event):
    """A packet declared lost was acknowledged after all."""

    NAME = "tquic_packet_spurious"

    pn: int
    path: int
    bytes: int
    level: int
    flags: int


@dataclass(frozen=True, kw_only=True)
class Frame(Event):
    """A frame of a packet that is sent, or that was received.

    ``id`` is the stream or path it is about, ``value`` an offset, limit, number or code.
    """

    NAME = "tquic_frame"

    type: int
    id: int
    value: int
    path: int
    len: int
    level: int
    sent: int


@dataclass(frozen=True, kw_only=True)
class PathChange(Event):
    """A path entered a state."""

    NAME = "tquic_path_state"

    path: int
    from_: int
    to: int
    backup: int
    validated: int


@dataclass(frozen=True, kw_only=True)
class SchedCandidate(Event):
    """A path the scheduler can choose; followed by the decision."""

    NAME = "tquic_sched_candidate"

    srtt_ns: int
    cwnd_bytes: int
    in_flight_bytes: int
    path: int
    backup: int
    room: int
    paced: int


@dataclass(frozen=True, kw_only=True)
class SchedDecision(Event):
    """The path of the next packet, -1 for none."""

    NAME = "tquic_sched_decision"
    SIGNED = frozenset({"path"})

    path: int
    why: int


@dataclass(frozen=True, kw_only=True)
class CcUpdate(Event):
    """RTT and congestion window of a path after an ACK or a loss."""

    NAME = "tquic_cc_update"

    cwnd_bytes: int
    ssthresh_bytes: int
    in_flight_bytes: int
    latest_ns: int
    srtt_ns: int
    rttvar_ns: int
    min_ns: int
    pacing_rate: int
    sent_packets: int
    lost_packets: int
    path: int
    ptos: int


#: The number of an event in the ring buffer is its place here.
EVENTS: Final[tuple[type[Event], ...]] = (
    ConnState,
    Close,
    Handshake,
    PacketSent,
    PacketReceived,
    PacketDropped,
    PacketLost,
    PacketSpurious,
    Frame,
    PathChange,
    SchedCandidate,
    SchedDecision,
    CcUpdate,
)


def field_names(kind: type[Event]) -> list[str]:
    """The fields of a tracepoint as dataclass names, in the kernel's order."""
    return [field.name for field in fields(kind) if field.name != "ns"]


#: Fields of the largest event.
WORDS_MAX: Final = max(len(field_names(kind)) for kind in EVENTS)


def decode(data: bytes) -> Event:
    """The event in a record of the ring buffer: time, number, then its fields, all 64 bits wide.

    Raises ValueError for a number that no event has and for a short record.
    """
    if len(data) < 16:
        raise ValueError(f"a record of {len(data)} bytes")
    ns, number = struct.unpack_from("<QQ", data)
    if number >= len(EVENTS):
        raise ValueError(f"no event has number {number}")
    kind = EVENTS[number]
    names = field_names(kind)
    if len(data) < 16 + 8 * len(names):
        raise ValueError(f"a record of {len(data)} bytes for {kind.NAME}")
    codes = "".join("q" if name in kind.SIGNED else "Q" for name in names)
    values = struct.unpack_from(f"<{codes}", data, 16)
    event: Event = kind(ns=ns, **dict(zip(names, values, strict=True)))
    return event


def token(conn: int) -> int:
    """The token of a connection, as `tquic conn show` prints it."""
    return conn & 0xFFFF_FFFF


def conn_name(conn: int) -> str:
    """A connection in words: network namespace and token, for tokens repeat in another one."""
    return f"{conn >> 32}:{token(conn)}"


_FRAMES: Final = {
    0x00: "padding",
    0x01: "ping",
    0x02: "ack",
    0x03: "ack",
    0x04: "reset_stream",
    0x05: "stop_sending",
    0x06: "crypto",
    0x07: "new_token",
    0x10: "max_data",
    0x11: "max_stream_data",
    0x12: "max_streams",
    0x13: "max_streams",
    0x14: "data_blocked",
    0x15: "stream_data_blocked",
    0x16: "streams_blocked",
    0x17: "streams_blocked",
    0x18: "new_connection_id",
    0x19: "retire_connection_id",
    0x1A: "path_challenge",
    0x1B: "path_response",
    0x1C: "connection_close",
    0x1D: "connection_close",
    0x1E: "handshake_done",
    0x1F: "immediate_ack",
    0x24: "reset_stream_at",
    0x30: "datagram",
    0x31: "datagram",
    0xAF: "ack_frequency",
}
_FRAMES_MULTIPATH: Final = {
    0x3E: "path_ack",
    0x3F: "path_ack",
    0x3E75: "path_abandon",
    0x3E76: "path_status_backup",
    0x3E77: "path_status_available",
    0x3E78: "path_new_connection_id",
    0x3E79: "path_retire_connection_id",
    0x3E7A: "max_path_id",
    0x3E7B: "paths_blocked",
    0x3E7C: "path_cids_blocked",
}
_STREAM: Final = range(0x08, 0x10)


def frame_name(frame_type: int) -> str:
    """The name of a frame type (RFC 9000 19, RFC 9221, RFC 10069 4, drafts); else "unknown"."""
    if frame_type in _STREAM:
        return "stream"
    return _FRAMES.get(frame_type) or _FRAMES_MULTIPATH.get(frame_type, "unknown")
