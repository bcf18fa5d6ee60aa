# SPDX-License-Identifier: GPL-2.0
"""The netlink family `tquic`: connections and paths of a network namespace, and their events.

Everything needs CAP_NET_ADMIN in the namespace. Calls raise NetlinkError, an OSError with the
kernel's own words, its ``attribute`` naming what was refused.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from typing import Any, Final, Self

from .errors import UnavailableError
from .genl import (
    BYTES,
    FD,
    IP4,
    IP6,
    PORT,
    TEXT,
    U32,
    UINT,
    Family,
    Message,
    NetlinkError,
    Schema,
    decode,
    nest,
)
from .record import Address
from .tls import Role
from .uapi import CloseFlag, PathFlag, PathState, State

__all__ = [
    "Command",
    "ConnClosed",
    "ConnEvent",
    "ConnFlag",
    "Connection",
    "Event",
    "HandshakeQueue",
    "HandshakeRequest",
    "NetlinkError",
    "Path",
    "PathEvent",
    "Registry",
    "TquicNetlink",
]


class Command(IntEnum):
    """TQUIC_CMD_*"""

    CONN_GET = 1
    PATH_GET = 2
    PATH_ADD = 3
    PATH_DEL = 4
    PATH_SET = 5
    CONN_ESTABLISHED = 6
    CONN_CLOSED = 7
    PATH_VALIDATED = 8
    PATH_SUSPECT = 9
    PATH_RECOVERED = 10
    PATH_ABANDONED = 11
    HANDSHAKE_ACCEPT = 12
    HANDSHAKE_READY = 13
    CONN_SET = 14
    REGISTRY_GET = 15


class ConnFlag(IntFlag):
    """TQUIC_CONN_FLAG_*"""

    SERVER = 1
    CONFIRMED = 2
    VERIFIED = 4
    MULTIPATH = 8


class Registry(IntEnum):
    """TQUIC_REGISTRY_*"""

    SCHEDULER = 0
    CONGESTION = 1


#: Largest weight of a path
WEIGHT_MAX: Final = 1000

EVENTS_GROUP: Final = "events"
HANDSHAKE_GROUP: Final = "handshake"

_ADDR: Schema = {"ip4": (1, IP4), "ip6": (2, IP6), "port": (3, PORT), "scope_id": (4, U32)}
_CONN_NAMES = (
    "token state flags version cipher local peer server_name alpn congestion scheduler paths uid "
    "bytes_sent bytes_received bytes_retransmitted bytes_delivered streams_opened datagrams_sent "
    "datagrams_received datagrams_dropped max_data_local max_data_peer send_queue_bytes "
    "recv_queue_bytes key_updates error_code close_flags frame_type reason"
)
_PATH_NAMES = (
    "token path_id state flags peer_flags ifindex local peer error_code mtu_bytes srtt_ns "
    "rttvar_ns min_rtt_ns cwnd_bytes ssthresh_bytes in_flight_bytes pacing_rate packets_sent "
    "packets_received packets_lost packets_spurious bytes_sent bytes_received ptos ce_marks "
    "weight"
)
_KINDS = {
    **dict.fromkeys(("local", "peer"), nest(_ADDR)),
    **dict.fromkeys(("server_name", "alpn", "congestion", "scheduler"), TEXT),
    **dict.fromkeys(("token", "path_id", "state", "flags", "peer_flags", "ifindex"), U32),
    "fd": FD,
    "reason": BYTES,
}
_HANDSHAKE_NAMES = "token fd role local peer server_name alpn uid timeout_ms"
#: Attributes are numbered from 1 in the order of the spec.
CONN: Final[Schema] = {
    name: (number, _KINDS.get(name, UINT)) for number, name in enumerate(_CONN_NAMES.split(), 1)
}
PATH: Final[Schema] = {
    name: (number, _KINDS.get(name, UINT)) for number, name in enumerate(_PATH_NAMES.split(), 1)
}

HANDSHAKE: Final[Schema] = {
    name: (number, _KINDS.get(name, UINT))
    for number, name in enumerate(_HANDSHAKE_NAMES.split(), 1)
}

REGISTRY: Final[Schema] = {"kind": (1, U32), "name": (2, TEXT)}


def _address(value: Mapping[str, Any] | None) -> Address | None:
    if not value:
        return None
    host = value.get("ip4") or value["ip6"]
    return Address(host, value.get("port", 0), value.get("scope_id", 0))


def _address_values(address: Address | None) -> dict[str, Any] | None:
    if address is None:
        return None
    name = "ip6" if ":" in address.host else "ip4"
    scope = address.scope or None
    return {name: address.host, "port": address.port or None, "scope_id": scope}


def _known(enum: type[IntEnum], value: int) -> str:
    """The name of a value, or the number of one a newer kernel has."""
    return enum(value).name.lower() if value in list(enum) else str(value)


@dataclass(frozen=True, kw_only=True)
class _Record:
    """What connections and paths have in common: fields from attributes, by their names."""

    token: int
    state: int
    local: Address | None = None
    peer: Address | None = None

    @classmethod
    def of(cls, message: Message) -> Self:
        """Read a message's attributes."""
        schema = PATH if issubclass(cls, PathEvent) else CONN
        values = decode(message.attributes, schema)
        for name in ("local", "peer"):
            values[name] = _address(values.get(name))
        known = {field.name for field in fields(cls)}
        values["command"] = message.command
        return cls(**{name: value for name, value in values.items() if name in known})


