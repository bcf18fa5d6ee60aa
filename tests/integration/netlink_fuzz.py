# SPDX-License-Identifier: GPL-2.0
"""Netlink messages that no program would send, from the spec: the same ones for the same seed.

Each has a right beginning, lest all end at the same check, and something wrong in it, or nothing.
What only the machine under test knows, the family's number and the connections' tokens, is filled
in when they are sent. To have many, write them to a file beforehand, outside of that machine:

    python3 tests/integration/netlink_fuzz.py --messages 1000000 FILE
"""

from __future__ import annotations

import argparse
import random
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import yaml

SPEC_FILE: Final = Path(__file__).resolve().parents[2] / "Documentation/netlink/specs/tquic.yaml"
SEED: Final = 9000
#: Messages of one datagram, and how long it may become.
BATCH: Final = 48
_BATCH_BYTES: Final = 24_000

_NLMSG = struct.Struct("=IHHII")
_GENL = struct.Struct("=BBH")
_ATTR = struct.Struct("=HH")
#: Of each message of a batch: its offset, that of the token in the batch or 0, and whose token.
PATCH: Final = struct.Struct("=HHH")
_HEAD: Final = struct.Struct("=IH")

_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_NESTED, _BIG_ENDIAN = 0x8000, 0x4000

_HOSTS: Final = (
    *("10.66.0.1", "10.66.1.1", "10.66.0.2", "10.66.1.2", "127.0.0.1", "0.0.0.0"),
    *("192.0.2.1", "192.0.2.2", "203.0.113.9", "224.0.0.1", "255.255.255.255"),
)
_HOSTS6: Final = (
    *("::", "::1", "fe80::1", "ff02::1", "2001:db8::1", "::ffff:10.66.1.1"),
    *("fd66:0::1", "fd66:1::1"),
)
_NAMES: Final = (
    *("minrtt", "ecf", "blest", "roundrobin", "weighted", "redundant", "deadline"),
    *("cubic", "newreno", "bbr", "lia", "", "min", "no-such-name", "a" * 15, "a" * 16, "a" * 200),
)
_EDGES: Final = (
    *(0, 1, 2, 3, 15, 16, 255, 256, 1000, 1001, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1),
    *(2**32, 2**62 - 1, 2**62, 2**63, 2**64 - 1),
)
#: Numbers that mean something, so that operations get as far as the objects they are about.
_USUAL: Final[dict[str, tuple[int, ...]]] = {
    "path-id": (0, 0, 1, 1, 2, 3, 4, 5, 7),
    "ifindex": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    "flags": (0, 1, 1, 2, 3, 5, 9, 15),
    "weight": (0, 1, 10, 1000),
    "rate-cap": (0, 0, 1, 1000, 100_000, 10**9),
    "error-code": (0, 7, 0x3E),
    "port": (0, 0, 0, 9, 53, 4433),
    "scope-id": (0, 1, 2, 3),
    "id": tuple(range(1, 9)),
    "extra-paths": (0, 1, 2, 4, 15),
    "endpoints": (0, 4, 8, 8, 255),
}


class Fuzzed(NamedTuple):
    """A message; the offset of the token in it, or 0; whether its length is a lie."""

    data: bytes
    token_at: int
    token: int
    last: bool


class Batch(NamedTuple):
    """A datagram, and what is to be filled in (PATCH for each message)."""

    data: bytes
    patches: bytes

    @property
    def count(self) -> int:
        """How many messages it holds."""
        return len(self.patches) // PATCH.size


