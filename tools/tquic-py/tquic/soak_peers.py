# SPDX-License-Identifier: GPL-2.0
"""The two ends of a soak's transfers: each verifies every byte it gets and notes what it waits for.

They run in processes of their own, forked from the guest's, and append lines to one log. A stream
begins with an order: its number, the bytes that follow, the bytes wanted. The server answers with
the latter, and at last with how many bytes came.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import TquicError
from .get import open_connection
from .handshake import Options, listen
from .multipath import PathSpec
from .mux import Exchange, StreamMux, StreamRefusedError
from .record import Address
from .server import Server
from .soak_plan import Pattern, Transfer, transfers
from .sock import TquicSocket
from .tls import TlsConfig
from .uapi import Config, PathInfo

ALPN = "tquic-soak/1"
PORT = 4433
#: Shorter waits are not written down.
WAIT_S = 0.2
#: Silence ends a connection; neither end is silent for so long on purpose.
IDLE_S = 15.0
_KEEPALIVE_S = 4.0
_CONNECT_S = 8.0
_RETRY_S = 1.0
_TICK_S = 1.0
_ORDER = struct.Struct("!4sIQQ")
_MAGIC = b"TQS1"
_COUNT = struct.Struct("!Q")
_WRONG = 0x300


@dataclass(frozen=True)
class Setting:
    """What both ends know. Paths are the guest's.

    log        where lines go; addresses: JSON list of the client's address on each link
    server     its address; end_s: when no transfer begins any more
    """

    seed: int
    log: str
    addresses: str
    server: str
    own_paths: bool
    begun_s: float
    end_s: float
    server_name: str
    ca: str
    certificate: str
    key: str


class Log:
    """Lines of JSON in a file, each with the seconds since the round began."""

    def __init__(self, path: str, begun_s: float, who: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._begun_s = begun_s
        self._who = who

    def close(self) -> None:
        """Give the file back."""
        os.close(self._fd)

    @property
    def now_s(self) -> float:
        """Seconds since the round began."""
        return round(time.monotonic() - self._begun_s, 4)

    def add(self, what: str, **values: Any) -> None:
        """Write a line; it is there even when this process is killed next."""
        line = {"t": self.now_s, "who": self._who, "what": what, **values}
        os.write(self._fd, json.dumps(line).encode() + b"\n")


class _Receiver:
    """Checks what comes of one direction of a transfer, and notes waits."""

    def __init__(self, log: Log, pattern: Pattern, number: int, size: int) -> None:
        self._log = log
        self._pattern = pattern
        self._number = number
        self.size = size
        self.received = 0
        self._last_s = log.now_s

    @property
    def complete(self) -> bool:
        return self.received == self.size

    def take(self, data: bytes) -> None:
        """Raises StreamRefusedError when a byte is not what belongs there."""
        if not data:
            return
        at = self._pattern.differs_at(self.received, data)
        if at is not None or self.received + len(data) > self.size:
            self._log.add("wrong", n=self._number, at=self.size if at is None else at)
            raise StreamRefusedError(_WRONG)
        self.received += len(data)
        self.note()

    def note(self) -> None:
        """Something came, or nothing will any more: the wait until now is over."""
        now_s = self._log.now_s
        if now_s - self._last_s >= WAIT_S:
            self._log.add("wait", n=self._number, a=self._last_s, b=now_s)
        self._last_s = now_s


class _Sender:
    """Gives out one direction of a transfer."""

    def __init__(self, pattern: Pattern, size: int) -> None:
        self._pattern = pattern
        self._size = size
        self._sent = 0

    @property
    def complete(self) -> bool:
        return self._sent == self._size

    def next(self, limit: int) -> bytes:
        data = self._pattern.read(self._sent, min(limit, self._size - self._sent))
        self._sent += len(data)
        return data


class ServerExchange(Exchange):
    """The server's side of a stream."""

    def __init__(self, log: Log, seed: int) -> None:
        self._log = log
        self._seed = seed
        self._head = b""
        self._number = -1
        self._receiver: _Receiver | None = None
        self._sender: _Sender | None = None
        self._fin = False

    def on_data(self, data: bytes, fin: bool) -> None:
        """The order, then the bytes it told of."""
        if self._receiver is None:
            need = _ORDER.size - len(self._head)
            self._head += data[:need]
            data = data[need:]
            if len(self._head) == _ORDER.size:
                self._begin()
        if self._receiver is not None:
            self._receiver.take(data)
        if fin:
            if self._receiver is None or not self._receiver.complete:
                self._log.add("wrong", n=self._number, at=-1)
                raise StreamRefusedError(_WRONG)
            self._fin = True
            self._log.add("all", n=self._number)

    def _begin(self) -> None:
        magic, self._number, up, down = _ORDER.unpack(self._head)
        if magic != _MAGIC:
            self._log.add("wrong", n=-1, at=0)
            raise StreamRefusedError(_WRONG)
        self._log.add("first", n=self._number)
        pattern = Pattern(self._seed, self._number, up=True)
        self._receiver = _Receiver(self._log, pattern, self._number, up)
        self._sender = _Sender(Pattern(self._seed, self._number, up=False), down)

    def pull(self, limit: int) -> tuple[bytes, bool] | None:
        """What was asked for, then the count."""
        if self._sender is None or self._receiver is None:
            return None
        if not self._sender.complete:
            return self._sender.next(limit), False
        return (_COUNT.pack(self._receiver.received), True) if self._fin else None

    def on_end(self, code: int | None) -> None:
        """The last wait counts, too."""
        if code is not None and self._receiver is not None and not self._fin:
            self._receiver.note()


