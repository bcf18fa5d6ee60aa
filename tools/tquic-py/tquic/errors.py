# SPDX-License-Identifier: GPL-2.0
"""Errors of TQUIC connections, told so that a person knows what to do next."""

from __future__ import annotations

import errno
from typing import Final

from .uapi import CloseFlag, CloseInfo

__all__ = [
    "EXIT_INCOMPLETE",
    "EXIT_LOCAL",
    "EXIT_NETWORK",
    "EXIT_TLS",
    "ConnectionFailedError",
    "HandshakeFailedError",
    "IncompleteError",
    "TquicError",
    "UnavailableError",
    "close_text",
    "connection_error",
    "socket_error",
]

#: Exit codes of the commands that open connections; 2 is wrong usage.
EXIT_LOCAL: Final = 1
EXIT_NETWORK: Final = 3
EXIT_TLS: Final = 4
EXIT_INCOMPLETE: Final = 5

_CRYPTO_ERRORS = range(0x0100, 0x0200)  # RFC 9001 4.8

_TRANSPORT_ERRORS = {  # RFC 9000 20.1, RFC 9368, RFC 10069
    0x00: "no error",
    0x01: "internal error",
    0x02: "connection refused",
    0x03: "flow control error",
    0x04: "stream limit error",
    0x05: "stream state error",
    0x06: "final size error",
    0x07: "frame encoding error",
    0x08: "transport parameter error",
    0x09: "connection id limit error",
    0x0A: "protocol violation",
    0x0B: "invalid token",
    0x0C: "application error",
    0x0D: "crypto buffer exceeded",
    0x0E: "key update error",
    0x0F: "AEAD limit reached",
    0x10: "no viable path",
    0x11: "version negotiation error",
}

_ALERTS = {  # RFC 8446 6
    10: "unexpected message",
    40: "handshake failure",
    42: "bad certificate",
    43: "unsupported certificate",
    44: "certificate revoked",
    45: "certificate expired",
    46: "certificate unknown",
    47: "illegal parameter",
    48: "unknown CA",
    49: "access denied",
    50: "decode error",
    51: "decrypt error",
    70: "protocol version",
    71: "insufficient security",
    80: "internal error",
    109: "missing extension",
    112: "unrecognized name",
    113: "bad certificate status response",
    115: "unknown PSK identity",
    116: "certificate required",
    120: "no application protocol",
}


class TquicError(RuntimeError):
    """Something a person can act on; ``exit_code`` is for commands."""

    exit_code: int = EXIT_LOCAL


class UnavailableError(TquicError):
    """This kernel has no TQUIC sockets, or this user may not have them."""


class ConnectionFailedError(TquicError):
    """The connection could not be made, or broke."""

    exit_code = EXIT_NETWORK


class HandshakeFailedError(TquicError):
    """TLS failed: ``alert`` is its number, ``by_peer`` tells which end refused."""

    exit_code = EXIT_TLS

    def __init__(self, text: str, alert: int, *, by_peer: bool) -> None:
        super().__init__(text)
        self.alert = alert
        self.by_peer = by_peer


class IncompleteError(TquicError):
    """Some of what was asked for did not come."""

    exit_code = EXIT_INCOMPLETE


def close_text(info: CloseInfo) -> str:
    """Why a connection closed, in words."""
    if info.flags & CloseFlag.IDLE:
        return "nothing was heard from the peer until the idle timeout"
    if info.flags & CloseFlag.RESET:
        return "the peer has lost the connection (stateless reset)"
    who = "the peer" if info.flags & CloseFlag.PEER else "this end"
    if info.flags & CloseFlag.APP:
        what = f"application code {info.error_code:#x}"
    elif info.error_code in _CRYPTO_ERRORS:
        alert = info.error_code - _CRYPTO_ERRORS.start
        what = f"TLS alert {_ALERTS.get(alert, 'unknown')} ({alert})"
    else:
        name = _TRANSPORT_ERRORS.get(info.error_code, "unknown transport error")
        what = f"{name} ({info.error_code:#x})"
    reason = f": {info.text}" if info.text else ""
    return f"{who} closed with {what}{reason}"


def connection_error(what: str, info: CloseInfo | None, error: OSError | None) -> TquicError:
    """The error for a connection to or from ``what`` that is over.

    ``info`` is why the kernel says it closed, ``error`` what a call said; either may be missing.
    """
    if info is not None and info.flags & CloseFlag.PEER and info.error_code in _CRYPTO_ERRORS:
        alert = info.error_code - _CRYPTO_ERRORS.start
        return HandshakeFailedError(f"{what}: {close_text(info)}", alert, by_peer=True)
    if info is not None and (info.flags or info.error_code):
        return ConnectionFailedError(f"{what}: {close_text(info)}")
    return ConnectionFailedError(f"{what}: {_call_text(error)}")


_HINTS = {
    errno.ECONNREFUSED: "connection refused: nothing listens there, or it accepts no more",
    errno.ETIMEDOUT: "timed out: no answer, check the address, the port and firewalls (UDP)",
    errno.ENETUNREACH: "network unreachable: no route to that address",
    errno.EHOSTUNREACH: "host unreachable: no answer on the link to that address",
    errno.EADDRNOTAVAIL: "that address is not one of this host's",
    errno.EADDRINUSE: "that address and port are in use",
    errno.ECONNRESET: "the peer broke the connection off",
    errno.EPROTO: "protocol error",
    errno.EPROTOTYPE: "no version of QUIC in common",
}


def _call_text(error: OSError | None) -> str:
    if error is None:
        return "the connection ended"
    return _HINTS.get(error.errno or 0, error.strerror or str(error))


_NO_MODULE = (errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EAFNOSUPPORT)


def socket_error(error: OSError) -> TquicError:
    """The error for a TQUIC socket that could not be made."""
    if error.errno in _NO_MODULE:
        return UnavailableError("this kernel has no TQUIC sockets: load the module, modprobe tquic")
    if error.errno in (errno.EPERM, errno.EACCES):
        return UnavailableError("TQUIC sockets are not permitted here")
    return UnavailableError(f"cannot make a TQUIC socket: {error.strerror or error}")