class Generator:
    """An endless stream of messages."""

    def __init__(self, seed: int = SEED) -> None:
        spec = yaml.safe_load(SPEC_FILE.read_text())
        self._random = random.Random(seed)
        self._sets = {item["name"]: item["attributes"] for item in spec["attribute-sets"]}
        self._requests: list[tuple[int, bool, str, list[str]]] = []
        self._last_command = len(spec["operations"]["list"])
        for number, item in enumerate(spec["operations"]["list"], 1):
            for mode in ("do", "dump"):
                if mode in item:
                    names = (item[mode].get("request") or {}).get("attributes", [])
                    self._requests.append((number, mode == "dump", item["attribute-set"], names))
        self._dumps = [item for item in self._requests if item[1]]
        self._dos = [item for item in self._requests if not item[1]]

    def _seldom(self, percent: float) -> bool:
        return self._random.random() * 100 < percent

    def __iter__(self) -> Iterator[Fuzzed]:
        while True:
            yield self._message()

    def _message(self) -> Fuzzed:
        number, dump, kind, names = self._random.choice(
            self._dumps if self._seldom(3) else self._dos
        )
        body, token_at = self._attributes(kind, names)
        if self._seldom(2):
            number = self._random.choice(
                (0, self._last_command + 1, 255, self._random.randrange(256))
            )
        flags = _REQUEST | (_DUMP if dump else _ACK)
        if self._seldom(2):
            flags ^= 1 << self._random.randrange(16)
        reserved = self._random.randrange(1 << 16) if self._seldom(1) else 0
        head = _GENL.pack(number, self._random.randrange(256) if self._seldom(2) else 1, reserved)
        data = head + body
        if self._seldom(3):
            data = data[: self._random.randrange(len(data) + 1)]
            token_at = 0
        size = _NLMSG.size + len(data)
        last = self._seldom(0.5)
        told = (
            self._random.choice((0, 1, 15, size - 1, size + 1, 2**31, 2**32 - 1)) if last else size
        )
        if token_at:
            token_at += _NLMSG.size + _GENL.size
        message = _NLMSG.pack(told, 0, flags, self._random.getrandbits(32), 0) + data
        return Fuzzed(message, token_at, self._random.randrange(64), last)

    def _attributes(self, kind: str, names: list[str]) -> tuple[bytes, int]:
        """Some of those a request has, rarely another one; and where the token is."""
        items = {item["name"]: (number, item) for number, item in enumerate(self._sets[kind], 1)}
        wanted = [name for name in names if self._seldom(94 if name in ("token", "id") else 70)]
        if self._seldom(4):
            wanted.append(self._random.choice(list(items)))
        if wanted and self._seldom(4):
            wanted.append(self._random.choice(wanted))
        if self._seldom(10):
            self._random.shuffle(wanted)
        out, token_at = bytearray(), 0
        for name in wanted:
            number, item = items[name]
            if name == "token" and self._seldom(95):
                token_at = len(out) + _ATTR.size
                out += _ATTR.pack(_ATTR.size + 4, number) + bytes(4)
                continue
            out += self._attribute(number, item, 0)
        if self._seldom(3):
            out += self._unknown()
        return bytes(out), token_at

    def _attribute(self, number: int, item: dict[str, Any], depth: int) -> bytes:
        if item["type"] == "nest":
            number |= 0 if self._seldom(2) else _NESTED
            data = self._nest(item["nested-attributes"], depth)
        else:
            data = self._value(item)
        if self._seldom(1):
            number ^= self._random.choice((_NESTED, _BIG_ENDIAN, 1 << self._random.randrange(14)))
        if self._seldom(3):
            data = data[: self._random.randrange(len(data) + 1)]
        elif self._seldom(2):
            data += self._random.randbytes(self._random.choice((1, 3, 4, 8, 100)))
        size = _ATTR.size + len(data)
        if self._seldom(1):
            size = self._random.choice((0, 1, 3, 4, size - 1, size + 1, size + 40, 0xFFFF)) & 0xFFFF
        return _ATTR.pack(size, number) + data + bytes(-len(data) % 4)

    def _unknown(self) -> bytes:
        """An attribute of a number nobody gave, with others in it or anything."""
        data = self._random.randbytes(self._random.randrange(20))
        for _ in range(self._random.choice((0, 0, 1, 40))):
            data = _ATTR.pack(_ATTR.size + len(data), 1 | _NESTED) + data + bytes(-len(data) % 4)
        number = self._random.choice((0, 40, 100, 0x3FFF, self._random.randrange(1 << 16)))
        return _ATTR.pack(_ATTR.size + len(data), number) + data + bytes(-len(data) % 4)

    def _nest(self, kind: str, depth: int) -> bytes:
        items = list(enumerate(self._sets[kind], 1))
        if kind == "addr":
            family = "ip6" if self._seldom(25) else "ip4"
            chosen = [
                pair
                for pair in items
                if pair[1]["name"] == family
                or self._seldom({"port": 40, "scope-id": 10}.get(pair[1]["name"], 3))
            ]
        else:
            chosen = [pair for pair in items if self._seldom(50)]
        out = b"".join(self._attribute(number, item, depth + 1) for number, item in chosen)
        if depth < 6 and self._seldom(2):
            out += _ATTR.pack(_ATTR.size, self._random.randrange(8)) + self._nest(kind, depth + 1)
        return out

    def _value(self, item: dict[str, Any]) -> bytes:
        name, kind = item["name"], item["type"]
        if kind == "string":
            text = self._random.choice(_NAMES).encode()
            return self._random.randbytes(len(text)) if self._seldom(5) else text + b"\0"
        if name == "ip6":
            return IPv6Address(self._random.choice(_HOSTS6)).packed
        if name == "ip4":
            return IPv4Address(self._random.choice(_HOSTS)).packed
        if kind == "binary":
            return self._random.randbytes(self._random.randrange(64))
        number = self._number(name)
        if kind == "uint":
            return number.to_bytes(4 if number < 1 << 32 and not self._seldom(20) else 8, "little")
        size = 2 if kind == "u16" else 4
        order: Any = "big" if "byte-order" in item else "little"
        return (number & ((1 << 8 * size) - 1)).to_bytes(size, order)

    def _number(self, name: str) -> int:
        usual = _USUAL.get(name)
        if usual and self._seldom(75):
            return self._random.choice(usual)
        if self._seldom(70):
            return self._random.choice(_EDGES)
        return self._random.getrandbits(self._random.choice((8, 16, 32, 64)))


