# SPDX-License-Identifier: GPL-2.0
"""What integration tests share: certificates, a server in a thread, exchanges that check bytes."""

from __future__ import annotations

import hashlib
import platform
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from tls_certs import Authority, Leaf

from tquic import modbuild, paths
from tquic.handshake import Options, connect, listen
from tquic.lab import Namespace, TwoLinks
from tquic.multipath import PathSpec, add_paths
from tquic.mux import Exchange, StreamMux
from tquic.netlink import ConnFlag, TquicNetlink
from tquic.record import Address
from tquic.server import Limits, Server
from tquic.sock import TquicSocket
from tquic.tls import TlsConfig
from tquic.uapi import Config, PathState

NAME = "server.test"
ALPN = "tquic-test"
#: Where the server of a Joined is
PORT = 4450
#: Who has no rights: a user's id, and a group's
NOBODY = 65534
#: Seconds without progress that are a failure even on an emulated processor.
STALL_S = 60.0

_random = random.Random(66)
DATA = _random.randbytes(1 << 20)


def as_nobody(script: str, *words: str) -> list[str]:
    """The command that runs a Python script without any rights."""
    drop = f"import os; os.setgid({NOBODY}); os.setuid({NOBODY})\n"
    return [sys.executable, "-c", drop + script, *words]


class Certificates:
    """A CA and leaves: good, for another name, expired, and of a CA nobody trusts."""

    def __init__(self, folder: Path) -> None:
        self.ca = Authority(folder)
        self.good = self.ca.issue(NAME)
        self.wrong_name = self.ca.issue("other.test")
        self.expired = self.ca.issue(NAME, starts_days=-10, ends_days=-1)
        self.unknown_ca = Authority(folder, "unknown CA").issue(NAME)

    def server(self, leaf: Leaf | None = None, **changes: Any) -> TlsConfig:
        """A server's configuration."""
        leaf = leaf or self.good
        base = {"alpn": (ALPN,), "cert_file": leaf.cert_file, "key_file": leaf.key_file}
        return TlsConfig(**{**base, **changes})

    def client(self, **changes: Any) -> TlsConfig:
        """A verifying client's configuration."""
        base = {"alpn": (ALPN,), "server_name": NAME, "ca_file": self.ca.file}
        return TlsConfig(**{**base, **changes})


class Ends(NamedTuple):
    """The two sockets of a connection; they block."""

    client: TquicSocket
    server: TquicSocket

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.client.close()
        self.server.close()

    @property
    def c(self) -> socket.socket:
        """The client's socket as Python knows it."""
        assert isinstance(self.client.raw, socket.socket)
        return self.client.raw

    @property
    def s(self) -> socket.socket:
        """The server's socket as Python knows it."""
        assert isinstance(self.server.raw, socket.socket)
        return self.server.raw


Joined = Callable[..., Ends]


class RunningServer:
    """A server on port 4433 of the network's server, in a thread."""

    def __init__(
        self,
        lab: TwoLinks,
        tls: TlsConfig,
        accept: Callable[[int], Exchange],
        *,
        config: Config | None = None,
        v6: bool = False,
        retry: bool = False,
        listener: TquicSocket | None = None,
    ) -> None:
        self.address = lab.server_address(0, v6=v6, port=4433)
        self.log: list[str] = []
        with lab.server.entered():
            self.listener = listener or listen(self.address, Options(config=config, retry=retry))
        limits = Limits(handshake_s=STALL_S)
        self.server = Server(self.listener, tls, accept, limits, self.log.append)
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def _work(self) -> None:
        try:
            self.server.run()
        except BaseException as error:
            self._fault = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.stop()
        self._thread.join(30)
        assert not self._thread.is_alive(), "the server does not stop"
        if self._fault is not None:
            raise self._fault


