# SPDX-License-Identifier: GPL-2.0
"""Sessions that are resumed: what a client keeps, and what a server knows again (RFC 8446 2.2)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from . import gnutls

__all__ = ["ReplayWindow", "SavedSession", "Tickets", "early_data_allowed", "remembered_params"]

#: Seconds by which a ClientHello with early data may be off, and for which it is remembered.
WINDOW_S = 10
#: ClientHellos remembered at most; when all are fresh, early data is refused.
REPLAYS_MAX = 65536
_TICKET_KEY_BYTES = 64
_EXT_EARLY_DATA = 42

_VERSION_INFORMATION = 0x11
# Transport parameters that rule 0-RTT packets (RFC 9000 7.4.1, RFC 9221 3).
_REMEMBERED = (0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0E, 0x20)


@dataclass(frozen=True)
class SavedSession:
    """What a client needs to resume a session. It holds secrets: keep it private.

    ``ticket`` is GnuTLS's, ``params`` the server's quic_transport_parameters then, ``version`` the
    QUIC version, ``server`` whom the certificate was for. ``verified`` tells whether it was,
    ``early`` whether the server takes early data.
    """

    ticket: bytes = field(repr=False)
    params: bytes
    version: int
    alpn: str
    server: str | None
    verified: bool
    early: bool

    def dump(self) -> bytes:
        """As bytes that :meth:`load` reads."""
        plain: dict[str, Any] = asdict(self)
        for name in ("ticket", "params"):
            plain[name] = base64.b64encode(plain[name]).decode("ascii")
        return json.dumps(plain, indent=1).encode() + b"\n"

    @classmethod
    def load(cls, data: bytes) -> SavedSession:
        """Read what :meth:`dump` wrote. Raises ValueError."""
        try:
            plain = json.loads(data)
            for name in ("ticket", "params"):
                plain[name] = base64.b64decode(plain[name], validate=True)
            found = cls(**plain)
            ok = all(
                isinstance(value, kind)
                for value, kind in (
                    (found.version, int),
                    (found.alpn, str),
                    (found.server or "", str),
                    (found.verified, bool),
                    (found.early, bool),
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("not a saved session") from error
        if not ok:
            raise ValueError("not a saved session")
        return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    size = 1 << (data[at] >> 6)
    value = int.from_bytes(data[at : at + size], "big") & ((1 << (8 * size - 2)) - 1)
    return value, at + size


def _params(params: bytes) -> dict[int, bytes]:
    """Encoded transport parameters; what comes after one that is cut off is not looked at."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(params):
        try:
            name, at = _varint(params, at)
            size, at = _varint(params, at)
        except IndexError:
            break
        found[name] = params[at : at + size]
        at += size
    return found


def chosen_version(params: bytes) -> bytes:
    """The version that encoded transport parameters say is in use (RFC 9368 3), or nothing."""
    return _params(params).get(_VERSION_INFORMATION, b"")[:4]


def remembered_params(params: bytes) -> bytes:
    """What a ticket is bound to: the version, and parameters that rule 0-RTT packets."""
    found = _params(params)
    return chosen_version(params).ljust(4, b"\0") + b"".join(
        bytes([name]) + found.get(name, b"").ljust(8, b"\0") for name in _REMEMBERED
    )


def early_data_allowed(message: bytes) -> int | None:
    """Bytes of early data that a NewSessionTicket message allows, None for none (RFC 8446 4.6.1).

    A message that is no NewSessionTicket, or is cut off, allows none.
    """
    at = 4 + 4 + 4
    try:
        at += 1 + message[at]
        at += 2 + int.from_bytes(message[at : at + 2], "big")
        end = at + 2 + int.from_bytes(message[at : at + 2], "big")
        at += 2
        while at + 4 <= min(end, len(message)):
            kind, size = (int.from_bytes(message[at + i : at + i + 2], "big") for i in (0, 2))
            if kind == _EXT_EARLY_DATA and size == 4 and at + 8 <= len(message):
                return int.from_bytes(message[at + 4 : at + 8], "big")
            at += 4 + size
    except IndexError:
        return None
    return None


class ReplayWindow:
    """The ClientHellos with early data of the last seconds (RFC 8446 8.2)."""

    def __init__(self, room: int = REPLAYS_MAX, clock: Callable[[], float] = time.time) -> None:
        self._room = room
        self._clock = clock
        self._until: OrderedDict[bytes, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def add(self, key: bytes, expires_s: int) -> bool:
        """Remember ``key`` until ``expires_s`` (Unix time); False: it was there, or no room is."""
        now_s = self._clock()
        while self._until and next(iter(self._until.values())) < now_s:
            self._until.popitem(last=False)
        if key in self._until or len(self._until) >= self._room:
            return False
        self._until[key] = expires_s
        return True


class Tickets:
    """A server's: the key of its session tickets, and what it has seen of early data.

    Another process, or this one started again, takes none of them: clients then make a full
    handshake.
    """

    def __init__(self) -> None:
        self._secret = os.urandom(_TICKET_KEY_BYTES)
        self.replays = ReplayWindow()
        self.anti_replay, self._handle = gnutls.new_anti_replay(self.replays, WINDOW_S * 1000)

    def key(self, params: bytes, alpn: tuple[str, ...]) -> bytes:
        """The key of tickets that are good for a server with these parameters and protocols.

        A ticket from before they changed does not open, so early data never meets limits lower
        than those its sender remembers (RFC 9000 7.4.1).
        """
        bound = remembered_params(params) + b"\0" + "\0".join(alpn).encode()
        return hmac.digest(self._secret, bound, hashlib.sha512)