class ClientExchange(Exchange):
    """The client's side of a stream."""

    def __init__(self, log: Log, seed: int, transfer: Transfer) -> None:
        self._log = log
        self._transfer = transfer
        self._head: bytes | None = _ORDER.pack(
            _MAGIC, transfer.number, transfer.up_bytes, transfer.down_bytes
        )
        self._sender = _Sender(Pattern(seed, transfer.number, up=True), transfer.up_bytes)
        pattern = Pattern(seed, transfer.number, up=False)
        self._receiver = _Receiver(log, pattern, transfer.number, transfer.down_bytes)
        self._answer = b""
        self._ended = False
        self.complete = False

    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self._ended

    def pull(self, limit: int) -> tuple[bytes, bool] | None:
        """The order, then the bytes it tells of."""
        head, self._head = self._head, None
        if head is not None:
            return head, self._sender.complete
        data = self._sender.next(limit)
        return data, self._sender.complete

    def on_data(self, data: bytes, fin: bool) -> None:
        """What was asked for, then the server's count."""
        room = self._receiver.size - self._receiver.received
        self._receiver.take(data[:room])
        if 0 < room <= len(data):
            self._log.add("got", n=self._transfer.number)
        self._answer += data[room:]
        if fin:
            right = _COUNT.pack(self._transfer.up_bytes)
            if not self._receiver.complete or self._answer != right:
                self._log.add("wrong", n=self._transfer.number, at=-2)
                raise StreamRefusedError(_WRONG)
            self.complete = True
        elif self._receiver.complete and len(self._answer) > _COUNT.size:
            raise StreamRefusedError(_WRONG)

    def on_end(self, code: int | None) -> None:
        """Over, in one way or another."""
        if code is not None and not self.complete and not self._receiver.complete:
            self._receiver.note()
        self._ended = True


def serve(setting: Setting) -> None:
    """Serve until SIGTERM, then close in order."""
    log = Log(setting.log, setting.begun_s, "server")
    tls = TlsConfig(alpn=(ALPN,), cert_file=Path(setting.certificate), key_file=Path(setting.key))
    options = Options(config=_config(own_paths=False))
    listener = listen(Address(setting.server, PORT), options)
    server = Server(
        listener,
        tls,
        lambda _stream: ServerExchange(log, setting.seed),
        log=lambda line: log.add("refused", text=line),
    )
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    log.add("ready")
    server.run()
    log.add("stopped", established=server.stats.established, failed=server.stats.failed)


def _config(*, own_paths: bool) -> Config:
    return Config.of(
        idle_timeout_ms=int(IDLE_S * 1000),
        keepalive_ms=int(_KEEPALIVE_S * 1000),
        own_paths=int(own_paths),
    )


