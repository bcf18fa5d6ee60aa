# SPDX-License-Identifier: GPL-2.0
"""Generic netlink: requests, dumps and notifications of one family, and attributes as dicts.

Unlike larger libraries this tells which attribute the kernel refused, and its socket is a plain
file descriptor for any event loop. Errors are NetlinkError, an OSError with the kernel's text.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, Protocol, Self

__all__ = [
    "BYTES",
    "FD",
    "IP4",
    "IP6",
    "PORT",
    "TEXT",
    "U32",
    "UINT",
    "Family",
    "Kind",
    "Message",
    "NetlinkError",
    "RawNetlink",
    "Schema",
    "decode",
    "encode",
    "messages",
    "nest",
    "raise_error",
    "walk",
]

_ORDER: Final = sys.byteorder
_NLMSG = struct.Struct("=IHHII")
_GENL = struct.Struct("=BBH")
_ATTR = struct.Struct("=HH")
_TYPE_MASK = 0x3FFF
_NESTED = 0x8000

_NETLINK_GENERIC = 16
_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_F_REQUEST = 0x001
_F_ACK = 0x004
_F_DUMP = 0x300
_F_CAPPED = 0x100
_F_ACK_TLVS = 0x200

_ERR_MSG = 1
_ERR_OFFS = 2
_ERR_MISS_TYPE = 5

_SOL_NETLINK = 270
_ADD_MEMBERSHIP = 1
_BROADCAST_ERROR = 4
_CAP_ACK = 10
_EXT_ACK = 11
_GET_STRICT = 12

_GENL_ID_CTRL = 0x10
_CTRL_GETFAMILY = 3
_CTRL_FAMILY_ID = 1
_CTRL_FAMILY_NAME = 2
_CTRL_MCAST_GROUPS = 7
_CTRL_GRP_NAME = 1
_CTRL_GRP_ID = 2

_RECEIVE_BYTES = 64 * 1024


class NetlinkError(OSError):
    """What the kernel answered: errno, its words, and the attribute that was refused or missing."""

    def __init__(self, code: int, text: str | None, attribute: str | None = None) -> None:
        super().__init__(code, text or os.strerror(code))
        self.attribute = attribute


# --- attributes


@dataclass(frozen=True)
class Kind:
    """How an attribute's value is written and read."""

    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]
    schema: Schema | None = None


#: Attribute name -> (number, kind).
Schema = Mapping[str, tuple[int, Kind]]


def _pack_uint(value: int) -> bytes:
    return value.to_bytes(4 if value < 1 << 32 else 8, _ORDER)


def _unpack_uint(data: bytes) -> int:
    return int.from_bytes(data, _ORDER)


U32: Final = Kind(lambda value: int(value).to_bytes(4, _ORDER), _unpack_uint)
#: A file descriptor, which the kernel opened in this process.
FD: Final = U32
UINT: Final = Kind(_pack_uint, _unpack_uint)
PORT: Final = Kind(lambda value: int(value).to_bytes(2, "big"), lambda b: int.from_bytes(b, "big"))
TEXT: Final = Kind(
    lambda value: value.encode() + b"\0",
    lambda data: data.partition(b"\0")[0].decode(errors="replace"),
)
BYTES: Final = Kind(bytes, bytes)
IP4: Final = Kind(lambda value: IPv4Address(value).packed, lambda data: str(IPv4Address(data)))
IP6: Final = Kind(lambda value: IPv6Address(value).packed, lambda data: str(IPv6Address(data)))


def nest(schema: Schema) -> Kind:
    """A kind whose values are dicts of ``schema``."""
    return Kind(lambda value: encode(value, schema), lambda data: decode(data, schema), schema)


def _align(size: int) -> int:
    return (size + 3) & ~3


def encode(values: Mapping[str, Any], schema: Schema) -> bytes:
    """Attributes on the wire; values that are None are left out."""
    out = bytearray()
    for name, value in values.items():
        if value is None:
            continue
        number, kind = schema[name]
        data = kind.pack(value)
        flag = _NESTED if kind.schema is not None else 0
        out += _ATTR.pack(_ATTR.size + len(data), number | flag) + data
        out += bytes(_align(len(data)) - len(data))
    return bytes(out)


