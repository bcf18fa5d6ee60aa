# SPDX-License-Identifier: GPL-2.0
"""TQUIC as one end of a case: ``python -m tquic.interop.tquic_end client|server PLAN``."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import ConnectionFailedError, TquicError, close_text
from ..get import Download
from ..handshake import Handshake, Options, drive, establish, listen
from ..http09 import ServedDirectory, Url
from ..mux import StreamMux
from ..record import Address
from ..serve import FileExchange
from ..server import Limits, Server
from ..sock import QUIC_VERSIONS, TquicSocket
from ..tls import Role, SavedSession, TlsConfig
from ..tls.config import CIPHERS
from ..uapi import NO_MULTIPATH, Config, Preferred, RecvMask
from . import h3
from .plan import Feature, Plan, Protocol, play

__all__: list[str] = []

_CHACHA20 = 0x1303
_ANYWHERE = "0.0.0.0"
#: Received bytes after which a client updates its keys, or moves, where the case wants that.
_ACT_AT_BYTES = 100_000


def _client_tls(plan: Plan) -> TlsConfig:
    ciphers = (_CHACHA20,) if plan.wants(Feature.CHACHA20) else tuple(CIPHERS)
    return TlsConfig(
        alpn=(plan.protocol,),
        server_name=plan.server_name,
        ca_file=plan.ca,
        ciphers=ciphers,
        keylog=plan.keylog,
        early_data=plan.wants(Feature.EARLY),
    )


class _Act:
    """Updates the keys or moves once, when enough has come."""

    def __init__(self, sock: TquicSocket, plan: Plan) -> None:
        self._sock = sock
        self._keys = plan.wants(Feature.KEY_UPDATE)
        self._move = plan.other

    def at(self, received_bytes: int) -> None:
        """Look whether it is time."""
        if received_bytes < _ACT_AT_BYTES:
            return
        if self._keys:
            self._sock.update_keys()
            self._keys = False
        if self._move:
            with suppress(BlockingIOError):
                self._sock.move_path(0, Address(self._move))
                self._move = ""


class _Hq:
    """Files fetched with HTTP/0.9."""

    def __init__(self, sock: TquicSocket, plan: Plan, names: tuple[str, ...]) -> None:
        folder = Path(plan.folder)
        self._sock = sock
        self._plan = plan
        self._files = [
            Download(Url(plan.server_name, plan.port, f"/{name}"), folder / name) for name in names
        ]
        self._waiting = list(reversed(self._files))
        self._act = _Act(sock, plan)
        self._mux = StreamMux(sock, server=False, peer="server")

    def begin(self) -> None:
        """Ask for as much as the server allows."""
        self._step()
        self._mux.write()

    def run(self, handshake: Handshake) -> None:
        """Go on until all is there. Raises ConnectionFailedError."""
        self._mux.on_crypto = handshake.take_ticket
        self._mux.run(
            lambda: all(item.ended for item in self._files),
            tick=self._step,
            stall_s=self._plan.timeout_s,
            tick_s=0.05,
        )
        problems = [item.problem for item in self._files if item.problem]
        if problems:
            closed = f" ({close_text(self._sock.close_info())})" if self._mux.closed else ""
            raise ConnectionFailedError(f"{problems[0]}{closed}")

    def _step(self) -> None:
        while self._waiting and not self._mux.closed:
            try:
                self._mux.open(self._waiting[-1])
            except BlockingIOError:
                break
            self._waiting.pop()
        self._act.at(sum(item.received_bytes for item in self._files))


class _H3:
    """Files fetched with HTTP/3."""

    def __init__(self, sock: TquicSocket, plan: Plan, names: tuple[str, ...]) -> None:
        self._sock = sock
        self._timeout_s = plan.timeout_s
        self._act = _Act(sock, plan)
        self._end = h3.H3Client(sock, plan.server_name, names, Path(plan.folder))

    def begin(self) -> None:
        """Ask for as much as the server allows."""
        self._end.tick()
        self._end.channel.write()

    def run(self, handshake: Handshake) -> None:
        """Go on until all is there. Raises ConnectionFailedError."""
        self._end.channel.on_crypto = handshake.take_ticket
        h3.run(
            self._sock,
            self._end,
            self._timeout_s,
            lambda: self._act.at(self._end.received_bytes),
        )


def _client(plan: Plan) -> None:
    tls = _client_tls(plan)
    kind = _H3 if plan.protocol is Protocol.H3 else _Hq
    saved: SavedSession | None = None
    for names in plan.requests:
        begun: list[_H3 | _Hq] = []

        def begin(sock: TquicSocket, names: tuple[str, ...] = names, begun: Any = begun) -> None:
            begun.append(kind(sock, plan, names))
            begun[0].begin()

        options = Options(
            timeout_s=plan.timeout_s,
            saved=saved if plan.wants(Feature.RESUMPTION) else None,
            version=QUIC_VERSIONS["1"],
        )
        sock, handshake = establish(Address(plan.host, plan.port), tls, options, begin)
        with sock:
            sock.recv_mask |= RecvMask.CRYPTO
            if not begun:
                begin(sock)
            begun[0].run(handshake)
            saved = handshake.save(QUIC_VERSIONS["1"])
            sock.close_with(0)


def _server(plan: Plan) -> None:
    tls = TlsConfig(
        alpn=(plan.protocol,),
        cert_file=plan.certificate,
        key_file=plan.key,
        keylog=plan.keylog,
        early_data=plan.wants(Feature.EARLY),
    )
    version = QUIC_VERSIONS["2"] if plan.wants(Feature.V2) else None
    # Where there are two addresses, a socket of either cannot receive for the other.
    host = _ANYWHERE if plan.preferred else plan.host
    preferred = Preferred(v4=Address(plan.preferred)) if plan.preferred else None
    options = Options(
        # The cases are of one path; and tshark misreads the frames of RFC 10069.
        config=Config.of(max_path_id=NO_MULTIPATH),
        retry=plan.wants(Feature.RETRY),
        version=version,
        preferred=preferred,
    )
    listener = listen(Address(host, plan.port), options)
    directory = ServedDirectory(plan.folder)
    serve: Callable[[], None]
    if plan.protocol is Protocol.H3:
        serve = _H3Listener(listener, tls, directory, plan.timeout_s).run
    else:
        limits = Limits(handshake_s=plan.timeout_s)
        server = Server(listener, tls, lambda _id: FileExchange(directory), limits, _say)
        serve = server.run
    serve()


class _H3Listener:
    """Serves HTTP/3, a thread for each client."""

    def __init__(
        self, listener: TquicSocket, tls: TlsConfig, directory: ServedDirectory, timeout_s: float
    ) -> None:
        self._listener = listener
        self._tls = tls
        self._directory = directory
        self._timeout_s = timeout_s

    def run(self) -> None:
        """Serve until the process is ended."""
        self._listener.settimeout(None)
        while True:
            sock, peer = self._listener.accept()
            threading.Thread(target=self._one, args=(sock, str(peer)), daemon=True).start()

    def _one(self, sock: TquicSocket, peer: str) -> None:
        with sock:
            try:
                sock.settimeout(0)
                handshake = Handshake(sock, self._tls, Role.SERVER, peer)
                drive(handshake, sock, peer, self._timeout_s)
                end = h3.H3Server(sock, self._directory)
                for message in handshake.take_unread():
                    for event in end.channel.take(end.layer, message):
                        end.on_event(event)
                h3.run(sock, end, self._timeout_s)
            except (OSError, TquicError) as error:
                _say(f"{peer}: {error}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    play(sys.argv[1:], _client, _server)
