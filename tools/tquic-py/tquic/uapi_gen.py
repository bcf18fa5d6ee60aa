# SPDX-License-Identifier: GPL-2.0
"""Do not edit: `make gen` makes this from Documentation/networking/specs/tquic-socket.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Annotated, ClassVar

from .record import (
    U8,
    U16,
    U32,
    U64,
    Pad,
    Record,
    Sockaddr,
    array,
    raw,
    text,
)

__all__ = [
    "BOND_STATES",
    "IPPROTO_TQUIC",
    "NO_MULTIPATH",
    "REASON_MAX",
    "SECRET_MAX",
    "SOL_TQUIC",
    "URGENCY_MAX",
    "BondState",
    "CloseFlag",
    "Cmsg",
    "ConfigMask",
    "DeadlineFlag",
    "EarlyState",
    "Event",
    "EventType",
    "FdFlag",
    "HandshakeEnd",
    "HandshakeInfo",
    "HandshakeMode",
    "Info",
    "Migrated",
    "MsgFlag",
    "PathAddr",
    "PathFlag",
    "PathInfo",
    "PathMove",
    "PathRef",
    "PathState",
    "Preferred",
    "RecvMask",
    "SockOpt",
    "State",
    "StreamAbort",
    "StreamFd",
    "StreamInfo",
    "StreamPriority",
    "StreamResetAt",
]

IPPROTO_TQUIC = 253
SOL_TQUIC = 289
URGENCY_MAX = 7
SECRET_MAX = 48
NO_MULTIPATH = 0xFFFFFFFF
REASON_MAX = 64
BOND_STATES = 4


class SockOpt(IntEnum):
    """TQUIC_SOCKOPT_*: options at level SOL_TQUIC."""

    CONFIG = 1
    HANDSHAKE_MODE = 2
    LOCAL_PARAMS = 3
    PEER_PARAMS = 4
    SECRET = 5
    HANDSHAKE_END = 6
    RECV_MASK = 7
    ALPN = 8
    SERVER_NAME = 9
    STREAM_OPEN = 10
    STREAM_RESET = 11
    STREAM_STOP = 12
    CLOSE = 13
    PATH_ADD = 14
    PATH_DEL = 15
    PATH_STATUS = 16
    KEY_UPDATE = 17
    CONGESTION = 18
    SCHEDULER = 19
    INFO = 20
    PATH_INFO = 21
    RETRY = 30
    TOKEN = 31
    VERSION = 32
    EARLY_PARAMS = 33
    EARLY_DATA = 34
    PATH_MOVE = 35
    PREFERRED = 36
    STREAM_PRIORITY = 37
    STREAM_RESET_AT = 38
    STREAM_FD = 39


class HandshakeMode(IntEnum):
    """TQUIC_HANDSHAKE_*: who drives TLS."""

    AGENT = 0
    SELF = 1


class RecvMask(IntFlag):
    """TQUIC_RECV_*: what recvmsg() reports besides stream data."""

    CRYPTO = 0x1
    DATAGRAM = 0x2
    EVENT = 0x4
    ALL = 0x7


class Cmsg(IntEnum):
    """TQUIC_CMSG_*: control messages."""

    STREAM = 1
    HANDSHAKE = 2
    DATAGRAM = 3
    EVENT = 4
    DEADLINE = 5


class MsgFlag(IntFlag):
    """TQUIC_MSG_*: flags of a stream control message."""

    FIN = 0x1
    NEW = 0x2
    UNI = 0x4
    RESET = 0x8


class DeadlineFlag(IntFlag):
    """TQUIC_DEADLINE_*: flags of a deadline."""

    DROP = 0x1


class FdFlag(IntFlag):
    """TQUIC_FD_*: what the file of a stream is like."""

    CLOEXEC = 0x1
    NONBLOCK = 0x2


class ConfigMask(IntFlag):
    """TQUIC_CONFIG_*: which fields of a Config are meant."""

    IDLE_TIMEOUT = 0x0001
    MAX_DATA = 0x0002
    STREAM_DATA = 0x0004
    STREAMS_BIDI = 0x0008
    STREAMS_UNI = 0x0010
    DATAGRAM = 0x0020
    MAX_PATH_ID = 0x0040
    KEEPALIVE = 0x0080
    ACK_DELAY = 0x0100
    OWN_PATHS = 0x0200
    NO_MIGRATION = 0x0400
    ALL = 0x07FF


class CloseFlag(IntFlag):
    """TQUIC_CLOSE_*: whose code a close carries, and who closed."""

    APP = 0x1
    PEER = 0x2
    IDLE = 0x4
    RESET = 0x8


class PathFlag(IntFlag):
    """TQUIC_PATH_*: how a path is spared."""

    BACKUP = 0x1
    METERED = 0x2


class State(IntEnum):
    """TQUIC_STATE_*: states of a connection."""

    IDLE = 0
    LISTEN = 1
    HANDSHAKE = 2
    ESTABLISHED = 3
    CLOSING = 4
    DRAINING = 5
    CLOSED = 6


class EarlyState(IntEnum):
    """TQUIC_EARLY_*: what became of early data (0-RTT)."""

    NONE = 0
    OFFERED = 1
    ACCEPTED = 2
    REJECTED = 3


class PathState(IntEnum):
    """TQUIC_PATH_*: states of a path."""

    UNUSED = 0
    VALIDATING = 1
    ACTIVE = 2
    SUSPECT = 3
    ABANDONED = 4


class BondState(IntEnum):
    """TQUIC_BOND_*: what the paths of a connection are together."""

    SINGLE_PATH = 0
    PENDING = 1
    BONDED = 2
    DEGRADED = 3


class EventType(IntEnum):
    """TQUIC_EVENT_*: what an event tells."""

    STREAM_RESET = 1
    STREAM_STOP = 2
    ESTABLISHED = 3
    CLOSED = 4
    PATH_VALIDATED = 5
    PATH_SUSPECT = 6
    PATH_RECOVERED = 7
    PATH_ABANDONED = 8
    PATH_STATUS = 9
    LOST = 10
    BOND = 11
    PATH_MIGRATED = 12
    STREAM_LATE = 13


class Migrated(IntEnum):
    """TQUIC_MIGRATED_*: what became of a move."""

    PORT = 0
    ADDRESS = 1
    STAYED = 2


@dataclass(frozen=True)
class StreamInfo(Record):
    """struct tquic_stream_info: which stream, and what about it."""

    C_NAME: ClassVar[str] = "tquic_stream_info"
    stream_id: U64 = 0
    error_code: U64 = 0
    flags: Annotated[U32, Pad(4)] = 0


@dataclass(frozen=True)
class Deadline(Record):
    """struct tquic_deadline: when what is sent has to be at the peer, from now in ns."""

    C_NAME: ClassVar[str] = "tquic_deadline"
    after_ns: U64 = 0
    error_code: U64 = 0
    flags: Annotated[U32, Pad(4)] = 0


@dataclass(frozen=True)
class HandshakeInfo(Record):
    """struct tquic_handshake_info: the encryption level of CRYPTO bytes."""

    C_NAME: ClassVar[str] = "tquic_handshake_info"
    level: Annotated[U8, Pad(7)] = 0


@dataclass(frozen=True)
class StreamAbort(Record):
    """struct tquic_stream_abort: reset or stop a stream with an application code."""

    C_NAME: ClassVar[str] = "tquic_stream_abort"
    stream_id: U64 = 0
    error_code: U64 = 0


@dataclass(frozen=True)
class StreamPriority(Record):
    """struct tquic_stream_priority: when a stream may send (RFC 9218); urgency 0 goes first."""

    C_NAME: ClassVar[str] = "tquic_stream_priority"
    stream_id: U64 = 0
    urgency: U32 = 3
    incremental: U32 = 1


@dataclass(frozen=True)
class StreamResetAt(Record):
    """struct tquic_stream_reset_at: reset a stream behind its first bytes."""

    C_NAME: ClassVar[str] = "tquic_stream_reset_at"
    stream_id: U64 = 0
    error_code: U64 = 0
    reliable_bytes: U64 = 0


@dataclass(frozen=True)
class StreamFd(Record):
    """struct tquic_stream_fd: a file of its own for a stream."""

    C_NAME: ClassVar[str] = "tquic_stream_fd"
    stream_id: U64 = 0
    flags: U32 = 0
    fd: U32 = 0


@dataclass(frozen=True, repr=False)
class SecretRecord(Record):
    """struct tquic_secret: a traffic secret of one level and direction."""

    C_NAME: ClassVar[str] = "tquic_secret"
    level: U8 = 0
    send: U8 = 0
    cipher: U16 = 0
    secret_len: U32 = 0
    secret: Annotated[bytes, raw(48)] = b""


@dataclass(frozen=True)
class HandshakeEnd(Record):
    """struct tquic_handshake_end: how TLS ended."""

    C_NAME: ClassVar[str] = "tquic_handshake_end"
    failed: U32 = 0
    alert: U32 = 0
    verified: Annotated[U32, Pad(4)] = 0


@dataclass(frozen=True)
class Config(Record):
    """struct tquic_config: limits and timers; ``mask`` says which fields are meant."""

    C_NAME: ClassVar[str] = "tquic_config"
    #: Field -> the bit that says it is meant.
    BITS: ClassVar[dict[str, ConfigMask]] = {
        "max_path_id": ConfigMask.MAX_PATH_ID,
        "idle_timeout_ms": ConfigMask.IDLE_TIMEOUT,
        "max_data": ConfigMask.MAX_DATA,
        "max_stream_data": ConfigMask.STREAM_DATA,
        "max_streams_bidi": ConfigMask.STREAMS_BIDI,
        "max_streams_uni": ConfigMask.STREAMS_UNI,
        "max_datagram_bytes": ConfigMask.DATAGRAM,
        "keepalive_ms": ConfigMask.KEEPALIVE,
        "max_ack_delay_ms": ConfigMask.ACK_DELAY,
        "own_paths": ConfigMask.OWN_PATHS,
        "no_migration": ConfigMask.NO_MIGRATION,
    }
    mask: U32 = 0
    max_path_id: U32 = 0
    idle_timeout_ms: U64 = 0
    max_data: U64 = 0
    max_stream_data: U64 = 0
    max_streams_bidi: U64 = 0
    max_streams_uni: U64 = 0
    max_datagram_bytes: U32 = 0
    keepalive_ms: U32 = 0
    max_ack_delay_ms: U32 = 0
    own_paths: U32 = 0
    no_migration: Annotated[U32, Pad(4)] = 0


@dataclass(frozen=True)
class CloseInfo(Record):
    """struct tquic_close: a close to send, or why the connection closed."""

    C_NAME: ClassVar[str] = "tquic_close"
    error_code: U64 = 0
    frame_type: U64 = 0
    flags: U32 = 0
    reason_len: U32 = 0
    reason: Annotated[bytes, raw(64)] = b""


@dataclass(frozen=True)
class PathAddr(Record):
    """struct tquic_path_addr: a path to add; ``peer`` None is the first path's peer."""

    C_NAME: ClassVar[str] = "tquic_path_addr"
    local: Sockaddr = None
    peer: Sockaddr = None
    ifindex: U32 = 0
    flags: U32 = 0