def walk(data: bytes, at: int = 0) -> Iterator[tuple[int, int, bytes]]:
    """Offset, number and payload of each attribute from ``at`` on."""
    while at + _ATTR.size <= len(data):
        size, number = _ATTR.unpack_from(data, at)
        if size < _ATTR.size or at + size > len(data):
            return
        yield at, number & _TYPE_MASK, data[at + _ATTR.size : at + size]
        at += _align(size)


def decode(data: bytes, schema: Schema) -> dict[str, Any]:
    """The attributes by name; those the schema does not know (a newer kernel's) are left out."""
    names = {number: (name, kind) for name, (number, kind) in schema.items()}
    out = {}
    for _, number, payload in walk(data):
        if number in names:
            name, kind = names[number]
            out[name] = kind.unpack(payload)
    return out


def _attribute_at(message: bytes, start: int, offset: int, schema: Schema) -> str | None:
    """Name of the attribute at ``offset``, like ``peer.port``."""
    names = {number: (name, kind) for name, (number, kind) in schema.items()}
    for at, number, payload in walk(message, start):
        if not at <= offset < at + _ATTR.size + len(payload) or number not in names:
            continue
        name, kind = names[number]
        if at == offset or kind.schema is None:
            return name
        end = at + _ATTR.size + len(payload)
        inner = _attribute_at(message[:end], at + _ATTR.size, offset, kind.schema)
        return f"{name}.{inner}" if inner else name
    return None


# --- messages


class RawNetlink(Protocol):
    """What is used of socket.socket, so that tests can stand in for the kernel."""

    def fileno(self) -> int: ...
    def close(self) -> None: ...
    def setsockopt(self, level: int, option: int, value: int, /) -> None: ...
    def send(self, data: bytes, /) -> int: ...
    def recv(self, size: int, flags: int = ..., /) -> bytes: ...


@dataclass(frozen=True)
class Message:
    """A reply or notification: its command and its attributes on the wire."""

    command: int
    attributes: bytes


def _open() -> socket.socket:
    raw = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_GENERIC)
    raw.bind((0, 0))
    return raw


