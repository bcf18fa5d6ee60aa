# SPDX-License-Identifier: GPL-2.0
"""Files fetched over TQUIC with HTTP/0.9: the logic of `tquic get`."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from .errors import ConnectionFailedError, IncompleteError, close_text
from .handshake import Handshake, Options, establish
from .http09 import Url, encode_request
from .multipath import PathSpec, add_paths
from .mux import Exchange, StreamMux
from .record import Address
from .sock import TquicSocket
from .tls import Role, SavedSession, TlsConfig
from .uapi import EarlyState, PathInfo, RecvMask

__all__ = ["Download", "Result", "fetch", "load_session", "resolve", "store_session"]

#: Seconds without a byte after which a transfer is given up.
STALL_S = 30.0

Progress = Callable[["Download"], None]


@dataclass
class Download(Exchange):
    """One file on its way into ``path``, by way of a temporary file beside it."""

    url: Url
    path: Path
    received_bytes: int = 0
    finished: bool = False
    refused_code: int | None = None
    error: OSError | None = None
    _requested: bool = False
    _file: BinaryIO | None = None
    _temporary: Path | None = None

    def pull(self, limit: int) -> tuple[bytes, bool] | None:
        """The request, once."""
        if self._requested:
            return None
        self._requested = True
        return encode_request(self.url.target), True

    def on_data(self, data: bytes, fin: bool) -> None:
        """Store bytes; the file takes its name when they are all there."""
        if self.error is not None:
            return
        try:
            self._store(data, fin)
        except OSError as error:
            self.error = error

    def _store(self, data: bytes, fin: bool) -> None:
        if self._file is None:
            name = f".{self.path.name}.{secrets.token_hex(4)}"
            self._temporary = self.path.with_name(name)
            self._file = self._temporary.open("xb")
        self._file.write(data)
        self.received_bytes += len(data)
        if fin:
            self._file.close()
            assert self._temporary is not None
            self._temporary.replace(self.path)
            self.finished = True

    def on_end(self, code: int | None) -> None:
        """Leave no half a file behind."""
        self.refused_code = code
        if self._file is not None and not self.finished:
            with suppress(OSError):
                self._file.close()
            if self._temporary is not None:
                self._temporary.unlink(missing_ok=True)

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.finished or self.refused_code is not None or self.error is not None

    @property
    def problem(self) -> str | None:
        """Why the file is not there, or None."""
        if self.error is not None:
            return f"{self.path}: {self.error.strerror or self.error}"
        if self.finished:
            return None
        if self.refused_code is None:
            return f"{self.url.target}: the connection ended before the file did"
        return f"{self.url.target}: the server refused it (code {self.refused_code:#x})"


@dataclass(frozen=True)
class Result:
    """What one connection brought. ``handshake_s`` and ``transfer_s`` are in seconds.

    ``resumed`` tells whether the session is an earlier one, ``early`` what became of requests
    that were sent before the handshake was complete.
    """

    host: str
    port: int
    downloads: Sequence[Download]
    handshake_s: float
    transfer_s: float
    verified: bool
    paths: Sequence[PathInfo] = field(default_factory=tuple)
    resumed: bool = False
    early: EarlyState = EarlyState.NONE

    @property
    def received_bytes(self) -> int:
        """Bytes of all files."""
        return sum(item.received_bytes for item in self.downloads)

    def check(self) -> None:
        """Raise IncompleteError when a file is missing."""
        problems = [p for item in self.downloads if (p := item.problem)]
        if problems:
            raise IncompleteError("; ".join(problems))


def resolve(host: str, port: int, family: int = socket.AF_UNSPEC) -> list[Address]:
    """The addresses of a host. Raises ConnectionFailedError when there are none."""
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_DGRAM)
    except (socket.gaierror, UnicodeError) as error:
        raise ConnectionFailedError(f"{host}: cannot be resolved: {error}") from error
    return list(dict.fromkeys(Address.of(sockaddr) for *_, sockaddr in found))


def open_connection(
    host: str, port: int, tls: TlsConfig, paths: Sequence[PathSpec], options: Options
) -> TquicSocket:
    """Connect to the first address of a host that answers, then add all paths but the first.

    The first path given binds the connection itself. Raises TquicError.
    """
    return _establish(host, port, tls, paths, options)[0]


def _establish(
    host: str,
    port: int,
    tls: TlsConfig,
    paths: Sequence[PathSpec],
    options: Options,
    early: Callable[[TquicSocket], None] | None = None,
    written: Callable[[], bool] = lambda: False,
) -> tuple[TquicSocket, Handshake]:
    tls.credentials(Role.CLIENT)  # what is wrong with the files is told first
    first = paths[0] if paths else None
    family = first.local.family if first else socket.AF_UNSPEC
    if first is not None:
        options = first.bind(options)
    last: ConnectionFailedError | None = None
    for address in resolve(host, port, family):
        try:
            sock, handshake = establish(address, tls, options, early)
        except ConnectionFailedError as error:
            if written():
                raise  # what was written has gone to this address
            last = error
            continue
        try:
            add_paths(sock, paths[1:])
        except BaseException:
            sock.close()
            raise
        return sock, handshake
    raise last or ConnectionFailedError(f"{host}: no address of the family asked for")


def fetch(
    downloads: Sequence[Download],
    tls: TlsConfig,
    *,
    paths: Sequence[PathSpec] = (),
    options: Options | None = None,
    progress: Progress = lambda _download: None,
    stall_s: float = STALL_S,
    keep: Callable[[SavedSession], None] | None = None,
) -> Result:
    """Fetch files of one host and port on one connection.

    ``keep`` is given what a later call may put into ``options.saved``; requests then leave before
    the handshake is complete, which does no harm: whoever repeats them only has a file sent once
    more. Raises TquicError when the connection fails; the result tells of files that are missing.
    """
    url = downloads[0].url
    started_s = time.monotonic()
    waiting = list(reversed(downloads))
    begun: list[StreamMux] = []

    def begin(sock: TquicSocket) -> StreamMux:
        mux = StreamMux(sock, server=False, peer=f"{url.host}:{url.port}")
        _open_streams(mux, waiting)
        mux.write()
        begun.append(mux)
        return mux

    def early(sock: TquicSocket) -> None:
        begin(sock)

    sock, handshake = _establish(
        url.host, url.port, tls, paths, options or Options(), early, lambda: bool(begun)
    )
    with sock:
        connected_s = time.monotonic()
        mux = begun[-1] if begun else begin(sock)
        if keep is not None:
            mux.on_crypto = handshake.take_ticket
            sock.recv_mask |= RecvMask.CRYPTO

        def step() -> None:
            _open_streams(mux, waiting)
            for item in downloads:
                progress(item)

        for message in handshake.take_unread():
            mux.take(message)
        step()
        mux.run(lambda: all(item.ended for item in downloads), tick=step, stall_s=stall_s)
        for item in downloads:
            progress(item)
        ended_s = time.monotonic()
        info = sock.info()
        _keep(handshake, info.version, keep)
        known = tuple(_quiet_paths(sock))
        taken = sock.early
        if mux.closed and not all(item.ended for item in downloads):
            raise ConnectionFailedError(f"{url.host}: {close_text(sock.close_info())}")
        sock.close_with(0)
    return Result(
        url.host,
        url.port,
        downloads,
        connected_s - started_s,
        ended_s - connected_s,
        bool(info.verified),
        known,
        handshake.session.resumed,
        taken,
    )


def _keep(handshake: Handshake, version: int, keep: Callable[[SavedSession], None] | None) -> None:
    saved = handshake.save(version) if keep is not None else None
    if saved is not None and keep is not None:
        keep(saved)


def _quiet_paths(sock: TquicSocket) -> Iterable[PathInfo]:
    try:
        return sock.paths()
    except OSError:
        return ()


def _open_streams(mux: StreamMux, waiting: list[Download]) -> None:
    """Open as many streams as the server allows now."""
    while waiting and not mux.closed:
        try:
            mux.open(waiting[-1])
        except BlockingIOError:
            return
        waiting.pop()


def target_path(url: Url, folder: Path, name: str | None = None) -> Path:
    """Where a file is saved. Raises ValueError when the URL has no file name."""
    return folder / (name or url.file_name)


def check_folder(folder: Path) -> None:
    """Raise NotADirectoryError or PermissionError before anything is fetched."""
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a directory: make it first")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder} cannot be written to")


def load_session(path: Path, tls: TlsConfig) -> SavedSession | None:
    """The session a file keeps, or None: no file, not readable as one, or of another server."""
    try:
        saved = SavedSession.load(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    # What was not verified then must not pass as the name asked for now.
    fits = saved.server == tls.server_name and saved.alpn in tls.alpn
    return saved if fits and (saved.verified or not tls.verify) else None


def store_session(path: Path, saved: SavedSession) -> None:
    """Keep a session in a file that only its owner can read. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as out:
            out.write(saved.dump())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
