# SPDX-License-Identifier: GPL-2.0
"""Captures in the file format that other programs read: raw IP, with headers made up again."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable
from pathlib import Path

from ..record import Address
from .capture import Packet

__all__ = ["save"]

_MAGIC = 0xA1B2C3D4
_LINKTYPE_RAW = 101
_SNAP_BYTES = 1 << 18
_UDP = 17
_HOPS = 64


def save(path: Path, packets: Iterable[Packet]) -> None:
    """Write packets as their sender sent them, those included that were lost or changed later."""
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, _SNAP_BYTES, _LINKTYPE_RAW))
        for packet in packets:
            data = _ip(packet)
            whole_us = round(packet.time_s * 1_000_000)
            stamp = divmod(whole_us, 1_000_000)
            out.write(struct.pack("<IIII", *stamp, len(data), len(data)) + data)


def _ip(packet: Packet) -> bytes:
    ends = (packet.near, packet.far) if packet.to_server else (packet.far, packet.near)
    source, target = (ipaddress.ip_address(end.host).packed for end in ends)
    udp = _udp(ends, source + target, packet.data)
    if len(source) == 16:
        first = 6 << 28 | packet.tos << 20
        return struct.pack("!IHBB", first, len(udp), _UDP, _HOPS) + source + target + udp
    size = 20 + len(udp)
    head = struct.pack("!BBHHHBBH", 0x45, packet.tos, size, 0, 0x4000, _HOPS, _UDP, 0)
    total = _sum(head + source + target)
    return head[:-2] + struct.pack("!H", total) + source + target + udp


def _udp(ends: tuple[Address, Address], hosts: bytes, data: bytes) -> bytes:
    size = 8 + len(data)
    ports = struct.pack("!HHH", ends[0].port, ends[1].port, size)
    pseudo = hosts + struct.pack("!II", size, _UDP)
    # RFC 768: a sum of 0 is sent as all ones.
    total = _sum(pseudo + ports + b"\0\0" + data) or 0xFFFF
    return ports + struct.pack("!H", total) + data


def _sum(data: bytes) -> int:
    """The checksum of the Internet protocols (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
