# SPDX-License-Identifier: GPL-2.0
"""sock_diag of TQUIC sockets: what the module tquic_diag answers, its filters, SOCK_DESTROY.

Requests and answers are those of <linux/inet_diag.h> and <linux/tquic_diag.h>.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, Self

from .errors import UnavailableError
from .genl import NetlinkError, RawNetlink, messages, raise_error, walk
from .record import Address
from .uapi import IPPROTO_TQUIC, Info, PathInfo

__all__ = ["CONNECTED", "DiagSocket", "InetDiag", "Match", "Memory", "SockState", "bytecode"]

_NETLINK_SOCK_DIAG = 4
_BY_FAMILY = 20
_DESTROY = 21
_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_F_REQUEST = 0x001
_F_ACK = 0x004
_F_DUMP = 0x300
_RECEIVE_BYTES = 1 << 16

_NLMSG = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBxI")
_SOCKID = struct.Struct("=2s2s16s16sIQ")
_MSG_HEAD = struct.Struct("=BBBB")
_MSG_TAIL = struct.Struct("=IIIII")
_OP = struct.Struct("=BBH")
_HOST = struct.Struct("=BBxxi")

_REQ_BYTECODE = 1
_S_COND = 7
_D_COND = 8
_MEMINFO = 1
_INFO = 2
_CONG = 4
_SHUTDOWN = 8
_PATHS = 0x1000
_PATH = 1
_EXTENSIONS = sum(1 << (number - 1) for number in (_MEMINFO, _INFO, _CONG))
_NO_COOKIE = 0xFFFF_FFFF_FFFF_FFFF
_FAMILIES = (socket.AF_INET, socket.AF_INET6)


class SockState(IntEnum):
    """States a socket can be in, as numbered for TCP."""

    ESTABLISHED = 1
    SYN_SENT = 2
    SYN_RECV = 3
    CLOSE = 7
    LISTEN = 10
    CLOSING = 11


#: Every state of a connection.
CONNECTED: Final = tuple(state for state in SockState if state != SockState.LISTEN)


@dataclass(frozen=True)
class Match:
    """Addresses and ports to look for: None stands for any."""

    network: IPv4Network | IPv6Network | None = None
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ADDR[/LEN][:PORT], [V6ADDR[/LEN]]:PORT or :PORT. Raises ValueError."""
        host, port = text, ""
        if text.startswith("["):
            host, bracket, rest = text[1:].partition("]")
            if not bracket or (rest and not rest.startswith(":")):
                raise ValueError(f"{text}: [ADDR]:PORT was expected")
            port = rest[1:]
        elif text.count(":") == 1:
            host, _, port = text.partition(":")
        try:
            network = None if host in ("", "*") else ip_network(host, strict=False)
            number = None if port in ("", "*") else int(port)
        except ValueError:
            raise ValueError(f"{text}: ADDR[/LEN][:PORT] or :PORT was expected") from None
        if number is not None and not 0 <= number <= 0xFFFF:
            raise ValueError(f"{text}: a port is a number from 0 to 65535")
        return cls(network, number)

    def pack(self) -> bytes:
        """struct inet_diag_hostcond."""
        port = -1 if self.port is None else self.port
        if self.network is None:
            return _HOST.pack(socket.AF_UNSPEC, 0, port)
        family = socket.AF_INET if self.network.version == 4 else socket.AF_INET6
        raw = self.network.network_address.packed
        return _HOST.pack(family, self.network.prefixlen, port) + raw


def bytecode(local: Match | None, peer: Match | None) -> bytes:
    """The program for the kernel that lets through what matches both; empty: everything."""
    wanted = ((_S_COND, local), (_D_COND, peer))
    bodies = [(code, match.pack()) for code, match in wanted if match]
    left = sum(_OP.size + len(body) for _, body in bodies)
    out = b""
    for code, body in bodies:
        size = _OP.size + len(body)
        # to the next operation; or beyond the end, which refuses
        out += _OP.pack(code, size, left + 4) + body
        left -= size
    return out


@dataclass(frozen=True)
class Memory:
    """Bytes of memory a socket has charged."""

    receive: int
    queued: int
    forward: int
    transmit: int