class Echo(Exchange):
    """The server's side: everything received is sent back once the client has finished."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._whole = False
        self._sent = 0

    def on_data(self, data: bytes, fin: bool) -> None:
        """Keep it."""
        self._data += data
        self._whole = fin

    def pull(self, limit: int) -> tuple[bytes, bool] | None:
        """Give it back."""
        if not self._whole:
            return None
        piece = bytes(self._data[self._sent : self._sent + limit])
        self._sent += len(piece)
        return piece, self._sent == len(self._data)

    def on_end(self, code: int | None) -> None:
        """Nothing is held."""


def echo(_stream: int) -> Echo:
    """What a server does with a stream unless a test says otherwise."""
    return Echo()


def counter(host: Namespace, name: str) -> int:
    """A counter of a host's namespace, as /proc/net/tquic/snmp has it."""
    with host.entered():
        for line in Path("/proc/thread-self/net/tquic/snmp").read_text().splitlines():
            words = line.split()
            if words[0] == name:
                return int(words[1])
    raise AssertionError(f"no counter {name}")


class Sender(Exchange):
    """The client's side: sends ``data`` and keeps the digest of what comes back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._sent = 0
        self._digest = hashlib.sha256()
        self.received_bytes = 0
        self.ended = False
        self.code: int | None = None

    def pull(self, limit: int) -> tuple[bytes, bool]:
        """The next bytes."""
        piece = self._data[self._sent : self._sent + limit]
        self._sent += len(piece)
        return piece, self._sent == len(self._data)

    def on_data(self, data: bytes, fin: bool) -> None:
        """Count and digest."""
        self._digest.update(data)
        self.received_bytes += len(data)

    def on_end(self, code: int | None) -> None:
        """Remember how it ended."""
        self.ended, self.code = True, code

    def check(self) -> None:
        """Fail unless exactly what was sent came back."""
        assert self.ended
        assert self.code is None
        assert self.received_bytes == len(self._data)
        assert self._digest.digest() == hashlib.sha256(self._data).digest()


def dial(
    lab: TwoLinks,
    address: Address,
    tls: TlsConfig,
    *,
    paths: int = 1,
    options: Options | None = None,
) -> TquicSocket:
    """A connection from the network's client over its first ``paths`` links, all of them active."""
    with lab.client.entered():
        sock = connect(address, tls, options or Options(local=lab.client_address(0)))
    try:
        add_paths(sock, [PathSpec(lab.client_address(index)) for index in range(1, paths)])
        wait_active(sock, paths)
    except BaseException:
        sock.close()
        raise
    return sock


def wait_active(sock: TquicSocket, paths: int, wait_s: float = 20.0) -> None:
    """Wait until so many paths are active."""
    deadline = time.monotonic() + wait_s
    while True:
        states = [path.state for path in sock.paths()]
        if states.count(PathState.ACTIVE) >= paths:
            return
        assert time.monotonic() < deadline, f"states of the paths: {states}"
        time.sleep(0.02)


def opened(space: Namespace) -> TquicNetlink:
    """The family, seen from a namespace."""
    with space.entered():
        return TquicNetlink()


def wait_confirmed(netlink: TquicNetlink, token: int) -> None:
    """Paths can be added once the handshake is confirmed and the peer has given ids for them."""
    deadline = time.monotonic() + 20
    while not netlink.connection(token).flags & ConnFlag.CONFIRMED:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.3)


def wait_for(done: Callable[[], bool]) -> None:
    """Wait until something has happened."""
    deadline = time.monotonic() + STALL_S
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def exchange(sock: TquicSocket, work: Sequence[Sender], stall_s: float = STALL_S) -> None:
    """Run exchanges on streams of one connection and check what came back."""
    mux = StreamMux(sock, server=False, peer="server")
    waiting = list(reversed(work))

    def feed() -> None:
        while waiting:
            try:
                mux.open(waiting[-1])
            except BlockingIOError:
                return
            waiting.pop()

    feed()
    mux.run(lambda: all(item.ended for item in work), tick=feed, stall_s=stall_s)
    for item in work:
        item.check()


def load_diag() -> None:
    """Insert tquic_diag with what it needs, which some kernels have built in."""
    file = paths.build() / "module" / platform.release() / modbuild.DIAG
    subprocess.run(["modprobe", "inet_diag"], capture_output=True, check=False)
    subprocess.run(["insmod", str(file)], check=True)


def unload_diag() -> None:
    """Take it out again: a dump of another test may have to end first."""
    for _ in range(50):
        done = subprocess.run(["rmmod", "tquic_diag"], capture_output=True, text=True, check=False)
        if not done.returncode:
            return
        time.sleep(0.1)
    raise AssertionError(done.stderr)
