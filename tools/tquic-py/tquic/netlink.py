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
from .uapi import BondState, CloseFlag, PathFlag, PathState, State

__all__ = [
    "Bond",
    "BondEvent",
    "Command",
    "ConnClosed",
    "ConnEvent",
    "ConnFlag",
    "Connection",
    "Endpoint",
    "EndpointFlag",
    "Event",
    "HandshakeQueue",
    "HandshakeRequest",
    "NetlinkError",
    "Path",
    "PathEvent",
    "PathLimits",
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
    ENDPOINT_ADD = 14
    ENDPOINT_DEL = 15
    ENDPOINT_GET = 16
    ENDPOINT_FLUSH = 17
    LIMITS_GET = 18
    LIMITS_SET = 19
    BOND_CHANGED = 20
    CONN_SET = 21
    REGISTRY_GET = 22
    PATH_MIGRATED = 23


class ConnFlag(IntFlag):
    """TQUIC_CONN_FLAG_*"""

    SERVER = 1
    CONFIRMED = 2
    VERIFIED = 4
    MULTIPATH = 8


class EndpointFlag(IntFlag):
    """TQUIC_ENDPOINT_FLAG_*: what the kernel path manager does with an endpoint."""

    SUBFLOW = 1
    BACKUP = 2
    FULLMESH = 4
    METERED = 8


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
    "recv_queue_bytes key_updates error_code close_flags frame_type reason bond "
    "bytes_reinjected deadlines_missed"
)
_BOND_NAMES = (
    "state previous single_path_ns pending_ns bonded_ns degraded_ns "
    "single_path_entered pending_entered bonded_entered degraded_entered"
)
_PATH_NAMES = (
    "token path_id state flags peer_flags ifindex local peer error_code mtu_bytes srtt_ns "
    "rttvar_ns min_rtt_ns cwnd_bytes ssthresh_bytes in_flight_bytes pacing_rate packets_sent "
    "packets_received packets_lost packets_spurious bytes_sent bytes_received ptos ce_marks "
    "weight rate_cap"
)
#: Attributes are numbered from 1 in the order of the spec.
BOND: Final[Schema] = {name: (number, UINT) for number, name in enumerate(_BOND_NAMES.split(), 1)}
_KINDS = {
    **dict.fromkeys(("local", "peer"), nest(_ADDR)),
    **dict.fromkeys(("server_name", "alpn", "congestion", "scheduler"), TEXT),
    **dict.fromkeys(("token", "path_id", "state", "flags", "peer_flags", "ifindex"), U32),
    "bond": nest(BOND),
    "fd": FD,
    "reason": BYTES,
}
_HANDSHAKE_NAMES = "token fd role local peer server_name alpn uid timeout_ms"
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

ENDPOINT: Final[Schema] = {
    "id": (1, U32),
    "flags": (2, U32),
    "addr": (3, nest(_ADDR)),
    "ifindex": (4, U32),
}
LIMITS: Final[Schema] = {"extra_paths": (1, U32), "endpoints": (2, U32)}
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
class Bond:
    """What a connection's paths are together: for how long so far, and how often it became that.

    ``previous`` is the state before, in events.
    """

    state: int
    previous: int | None = None
    single_path_ns: int = 0
    pending_ns: int = 0
    bonded_ns: int = 0
    degraded_ns: int = 0
    single_path_entered: int = 0
    pending_entered: int = 0
    bonded_entered: int = 0
    degraded_entered: int = 0

    @property
    def state_name(self) -> str:
        """The state in a word."""
        return _known(BondState, self.state)

    @property
    def previous_name(self) -> str | None:
        """The state before in a word."""
        return None if self.previous is None else _known(BondState, self.previous)


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
        if values.get("bond"):
            values["bond"] = Bond(**values["bond"])
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
    bytes_reinjected: int = 0
    bytes_delivered: int = 0
    streams_opened: int = 0
    datagrams_sent: int = 0
    datagrams_received: int = 0
    datagrams_dropped: int = 0
    deadlines_missed: int = 0
    max_data_local: int = 0
    max_data_peer: int = 0
    send_queue_bytes: int = 0
    recv_queue_bytes: int = 0
    key_updates: int = 0
    bond: Bond | None = None

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
class BondEvent(_Record):
    """The bond of a connection is in another state."""

    command: int
    paths: int = 0
    bond: Bond


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


def spared_name(flags: int) -> str:
    """How a path with these flags is spared, in a word; empty when it is not."""
    if flags & PathFlag.METERED:
        return "metered"
    return "backup" if flags & PathFlag.BACKUP else ""


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
        """Whether this side asked to spare the path for others to fail."""
        return bool(self.flags & PathFlag.BACKUP)

    @property
    def spared(self) -> str:
        """How this side spares the path, in a word; empty when it does not."""
        return spared_name(self.flags)


