# SPDX-License-Identifier: GPL-2.0
"""A client and a server with a NAT between them that a case may program.

The client knows only the forwarder's address; the server only that of the NAT. Rate and delay are
netem's, in the middle namespace; the rest is done to each datagram by the forwarder's thread.
A server may have a second address, which is the same for both: the forwarder takes it over for
what the client sends. What is not UDP may be routed, through the same netem.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from ..lab import Link, Namespace
from ..record import Address
from .capture import Packet
from .trouble import Trouble

__all__ = ["PORT", "Network"]

PORT = 4433
#: Addresses the NAT has towards the server; the rest of a mapping's number is its port.
_NAT_HOSTS = 8
_BUFFER_BYTES = 4 << 20
_DATAGRAM_BYTES = 65535
_TICK_S = 0.2
_IPV6_RECVTCLASS = 66
_IPV6_TCLASS = 67
_IP_TRANSPARENT = 19
#: Where the middle looks for the way of what comes from the client.
_TABLE = 100
#: Socket options for the ECN field, by family: level, receive, carry.
_TOS = {
    socket.AF_INET: (socket.IPPROTO_IP, socket.IP_RECVTOS, socket.IP_TOS),
    socket.AF_INET6: (socket.IPPROTO_IPV6, _IPV6_RECVTCLASS, _IPV6_TCLASS),
}


@dataclass
class _Client:
    """One socket of the client's and how the server knows it."""

    address: tuple[str, int]
    mapping: int
    upstream: socket.socket


