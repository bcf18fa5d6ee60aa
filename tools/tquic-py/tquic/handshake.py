# SPDX-License-Identifier: GPL-2.0
"""The TLS handshake of a socket in HandshakeMode.SELF: TlsSession on one side, kernel on the other.

:class:`Handshake` never blocks and fits any event loop; :func:`connect` blocks until the
connection is there, for programs that have nothing else to do.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from .errors import (
    ConnectionFailedError,
    HandshakeFailedError,
    connection_error,
    socket_error,
)
from .record import Address
from .sock import CryptoData, Message, TquicSocket
from .tls import Level, Role, SavedSession, Secret, TlsAlert, TlsConfig, TlsSession
from .uapi import CloseInfo, Config, HandshakeMode, Preferred, RecvMask

__all__ = [
    "Channel",
    "EarlyChannel",
    "Handshake",
    "Options",
    "complete",
    "connect",
    "drive",
    "establish",
    "listen",
    "new_socket",
]

#: Seconds until an unfinished handshake is given up.
TIMEOUT_S = 10.0
_CRYPTO_ERRORS = range(0x0100, 0x0200)


class Channel(Protocol):
    """What a handshake needs of a socket."""

    def fileno(self) -> int: ...
    @property
    def local_params(self) -> bytes: ...
    def set_peer_params(self, params: bytes) -> None: ...
    def set_secret(self, secret: Secret) -> None: ...
    def send_crypto(self, level: Level, data: bytes | memoryview) -> int: ...
    def recv_message(self) -> Message | None: ...
    def end_handshake(self, *, verified: bool) -> None: ...
    def fail_handshake(self, alert: int) -> None: ...
    def close_with(self, code: int, *, app: bool, reason: str) -> None: ...
    def close_info(self) -> CloseInfo: ...


class EarlyChannel(Channel, Protocol):
    """What the handshake of a client that resumes a session needs of its socket."""

    @property
    def version(self) -> int: ...
    def set_early_params(self, params: bytes) -> None: ...
    def accept_early(self) -> None: ...


class Handshake:
    """One connection's handshake: call :meth:`start`, then :meth:`proceed` at every readiness.

    ``peer`` names the other end in errors. Failures raise TquicError after the kernel was told, so
    the peer learns the alert; the channel is then of no more use. Nothing blocks on a socket that
    does not.
    """

    def __init__(
        self,
        channel: Channel,
        tls: TlsConfig,
        role: Role,
        peer: str,
        saved: SavedSession | None = None,
    ) -> None:
        self._channel = channel
        self._peer = peer
        self._role = role
        self._saved = saved
        self._early: EarlyChannel | None = None
        self._unread: list[Message] = []
        self._params_given = False
        take = self._take_params if role is Role.SERVER else None
        self._session = TlsSession(tls, role, channel.local_params, saved, take)
        self._outbox: deque[tuple[Level, memoryview]] = deque()
        self._offered = False
        self._ended = False

    @classmethod
    def resuming(
        cls, channel: EarlyChannel, tls: TlsConfig, peer: str, saved: SavedSession
    ) -> Handshake:
        """The handshake of a client that resumes a session, and offers early data if it may."""
        usable = saved.version == channel.version  # RFC 9369 5
        out = cls(channel, tls, Role.CLIENT, peer, saved if usable else None)
        out._early = channel
        return out

    @property
    def offers_early(self) -> bool:
        """Whether a client may write now, though the handshake is not done."""
        return self._offered

    def take_unread(self) -> list[Message]:
        """What came besides TLS: early data, for whoever reads the socket afterwards."""
        out, self._unread = self._unread, []
        return out

    def save(self, version: int) -> SavedSession | None:
        """What a later connection resumes; see :meth:`TlsSession.save`."""
        return self._session.save(version)

    def take_ticket(self, message: CryptoData) -> None:
        """Take in what TLS says once the handshake is done. Raises HandshakeFailedError."""
        self._guarded(partial(self._session.receive, message.level, message.data))

    @property
    def done(self) -> bool:
        """Whether the handshake is complete and the kernel knows."""
        return self._ended

    @property
    def wants_write(self) -> bool:
        """Whether handshake bytes wait for room in the kernel."""
        return bool(self._outbox)

    @property
    def session(self) -> TlsSession:
        """The TLS session: what was agreed on, and who the peer is."""
        return self._session

    def start(self) -> None:
        """Begin: a client's first flight goes out."""
        self._guarded(self._session.start)
        self.proceed_writing()

    def proceed(self) -> None:
        """Take in what the peer sent, as long as there is some, and answer."""
        while not self._ended:
            try:
                message = self._channel.recv_message()
            except BlockingIOError:
                break
            except OSError as error:
                raise connection_error(self._peer, self._close_info(), error) from error
            if message is None:
                raise connection_error(self._peer, self._close_info(), None)
            if not isinstance(message, CryptoData):
                self._unread.append(message)
                continue
            self._guarded(partial(self._session.receive, message.level, message.data))
            self.proceed_writing()
        if self._outbox:
            self.proceed_writing()

    def proceed_writing(self) -> None:
        """Hand over secrets, parameters and bytes, in the order the kernel must have them."""
        try:
            self._hand_over()
        except OSError as error:
            raise connection_error(self._peer, self._close_info(), error) from error

    def _hand_over(self) -> None:
        params = self._session.peer_transport_params
        if params is not None and not self._params_given:
            if self._offered and self._early is not None and self._session.early_accepted:
                self._early.accept_early()
            self._channel.set_peer_params(params)
            self._params_given = True
        secrets = self._session.take_secrets()
        # A client can read nothing of a server's before the ServerHello: that goes first.
        late = [s for s in secrets if s.level == Level.APP and self._role is Role.SERVER]
        for secret in secrets:
            if secret not in late:
                self._install(secret)
        self._outbox += [(level, memoryview(data)) for level, data in self._session.take_crypto()]
        self._write(Level.APP)
        for secret in late:
            self._install(secret)
        self._write(Level.APP + 1)
        waits = any(level < Level.APP for level, _data in self._outbox)
        if self._session.complete and not self._ended and not waits:
            self._channel.end_handshake(verified=self._session.verified)
            self._ended = True
            self._outbox.clear()  # a session ticket without room is not worth a wait

    def _write(self, end: int) -> None:
        """Hand over bytes of levels below ``end``, as far as there is room for them."""
        while self._outbox and self._outbox[0][0] < end:
            level, data = self._outbox.popleft()
            try:
                taken = self._channel.send_crypto(level, data)
            except BlockingIOError:
                taken = 0
            if taken < len(data):
                self._outbox.appendleft((level, data[taken:]))
                if not taken:
                    break

    def _take_params(self, params: bytes) -> bytes:
        """A client's parameters came: the kernel may go on in another version, and tells so."""
        self._channel.set_peer_params(params)
        self._params_given = True
        return self._channel.local_params

    def _install(self, secret: Secret) -> None:
        offer = secret.level == Level.EARLY and secret.send
        if offer and self._early is not None and self._saved is not None:
            self._early.set_early_params(self._saved.params)
            self._offered = True
        self._channel.set_secret(secret)

    def _guarded(self, step: Callable[[], None]) -> None:
        """Run a step of TLS; when it refuses, tell the kernel and raise."""
        try:
            step()
        except TlsAlert as alert:
            if isinstance(alert.__cause__, OSError):
                cause = alert.__cause__
                raise connection_error(self._peer, self._close_info(), cause) from cause
            self._refuse(alert)
            text = f"{self._peer}: handshake refused here: {alert}"
            raise HandshakeFailedError(text, alert.alert, by_peer=False) from alert

    def _refuse(self, alert: TlsAlert) -> None:
        try:
            if alert.quic_error in _CRYPTO_ERRORS:
                self._channel.fail_handshake(alert.alert)
            else:
                self._channel.close_with(alert.quic_error, app=False, reason=alert.text)
        except OSError:
            return  # the connection has gone already; the alert is what matters

    def _close_info(self) -> CloseInfo | None:
        try:
            return self._channel.close_info()
        except OSError:
            return None


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to make a connection: ``local`` and ``device`` bind its first path.

    ``token`` is the ``TquicSocket.token`` of an earlier connection to the same server, ``retry``
    has every client of a listener prove its address. ``version`` is the QUIC version to connect
    with, ``preferred`` where a listener asks its clients to move to, ``saved`` a session with the
    same server to be resumed.
    """

    kind: int = socket.SOCK_DGRAM
    config: Config | None = None
    local: Address | None = None
    device: str | None = None
    timeout_s: float = TIMEOUT_S
    recv_mask: RecvMask = RecvMask.CRYPTO
    token: bytes = b""
    retry: bool = False
    version: int | None = None
    preferred: Preferred | None = None
    saved: SavedSession | None = None


def new_socket(family: int, options: Options) -> TquicSocket:
    """A configured socket in SELF mode, not yet bound. Raises UnavailableError, OSError."""
    try:
        sock = TquicSocket.open(family, options.kind)
    except OSError as error:
        raise socket_error(error) from error
    try:
        if options.config is not None:
            sock.config = options.config
        sock.handshake_mode = HandshakeMode.SELF
        sock.recv_mask = options.recv_mask | RecvMask.CRYPTO
        if options.version is not None:
            sock.version = options.version
        if options.token:
            sock.token = options.token
        if options.device is not None:
            sock.bind_device(options.device)
        if options.local is not None:
            sock.bind(options.local)
    except OSError as error:
        sock.close()
        where = f"{options.local or ''}{'@' + options.device if options.device else ''}"
        raise connection_error(where or "socket", None, error) from error
    except BaseException:
        sock.close()
        raise
    return sock


def listen(address: Address, options: Options, backlog: int = 128) -> TquicSocket:
    """A listening socket. Raises TquicError with what is in the way."""
    sock = new_socket(address.family, options)
    try:
        sock.bind(address)
        sock.retry = options.retry
        if options.preferred is not None:
            sock.preferred = options.preferred
        sock.listen(backlog)
    except OSError as error:
        sock.close()
        raise connection_error(str(address), None, error) from error
    return sock


def connect(address: Address, tls: TlsConfig, options: Options | None = None) -> TquicSocket:
    """A connection whose handshake is complete, as a socket that never blocks.

    Raises what :func:`establish` does.
    """
    return establish(address, tls, options)[0]


def establish(
    address: Address,
    tls: TlsConfig,
    options: Options | None = None,
    early: Callable[[TquicSocket], None] | None = None,
) -> tuple[TquicSocket, Handshake]:
    """A connection whose handshake is complete, as a socket that never blocks, and how it was made.

    ``early`` is called when data may be written before the handshake is complete: such data can
    be recorded and sent once more by an attacker. Raises HandshakeFailedError when either side
    refused, ConnectionFailedError when it could not be made in ``options.timeout_s`` seconds,
    UnavailableError without the kernel's part.
    """
    options = options or Options()
    sock = new_socket(address.family, options)
    try:
        sock.settimeout(0)
        _start(sock, address)
        if options.saved is None:
            handshake = Handshake(sock, tls, Role.CLIENT, str(address))
        else:
            handshake = Handshake.resuming(sock, tls, str(address), options.saved)
        drive(handshake, sock, str(address), options.timeout_s, early and partial(early, sock))
    except BaseException:
        sock.close()
        raise
    return sock, handshake


def _start(sock: TquicSocket, address: Address) -> None:
    try:
        sock.connect(address)
    except BlockingIOError:
        return
    except OSError as error:
        raise connection_error(str(address), None, error) from error


def complete(
    sock: Channel, tls: TlsConfig, role: Role, peer: str, timeout_s: float = TIMEOUT_S
) -> TlsSession:
    """Drive the handshake of a non-blocking socket to its end. Raises TquicError."""
    handshake = Handshake(sock, tls, role, peer)
    drive(handshake, sock, peer, timeout_s)
    return handshake.session


def drive(
    handshake: Handshake,
    sock: Channel,
    peer: str,
    timeout_s: float,
    early: Callable[[], None] | None = None,
) -> None:
    """Drive a handshake not begun yet to its end; ``early`` as for :func:`establish`.

    Raises TquicError.
    """
    deadline = time.monotonic() + timeout_s
    poller = select.poll()
    handshake.start()
    if early is not None and handshake.offers_early:
        early()
    while not handshake.done:
        left_s = deadline - time.monotonic()
        events = select.POLLIN | (select.POLLOUT if handshake.wants_write else 0)
        poller.register(sock.fileno(), events)
        if left_s <= 0 or not poller.poll(left_s * 1000):
            raise ConnectionFailedError(
                f"{peer}: no complete handshake within {timeout_s:g} s: "
                "check the address, the port and firewalls (UDP)"
            )
        handshake.proceed()