@dataclass(frozen=True, kw_only=True)
class Path(PathEvent):
    """A path. Times are in nanoseconds, the rate in bytes per second.

    A weight of 0 stands for what the path can carry, a rate_cap of 0 for none.
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
    rate_cap: int = 0


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A local address the kernel path manager opens paths from; ``id`` 0 is for it to choose."""

    id: int = 0
    addr: Address
    ifindex: int = 0
    flags: int = EndpointFlag.SUBFLOW

    @classmethod
    def of(cls, message: Message) -> Endpoint:
        """Read a message's attributes."""
        values = decode(message.attributes, ENDPOINT)
        values["addr"] = _address(values["addr"])
        return cls(**values)

    @property
    def flag_names(self) -> tuple[str, ...]:
        """Names of the flags that are set."""
        return tuple(flag.name.lower() for flag in EndpointFlag if self.flags & flag and flag.name)


@dataclass(frozen=True, kw_only=True)
class PathLimits:
    """Limits of the path manager: paths per connection it opens, endpoints of the namespace."""

    extra_paths: int
    endpoints: int


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


Event = BondEvent | ConnEvent | ConnClosed | PathEvent

_EVENTS: Final[
    dict[int, type[BondEvent] | type[ConnEvent] | type[ConnClosed] | type[PathEvent]]
] = {
    Command.CONN_ESTABLISHED: ConnEvent,
    Command.CONN_CLOSED: ConnClosed,
    Command.PATH_VALIDATED: PathEvent,
    Command.PATH_SUSPECT: PathEvent,
    Command.PATH_RECOVERED: PathEvent,
    Command.PATH_ABANDONED: PathEvent,
    Command.PATH_MIGRATED: PathEvent,
    Command.BOND_CHANGED: BondEvent,
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
        flags: int = 0,
    ) -> int:
        """Open a path and return its id; without ``peer`` it goes where the first one goes."""
        values = {
            "token": token,
            "local": _address_values(local),
            "peer": _address_values(peer),
            "ifindex": ifindex or None,
            "flags": flags or None,
        }
        (reply,) = self.family.request(Command.PATH_ADD, values, PATH)
        return int(decode(reply.attributes, PATH)["path_id"])

    def del_path(self, token: int, path_id: int, error_code: int = 0) -> None:
        """Abandon a path; the peer is told the code."""
        values = {"token": token, "path_id": path_id, "error_code": error_code or None}
        self.family.request(Command.PATH_DEL, values, PATH)

    def set_path(
        self,
        token: int,
        path_id: int,
        *,
        backup: bool | None = None,
        metered: bool | None = None,
        weight: int | None = None,
        rate_cap: int | None = None,
    ) -> None:
        """Change what is given: how a path is spared, its weight, its limit in bytes per second."""
        flags = None
        if backup is not None or metered is not None:
            flags = self.path(token, path_id).flags
            for wanted, flag in ((backup, PathFlag.BACKUP), (metered, PathFlag.METERED)):
                if wanted is not None:
                    flags = flags | flag if wanted else flags & ~flag
        values = {
            "token": token,
            "path_id": path_id,
            "flags": flags,
            "weight": weight,
            "rate_cap": rate_cap,
        }
        self.family.request(Command.PATH_SET, values, PATH)

    def endpoints(self) -> list[Endpoint]:
        """All endpoints of the namespace, by id."""
        replies = self.family.request(Command.ENDPOINT_GET, {}, ENDPOINT, dump=True)
        return [Endpoint.of(reply) for reply in replies]

    def endpoint(self, endpoint_id: int) -> Endpoint:
        """One endpoint; ENOENT when there is none with this id."""
        (reply,) = self.family.request(Command.ENDPOINT_GET, {"id": endpoint_id}, ENDPOINT)
        return Endpoint.of(reply)

    def add_endpoint(self, endpoint: Endpoint) -> int:
        """Have paths opened from an address, for the connections there are too; return its id."""
        values = {
            "id": endpoint.id or None,
            "flags": int(endpoint.flags),
            "addr": _address_values(endpoint.addr),
            "ifindex": endpoint.ifindex or None,
        }
        (reply,) = self.family.request(Command.ENDPOINT_ADD, values, ENDPOINT)
        return int(decode(reply.attributes, ENDPOINT)["id"])

    def del_endpoint(self, endpoint_id: int) -> None:
        """Remove an endpoint; the paths opened for it are abandoned."""
        self.family.request(Command.ENDPOINT_DEL, {"id": endpoint_id}, ENDPOINT)

    def flush_endpoints(self) -> None:
        """Remove all endpoints."""
        self.family.request(Command.ENDPOINT_FLUSH, {}, ENDPOINT)

    def limits(self) -> PathLimits:
        """The limits of the path manager."""
        (reply,) = self.family.request(Command.LIMITS_GET, {}, LIMITS)
        return PathLimits(**decode(reply.attributes, LIMITS))

    def set_limits(self, *, extra_paths: int | None = None, endpoints: int | None = None) -> None:
        """Change the limits that are given."""
        values = {"extra_paths": extra_paths, "endpoints": endpoints}
        self.family.request(Command.LIMITS_SET, values, LIMITS)

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
