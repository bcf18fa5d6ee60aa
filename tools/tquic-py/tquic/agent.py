# SPDX-License-Identifier: GPL-2.0
"""The handshake agent: TLS for sockets whose programs hold none (HandshakeMode.AGENT).

The kernel hands over a socket for each handshake that waits in the agent's network namespace; the
agent drives TLS on it and closes it. A connect() or accept() of a plain program then returns.
"""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from .errors import TquicError
from .handshake import Channel, Handshake
from .netlink import HandshakeRequest
from .sock import RawSocket, TquicSocket
from .tls import Role, TlsConfig

__all__ = ["Agent", "AgentChannel", "AgentSocket", "Policy", "Source"]

_INTERNAL_ERROR: Final = 80  # RFC 8446 6
_ACCESS_DENIED: Final = 49
#: Handshakes are looked for this often even if no notification came: some may have been lost.
_TICK_S: Final = 1.0
_ACCEPTS_AT_A_TIME: Final = 64


class Source(Protocol):
    """Where handshakes come from: the netlink family."""

    def fileno(self) -> int: ...
    def serve(self) -> None: ...
    def drain(self) -> None: ...
    def accept(self) -> HandshakeRequest | None: ...


class AgentChannel(Channel, Protocol):
    """A handshake's socket that can also say what was agreed on, and be closed."""

    agreed: Callable[[], str | None]

    def close(self) -> None: ...


class AgentSocket(TquicSocket):
    """A handshake's socket. The program learns the protocol agreed on before it learns the end."""

    def __init__(self, raw: RawSocket) -> None:
        super().__init__(raw)
        self.agreed: Callable[[], str | None] = lambda: None

    @classmethod
    def of(cls, fd: int) -> AgentSocket:
        """Take over a file descriptor."""
        raw = socket.socket(fileno=fd)
        raw.setblocking(False)
        return cls(raw)

    def end_handshake(self, *, verified: bool) -> None:
        """TLS is complete."""
        name = self.agreed()
        if name:
            self.alpn = (name,)
        super().end_handshake(verified=verified)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Who gets what: configurations by role, None when the role is not served.

    ``alpn`` stands in for programs that name no protocol. ``server_users`` may listen with the
    agent's certificate; a client's user does not matter, its peer is always verified.
    """

    client: TlsConfig | None
    server: TlsConfig | None
    alpn: tuple[str, ...]
    server_users: frozenset[int] = frozenset((0,))

    def tls(self, request: HandshakeRequest) -> TlsConfig:
        """The configuration for a handshake. Raises PermissionError, ValueError."""
        alpn = tuple(name for name in request.alpn.split(",") if name) or self.alpn
        if request.role is Role.SERVER:
            if self.server is None:
                raise PermissionError("this agent has no certificate to serve with")
            if request.uid not in self.server_users:
                raise PermissionError(f"user {request.uid} may not serve with the certificate")
            return self.server.for_peer(Role.SERVER, alpn=alpn, server_name=None)
        if self.client is None:
            raise PermissionError("this agent does not serve clients")
        name = request.server_name or (request.peer.host if request.peer else None)
        return self.client.for_peer(Role.CLIENT, alpn=alpn, server_name=name)


@dataclass
class Stats:
    """What an agent has done so far."""

    taken: int = 0
    established: int = 0
    failed: int = 0


class Agent:
    """Drives every handshake of its network namespace, in one thread.

    ``log`` gets one line for each handshake that failed.
    """

    def __init__(
        self,
        source: Source,
        policy: Policy,
        log: Callable[[str], None] = lambda _line: None,
        channel: Callable[[int], AgentChannel] = AgentSocket.of,
    ) -> None:
        self._source = source
        self._policy = policy
        self._log = log
        self._channel = channel
        self._selector = selectors.DefaultSelector()
        self._stopping, self._waker = socket.socketpair()
        self.stats = Stats()

    def stop(self) -> None:
        """End :meth:`run`; callable from any thread and from signal handlers, at any time."""
        try:
            self._waker.send(b"x")
        except OSError:
            return  # it has ended

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until :meth:`stop`; what is under way then fails. ``ready`` is called once."""
        self._selector.register(self._stopping, selectors.EVENT_READ)
        try:
            self._source.serve()
            self._selector.register(self._source, selectors.EVENT_READ)
            ready()
            self._take()
            while True:
                events = self._selector.select(_TICK_S)
                for key, _ in events:
                    if key.fileobj is self._stopping:
                        return
                    if key.fileobj is self._source:
                        self._source.drain()
                    else:
                        self._proceed(key.data)
                self._take()
        finally:
            self._close()

    def _take(self) -> None:
        for _ in range(_ACCEPTS_AT_A_TIME):
            try:
                request = self._source.accept()
            except OSError as error:  # no descriptor, no memory: it is asked for again
                self._log(f"agent: {error.strerror}")
                return
            if request is None:
                return
            self._begin(request)

    def _begin(self, request: HandshakeRequest) -> None:
        self.stats.taken += 1
        work = _Work(self._channel(request.fd), f"{request.role.value} {request.peer}")
        self._selector.register(work.channel, selectors.EVENT_READ, work)
        try:
            work.start(self._policy.tls(request), request.role)
        except (OSError, ValueError, TquicError) as error:
            alert = _ACCESS_DENIED if isinstance(error, PermissionError) else _INTERNAL_ERROR
            work.refuse(alert)
            self._failed(work, error)
            return
        self._proceed(work)

    def _proceed(self, work: _Work) -> None:
        try:
            done = work.proceed()
        except (OSError, TquicError) as error:
            self._failed(work, error)
            return
        if done:
            self.stats.established += 1
            self._drop(work)
        else:
            self._selector.modify(work.channel, work.events, work)

    def _failed(self, work: _Work, error: Exception) -> None:
        self.stats.failed += 1
        text = str(error)
        self._log(text if text.startswith(work.peer) else f"{work.peer}: {text}")
        self._drop(work)

    def _drop(self, work: _Work) -> None:
        self._selector.unregister(work.channel)
        work.channel.close()

    def _close(self) -> None:
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, _Work):
                self._drop(key.data)
        self._selector.close()
        self._stopping.close()
        self._waker.close()


class _Work:
    """One handshake under way."""

    def __init__(self, channel: AgentChannel, peer: str) -> None:
        self.channel = channel
        self.peer = peer
        self._handshake: Handshake | None = None

    def start(self, tls: TlsConfig, role: Role) -> None:
        handshake = Handshake(self.channel, tls, role, self.peer)
        self.channel.agreed = lambda: handshake.session.alpn
        self._handshake = handshake
        handshake.start()

    def proceed(self) -> bool:
        """Do what can be done now; whether the handshake is complete."""
        assert self._handshake is not None
        self._handshake.proceed()
        return self._handshake.done

    @property
    def events(self) -> int:
        waits = self._handshake is not None and self._handshake.wants_write
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if waits else 0)

    def refuse(self, alert: int) -> None:
        """Tell the peer, if the connection is still there."""
        try:
            self.channel.fail_handshake(alert)
        except OSError:
            return


def notify_ready() -> None:
    """Tell the service manager, if there is one, that requests are served from now on."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect("\0" + path[1:] if path.startswith("@") else path)
        sock.send(b"READY=1")