def batches(count: int, seed: int = SEED) -> Iterator[Batch]:
    """Datagrams of so many messages together."""
    data, patches = bytearray(), bytearray()
    for message in islice(Generator(seed), count):
        token_at = len(data) + message.token_at if message.token_at else 0
        patches += PATCH.pack(len(data), token_at, message.token)
        data += message.data + bytes(-len(message.data) % 4)
        # What comes behind a message whose length is a lie is not looked at.
        if message.last or len(patches) == BATCH * PATCH.size or len(data) > _BATCH_BYTES:
            yield Batch(bytes(data), bytes(patches))
            data, patches = bytearray(), bytearray()
    if patches:
        yield Batch(bytes(data), bytes(patches))


def write(file: BinaryIO, items: Iterator[Batch]) -> None:
    """Keep datagrams in a file."""
    for item in items:
        file.write(_HEAD.pack(len(item.data), item.count) + item.data + item.patches)


def read(file: BinaryIO) -> Iterator[Batch]:
    """The datagrams of a file."""
    while head := file.read(_HEAD.size):
        size, count = _HEAD.unpack(head)
        yield Batch(file.read(size), file.read(count * PATCH.size))


def main() -> None:
    """Write a file of messages."""
    parser = argparse.ArgumentParser(description="Write netlink messages to a file.")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("file", type=Path)
    wanted = parser.parse_args()
    wanted.file.parent.mkdir(parents=True, exist_ok=True)
    with wanted.file.open("wb") as file:
        write(file, batches(wanted.messages, wanted.seed))


if __name__ == "__main__":
    main()
