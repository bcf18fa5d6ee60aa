# SPDX-License-Identifier: GPL-2.0
"""What the first messages of TLS say: the suite that was chosen, transport parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aioquic._buffer import Buffer, BufferReadError
from aioquic.tls import CipherSuite

__all__ = ["parameters", "start", "suite"]

_RANDOM_BYTES = 32
_CLIENT_HELLO = 1
_TRANSPORT_PARAMETERS = 57


def start(pieces: Iterable[tuple[int, bytes]]) -> bytes:
    """The bytes from offset 0 on, as far as they go without a gap."""
    out = b""
    for offset, data in sorted(pieces):
        if offset <= len(out) < offset + len(data):
            out += data[len(out) - offset :]
    return out


def parameters(hello: bytes) -> dict[int, bytes] | None:
    """Transport parameters in a ClientHello or EncryptedExtensions; None when they are not whole.

    RFC 8446 4.1.2 and 4.3.1, RFC 9001 8.2, RFC 9000 18.
    """
    buf = Buffer(data=hello)
    try:
        client = buf.pull_uint8() == _CLIENT_HELLO
        buf.pull_bytes(3)
        if client:
            buf.pull_bytes(2 + _RANDOM_BYTES)
            buf.pull_bytes(buf.pull_uint8())
            buf.pull_bytes(buf.pull_uint16())
            buf.pull_bytes(buf.pull_uint8())
        end = buf.pull_uint16() + buf.tell()
        while buf.tell() < end:
            kind, size = buf.pull_uint16(), buf.pull_uint16()
            if kind == _TRANSPORT_PARAMETERS:
                return dict(_values(buf.pull_bytes(size)))
            buf.pull_bytes(size)
    except BufferReadError:
        pass
    return None


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    buf = Buffer(data=data)
    while not buf.eof():
        yield buf.pull_uint_var(), buf.pull_bytes(buf.pull_uint_var())


def suite(server_hello: bytes) -> CipherSuite | None:
    """The suite that a ServerHello chose (RFC 8446 4.1.3)."""
    at = 1 + 3 + 2 + _RANDOM_BYTES
    if len(server_hello) <= at or server_hello[0] != 2:
        return None
    at += 1 + server_hello[at]
    value = int.from_bytes(server_hello[at : at + 2], "big")
    return CipherSuite(value) if value in list(CipherSuite) else None
