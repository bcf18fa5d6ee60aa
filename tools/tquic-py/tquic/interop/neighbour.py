# SPDX-License-Identifier: GPL-2.0
"""A TCP flow that shares the link with a case, from the server's end to the client's."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .network import Network

__all__ = ["Neighbour"]

_PORT = 5001
_CHUNK = bytes(64 << 10)
_WAIT_S = 0.5


class Neighbour:
    """Sends as much as CUBIC lets it while :meth:`running`."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._received = 0
        self._seconds = 0.0

    @property
    def kbit_s(self) -> int:
        """What came, over the time it ran."""
        return round(self._received * 8 / 1000 / self._seconds) if self._seconds else 0

    @contextmanager
    def running(self, net: Network) -> Iterator[None]:
        """Send for as long as the block runs."""
        with net.server.entered():
            listener = socket.create_server((net.back.host, _PORT))
        with listener, net.client.entered():
            near = socket.create_connection((net.back.host, _PORT))
            far, _address = listener.accept()
        with near, far:
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
            for sock in (near, far):
                sock.settimeout(_WAIT_S)
            work = [
                threading.Thread(target=self._send, args=(far,), daemon=True),
                threading.Thread(target=self._receive, args=(near,), daemon=True),
            ]
            started_s = time.monotonic()
            for thread in work:
                thread.start()
            try:
                yield
            finally:
                self._seconds = time.monotonic() - started_s
                self._stop.set()
                for thread in work:
                    thread.join()

    def _send(self, sock: socket.socket) -> None:
        while not self._stop.is_set():
            with suppress(TimeoutError):
                sock.send(_CHUNK)

    def _receive(self, sock: socket.socket) -> None:
        while not self._stop.is_set():
            with suppress(TimeoutError):
                self._received += len(sock.recv(len(_CHUNK)))
