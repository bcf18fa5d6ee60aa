# SPDX-License-Identifier: GPL-2.0
"""TQUIC as one end of a case: ``python -m tquic.interop.tquic_end client|server PLAN``."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from ..errors import ConnectionFailedError, TquicError, close_text
from ..get import Download
from ..handshake import Options, complete, connect, listen
from ..http09 import ServedDirectory, Url
from ..mux import StreamMux
from ..record import Address
from ..serve import FileExchange
from ..server import Limits, Server
from ..sock import QUIC_VERSIONS, TquicSocket
from ..tls import Role, TlsConfig
from ..tls.config import CIPHERS
from . import h3
from .plan import Feature, Plan, Protocol, play

__all__: list[str] = []

_CHACHA20 = 0x1303
#: Received bytes after which a client of the case "keyupdate" updates its keys.
_UPDATE_AT_BYTES = 100_000


def _client_tls(plan: Plan) -> TlsConfig:
    ciphers = (_CHACHA20,) if plan.wants(Feature.CHACHA20) else tuple(CIPHERS)
    return TlsConfig(
        alpn=(plan.protocol,),
        server_name=plan.server_name,
        ca_file=plan.ca,
        ciphers=ciphers,
        keylog=plan.keylog,
    )


class _Update:
    """Updates the keys once, when enough has come."""

    def __init__(self, sock: TquicSocket, wanted: bool) -> None:
        self._sock = sock
        self._pending = wanted

    def at(self, received_bytes: int) -> None:
        """Look whether it is time."""
        if self._pending and received_bytes >= _UPDATE_AT_BYTES:
            self._sock.update_keys()
            self._pending = False


def _fetch_hq(sock: TquicSocket, plan: Plan, names: tuple[str, ...], update: _Update) -> None:
    folder = Path(plan.folder)
    files = [
        Download(Url(plan.server_name, plan.port, f"/{name}"), folder / name) for name in names
    ]
    waiting = list(reversed(files))
    mux = StreamMux(sock, server=False, peer="server")

    def step() -> None:
        while waiting and not mux.closed:
            try:
                mux.open(waiting[-1])
            except BlockingIOError:
                break
            waiting.pop()
        update.at(sum(item.received_bytes for item in files))

    step()
    mux.run(
        lambda: all(item.ended for item in files),
        tick=step,
        stall_s=plan.timeout_s,
        tick_s=0.05,
    )
    problems = [item.problem for item in files if item.problem]
    if problems:
        closed = f" ({close_text(sock.close_info())})" if mux.closed else ""
        raise ConnectionFailedError(f"{problems[0]}{closed}")


def _fetch_h3(sock: TquicSocket, plan: Plan, names: tuple[str, ...], update: _Update) -> None:
    end = h3.H3Client(sock, plan.server_name, names, Path(plan.folder))
    h3.run(sock, end, plan.timeout_s, lambda: update.at(end.received_bytes))


def _client(plan: Plan) -> None:
    tls = _client_tls(plan)
    fetch = _fetch_h3 if plan.protocol is Protocol.H3 else _fetch_hq
    for names in plan.requests:
        options = Options(timeout_s=plan.timeout_s)
        with connect(Address(plan.host, plan.port), tls, options) as sock:
            fetch(sock, plan, names, _Update(sock, plan.wants(Feature.KEY_UPDATE)))
            sock.close_with(0)


def _server(plan: Plan) -> None:
    tls = TlsConfig(
        alpn=(plan.protocol,), cert_file=plan.certificate, key_file=plan.key, keylog=plan.keylog
    )
    version = QUIC_VERSIONS["2"] if plan.wants(Feature.V2) else None
    options = Options(retry=plan.wants(Feature.RETRY), version=version)
    listener = listen(Address(plan.host, plan.port), options)
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
                complete(sock, self._tls, Role.SERVER, peer, self._timeout_s)
                h3.run(sock, h3.H3Server(sock, self._directory), self._timeout_s)
            except (OSError, TquicError) as error:
                _say(f"{peer}: {error}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    play(sys.argv[1:], _client, _server)
