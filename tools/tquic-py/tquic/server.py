# SPDX-License-Identifier: GPL-2.0
"""A server for many connections in one thread: handshakes, streams, limits, an orderly end."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from .errors import TquicError
from .handshake import Handshake
from .mux import Exchange, StreamMux
from .sock import TquicSocket
from .tls import Role, TlsConfig

__all__ = ["Limits", "Server", "Stats"]

_CONNECTION_REFUSED = 0x02  # RFC 9000 20.1
_TICK_S = 1.0
_ACCEPTS_AT_A_TIME = 16


@dataclass(frozen=True)
class Limits:
    """What a server lends to strangers."""

    connections: int = 1000
    handshake_s: float = 10.0


@dataclass
class Stats:
    """What a server has done so far."""

    accepted: int = 0
    established: int = 0
    refused: int = 0
    failed: int = 0


class _Connection:
    """One client: its handshake, then its streams."""

    def __init__(
        self,
        sock: TquicSocket,
        tls: TlsConfig,
        peer: str,
        accept: Callable[[int], Exchange],
        datagram: Callable[[TquicSocket, bytes], None] | None,
    ) -> None:
        self.sock = sock
        self.peer = peer
        self.started_s = time.monotonic()
        self._handshake: Handshake | None = Handshake(sock, tls, Role.SERVER, peer)
        self._handshake.start()
        self.mux = StreamMux(sock, server=True, peer=peer, accept=accept)
        if datagram is not None:
            self.mux.on_datagram = lambda data: datagram(sock, data)

    @property
    def established(self) -> bool:
        return self._handshake is None

    @property
    def events(self) -> int:
        handshake = self._handshake
        writes = self.mux.wants_write or (handshake is not None and handshake.wants_write)
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if writes else 0)

    def proceed(self) -> bool:
        """Do what can be done now; return whether the handshake ended in this call."""
        if self._handshake is not None:
            self._handshake.proceed()
            # Early data is answered at once.
            for message in self._handshake.take_unread():
                self.mux.take(message)
            done = self._handshake.done
            if done:
                self._handshake = None
                self.mux.read()
            self.mux.write()
            return done
        self.mux.read()
        self.mux.write()
        return False


class Server:
    """Serves every connection of a listening socket with exchanges made by ``accept``.

    ``log`` gets one line for each connection that failed, ``datagram`` each datagram (the
    listener's ``recv_mask`` has to ask for them). The server owns the listener.
    """

    def __init__(
        self,
        listener: TquicSocket,
        tls: TlsConfig,
        accept: Callable[[int], Exchange],
        limits: Limits | None = None,
        log: Callable[[str], None] = lambda _line: None,
        datagram: Callable[[TquicSocket, bytes], None] | None = None,
    ) -> None:
        tls.credentials(Role.SERVER)  # what is wrong with the files is told now
        self._listener = listener
        self._tls = tls
        self._accept = accept
        self._limits = limits or Limits()
        self._log = log
        self._datagram = datagram
        self._connections: set[_Connection] = set()
        self._selector = selectors.DefaultSelector()
        self._stopping, self._waker = socket.socketpair()
        self.stats = Stats()

    def stop(self) -> None:
        """End :meth:`run`; callable from any thread and from signal handlers, at any time."""
        try:
            self._waker.send(b"x")
        except OSError:
            return  # it has ended

    def run(self) -> None:
        """Serve until :meth:`stop`; then close everything."""
        self._listener.settimeout(0)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._stopping, selectors.EVENT_READ)
        next_check_s = 0.0
        try:
            while True:
                for key, _ in self._selector.select(_TICK_S):
                    if key.fileobj is self._stopping:
                        return
                    if key.fileobj is self._listener:
                        self._take_in()
                    elif key.data in self._connections:
                        self._proceed(key.data)
                now_s = time.monotonic()
                if now_s >= next_check_s:
                    next_check_s = now_s + _TICK_S
                    self._give_up_handshakes(now_s)
        finally:
            self._close()

    def _take_in(self) -> None:
        for _ in range(_ACCEPTS_AT_A_TIME):
            try:
                sock, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self._log(f"accept: {error.strerror}")
                return
            self._welcome(sock, str(address))

    def _welcome(self, sock: TquicSocket, peer: str) -> None:
        self.stats.accepted += 1
        try:
            sock.settimeout(0)
            if len(self._connections) >= self._limits.connections:
                self.stats.refused += 1
                sock.close_with(_CONNECTION_REFUSED, app=False, reason="too many connections")
                sock.close()
                return
            connection = _Connection(sock, self._tls, peer, self._accept, self._datagram)
        except (OSError, TquicError) as error:
            self._failed(peer, error)
            sock.close()
            return
        self._connections.add(connection)
        self._selector.register(sock, connection.events, connection)
        self._proceed(connection)

    def _proceed(self, connection: _Connection) -> None:
        try:
            if connection.proceed():
                self.stats.established += 1
        except (OSError, TquicError) as error:
            if not connection.established:
                self._failed(connection.peer, error)
            self._drop(connection)
            return
        if connection.mux.closed:
            self._drop(connection)
            return
        key = self._selector.get_key(connection.sock)
        if key.events != connection.events:
            self._selector.modify(connection.sock, connection.events, connection)

    def _failed(self, peer: str, error: Exception) -> None:
        self.stats.failed += 1
        text = str(error)
        self._log(text if text.startswith(peer) else f"{peer}: {text}")

    def _give_up_handshakes(self, now_s: float) -> None:
        late_s = now_s - self._limits.handshake_s
        for connection in list(self._connections):
            if not connection.established and connection.started_s < late_s:
                self._failed(connection.peer, TimeoutError("handshake not completed in time"))
                self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        self._connections.discard(connection)
        self._selector.unregister(connection.sock)
        connection.mux.end()
        connection.sock.close()

    def _close(self) -> None:
        for connection in list(self._connections):
            self._drop(connection)
        self._selector.close()
        self._listener.close()
        self._stopping.close()
        self._waker.close()