@dataclass(frozen=True)
class PathMove(Record):
    """struct tquic_path_move: where a path is to go; ``peer`` None is the one it has."""

    C_NAME: ClassVar[str] = "tquic_path_move"
    local: Sockaddr = None
    peer: Sockaddr = None
    path_id: U32 = 0
    ifindex: U32 = 0


@dataclass(frozen=True)
class Preferred(Record):
    """struct tquic_preferred: where a server asks its clients to move to."""

    C_NAME: ClassVar[str] = "tquic_preferred"
    v4: Sockaddr = None
    v6: Sockaddr = None


@dataclass(frozen=True)
class PathRef(Record):
    """struct tquic_path_ref: a path to remove, or its new status."""

    C_NAME: ClassVar[str] = "tquic_path_ref"
    path_id: U32 = 0
    flags: U32 = 0
    error_code: U64 = 0


@dataclass(frozen=True)
class Info(Record):
    """struct tquic_info: the connection as a whole."""

    C_NAME: ClassVar[str] = "tquic_info"
    state: U32 = 0
    version: U32 = 0
    cipher: U32 = 0
    paths: U32 = 0
    server: U8 = 0
    confirmed: U8 = 0
    verified: U8 = 0
    multipath: U8 = 0
    token: U32 = 0
    bytes_sent: U64 = 0
    bytes_received: U64 = 0
    bytes_retransmitted: U64 = 0
    bytes_delivered: U64 = 0
    streams_opened: U64 = 0
    datagrams_sent: U64 = 0
    datagrams_received: U64 = 0
    datagrams_dropped: U64 = 0
    max_data_local: U64 = 0
    max_data_peer: U64 = 0
    send_queue_bytes: U64 = 0
    recv_queue_bytes: U64 = 0
    max_datagram_bytes: U32 = 0
    key_updates: U32 = 0
    congestion: Annotated[str, text(16)] = ""
    scheduler: Annotated[str, text(16)] = ""
    bond_state: Annotated[U32, Pad(4)] = 0
    bond_time_ns: Annotated[tuple[int, ...], array("4Q")] = (0, 0, 0, 0)
    bond_entered: Annotated[tuple[int, ...], array("4I")] = (0, 0, 0, 0)
    bytes_reinjected: U64 = 0
    deadlines_missed: U64 = 0