class Family:
    """A generic netlink family, by name. Raises NetlinkError (ENOENT) when there is none."""

    def __init__(self, name: str, version: int = 1, raw: RawNetlink | None = None) -> None:
        self._raw = raw or _open()
        self._version = version
        self._sequence = 0
        try:
            for option in (_EXT_ACK, _CAP_ACK, _GET_STRICT):
                self._raw.setsockopt(_SOL_NETLINK, option, 1)
            self._id, self._groups = self._find(name)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the socket back."""
        self._raw.close()

    def fileno(self) -> int:
        """The file descriptor, for poll; readable when a notification waits."""
        return self._raw.fileno()

    def join(self, group: str) -> None:
        """Get the notifications of a multicast group. Raises OSError (EPERM, ENOENT)."""
        if group not in self._groups:
            raise NetlinkError(errno.ENOENT, f"no multicast group {group}")
        self._raw.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, self._groups[group])

    def report_overrun(self) -> None:
        """Have senders of notifications know when there is no room for theirs."""
        self._raw.setsockopt(_SOL_NETLINK, _BROADCAST_ERROR, 1)

    def notifications(self, *, wait: bool = True) -> list[Message]:
        """The next notifications; there may be several in one go.

        Raises OSError (ENOBUFS) when some were lost, BlockingIOError when none should be waited
        for and there is none.
        """
        data = self._raw.recv(_RECEIVE_BYTES, 0 if wait else socket.MSG_DONTWAIT)
        return [
            Message(payload[0], payload[_GENL.size :])
            for kind, _flags, _sequence, payload in messages(data)
            if kind == self._id and len(payload) >= _GENL.size
        ]

    def request(
        self,
        command: int,
        values: Mapping[str, Any],
        schema: Schema,
        *,
        dump: bool = False,
    ) -> list[Message]:
        """Ask and return all replies. Raises NetlinkError with the kernel's reason."""
        return self._request(self._id, self._version, command, encode(values, schema), schema, dump)

    def _request(
        self, family: int, version: int, command: int, body: bytes, schema: Schema, dump: bool
    ) -> list[Message]:
        self._sequence += 1
        flags = _F_REQUEST | (_F_DUMP if dump else _F_ACK)
        payload = _GENL.pack(command, version, 0) + body
        size = _NLMSG.size + len(payload)
        sent = _NLMSG.pack(size, family, flags, self._sequence, 0) + payload
        self._raw.send(sent)
        replies: list[Message] = []
        while not self._collect(sent, family, schema, replies):
            pass
        return replies

    def _collect(self, sent: bytes, family: int, schema: Schema, replies: list[Message]) -> bool:
        """Take in one datagram; True when it was the last of the answer."""
        for kind, flags, sequence, payload in messages(self._raw.recv(_RECEIVE_BYTES)):
            if sequence != self._sequence:
                continue  # a notification, or the rest of an answer that was given up
            if kind == family:
                replies.append(Message(payload[0], payload[_GENL.size :]))
            elif kind in (_NLMSG_ERROR, _NLMSG_DONE):
                raise_error(kind, flags, payload, sent, schema)
                return True
        return False

    def _find(self, name: str) -> tuple[int, dict[str, int]]:
        schema: Schema = {"name": (_CTRL_FAMILY_NAME, TEXT)}
        body = encode({"name": name}, schema)
        try:
            (reply,) = self._request(_GENL_ID_CTRL, 1, _CTRL_GETFAMILY, body, schema, False)
        except NetlinkError as error:
            if error.errno == errno.ENOENT:
                raise NetlinkError(errno.ENOENT, f"no netlink family {name}") from error
            raise
        family, groups = 0, {}
        for _, number, payload in walk(reply.attributes):
            if number == _CTRL_FAMILY_ID:
                family = _unpack_uint(payload)
            elif number == _CTRL_MCAST_GROUPS:
                groups = dict(_group(group) for _, _, group in walk(payload))
        return family, groups


def _group(data: bytes) -> tuple[str, int]:
    found = {number: payload for _, number, payload in walk(data)}
    return TEXT.unpack(found[_CTRL_GRP_NAME]), _unpack_uint(found[_CTRL_GRP_ID])


def messages(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Type, flags, sequence number and payload of each message of a datagram."""
    at = 0
    while at + _NLMSG.size <= len(data):
        size, kind, flags, sequence, _port = _NLMSG.unpack_from(data, at)
        if size < _NLMSG.size or at + size > len(data):
            return
        yield kind, flags, sequence, data[at + _NLMSG.size : at + size]
        at += _align(size)


def raise_error(kind: int, flags: int, payload: bytes, sent: bytes, schema: Schema) -> None:
    """Raise NetlinkError for an error message, or a dump's end, that holds one."""
    code = -struct.unpack_from("=i", payload)[0] if len(payload) >= 4 else 0
    if code <= 0:
        return
    tlvs = b""
    if flags & _F_ACK_TLVS:
        # An error quotes the request's header, and all of it unless capped; a dump's end nothing.
        at = 4
        if kind == _NLMSG_ERROR:
            quoted = struct.unpack_from("=I", payload, 4)[0]
            at += _NLMSG.size if flags & _F_CAPPED else _align(quoted)
        tlvs = payload[at:]
    found = {number: data for _, number, data in walk(tlvs)}
    attribute = None
    start = _NLMSG.size + _GENL.size
    if _ERR_OFFS in found:
        attribute = _attribute_at(sent, start, _unpack_uint(found[_ERR_OFFS]), schema)
    elif _ERR_MISS_TYPE in found:
        missing = _unpack_uint(found[_ERR_MISS_TYPE])
        attribute = next((name for name, (number, _) in schema.items() if number == missing), None)
    text = TEXT.unpack(found[_ERR_MSG]) if _ERR_MSG in found else None
    if code == errno.EPERM and text is None:
        text = "not permitted: CAP_NET_ADMIN is needed in this network namespace"
    raise NetlinkError(code, text, attribute)
