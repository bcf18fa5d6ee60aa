# SPDX-License-Identifier: GPL-2.0
"""What a network does to packets beyond delay and rate: deterministic, without sockets."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

__all__ = ["Corruption", "LoseNth", "Loss", "Outages", "Rebinding", "Trouble"]

_SEED = 9000


class Trouble:
    """A network that passes everything; others say what they change."""

    def carry(self, data: bytes, *, to_server: bool, time_s: float) -> bytes | None:
        """What comes out at the other end, None for nothing. ``time_s`` counts from the start."""
        return data

    def mapping(self, time_s: float) -> int:
        """Which public address and port the NAT gives to the client now, counted from 0."""
        return 0

    #: Whether another mapping has another address, and not just another port.
    moves_address = False


@dataclass
class _Bursts:
    """Hits ``percent`` of packets, never more than ``burst`` in a row in one direction."""

    percent: float
    burst: int = 3
    random: random.Random = field(default_factory=lambda: random.Random(_SEED))
    _row: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})

    def hit(self, to_server: bool) -> bool:
        if self._row[to_server] < self.burst and self.random.random() * 100 < self.percent:
            self._row[to_server] += 1
            return True
        self._row[to_server] = 0
        return False


class Loss(Trouble):
    """Loses a share of the packets, in bursts of at most ``burst``."""

    def __init__(self, percent: float, burst: int = 3) -> None:
        self._bursts = _Bursts(percent, burst)

    def carry(self, data: bytes, *, to_server: bool, time_s: float) -> bytes | None:
        """Nothing when it is hit."""
        return None if self._bursts.hit(to_server) else data


class Corruption(Trouble):
    """Flips one bit in a share of the packets; the UDP checksum is right again."""

    def __init__(self, percent: float, burst: int = 3) -> None:
        self._bursts = _Bursts(percent, burst)

    def carry(self, data: bytes, *, to_server: bool, time_s: float) -> bytes | None:
        """The bytes, one bit of them changed when they are hit."""
        if not data or not self._bursts.hit(to_server):
            return data
        bit = self._bursts.random.randrange(len(data) * 8)
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)


class LoseNth(Trouble):
    """Loses the client's packets of these numbers, counted from 1."""

    def __init__(self, numbers: range) -> None:
        self._numbers = numbers
        self._seen = 0

    def carry(self, data: bytes, *, to_server: bool, time_s: float) -> bytes | None:
        """Nothing for the numbers named."""
        self._seen += to_server
        return None if to_server and self._seen in self._numbers else data


class Outages(Trouble):
    """Passes everything for ``on_s`` seconds, then nothing for ``off_s``, again and again."""

    def __init__(self, on_s: float, off_s: float) -> None:
        self._on_s = on_s
        self._round_s = on_s + off_s

    def carry(self, data: bytes, *, to_server: bool, time_s: float) -> bytes | None:
        """Nothing while it is off."""
        return data if time_s % self._round_s < self._on_s else None


class Rebinding(Trouble):
    """A NAT that forgets the client: after ``first_s`` seconds and then every ``every_s``."""

    def __init__(self, first_s: float, every_s: float, *, address: bool) -> None:
        self._first_s = first_s
        self._every_s = every_s
        self.moves_address = address

    def mapping(self, time_s: float) -> int:
        """Another one after each interval."""
        late_s = time_s - self._first_s
        return 0 if late_s < 0 else 1 + int(late_s / self._every_s)