@dataclass(frozen=True)
class DiagSocket:
    """A listening socket or a connection.

    The queues are bytes; those of a listener, connections that wait and that may wait. ``inode``
    is 0 while no program has the socket. ``info`` and ``paths`` are as the socket options tell.
    """

    family: int
    state: int
    local: Address
    peer: Address
    ifindex: int
    cookie: int
    recv_queue: int
    send_queue: int
    uid: int
    inode: int
    shutdown: int = 0
    congestion: str = ""
    info: Info | None = None
    memory: Memory | None = None
    paths: tuple[PathInfo, ...] = ()

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """From struct inet_diag_msg and its attributes. Raises ValueError when it is too short."""
        start = _MSG_HEAD.size + _SOCKID.size + _MSG_TAIL.size
        if len(data) < start:
            raise ValueError(f"a sock_diag message of {len(data)} bytes, {start} were expected")
        family, state, _timer, _retrans = _MSG_HEAD.unpack_from(data)
        sport, dport, src, dst, ifindex, cookie = _SOCKID.unpack_from(data, _MSG_HEAD.size)
        tail = _MSG_TAIL.unpack_from(data, start - _MSG_TAIL.size)
        _expires, recv_queue, send_queue, uid, inode = tail
        found = {number: value for _, number, value in walk(data, start)}
        memory, info, paths = found.get(_MEMINFO), found.get(_INFO), found.get(_PATHS, b"")
        return cls(
            family,
            state,
            _address(family, src, sport),
            _address(family, dst, dport),
            ifindex,
            cookie,
            recv_queue,
            send_queue,
            uid,
            inode,
            found.get(_SHUTDOWN, b"\0")[0],
            found.get(_CONG, b"").rstrip(b"\0").decode(),
            Info.unpack(info) if info else None,
            Memory(*struct.unpack_from("=IIII", memory)) if memory else None,
            tuple(PathInfo.unpack(path) for _, number, path in walk(paths) if number == _PATH),
        )


def _address(family: int, raw: bytes, port: bytes) -> Address:
    size = 4 if family == socket.AF_INET else 16
    return Address(socket.inet_ntop(family, raw[:size]), int.from_bytes(port, "big"))


def _open() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG)


class InetDiag:
    """A sock_diag socket of the network namespace it was made in."""

    def __init__(self, raw: RawNetlink | None = None) -> None:
        self._raw = raw or _open()
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the socket back."""
        self._raw.close()

    def sockets(
        self,
        states: Iterable[SockState] = tuple(SockState),
        *,
        local: Match | None = None,
        peer: Match | None = None,
        families: Sequence[int] = _FAMILIES,
    ) -> list[DiagSocket]:
        """Listeners and connections in one of the states that match; the kernel filters.

        Raises UnavailableError when tquic_diag is not loaded.
        """
        mask = sum(1 << state for state in set(states))
        program = bytecode(local, peer)
        attributes = b""
        if program:
            attributes = struct.pack("=HH", 4 + len(program), _REQ_BYTECODE) + program
        out: list[DiagSocket] = []
        for family in families:
            request = _request(family, mask, _NO_COOKIE) + attributes
            try:
                out += self._ask(_BY_FAMILY, _F_DUMP, request)
            except NetlinkError as error:
                if error.errno != errno.ENOENT:
                    raise
                raise UnavailableError(
                    "the kernel cannot list TQUIC sockets: load the module, modprobe tquic_diag"
                ) from error
        return out

    def get(self, family: int, cookie: int) -> DiagSocket:
        """The socket with a cookie. Raises NetlinkError (ENOENT)."""
        (found,) = self._ask(_BY_FAMILY, _F_ACK, _request(family, 0xFFFF_FFFF, cookie))
        return found

    def destroy(self, family: int, cookie: int) -> None:
        """End a connection; its program gets ECONNABORTED.

        Raises NetlinkError: EPERM without CAP_NET_ADMIN, ENOENT when it is gone or closing,
        EOPNOTSUPP for a listening socket.
        """
        self._ask(_DESTROY, _F_ACK, _request(family, 0xFFFF_FFFF, cookie))

    def _ask(self, kind: int, flags: int, body: bytes) -> list[DiagSocket]:
        self._sequence += 1
        size = _NLMSG.size + len(body)
        sent = _NLMSG.pack(size, kind, _F_REQUEST | flags, self._sequence, 0) + body
        self._raw.send(sent)
        out: list[DiagSocket] = []
        while not self._collect(sent, out):
            pass
        return out

    def _collect(self, sent: bytes, out: list[DiagSocket]) -> bool:
        """Take in one datagram; True when it was the last of the answer."""
        for kind, flags, sequence, payload in messages(self._raw.recv(_RECEIVE_BYTES)):
            if sequence != self._sequence:
                continue
            if kind == _BY_FAMILY:
                out.append(DiagSocket.unpack(payload))
            elif kind in (_NLMSG_ERROR, _NLMSG_DONE):
                raise_error(kind, flags, payload, sent, {})
                return True
        return False


def _request(family: int, states: int, cookie: int) -> bytes:
    """struct inet_diag_req_v2."""
    sockid = _SOCKID.pack(bytes(2), bytes(2), bytes(16), bytes(16), 0, cookie)
    return _REQUEST.pack(family, IPPROTO_TQUIC, _EXTENSIONS, states) + sockid