class _Paths:
    """Keeps a path open from each address of the client, for a program that does so itself."""

    def __init__(self, setting: Setting, log: Log, sock: TquicSocket) -> None:
        self._file = Path(setting.addresses)
        self._own = setting.own_paths
        self._log = log
        self._sock = sock
        self._due_s = 0.0

    def tick(self) -> None:
        """Open what is missing; a path whose address has been replaced moves to the new one."""
        if not self._own or self._log.now_s < self._due_s:
            return
        self._due_s = self._log.now_s + _TICK_S
        wanted: list[str] = json.loads(self._file.read_text())
        try:
            paths = self._sock.paths()
        except OSError:
            return  # the connection is over: whoever reads it is told
        have = {path.local.host for path in paths if path.local}
        for host in wanted:
            if host not in have:
                stale = [path for path in paths if _replaced(path, host, wanted)]
                self._open(host, stale)

    def _open(self, host: str, stale: list[PathInfo]) -> None:
        try:
            if stale:
                self._sock.move_path(stale[0].path_id, Address(host))
            else:
                self._sock.add_path(Address(host))
        except OSError as error:
            self._log.add("no-path", host=host, errno=errno.errorcode.get(error.errno or 0, "?"))


def _replaced(path: PathInfo, host: str, wanted: list[str]) -> bool:
    """Whether a path begins at an earlier address of the link of @host."""
    if path.local is None or path.local.host in wanted:
        return False
    return path.local.host.rsplit(".", 1)[0] == host.rsplit(".", 1)[0]


class _Client:
    """Connects, does transfers until the time is over, and begins again when it is cut off."""

    def __init__(self, setting: Setting, first: int) -> None:
        self._setting = setting
        self._log = Log(setting.log, setting.begun_s, "client")
        self._tls = TlsConfig(
            alpn=(ALPN,), server_name=setting.server_name, ca_file=Path(setting.ca)
        )
        self._left: Iterator[Transfer] = transfers(setting.seed, first)
        self._tries = 0

    def _connect(self) -> TquicSocket | None:
        hosts: list[str] = json.loads(Path(self._setting.addresses).read_text())
        host = hosts[(self._setting.seed + self._tries) % len(hosts)]
        self._tries += 1
        options = Options(config=_config(own_paths=self._setting.own_paths), timeout_s=_CONNECT_S)
        try:
            sock = open_connection(
                self._setting.server, PORT, self._tls, [PathSpec(Address(host))], options
            )
        except TquicError as error:
            self._log.add("unconnected", host=host, text=str(error))
            return None
        self._log.add("connected", host=host, token=sock.info().token)
        return sock

    def _over(self) -> bool:
        return self._log.now_s >= self._setting.end_s

    def run(self) -> None:
        """All of it."""
        self._log.add("start")
        while not self._over():
            sock = self._connect()
            if sock is None:
                time.sleep(_RETRY_S)
                continue
            with sock:
                try:
                    self._use(sock)
                except TquicError as error:
                    self._log.add("broken", text=str(error))
        self._log.add("done")

    def _use(self, sock: TquicSocket) -> None:
        mux = StreamMux(sock, server=False, peer=self._setting.server)
        paths = _Paths(self._setting, self._log, sock)
        paths.tick()
        while not self._over():
            transfer = next(self._left)
            number = transfer.number
            item = ClientExchange(self._log, self._setting.seed, transfer)
            self._log.add("begin", n=number, up=transfer.up_bytes, down=transfer.down_bytes)
            mux.open(item)
            mux.run(item.is_over, tick=paths.tick, tick_s=_TICK_S)
            if item.complete:
                self._log.add("end", n=number)
            elif mux.closed:
                self._log.add("broken", text="closed")
                return
            else:
                self._log.add("given-up", n=number)
            self._pause(mux, paths, self._log.now_s + transfer.pause_s)
            if mux.closed:
                self._log.add("broken", text="closed")
                return
        sock.close_with(0)

    def _pause(self, mux: StreamMux, paths: _Paths, until_s: float) -> None:
        mux.run(lambda: self._log.now_s >= until_s, tick=paths.tick, tick_s=_TICK_S)


def use(setting: Setting, first: int) -> None:
    """Be the client, from the transfer @first on."""
    _Client(setting, first).run()