@dataclass(frozen=True)
class PathInfo(Record):
    """struct tquic_path_info: one path. Times are in nanoseconds, rates in bytes per second."""

    C_NAME: ClassVar[str] = "tquic_path_info"
    path_id: U32 = 0
    state: U32 = 0
    flags: U32 = 0
    peer_flags: U32 = 0
    ifindex: U32 = 0
    mtu_bytes: U32 = 0
    srtt_ns: U64 = 0
    rttvar_ns: U64 = 0
    min_rtt_ns: U64 = 0
    cwnd_bytes: U64 = 0
    ssthresh_bytes: U64 = 0
    in_flight_bytes: U64 = 0
    pacing_rate: U64 = 0
    packets_sent: U64 = 0
    packets_received: U64 = 0
    packets_lost: U64 = 0
    packets_spurious: U64 = 0
    bytes_sent: U64 = 0
    bytes_received: U64 = 0
    ptos: U64 = 0
    ce_marks: U64 = 0
    local: Sockaddr = None
    peer: Sockaddr = None


@dataclass(frozen=True)
class Event(Record):
    """struct tquic_event: something happened; EventType says what the numbers mean."""

    C_NAME: ClassVar[str] = "tquic_event"
    type: Annotated[U32, Pad(4)] = 0
    id: U64 = 0
    error_code: U64 = 0
