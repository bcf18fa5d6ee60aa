# SPDX-License-Identifier: GPL-2.0
"""The two ends of a measured transfer, one process each; the server sends, the client counts.

Both transports speak the orders of `tquic perf`, how long or how much is to be sent, through plain
sockets of type SOCK_STREAM: what a transfer costs is compared. Loads (bench_load) are objects and
datagrams of one TQUIC connection and have a server of their own.

Arguments: server tquic ADDRESS CERTIFICATE KEY | server load ADDRESS CERTIFICATE KEY |
server stream ADDRESS, or client with a JSON Task.
"""

from __future__ import annotations

import json
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from . import bench_load
from .errors import TquicError
from .get import open_connection
from .handshake import Options, complete, listen
from .multipath import PathSpec
from .mux import StreamMux
from .perf import ALPN, Order, PerfExchange
from .record import Address
from .sched_trials import Load
from .server import Server
from .sock import TquicSocket
from .tls import Role, TlsConfig
from .uapi import PathState, RecvMask
from .uptime import idle_s

__all__ = ["READY", "Meter", "Sample", "Task"]

READY = "ready\n"
IPPROTO_MPTCP = 262
_ORDER_BYTES = len(Order(True, 1, 0).pack())
_READ_BYTES = 256 * 1024
_GAP_S = 0.02
_BIN_S = 0.1
_STALL_S = 30.0
_ACTIVE_TIMEOUT_S = 10.0
#: Between the connection and the request: subflows come meanwhile, path MTU discovery ends.
_SETTLE_S = 1.0


@dataclass(frozen=True)
class Task:
    """What a client is to do: receive for ``seconds`` or ``size`` bytes.

    ``sources`` are local addresses, one path each (a stream socket binds to the first).
    ``transport`` is tquic, tcp or mptcp. With ``load`` that is received instead, over TQUIC.
    """

    transport: str
    host: str
    port: int
    sources: Sequence[str]
    seconds: float = 0
    size: int = 0
    load: Load | None = None
    server_name: str = ""
    ca: str = ""

    @classmethod
    def parse(cls, text: str) -> Task:
        """A task from its JSON."""
        task = cls(**json.loads(text))
        return replace(task, load=Load(**task.load)) if isinstance(task.load, dict) else task

    def order(self) -> Order:
        """The order for the server; one by time is ended by the client."""
        return Order(True, round(self.seconds * 1000) + 5000 if self.seconds else 0, self.size)


@dataclass(frozen=True)
class Sample:
    """What a client counted; times in seconds from the request.

    received_bytes  until the end of the time, or of the data
    seconds         from the request to the last of them
    bins            bytes in each tenth of a second
    gaps            waits for data of 20 ms and more: when they began, how long they were
    busy_s          what the machine was not idle meanwhile; with a virtual clock its instructions
    asked           datagrams that the server was asked for
    delays_ms       one-way delays of those that came
    objects_ms      how long each object of a load took
    """

    received_bytes: int
    seconds: float
    bins: Sequence[int]
    gaps: Sequence[tuple[float, float]]
    busy_s: float = 0
    asked: int = 0
    delays_ms: Sequence[float] = field(default_factory=tuple)
    objects_ms: Sequence[float] = field(default_factory=tuple)


class Meter:
    """Counts what arrives, and when."""

    def __init__(self, origin_s: float) -> None:
        self.origin_s = origin_s
        self._idle_s = idle_s()
        self.received_bytes = 0
        self._last_s = origin_s
        self._bins: list[int] = []
        self._gaps: list[tuple[float, float]] = []

    def add(self, now_s: float, size: int) -> None:
        """Note ``size`` bytes at a moment of the monotonic clock."""
        if not size:
            return
        index = int((now_s - self.origin_s) / _BIN_S)
        self._bins += [0] * (index + 1 - len(self._bins))
        self._bins[index] += size
        if now_s - self._last_s >= _GAP_S:
            self._gaps.append((self._last_s - self.origin_s, now_s - self._last_s))
        self._last_s = now_s
        self.received_bytes += size

    def sample(self) -> Sample:
        """What was counted."""
        busy_s = time.monotonic() - self.origin_s - (idle_s() - self._idle_s)
        return Sample(
            self.received_bytes,
            round(self._last_s - self.origin_s, 6),
            self._bins,
            [(round(at_s, 6), round(gap_s, 6)) for at_s, gap_s in self._gaps],
            round(busy_s, 3),
        )


def _wait_active(sock: TquicSocket, count: int) -> None:
    deadline_s = time.monotonic() + _ACTIVE_TIMEOUT_S
    while [path.state for path in sock.paths()].count(PathState.ACTIVE) < count:
        if time.monotonic() > deadline_s:
            raise TimeoutError("not all paths became active")
        time.sleep(0.01)


def _receive(sock: socket.socket, task: Task) -> Meter:
    """Have the server send, and count."""
    meter = Meter(time.monotonic())
    print(meter.origin_s, flush=True)
    sock.sendall(task.order().pack())
    end_s = meter.origin_s + task.seconds
    while not task.seconds or time.monotonic() < end_s:
        data = sock.recv(_READ_BYTES)
        if not data:
            break
        meter.add(time.monotonic(), len(data))
    return meter