@dataclass(frozen=True, kw_only=True)
class Connection(_Record):
    """A connection. Counters of bytes are stream payload; credits count from the start."""

    flags: int = 0
    version: int = 0
    cipher: int = 0
    server_name: str = ""
    alpn: str = ""
    congestion: str = ""
    scheduler: str = ""
    paths: int = 0
    uid: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    bytes_retransmitted: int = 0
    bytes_delivered: int = 0
    streams_opened: int = 0
    datagrams_sent: int = 0
    datagrams_received: int = 0
    datagrams_dropped: int = 0
    max_data_local: int = 0
    max_data_peer: int = 0
    send_queue_bytes: int = 0
    recv_queue_bytes: int = 0
    key_updates: int = 0

    @property
    def state_name(self) -> str:
        """The state in a word."""
        return _known(State, self.state)

    @property
    def flag_names(self) -> tuple[str, ...]:
        """Names of the flags that are set."""
        return tuple(flag.name.lower() for flag in ConnFlag if self.flags & flag and flag.name)


@dataclass(frozen=True, kw_only=True)
class ConnEvent(Connection):
    """A connection was established."""

    command: int


@dataclass(frozen=True, kw_only=True)
class ConnClosed(_Record):
    """A connection was closed: which code, by whom, why."""

    command: int
    flags: int = 0
    error_code: int = 0
    close_flags: int = 0
    frame_type: int = 0
    reason: bytes = b""

    @property
    def by_peer(self) -> bool:
        """Whether the peer closed."""
        return bool(self.close_flags & CloseFlag.PEER)


@dataclass(frozen=True, kw_only=True)
class PathEvent(_Record):
    """Something happened to a path; ``error_code`` counts when it was abandoned."""

    command: int
    path_id: int
    flags: int = 0
    peer_flags: int = 0
    ifindex: int = 0
    error_code: int = 0

    @property
    def state_name(self) -> str:
        """The state in a word."""
        return _known(PathState, self.state)

    @property
    def backup(self) -> bool:
        """Whether this side asked to spare the path."""
        return bool(self.flags & PathFlag.BACKUP)


@dataclass(frozen=True, kw_only=True)
class Path(PathEvent):
    """A path. Times are in nanoseconds, the rate in bytes per second.

    A weight of 0 stands for what the path can carry.
    """

    mtu_bytes: int = 0
    srtt_ns: int = 0
    rttvar_ns: int = 0
    min_rtt_ns: int = 0
    cwnd_bytes: int = 0
    ssthresh_bytes: int = 0
    in_flight_bytes: int = 0
    pacing_rate: int = 0
    packets_sent: int = 0
    packets_received: int = 0
    packets_lost: int = 0
    packets_spurious: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    ptos: int = 0
    ce_marks: int = 0
    weight: int = 0


@dataclass(frozen=True, kw_only=True)
class HandshakeRequest:
    """A handshake for an agent; ``fd`` is its socket, which the agent closes when it is done.

    Names are empty when the program set none. ``uid`` is the user who owns the connection.
    """

    token: int
    fd: int
    role: Role
    local: Address | None = None
    peer: Address | None = None
    server_name: str = ""
    alpn: str = ""
    uid: int
    timeout_ms: int

    @classmethod
    def of(cls, message: Message) -> HandshakeRequest:
        """Read a message's attributes."""
        values = decode(message.attributes, HANDSHAKE)
        for name in ("local", "peer"):
            values[name] = _address(values.get(name))
        values["role"] = tuple(Role)[values["role"]]
        return cls(**values)


Event = ConnEvent | ConnClosed | PathEvent

_EVENTS: Final[dict[int, type[ConnEvent] | type[ConnClosed] | type[PathEvent]]] = {
    Command.CONN_ESTABLISHED: ConnEvent,
    Command.CONN_CLOSED: ConnClosed,
    Command.PATH_VALIDATED: PathEvent,
    Command.PATH_SUSPECT: PathEvent,
    Command.PATH_RECOVERED: PathEvent,
    Command.PATH_ABANDONED: PathEvent,
}