class Network:
    """Namespaces ``client``, ``server`` and what lies between, forwarding while it is open.

    ``second``: the server has another address, :attr:`other`. ``routed``: TCP may pass. Both are
    for IPv4 only.
    """

    def __init__(
        self,
        link: Link,
        trouble: Trouble,
        *,
        v6: bool = False,
        second: bool = False,
        routed: bool = False,
    ) -> None:
        self._trouble = trouble
        self._v6 = v6
        self._stop = threading.Event()
        self._clients: dict[tuple[str, int], _Client] = {}
        self._hosts: list[str] = []
        self.packets: list[Packet] = []
        self._open = ExitStack()
        try:
            self._client = self._namespace("io-client")
            self._wire = self._namespace("io-wire")
            self._server = self._namespace("io-server")
            self._join(self._client, 1, link)
            self._join(self._server, 2, link)
            if routed:
                self._route()
            #: Sockets that the client sends to, by the address of the server's behind each.
            self._fronts: dict[Address, socket.socket] = {}
            with self._wire.entered():
                self._fronts[self.back] = self._socket(self._host(1, 2), PORT)
            if not v6:
                self._client.ip(f"addr add {self.client_other}/24 dev e0")
                self._meet(1, self.client_other)
            if second:
                self._take_over(self.other)
        except BaseException:
            self._open.close()
            raise
        self._started_s: float | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._open.close()

    @property
    def client(self) -> Namespace:
        """Where the client runs."""
        return self._client

    @property
    def server(self) -> Namespace:
        """Where the server runs."""
        return self._server

    @property
    def front(self) -> Address:
        """What the client takes for the server."""
        return Address(self._host(1, 2), PORT)

    @property
    def back(self) -> Address:
        """Where the server listens."""
        return Address(self._host(2, 1), PORT)

    @property
    def client_other(self) -> str:
        """A second address of the client's."""
        return self._host(1, 9)

    @property
    def other(self) -> Address:
        """The server's second address, for the client as well."""
        return Address(self._host(9, 1), PORT)

    # --- inside

    def _namespace(self, name: str) -> Namespace:
        made = Namespace(name)
        self._open.callback(made.close)
        return made

    def _host(self, side: int, host: int) -> str:
        return f"fd67:{side}::{host:x}" if self._v6 else f"10.67.{side}.{host}"

    def _join(self, end: Namespace, side: int, link: Link) -> None:
        """Join an end to the middle; both of its directions are shaped once, on the way in.

        Neighbours are told: a question for an address would wait in the queue, or be lost there.
        """
        bits = 64 if self._v6 else 24
        near, far = _mac(side, 1), _mac(side, 2)
        end.ip(
            f"link add e0 address {near} type veth peer name m{side} address {far} "
            f"netns {self._wire.name}"
        )
        middle = range(2, 2 + (_NAT_HOSTS if side == 2 else 1))
        extra = f"mtu {link.mtu} gso_max_segs 1 up"
        nodad = " nodad" if self._v6 else ""
        end.ip(
            f"link set e0 {extra}",
            f"addr add {self._host(side, 1)}/{bits} dev e0{nodad}",
            *(f"neigh add {self._host(side, n)} lladdr {far} dev e0" for n in middle),
        )
        hosts = [f"addr add {self._host(side, n)}/{bits} dev m{side}{nodad}" for n in middle]
        self._wire.ip(f"link set m{side} {extra}", *hosts)
        self._meet(side, self._host(side, 1))
        self._wire.tc(f"qdisc replace dev m{side} root netem {' '.join(link.netem())}")

    def _meet(self, side: int, host: str) -> None:
        """Tell the middle that an end has an address."""
        self._wire.ip(f"neigh add {host} lladdr {_mac(side, 1)} dev m{side}")

    def _route(self) -> None:
        """Let the ends reach each other past the forwarder."""
        self._wire.sysctl("net.ipv4.ip_forward", 1)
        self._client.ip(f"route add {self._host(2, 0)}/24 via {self._host(1, 2)}")
        self._server.ip(f"route add {self._host(1, 0)}/24 via {self._host(2, 2)}")

    def _take_over(self, address: Address) -> None:
        """Give an address to the server, and to the forwarder for what the client sends there."""
        self._server.ip(f"addr add {address.host}/32 dev e0")
        self._client.ip(f"route add {address.host}/32 via {self._host(1, 2)}")
        self._wire.ip(
            f"route add {address.host}/32 dev m2",
            f"route add local {address.host}/32 dev lo table {_TABLE}",
            f"rule add iif m1 lookup {_TABLE}",
        )
        self._meet(2, address.host)
        with self._wire.entered():
            self._fronts[address] = self._socket(*address[:2], foreign=True)

    def _socket(self, host: str, port: int, *, foreign: bool = False) -> socket.socket:
        family = socket.AF_INET6 if self._v6 else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        self._open.callback(sock.close)
        level, receive, _carry = _TOS[sock.family]
        sock.setsockopt(level, receive, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        sock.setblocking(False)
        if foreign:
            sock.setsockopt(socket.IPPROTO_IP, _IP_TRANSPARENT, 1)
        sock.bind((host, port))
        return sock

    def _now_s(self) -> float:
        """Seconds since the first packet: how long programs take to start does not matter."""
        now_s = time.monotonic()
        if self._started_s is None:
            self._started_s = now_s
        return now_s - self._started_s

    def _work(self) -> None:
        with self._wire.entered(), selectors.DefaultSelector() as selector:
            for far, front in self._fronts.items():
                selector.register(front, selectors.EVENT_READ, far)
            while not self._stop.is_set():
                for key, _ in selector.select(_TICK_S):
                    if isinstance(key.data, _Client):
                        self._from_server(key.data)
                    else:
                        self._from_client(key.data, selector)

    def _from_client(self, far: Address, selector: selectors.BaseSelector) -> None:
        with suppress(OSError):
            data, tos, sender = _receive(self._fronts[far])
            client = self._known(sender, selector)
            out = self._carry(data, tos, client, far, to_server=True)
            if out is not None:
                _send(client.upstream, out, tos, far[:2])

    def _from_server(self, client: _Client) -> None:
        with suppress(OSError):
            data, tos, sender = _receive(client.upstream)
            far = Address(*sender)
            out = self._carry(data, tos, client, far, to_server=False)
            # Nobody but the server sends to the NAT: another address of its own has no front.
            if out is not None and far in self._fronts:
                _send(self._fronts[far], out, tos, client.address)

    def _carry(
        self, data: bytes, tos: int, client: _Client, far: Address, *, to_server: bool
    ) -> bytes | None:
        now_s = self._now_s()
        out = self._trouble.carry(data, to_server=to_server, time_s=now_s)
        near = Address.of(client.upstream.getsockname())
        self.packets.append(
            Packet(now_s, to_server, client.mapping, tos, data, out is not None, near, far)
        )
        return out

    def _known(self, sender: tuple[str, int], selector: selectors.BaseSelector) -> _Client:
        """The client of an address, with the mapping it has now."""
        number = self._trouble.mapping(self._now_s())
        client = self._clients.get(sender)
        if client is not None and client.mapping == number:
            return client
        if sender[0] not in self._hosts:
            self._hosts.append(sender[0])
        host = self._hosts.index(sender[0])
        if self._trouble.moves_address:
            host += number
        host = 2 + host % _NAT_HOSTS
        upstream = self._socket(self._host(2, host), 0)
        if client is None:
            client = _Client(sender, number, upstream)
            self._clients[sender] = client
        else:
            # What still comes to the old mapping finds nobody.
            selector.unregister(client.upstream)
            client.upstream.close()
            client.mapping, client.upstream = number, upstream
        selector.register(upstream, selectors.EVENT_READ, client)
        return client


def _mac(side: int, number: int) -> str:
    return f"02:00:00:00:{side:02x}:{number:02x}"


def _receive(sock: socket.socket) -> tuple[bytes, int, tuple[str, int]]:
    """A datagram, its byte with the ECN field and its sender."""
    data, extra, _flags, sender = sock.recvmsg(_DATAGRAM_BYTES, socket.CMSG_SPACE(4))
    tos = extra[0][2][0] if extra else 0
    return data, tos, (sender[0], sender[1])


def _send(sock: socket.socket, data: bytes, tos: int, to: tuple[str, int]) -> None:
    level, _receive_option, carry = _TOS[sock.family]
    sock.sendmsg([data], [(level, carry, tos.to_bytes(4, "little"))], 0, to)
