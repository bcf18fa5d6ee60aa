# SPDX-License-Identifier: GPL-2.0
"""HTTP/0.9 as interop tests use it over QUIC (ALPN hq-interop), without sockets.

A request is one line, ``GET /path`` CR LF, on a client-initiated bidirectional stream; the answer
is the file's bytes until the stream ends. There is no status: a server that cannot answer resets
the stream.
"""

from __future__ import annotations

import ctypes
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

__all__ = [
    "ALPN",
    "MAX_REQUEST_BYTES",
    "NotServedError",
    "RequestError",
    "ServedDirectory",
    "Url",
    "encode_request",
    "parse_request",
]

ALPN = "hq-interop"
#: Bytes of a request line, its end included.
MAX_REQUEST_BYTES = 4096
DEFAULT_PORT = 443

_UNRESERVED = "/%:@!$&'()*+,;=-._~"  # RFC 3986 3.3: these stand for themselves in a path
_SYS_OPENAT2 = 437  # the same on every architecture
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_BENEATH = 0x08


class RequestError(ValueError):
    """The bytes of a request are not HTTP/0.9."""


class NotServedError(Exception):
    """A well-formed request for something that is not served."""


def encode_request(target: str) -> bytes:
    """The request line for ``target`` (path and query, percent-encoded).

    Raises RequestError for a target that would not arrive as it is.
    """
    if not target.startswith("/") or any(not "!" <= c <= "~" for c in target):
        raise RequestError(f"not a request target: {target!r}")
    line = b"GET " + target.encode("ascii") + b"\r\n"
    if len(line) > MAX_REQUEST_BYTES:
        raise RequestError("request line too long")
    return line


def parse_request(data: bytes, *, ended: bool = False) -> str | None:
    """The target of a request, or None while its line is not complete.

    ``data`` is everything received on the stream so far, ``ended`` whether the peer finished it,
    which also ends the line. Raises RequestError.
    """
    end = data.find(b"\n", 0, MAX_REQUEST_BYTES)
    if end < 0 and len(data) >= MAX_REQUEST_BYTES:
        raise RequestError("request line too long")
    if end < 0 and not ended:
        return None
    if 0 <= end < len(data) - 1:
        raise RequestError("data after the request")
    line = data if end < 0 else data[:end]
    method, _, target = line.removesuffix(b"\r").partition(b" ")
    if method != b"GET":
        raise RequestError("not a GET request")
    if not target.startswith(b"/") or any(not 0x21 <= c <= 0x7E for c in target):
        raise RequestError("not a request target")
    return target.decode("ascii")


@dataclass(frozen=True)
class Url:
    """Where a file is: ``target`` is the request target, ``host`` without brackets."""

    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, text: str) -> Url:
        """Read an https URL. Raises ValueError with what is wrong."""
        parts = urlsplit(text)
        if parts.scheme != "https":
            raise ValueError("only https:// URLs")
        if parts.username is not None or parts.password is not None:
            raise ValueError("no user name or password in the URL")
        if not parts.hostname:
            raise ValueError("no host in the URL")
        port = DEFAULT_PORT if parts.port is None else parts.port
        if port == 0:
            raise ValueError("port 0 is not usable")
        target = quote(parts.path or "/", safe=_UNRESERVED)
        if parts.query:
            target += "?" + quote(parts.query, safe=_UNRESERVED + "?")
        encode_request(target)
        return cls(parts.hostname, port, target)

    @property
    def file_name(self) -> str:
        """The name to save under: the last part of the path, always a plain file name.

        Raises ValueError when there is none.
        """
        name = unquote(self.target.partition("?")[0].rpartition("/")[2], errors="strict")
        if name in ("", ".", "..") or "/" in name or not name.isprintable():
            raise ValueError("the URL names no file: choose an output name")
        return name


class _OpenHow(ctypes.Structure):
    """struct open_how of openat2(2)."""

    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def _open_beneath(root_fd: int, path: bytes) -> int:
    """Open ``path`` for reading without ever leaving ``root_fd``, races included."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    how = _OpenHow(flags, 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
    fd = _libc.syscall(
        ctypes.c_long(_SYS_OPENAT2),
        ctypes.c_long(root_fd),
        ctypes.c_char_p(path),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    if fd < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return int(fd)


class ServedDirectory:
    """A directory whose regular files may be read; nothing outside it ever is.

    The kernel resolves each path beneath the directory (openat2, RESOLVE_BENEATH), so ``..`` and
    symbolic links work as long as they stay inside. Raises OSError when ``root`` cannot be opened.
    """

    def __init__(self, root: Path | str) -> None:
        self._fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the directory back; files already open stay open."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def open(self, target: str) -> tuple[BinaryIO, int]:
        """The file a request target names, unbuffered, and its size in bytes.

        The query is ignored. Raises NotServedError for anything but a readable regular file.
        """
        path = unquote_to_bytes(target.partition("?")[0]).lstrip(b"/")
        if not path or b"\0" in path:
            raise NotServedError(target)
        try:
            fd = _open_beneath(self._fd, path)
        except OSError as error:
            raise NotServedError(f"{target}: {error.strerror}") from error
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            os.close(fd)
            raise NotServedError(f"{target}: not a regular file")
        return os.fdopen(fd, "rb", buffering=0), info.st_size