class TquicNetlink:
    """The family's operations. Raises UnavailableError when the module is not loaded."""

    def __init__(self, family: Family | None = None) -> None:
        try:
            self.family = family or Family("tquic")
        except NetlinkError as error:
            if error.errno != errno.ENOENT:
                raise
            raise UnavailableError(
                "this kernel has no TQUIC: load the module, modprobe tquic"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the socket back."""
        self.family.close()

    def fileno(self) -> int:
        """The file descriptor; readable when an event waits."""
        return self.family.fileno()

    def connections(self) -> list[Connection]:
        """All connections of the namespace, by token."""
        replies = self.family.request(Command.CONN_GET, {}, CONN, dump=True)
        return [Connection.of(reply) for reply in replies]

    def connection(self, token: int) -> Connection:
        """One connection; ENOENT when there is none with this token."""
        (reply,) = self.family.request(Command.CONN_GET, {"token": token}, CONN)
        return Connection.of(reply)

    def set_connection(
        self, token: int, *, scheduler: str | None = None, congestion: str | None = None
    ) -> None:
        """Hand a connection over to another scheduler or congestion control, or to both."""
        values = {"token": token, "scheduler": scheduler, "congestion": congestion}
        self.family.request(Command.CONN_SET, values, CONN)

    def registry(self) -> dict[Registry, list[str]]:
        """The names that :meth:`set_connection` takes, by what they are names of."""
        names: dict[Registry, list[str]] = {kind: [] for kind in Registry}
        for reply in self.family.request(Command.REGISTRY_GET, {}, REGISTRY, dump=True):
            values = decode(reply.attributes, REGISTRY)
            if values["kind"] in names:  # not one of a newer kernel's
                names[Registry(values["kind"])].append(values["name"])
        return names

    def paths(self, token: int | None = None) -> list[Path]:
        """All paths of a connection, or of all."""
        replies = self.family.request(Command.PATH_GET, {"token": token}, PATH, dump=True)
        return [Path.of(reply) for reply in replies]

    def path(self, token: int, path_id: int) -> Path:
        """One path; ENOENT when there is none."""
        values = {"token": token, "path_id": path_id}
        (reply,) = self.family.request(Command.PATH_GET, values, PATH)
        return Path.of(reply)

    def add_path(
        self,
        token: int,
        local: Address,
        *,
        peer: Address | None = None,
        ifindex: int = 0,
        backup: bool = False,
    ) -> int:
        """Open a path and return its id; without ``peer`` it goes where the first one goes."""
        values = {
            "token": token,
            "local": _address_values(local),
            "peer": _address_values(peer),
            "ifindex": ifindex or None,
            "flags": int(PathFlag.BACKUP) if backup else None,
        }
        (reply,) = self.family.request(Command.PATH_ADD, values, PATH)
        return int(decode(reply.attributes, PATH)["path_id"])

    def del_path(self, token: int, path_id: int, error_code: int = 0) -> None:
        """Abandon a path; the peer is told the code."""
        values = {"token": token, "path_id": path_id, "error_code": error_code or None}
        self.family.request(Command.PATH_DEL, values, PATH)

    def set_path(
        self, token: int, path_id: int, *, backup: bool | None = None, weight: int | None = None
    ) -> None:
        """Spare a path while another works or use it again, give it a weight, or both."""
        flags = None if backup is None else int(PathFlag.BACKUP) if backup else 0
        values = {"token": token, "path_id": path_id, "flags": flags, "weight": weight}
        self.family.request(Command.PATH_SET, values, PATH)

    def subscribe(self) -> None:
        """Ask for events, from now on."""
        self.family.join(EVENTS_GROUP)

    def events(self) -> Iterator[Event]:
        """Wait for the next events and return them. OSError (ENOBUFS) when some were lost."""
        for message in self.family.notifications():
            if message.command in _EVENTS:
                yield _EVENTS[message.command].of(message)


class HandshakeQueue:
    """Handshakes that wait for an agent. Raises as :class:`TquicNetlink` does.

    Notifications have a socket of their own, so that many of them do not displace replies.
    """

    def __init__(
        self, requests: TquicNetlink | None = None, news: TquicNetlink | None = None
    ) -> None:
        with ExitStack() as held:
            self._requests = held.enter_context(requests or TquicNetlink()).family
            self._news = held.enter_context(news or TquicNetlink()).family
            self._held = held.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the sockets back."""
        self._held.close()

    def fileno(self) -> int:
        """The file descriptor that is readable when there is news."""
        return self._news.fileno()

    def serve(self) -> None:
        """Become an agent: from now on sockets rely on :meth:`accept` being called."""
        self._news.report_overrun()
        self._news.join(HANDSHAKE_GROUP)

    def drain(self) -> None:
        """Take in the news, which only say that there may be something to accept."""
        try:
            while True:
                self._news.notifications(wait=False)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise

    def accept(self) -> HandshakeRequest | None:
        """The next handshake that waits, or None."""
        try:
            (reply,) = self._requests.request(Command.HANDSHAKE_ACCEPT, {}, HANDSHAKE)
        except NetlinkError as error:
            if error.errno == errno.EAGAIN:
                return None
            raise
        return HandshakeRequest.of(reply)
