# SPDX-License-Identifier: GPL-2.0
"""A generic netlink kernel in memory: one family, answered by a function."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tquic.genl import TEXT, Schema, encode, nest

FAMILY_ID = 0x1D
GROUP_ID = 9
_GROUP: Schema = {"name": (1, TEXT), "id": (2, nest({}))}


@dataclass(frozen=True)
class Refusal:
    """An error with the offset of an attribute in the request, or the number of a missing one."""

    code: int
    text: str | None = None
    offset: int | None = None
    missing: int | None = None


@dataclass(frozen=True)
class Reply:
    """A reply's command and attributes."""

    command: int
    attributes: bytes


#: From command, attributes and whether it is a dump to replies; the last may be a Refusal.
Answer = Callable[[int, bytes, bool], Sequence[Reply | Refusal]]


def message(kind: int, flags: int, sequence: int, payload: bytes) -> bytes:
    """A netlink message, padded."""
    size = 16 + len(payload)
    return struct.pack("=IHHII", size, kind, flags, sequence, 0) + payload + bytes(-size % 4)


def attribute(number: int, data: bytes) -> bytes:
    """An attribute, padded."""
    return struct.pack("=HH", 4 + len(data), number) + data + bytes(-len(data) % 4)


@dataclass
class FakeNetlink:
    """Stands in for the socket."""

    answer: Answer
    name: str = "tquic"
    capped: bool = True
    inbox: deque[bytes] = field(default_factory=deque)
    joined: list[int] = field(default_factory=list)
    closed: bool = False

    def fileno(self) -> int:
        return 0

    def close(self) -> None:
        self.closed = True

    def setsockopt(self, level: int, option: int, value: int, /) -> None:
        assert level == 270
        if option == 1:
            self.joined.append(value)
        else:
            assert (option, value) in ((4, 1), (10, 1), (11, 1), (12, 1))

    def recv(self, _size: int, _flags: int = 0, /) -> bytes:
        if not self.inbox:
            raise BlockingIOError
        return self.inbox.popleft()

    def notify(self, reply: Reply) -> None:
        """A notification."""
        payload = struct.pack("=BBH", reply.command, 1, 0) + reply.attributes
        self.inbox.append(message(FAMILY_ID, 0, 0, payload))

    def send(self, data: bytes, /) -> int:
        size, kind, flags, sequence, _ = struct.unpack_from("=IHHII", data)
        assert size == len(data)
        command = data[16]
        if kind == 0x10:
            assert command == 3
            self._find(data, sequence)
            return size
        assert kind == FAMILY_ID
        dump = flags & 0x300 == 0x300
        assert dump or flags & 4
        for reply in self.answer(command, data[20:], dump):
            if isinstance(reply, Refusal):
                self._refuse(data, sequence, reply)
                return size
            payload = struct.pack("=BBH", reply.command, 1, 0) + reply.attributes
            self.inbox.append(message(FAMILY_ID, 2 if dump else 0, sequence, payload))
        if dump:
            self.inbox.append(message(3, 2, sequence, struct.pack("=i", 0)))
        else:
            self._refuse(data, sequence, Refusal(0))
        return size

    def _find(self, data: bytes, sequence: int) -> None:
        if data[24:].rstrip(b"\0") != self.name.encode():
            self._refuse(data, sequence, Refusal(2))
            return
        groups = b""
        for index, name in enumerate(("events", "handshake")):
            number = attribute(2, struct.pack("=I", GROUP_ID + index))
            groups += attribute(index + 1, encode({"name": name}, _GROUP) + number)
        body = attribute(1, struct.pack("=H", FAMILY_ID)) + attribute(7, groups)
        self.inbox.append(message(0x10, 0, sequence, struct.pack("=BBH", 1, 2, 0) + body))
        self._refuse(data, sequence, Refusal(0))

    def _refuse(self, request: bytes, sequence: int, refusal: Refusal) -> None:
        tlvs = b""
        if refusal.text is not None:
            tlvs += attribute(1, refusal.text.encode() + b"\0")
        if refusal.offset is not None:
            tlvs += attribute(2, struct.pack("=I", refusal.offset))
        if refusal.missing is not None:
            tlvs += attribute(5, struct.pack("=I", refusal.missing))
        flags = (0x100 if self.capped or not refusal.code else 0) | (0x200 if tlvs else 0)
        quoted = request[:16] if flags & 0x100 else request + bytes(-len(request) % 4)
        payload = struct.pack("=i", -refusal.code) + quoted + tlvs
        self.inbox.append(message(2, flags, sequence, payload))
