# SPDX-License-Identifier: GPL-2.0
"""Packets as the forwarder saw them, and what their long headers say without any key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from aioquic._buffer import Buffer, BufferReadError

from ..record import Address

__all__ = ["V1", "V2", "Kind", "LongHeader", "Packet", "long_headers"]

V1 = 0x00000001
V2 = 0x6B3343CF


class Kind(Enum):
    """Types of long header packets, whatever the version's number for them."""

    INITIAL = 0
    EARLY = 1
    HANDSHAKE = 2
    RETRY = 3


_NOWHERE = Address("")


@dataclass(frozen=True, slots=True)
class Packet:
    """One UDP payload, as it was sent.

    time_s   since the first packet
    mapping  which address and port the server knew the client by, counted from 0
    tos      the byte with the ECN field
    passed   whether it went on, changed or not
    near     how the server knew the client
    far      the address of the server's
    """

    time_s: float
    to_server: bool
    mapping: int
    tos: int
    data: bytes
    passed: bool
    near: Address = _NOWHERE
    far: Address = _NOWHERE


@dataclass(frozen=True)
class LongHeader:
    """The part of a long header that is not protected. ``size`` is that of the packet in bytes."""

    kind: Kind
    version: int
    dcid: bytes
    scid: bytes
    token: bytes
    start: int
    payload_at: int
    size: int


def long_headers(data: bytes) -> Iterator[LongHeader]:
    """The long header packets of one datagram; ends quietly at anything else."""
    buf = Buffer(data=data)
    try:
        while not buf.eof() and data[buf.tell()] & 0x80:
            found = _pull(buf, data)
            if found is None:
                return
            yield found
            buf.seek(found.start + found.size)
    except BufferReadError:
        return


def _pull(buf: Buffer, data: bytes) -> LongHeader | None:
    start = buf.tell()
    bits = (buf.pull_uint8() & 0x30) >> 4
    version = buf.pull_uint32()
    if version not in (V1, V2):
        return None
    # RFC 9369 3.2: version 2 counts the types from one further on.
    kind = Kind((bits - 1) % 4 if version == V2 else bits)
    dcid = buf.pull_bytes(buf.pull_uint8())
    scid = buf.pull_bytes(buf.pull_uint8())
    if kind is Kind.RETRY:
        at = buf.tell()
        return LongHeader(kind, version, dcid, scid, data[at:-16], start, at, len(data) - start)
    token = buf.pull_bytes(buf.pull_uint_var()) if kind is Kind.INITIAL else b""
    length = buf.pull_uint_var()
    at = buf.tell()
    return LongHeader(kind, version, dcid, scid, token, start, at, at + length - start)