def _open_tquic(task: Task, kind: int, recv_mask: RecvMask) -> TquicSocket:
    """A connection whose paths are all there, and had some time."""
    tls = TlsConfig(alpn=(ALPN,), server_name=task.server_name, ca_file=Path(task.ca))
    specs = [PathSpec(Address(host)) for host in task.sources]
    options = Options(kind=kind, recv_mask=recv_mask)
    sock = open_connection(task.host, task.port, tls, specs, options)
    try:
        _wait_active(sock, len(specs))
    except BaseException:
        sock.close()
        raise
    time.sleep(_SETTLE_S)
    return sock


def receive_tquic(task: Task) -> Sample:
    """Do a task over TQUIC. The connection and its paths are there before time counts."""
    with _open_tquic(task, socket.SOCK_STREAM, RecvMask.CRYPTO) as sock:
        sock.settimeout(_STALL_S)
        assert isinstance(sock.raw, socket.socket)
        done = _receive(sock.raw, task).sample()
        sock.close_with(0)
    return done


def receive_load(task: Task, load: Load) -> Sample:
    """Do a task that has a load: objects and datagrams of one connection."""
    with _open_tquic(task, socket.SOCK_DGRAM, RecvMask.CRYPTO | RecvMask.DATAGRAM) as sock:
        mux = StreamMux(sock, server=False, peer=task.host)
        meter = Meter(time.monotonic())
        print(meter.origin_s, flush=True)
        client = bench_load.Client(sock, mux, load, meter.add)
        mux.run(client.done, tick=client.tick, stall_s=_STALL_S, tick_s=client.tick_s)
        done = meter.sample()
        sock.close_with(0)
    return replace(
        done, asked=client.asked, delays_ms=client.delays_ms, objects_ms=client.objects_ms
    )


def receive_stream(task: Task) -> Sample:
    """Do a task over TCP or MPTCP; further subflows come from the host's endpoints."""
    proto = IPPROTO_MPTCP if task.transport == "mptcp" else socket.IPPROTO_TCP
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, proto) as sock:
        sock.bind((task.sources[0], 0))
        sock.settimeout(_STALL_S)
        sock.connect((task.host, task.port))
        time.sleep(_SETTLE_S)
        return _receive(sock, task).sample()


def serve_load(address: Address, certificate: Path, key: Path) -> None:
    """Serve loads over TQUIC until the process is ended."""
    tls = TlsConfig(alpn=(ALPN,), cert_file=certificate, key_file=key)
    listener = listen(address, Options(recv_mask=RecvMask.CRYPTO | RecvMask.DATAGRAM))
    server = Server(listener, tls, lambda _stream: PerfExchange(), datagram=bench_load.answer)
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    print(READY, end="", flush=True)
    server.run()


def receive(task: Task) -> Sample:
    """Do a task over its transport."""
    if task.load:
        return receive_load(task, task.load)
    return receive_tquic(task) if task.transport == "tquic" else receive_stream(task)


def _serve_one(sock: socket.socket) -> None:
    payload = memoryview(bytes(range(256)) * 1024)
    with sock:
        try:
            order = Order.unpack(sock.recv(_ORDER_BYTES, socket.MSG_WAITALL))
            end_s = time.monotonic() + order.duration_ms / 1000
            left = order.size
            while left or (order.duration_ms and time.monotonic() < end_s):
                piece = payload[: min(left, len(payload))] if order.size else payload
                sock.sendall(piece)
                left -= len(piece) if order.size else 0
        except OSError:
            return  # the client has had enough


def _serve_tquic_one(child: TquicSocket, tls: TlsConfig, peer: str) -> None:
    with child:
        child.settimeout(0)
        try:
            complete(child, tls, Role.SERVER, peer)
        except TquicError as error:
            print(error, file=sys.stderr, flush=True)
            return
        child.settimeout(None)
        assert isinstance(child.raw, socket.socket)
        _serve_one(child.raw)


def serve_tquic(address: Address, certificate: Path, key: Path) -> None:
    """Serve orders over TQUIC until the process is ended."""
    tls = TlsConfig(alpn=(ALPN,), cert_file=certificate, key_file=key)
    with listen(address, Options(kind=socket.SOCK_STREAM)) as listener:
        print(READY, end="", flush=True)
        while True:
            child, peer = listener.accept()
            threading.Thread(
                target=_serve_tquic_one, args=(child, tls, str(peer)), daemon=True
            ).start()


def serve_stream(address: Address) -> None:
    """Serve orders over MPTCP, and over TCP to those who speak no more."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
        listener.listen()
        print(READY, end="", flush=True)
        while True:
            sock, _peer = listener.accept()
            threading.Thread(target=_serve_one, args=(sock,), daemon=True).start()


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host, int(port))


def main() -> None:
    """Be one of the ends."""
    match sys.argv[1:]:
        case ["server", "tquic", address, certificate, key]:
            serve_tquic(_address(address), Path(certificate), Path(key))
        case ["server", "load", address, certificate, key]:
            serve_load(_address(address), Path(certificate), Path(key))
        case ["server", "stream", address]:
            serve_stream(_address(address))
        case ["client", text]:
            task = Task.parse(text)
            print(json.dumps(asdict(receive(task))), flush=True)
        case _:
            sys.exit("usage: server tquic|load|stream ADDRESS … | client TASK")


if __name__ == "__main__":
    main()
