# SPDX-License-Identifier: GPL-2.0
"""Captured packets opened with the secrets that TQUIC logs: which frames, in which key phase.

One connection on path 0, of one version. Packets that cannot be opened are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from functools import cached_property

from aioquic._buffer import Buffer, BufferReadError
from aioquic._crypto import CryptoError
from aioquic.quic.crypto import CryptoContext, CryptoPair, apply_key_phase, next_key_phase
from aioquic.tls import CipherSuite

from . import hello
from .capture import Kind, LongHeader, Packet, long_headers

__all__ = ["Frame", "Opened", "Space", "Wire", "read_keylog"]


class Space(Enum):
    """Packet number spaces."""

    INITIAL = "INITIAL"
    HANDSHAKE = "HANDSHAKE_TRAFFIC_SECRET"
    APP = "TRAFFIC_SECRET_0"


class Frame(IntEnum):
    """Types of frames that checks ask for."""

    ACK_ECN = 0x03
    CRYPTO = 0x06
    PATH_CHALLENGE = 0x1A
    PATH_RESPONSE = 0x1B
    IMMEDIATE_ACK = 0x1F
    ACK_FREQUENCY = 0xAF


@dataclass(frozen=True)
class Opened:
    """One QUIC packet: the datagram it came in, and what was in it.

    ``crypto`` has the offset and the bytes of each CRYPTO frame; ``dcid`` is told of 1-RTT packets.
    """

    packet: Packet
    space: Space
    phase: int
    frames: tuple[int, ...]
    crypto: tuple[tuple[int, bytes], ...] = ()
    dcid: bytes = b""


def read_keylog(text: str) -> dict[str, bytes]:
    """The secrets of the first connection in a file of NSS's format, by label.

    Some put QUIC before the labels, as drafts of QUIC did.
    """
    out: dict[str, bytes] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and not line.startswith("#"):
            out.setdefault(words[0].removeprefix("QUIC_"), bytes.fromhex(words[2]))
    return out


#: How many variable-length integers make up a frame that is nothing else.
_INTEGERS = {
    0x01: 0,
    0x04: 3,
    0x05: 2,
    0x10: 1,
    0x11: 2,
    0x12: 1,
    0x13: 1,
    0x14: 1,
    0x15: 2,
    0x16: 1,
    0x17: 1,
    0x19: 1,
    0x1E: 0,
    0x1F: 0,
    0xAF: 4,
}


def _frames(payload: bytes) -> Iterator[tuple[int, tuple[int, bytes] | None]]:
    """Types of the frames of a packet, with what CRYPTO frames have; ends at one not known."""
    buf = Buffer(data=payload)
    while not buf.eof():
        kind = buf.pull_uint_var()
        if kind == 0:
            continue
        piece: tuple[int, bytes] | None = None
        if kind in (0x02, 0x03):
            _skip_ack(buf, kind)
        elif kind == Frame.CRYPTO:
            offset = buf.pull_uint_var()
            piece = offset, buf.pull_bytes(buf.pull_uint_var())
        elif kind == 0x07:
            buf.pull_bytes(buf.pull_uint_var())
        elif 0x08 <= kind <= 0x0F:
            _skip_stream(buf, kind)
        elif kind in _INTEGERS:
            for _ in range(_INTEGERS[kind]):
                buf.pull_uint_var()
        elif kind == 0x18:
            buf.pull_uint_var()
            buf.pull_uint_var()
            buf.pull_bytes(buf.pull_uint8() + 16)
        elif kind in (Frame.PATH_CHALLENGE, Frame.PATH_RESPONSE):
            buf.pull_bytes(8)
        else:
            yield kind, None
            return
        yield kind, piece


def _skip_ack(buf: Buffer, kind: int) -> None:
    buf.pull_uint_var()
    buf.pull_uint_var()
    ranges = buf.pull_uint_var()
    for _ in range(1 + 2 * ranges + (3 if kind == Frame.ACK_ECN else 0)):
        buf.pull_uint_var()


def _skip_stream(buf: Buffer, kind: int) -> None:
    buf.pull_uint_var()
    if kind & 0x04:
        buf.pull_uint_var()
    buf.pull_bytes(buf.pull_uint_var() if kind & 0x02 else buf.capacity - buf.tell())


class _Opener:
    """Opens packets one after the other: keys appear, change phase, and never go."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._secrets = secrets
        self._keys: dict[tuple[bool, Space], CryptoContext] = {}
        self._largest: dict[tuple[bool, Space], int] = {}
        self._cid_bytes = {True: 0, False: 0}
        self.suite: CipherSuite | None = None
        self._version = 0

    def open(self, packet: Packet) -> Iterator[Opened]:
        """The QUIC packets of a datagram that can be opened."""
        end = 0
        for head in long_headers(packet.data):
            end = head.start + head.size
            if head.kind in (Kind.INITIAL, Kind.HANDSHAKE):
                yield from self._long(packet, head)
        if packet.data[end:] and not packet.data[end] & 0x80:
            at = 1 + self._cid_bytes[packet.to_server]
            yield from self._one(packet, Space.APP, packet.data[end:], at)

    def _long(self, packet: Packet, head: LongHeader) -> Iterator[Opened]:
        self._cid_bytes[not packet.to_server] = len(head.scid)
        self._version = head.version
        if head.kind is Kind.INITIAL and packet.to_server:
            self._initial_keys(head)
        data = packet.data[head.start : head.start + head.size]
        space = Space.INITIAL if head.kind is Kind.INITIAL else Space.HANDSHAKE
        for opened in self._one(packet, space, data, head.payload_at - head.start):
            if space is Space.INITIAL and not packet.to_server and opened.crypto:
                self.suite = hello.suite(hello.start(opened.crypto)) or self.suite
            yield opened

    def _initial_keys(self, head: LongHeader) -> None:
        """The keys of a client's first destination; those of another it was sent on by a Retry."""
        if (True, Space.INITIAL) in self._keys and not head.token:
            return
        pair = CryptoPair()
        pair.setup_initial(head.dcid, is_client=False, version=head.version)
        self._keys[True, Space.INITIAL] = pair.recv
        self._keys[False, Space.INITIAL] = pair.send

    def _context(self, to_server: bool, space: Space) -> CryptoContext | None:
        found = self._keys.get((to_server, space))
        label = f"{'CLIENT' if to_server else 'SERVER'}_{space.value}"
        if found is None and self.suite is not None and label in self._secrets:
            found = CryptoContext()
            found.setup(cipher_suite=self.suite, secret=self._secrets[label], version=self._version)
            self._keys[to_server, space] = found
        return found

    def _one(self, packet: Packet, space: Space, data: bytes, at: int) -> Iterator[Opened]:
        side = packet.to_server
        context = self._context(side, space)
        if context is None:
            return
        expected = self._largest.get((side, space), -1) + 1
        try:
            _head, payload, number, updated = context.decrypt_packet(data, at, expected)
            frames = list(_frames(payload))
        except (CryptoError, BufferReadError, IndexError):
            return
        if updated:
            apply_key_phase(context, next_key_phase(context), "seen")
        self._largest[side, space] = max(number, expected - 1)
        yield Opened(
            packet,
            space,
            context.key_phase,
            tuple(kind for kind, _piece in frames),
            tuple(piece for _kind, piece in frames if piece is not None),
            data[1:at] if space is Space.APP else b"",
        )


@dataclass(frozen=True)
class Wire:
    """What a case left to be checked: packets in the order they were seen, and the secrets."""

    packets: Sequence[Packet]
    secrets: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def opened(self) -> list[Opened]:
        """All that can be opened, in the same order."""
        return self._read[0]

    @property
    def suite(self) -> CipherSuite | None:
        """The suite that was agreed on."""
        return self._read[1]

    def start(self, packets: int) -> Wire:
        """The first packets alone, unless there are no more."""
        if len(self.packets) <= packets:
            return self
        return Wire(self.packets[:packets], self.secrets)

    def parameters(self, *, of_server: bool) -> dict[int, bytes] | None:
        """The transport parameters of an end, by number; None when they could not be read."""
        space = Space.HANDSHAKE if of_server else Space.INITIAL
        pieces = [
            piece
            for item in self.opened
            if item.space is space and item.packet.to_server != of_server
            for piece in item.crypto
        ]
        return hello.parameters(hello.start(pieces))

    @cached_property
    def _read(self) -> tuple[list[Opened], CipherSuite | None]:
        opener = _Opener(self.secrets)
        found = [item for packet in self.packets for item in opener.open(packet)]
        return found, opener.suite
