# SPDX-License-Identifier: GPL-2.0
"""Two sockets joined in memory that keep the rules of the kernel's ABI, for tests without it."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections import deque
from dataclasses import dataclass, field

from tquic.sock import CryptoData, Message, StreamData
from tquic.tls import Level, Secret
from tquic.uapi import CloseFlag, CloseInfo, Event

MAX_STREAMS = 8


def os_error(code: int) -> OSError:
    """The exception for an errno."""
    return OSError(code, os.strerror(code))


@dataclass
class FakeSocket:
    """One end. Breaking a rule of the ABI is an AssertionError, not an OSError."""

    server: bool
    params: bytes = b"\x01\x02\x40\x64"
    room: int = 1 << 20
    chunk: int = 1 << 20
    max_streams: int = MAX_STREAMS
    inbox: deque[Message | None] = field(default_factory=deque)
    secrets: list[Secret] = field(default_factory=list)
    peer_params: bytes | None = None
    version: int = 1
    early_params: bytes | None = None
    early_accepted: bool = False
    verified: bool | None = None
    alert: int | None = None
    closed: CloseInfo = field(default_factory=CloseInfo)
    queued: int = 0
    opened: int = 0
    stopped: set[int] = field(default_factory=set)
    resets: list[tuple[int, int]] = field(default_factory=list)
    stops: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ready, self._signal = socket.socketpair()
        self._lock = threading.Lock()
        self.peer: FakeSocket = self

    def fileno(self) -> int:
        """Readable while the inbox holds something, as far as poll can tell."""
        return self._ready.fileno()

    def settimeout(self, seconds: float | None) -> None:
        """It never blocks anyway."""

    def close(self) -> None:
        """Release the descriptors."""
        self._ready.close()
        self._signal.close()

    # --- handshake

    @property
    def local_params(self) -> bytes:
        """Our parameters."""
        return self.params

    def set_peer_params(self, params: bytes) -> None:
        """Once, and before application secrets."""
        assert self.peer_params is None
        assert not any(s.level == Level.APP for s in self.secrets)
        self.peer_params = params

    def set_early_params(self, params: bytes) -> None:
        """Once, before the secret of early data."""
        assert self.early_params is None
        assert not self.secrets
        self.early_params = params

    def accept_early(self) -> None:
        """Once, between the secret and the peer's parameters."""
        assert any(s.level == Level.EARLY and s.send for s in self.secrets)
        assert self.peer_params is None
        self.early_accepted = True

    def set_secret(self, secret: Secret) -> None:
        """Once for each level and direction."""
        assert secret.level != Level.EARLY or self.server or self.early_params is not None
        assert (secret.level, secret.send) not in {(s.level, s.send) for s in self.secrets}
        assert secret.level != Level.APP or self.peer_params is not None
        self.secrets.append(secret)

    def send_crypto(self, level: Level, data: bytes | memoryview) -> int:
        """At a level we have keys for."""
        have = {(s.level, s.send) for s in self.secrets}
        assert level == Level.INITIAL or (level, True) in have
        taken = self._take_room(len(data))
        self.peer.deliver(CryptoData(level, bytes(data[:taken])))
        return taken

    def end_handshake(self, *, verified: bool) -> None:
        """Once, with all keys there."""
        assert self.verified is None
        assert len([s for s in self.secrets if s.level == Level.APP]) == 2
        self.verified = verified

    def fail_handshake(self, alert: int) -> None:
        """Close with an alert."""
        self.alert = alert
        self.close_with(0x100 + alert, app=False)

    def close_with(self, code: int, *, app: bool = True, reason: str = "") -> None:
        """Close; the peer learns the code."""
        self.closed = CloseInfo.of(code, app=app, reason=reason)
        flags = self.closed.flags | CloseFlag.PEER
        self.peer.closed = CloseInfo(code, 0, flags, self.closed.reason_len, self.closed.reason)
        self.peer.deliver(None)

    def close_info(self) -> CloseInfo:
        """Why it closed."""
        return self.closed

    # --- data

    def deliver(self, message: Message | None) -> None:
        """Put a message into the inbox; None ends the connection. Once closed, it is lost."""
        if self._signal.fileno() < 0:
            return
        self.inbox.append(message)
        self._signal.send(b"x")

    def recv_message(self) -> Message | None:
        """The next message."""
        if not self.inbox:
            raise BlockingIOError(errno.EAGAIN, "nothing")
        message = self.inbox.popleft()
        self._ready.recv(1)
        if message is None:
            self.deliver(None)  # the end stays readable
        elif not isinstance(message, Event):
            with self.peer._lock:
                self.peer.queued -= len(message.data)
        return message

    def open_stream(self, *, uni: bool = False) -> int:
        """Stream ids in order, as many as the peer allows."""
        if self.opened >= self.max_streams:
            raise BlockingIOError(errno.EAGAIN, "no more streams")
        self.opened += 1
        return (self.opened - 1) * 4 + int(self.server) + (2 if uni else 0)

    def send_stream(self, stream_id: int, data: bytes | memoryview, *, fin: bool = False) -> int:
        """Only after the handshake; FIN counts when all bytes were taken."""
        if stream_id in self.stopped:
            raise os_error(errno.EPIPE)
        taken = self._take_room(len(data))
        ends = fin and taken == len(data)
        self.peer.deliver(StreamData(stream_id, bytes(data[:taken]), ends))
        return taken

    def reset_stream(self, stream_id: int, code: int) -> None:
        """Tell the peer."""
        self.resets.append((stream_id, code))
        self.peer.deliver(StreamData(stream_id, b"", False, code))

    def stop_stream(self, stream_id: int, code: int) -> None:
        """The peer's next write fails."""
        self.stops.append((stream_id, code))
        self.peer.stopped.add(stream_id)

    def _take_room(self, wanted: int) -> int:
        with self._lock:
            taken = min(wanted, self.room - self.queued, self.chunk)
            if wanted and taken <= 0:
                raise BlockingIOError(errno.EAGAIN, "full")
            self.queued += taken
            return taken


def socket_pair() -> tuple[FakeSocket, FakeSocket]:
    """A client's and a server's end."""
    client, server = FakeSocket(False), FakeSocket(True)
    client.peer, server.peer = server, client
    return client, server
