# SPDX-License-Identifier: GPL-2.0
"""TQUIC sockets with typed calls: every option and control message of the ABI, synchronously.

Calls raise OSError as the kernel reports it (BlockingIOError when they would block).
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol, Self

from .record import Address
from .tls import Level, Secret
from .uapi import (
    IPPROTO_TQUIC,
    SOL_TQUIC,
    CloseInfo,
    Cmsg,
    Config,
    Deadline,
    EarlyState,
    Event,
    FdFlag,
    HandshakeEnd,
    HandshakeInfo,
    HandshakeMode,
    Info,
    MsgFlag,
    PathAddr,
    PathFlag,
    PathInfo,
    PathMove,
    PathRef,
    PathState,
    Preferred,
    RecvMask,
    SecretRecord,
    SockOpt,
    StreamAbort,
    StreamFd,
    StreamInfo,
    StreamPriority,
    StreamResetAt,
)

__all__ = [
    "QUIC_VERSIONS",
    "CryptoData",
    "Datagram",
    "Message",
    "RawSocket",
    "StreamData",
    "TquicSocket",
]

#: Versions of QUIC by the names people use: RFC 9000 15, RFC 9369 3.1.
QUIC_VERSIONS = {"1": 0x0000_0001, "2": 0x6B33_43CF}
#: Bytes one receive call takes at most: more than any datagram, many packets of a stream.
RECEIVE_BYTES = 128 * 1024
#: Bytes of encoded transport parameters.
_PARAMS_BYTES = 1024
_NAME_BYTES = 256
_TOKEN_BYTES = 512
_CMSG_BYTES = socket.CMSG_SPACE(StreamInfo.size()) * 2
_MAX_PATH_IDS = 256

Cmsgs = Sequence[tuple[int, int, bytes]]


class RawSocket(Protocol):
    """What is used of socket.socket, so that tests can stand in for the kernel."""

    def fileno(self) -> int: ...
    def close(self) -> None: ...
    def setsockopt(self, level: int, option: int, value: Any, /) -> None: ...
    def getsockopt(self, level: int, option: int, size: int, /) -> bytes: ...
    def sendmsg(self, buffers: Any, cmsgs: Any = ..., /) -> int: ...
    def recvmsg(self, size: int, cmsg_size: int = ..., /) -> tuple[bytes, Any, int, Any]: ...


@dataclass(frozen=True)
class StreamData:
    """Bytes of a stream. ``reset_code`` is set when the peer gave the stream up."""

    stream_id: int
    data: bytes
    fin: bool = False
    reset_code: int | None = None


@dataclass(frozen=True)
class CryptoData:
    """TLS handshake bytes of one encryption level, in order."""

    level: Level
    data: bytes


@dataclass(frozen=True)
class Datagram:
    """An RFC 9221 datagram."""

    data: bytes


Message = StreamData | CryptoData | Datagram | Event


class TquicSocket:
    """A TQUIC socket. SOCK_STREAM is the first bidirectional stream, SOCK_DGRAM everything."""

    def __init__(self, raw: RawSocket) -> None:
        self.raw = raw

    @classmethod
    def open(cls, family: int = socket.AF_INET, kind: int = socket.SOCK_DGRAM) -> TquicSocket:
        """A new socket; OSError (EPROTONOSUPPORT) when the module is not there."""
        return cls(socket.socket(family, kind, IPPROTO_TQUIC))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    # --- the calls every socket has

    @property
    def _socket(self) -> socket.socket:
        assert isinstance(self.raw, socket.socket)
        return self.raw

    def fileno(self) -> int:
        """The file descriptor, for poll and selectors."""
        return self.raw.fileno()

    def close(self) -> None:
        """Give the socket back; the kernel closes the connection with application code 0."""
        self.raw.close()

    def settimeout(self, seconds: float | None) -> None:
        """None blocks, 0 never blocks, else calls raise TimeoutError after that long."""
        self._socket.settimeout(seconds)

    def bind(self, address: Address) -> None:
        """Choose the local address; port 0 picks one."""
        self._socket.bind(address.sockaddr)

    def bind_device(self, name: str) -> None:
        """Use one network interface only."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode() + b"\0")

    def listen(self, backlog: int = 128) -> None:
        """Accept connections."""
        self._socket.listen(backlog)

    def accept(self) -> tuple[TquicSocket, Address]:
        """A new connection and its peer's address."""
        child, address = self._socket.accept()
        return TquicSocket(child), Address.of(address)

    def connect(self, address: Address) -> None:
        """Start a connection; with HandshakeMode.SELF this returns before the handshake."""
        self._socket.connect(address.sockaddr)

    def shutdown(self, how: int = socket.SHUT_WR) -> None:
        """Finish the first stream's sending half (SHUT_WR)."""
        self._socket.shutdown(how)

    def send(self, data: bytes) -> int:
        """Send on the first stream of a SOCK_STREAM socket."""
        return self._socket.send(data)

    def sendall(self, data: bytes) -> None:
        """Send all of ``data`` on the first stream of a SOCK_STREAM socket."""
        self._socket.sendall(data)

    def recv(self, size: int) -> bytes:
        """Receive from the first stream of a SOCK_STREAM socket; empty at its end."""
        return self._socket.recv(size)

    @property
    def local(self) -> Address:
        """The local address of the first path."""
        return Address.of(self._socket.getsockname())

    @property
    def peer(self) -> Address:
        """The peer's address on the first path."""
        return Address.of(self._socket.getpeername())

    def take_error(self) -> OSError | None:
        """The pending error (SO_ERROR), which this clears."""
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return OSError(code, os.strerror(code)) if code else None

    # --- options

    def _set(self, option: SockOpt, value: bytes) -> None:
        self.raw.setsockopt(SOL_TQUIC, option, value)

    def _get(self, option: SockOpt, size: int) -> bytes:
        return self.raw.getsockopt(SOL_TQUIC, option, size)

    def _set_u32(self, option: SockOpt, value: int) -> None:
        self._set(option, value.to_bytes(4, _ORDER))

    def _get_u32(self, option: SockOpt) -> int:
        return int.from_bytes(self._get(option, 4), _ORDER)

    def _get_text(self, option: SockOpt) -> str:
        return self._get(option, _NAME_BYTES).rstrip(b"\0").decode("utf-8", errors="replace")

    @property
    def config(self) -> Config:
        """Limits and timers; set only the fields of a Config.of(...)."""
        return Config.unpack(self._get(SockOpt.CONFIG, Config.size()))

    @config.setter
    def config(self, config: Config) -> None:
        self._set(SockOpt.CONFIG, config.pack())

    @property
    def handshake_mode(self) -> HandshakeMode:
        """Who drives TLS; settable before connect() or listen()."""
        return HandshakeMode(self._get_u32(SockOpt.HANDSHAKE_MODE))

    @handshake_mode.setter
    def handshake_mode(self, mode: HandshakeMode) -> None:
        self._set_u32(SockOpt.HANDSHAKE_MODE, mode)

    @property
    def local_params(self) -> bytes:
        """Our encoded transport parameters, for the TLS extension."""
        return self._get(SockOpt.LOCAL_PARAMS, _PARAMS_BYTES)

    def set_peer_params(self, params: bytes) -> None:
        """Give the peer's transport parameters as TLS carried them."""
        self._set(SockOpt.PEER_PARAMS, params)

    def set_early_params(self, params: bytes) -> None:
        """A client: what :meth:`set_peer_params` got on the connection that is resumed."""
        self._set(SockOpt.EARLY_PARAMS, params)

    def accept_early(self) -> None:
        """A client: TLS says that the server took the early data; before the parameters."""
        self._set_u32(SockOpt.EARLY_DATA, EarlyState.ACCEPTED)

    @property
    def early(self) -> EarlyState:
        """What became of early data."""
        return EarlyState(self._get_u32(SockOpt.EARLY_DATA))

    def set_secret(self, secret: Secret) -> None:
        """Install a traffic secret."""
        record = SecretRecord.of(secret.level, secret.send, secret.cipher, secret.secret)
        self._set(SockOpt.SECRET, record.pack())

    def end_handshake(self, *, verified: bool) -> None:
        """TLS is complete; ``verified`` tells whether the peer's identity was checked."""
        self._set(SockOpt.HANDSHAKE_END, HandshakeEnd(0, 0, int(verified)).pack())

    def fail_handshake(self, alert: int) -> None:
        """TLS failed: close the connection with this alert."""
        self._set(SockOpt.HANDSHAKE_END, HandshakeEnd(1, alert).pack())

    @property
    def recv_mask(self) -> RecvMask:
        """What recv_message() reports besides stream data."""
        return RecvMask(self._get_u32(SockOpt.RECV_MASK))

    @recv_mask.setter
    def recv_mask(self, mask: RecvMask) -> None:
        self._set_u32(SockOpt.RECV_MASK, mask)

    @property
    def alpn(self) -> tuple[str, ...]:
        """Application protocols for the agent to offer; after the handshake, the one agreed on."""
        text = self._get_text(SockOpt.ALPN)
        return tuple(text.split(",")) if text else ()

    @alpn.setter
    def alpn(self, names: Sequence[str]) -> None:
        if any("," in name for name in names):
            raise ValueError("alpn: a name may not contain a comma")
        self._set(SockOpt.ALPN, ",".join(names).encode())

    @property
    def server_name(self) -> str:
        """The name the agent sends and verifies."""
        return self._get_text(SockOpt.SERVER_NAME)

    @server_name.setter
    def server_name(self, name: str) -> None:
        self._set(SockOpt.SERVER_NAME, name.encode())

    @property
    def congestion(self) -> str:
        """Congestion control, on all paths."""
        return self._get_text(SockOpt.CONGESTION)

    @congestion.setter
    def congestion(self, name: str) -> None:
        self._set(SockOpt.CONGESTION, name.encode())

    @property
    def scheduler(self) -> str:
        """Which path a packet takes."""
        return self._get_text(SockOpt.SCHEDULER)

    @scheduler.setter
    def scheduler(self, name: str) -> None:
        self._set(SockOpt.SCHEDULER, name.encode())

    @property
    def retry(self) -> bool:
        """Whether a listener has every client prove its address with a Retry."""
        return bool(self._get_u32(SockOpt.RETRY))

    @retry.setter
    def retry(self, always: bool) -> None:
        self._set_u32(SockOpt.RETRY, int(always))

    @property
    def version(self) -> int:
        """The QUIC version of the connection; set before connect(), the one to begin with."""
        return self._get_u32(SockOpt.VERSION)

    @version.setter
    def version(self, number: int) -> None:
        self._set_u32(SockOpt.VERSION, number)

    @property
    def token(self) -> bytes:
        """What saves the next connection to this server a Retry; empty until it has come."""
        return self._get(SockOpt.TOKEN, _TOKEN_BYTES)

    @token.setter
    def token(self, token: bytes) -> None:
        self._set(SockOpt.TOKEN, token)

    def info(self) -> Info:
        """The connection as a whole."""
        return Info.unpack(self._get(SockOpt.INFO, Info.size()))

    def close_info(self) -> CloseInfo:
        """Why the connection closed."""
        return CloseInfo.unpack(self._get(SockOpt.CLOSE, CloseInfo.size()))

    def close_with(self, code: int, *, app: bool = True, reason: str = "") -> None:
        """Close the connection at once with an application or transport code."""
        self._set(SockOpt.CLOSE, CloseInfo.of(code, app=app, reason=reason).pack())

    def update_keys(self) -> None:
        """Start a key update."""
        self._set(SockOpt.KEY_UPDATE, b"")

    # --- streams and messages

    def open_stream(self, *, uni: bool = False) -> int:
        """Open the next stream of its kind; BlockingIOError when the peer allows no more yet."""
        wanted = StreamInfo(flags=int(MsgFlag.UNI) if uni else 0).pack()
        return StreamInfo.unpack(_get_with_input(self.raw, SockOpt.STREAM_OPEN, wanted)).stream_id

    def reset_stream(self, stream_id: int, code: int) -> None:
        """Give up sending on a stream."""
        self._set(SockOpt.STREAM_RESET, StreamAbort(stream_id, code).pack())

    def reset_stream_at(self, stream_id: int, code: int, reliable_bytes: int) -> None:
        """Give up sending on a stream behind its first bytes, which still arrive.

        OSError: EOPNOTSUPP when the peer did not offer it, EINVAL when less was written,
        EPIPE when the stream is reset or complete.
        """
        wanted = StreamResetAt(stream_id, code, reliable_bytes)
        self._set(SockOpt.STREAM_RESET_AT, wanted.pack())

    def stop_stream(self, stream_id: int, code: int) -> None:
        """Ask the peer to stop sending on a stream."""
        self._set(SockOpt.STREAM_STOP, StreamAbort(stream_id, code).pack())

    def stream_socket(self, stream_id: int) -> socket.socket:
        """A socket of the stream alone: from now on it is written and read there only.

        It ends when that is closed, and outlives this one. OSError: ENOENT when there is no such
        stream, EBUSY when it has a socket or is being written to.
        """
        wanted = StreamFd(stream_id, FdFlag.CLOEXEC).pack()
        answer = StreamFd.unpack(_get_with_input(self.raw, SockOpt.STREAM_FD, wanted))
        return socket.socket(fileno=answer.fd)

    def set_priority(self, stream_id: int, urgency: int, *, incremental: bool = True) -> None:
        """When a stream may send: urgency 0 goes first, 7 last; incremental ones take turns."""
        priority = StreamPriority(stream_id, urgency, int(incremental))
        self._set(SockOpt.STREAM_PRIORITY, priority.pack())

    def priority(self, stream_id: int) -> StreamPriority:
        """When a stream may send; OSError (ENOENT) when there is none of that id."""
        wanted = StreamPriority(stream_id).pack()
        return StreamPriority.unpack(_get_with_input(self.raw, SockOpt.STREAM_PRIORITY, wanted))

    def send_stream(
        self,
        stream_id: int,
        data: bytes | memoryview,
        *,
        fin: bool = False,
        deadline: Deadline | None = None,
    ) -> int:
        """Send on a stream and return the bytes taken; FIN counts only when all were taken.

        A deadline holds for all of the stream from now on.
        """
        info = StreamInfo(stream_id, flags=int(MsgFlag.FIN) if fin else 0)
        return self._send(data, Cmsg.STREAM, info.pack(), deadline)

    def send_new(
        self,
        data: bytes,
        *,
        uni: bool = False,
        fin: bool = False,
        deadline: Deadline | None = None,
    ) -> int:
        """Open the next stream of its kind and send its first bytes."""
        flags = MsgFlag.NEW
        if uni:
            flags |= MsgFlag.UNI
        if fin:
            flags |= MsgFlag.FIN
        return self._send(data, Cmsg.STREAM, StreamInfo(flags=int(flags)).pack(), deadline)

    def send_crypto(self, level: Level, data: bytes | memoryview) -> int:
        """Send TLS handshake bytes and return how many were taken."""
        return self._send(data, Cmsg.HANDSHAKE, HandshakeInfo(level).pack())

    def send_datagram(self, data: bytes, *, deadline: Deadline | None = None) -> None:
        """Send a datagram; OSError (EMSGSIZE) when no packet can carry it."""
        self._send(data, Cmsg.DATAGRAM, b"", deadline)

    def _send(
        self,
        data: bytes | memoryview,
        kind: Cmsg,
        payload: bytes,
        deadline: Deadline | None = None,
    ) -> int:
        cmsgs = [(SOL_TQUIC, int(kind), payload)]
        if deadline:
            cmsgs.append((SOL_TQUIC, int(Cmsg.DEADLINE), deadline.pack()))
        return self.raw.sendmsg([data], cmsgs)

    def recv_message(self, size: int = RECEIVE_BYTES) -> Message | None:
        """The next thing to read, or None when the connection is over.

        On a SOCK_STREAM socket plain bytes are those of stream 0, and None is the stream's end.
        """
        data, cmsgs, _flags, _address = self.raw.recvmsg(size, _CMSG_BYTES)
        for level, kind, payload in cmsgs:
            if level == SOL_TQUIC and kind in _READERS:
                return _READERS[kind](payload, data)
        return StreamData(0, data) if data else None

    # --- paths

    def add_path(
        self,
        local: Address,
        *,
        peer: Address | None = None,
        ifindex: int = 0,
        backup: bool = False,
    ) -> None:
        """Add a path from a local address; BlockingIOError before the handshake is confirmed."""
        flags = int(PathFlag.BACKUP) if backup else 0
        self._set(SockOpt.PATH_ADD, PathAddr(local, peer, ifindex, flags).pack())

    def move_path(
        self, path_id: int, local: Address, *, peer: Address | None = None, ifindex: int = 0
    ) -> None:
        """A client: have a path go on from another address, once it was tried.

        An event PATH_MIGRATED tells how that ended. BlockingIOError while the server has left no
        connection id for it.
        """
        self._set(SockOpt.PATH_MOVE, PathMove(local, peer, path_id, ifindex).pack())

    @property
    def preferred(self) -> Preferred:
        """Where a server asks its clients to move to; settable before listen()."""
        return Preferred.unpack(self._get(SockOpt.PREFERRED, Preferred.size()))

    @preferred.setter
    def preferred(self, value: Preferred) -> None:
        self._set(SockOpt.PREFERRED, value.pack())

    def del_path(self, path_id: int, code: int = 0) -> None:
        """Abandon a path."""
        self._set(SockOpt.PATH_DEL, PathRef(path_id, 0, code).pack())

    def set_path_status(self, path_id: int, *, backup: bool) -> None:
        """Make a path a backup, or available again."""
        flags = int(PathFlag.BACKUP) if backup else 0
        self._set(SockOpt.PATH_STATUS, PathRef(path_id, flags).pack())

    def path_info(self, path_id: int) -> PathInfo:
        """One path; OSError (ENOENT) when it does not exist."""
        wanted = PathInfo(path_id=path_id).pack()
        return PathInfo.unpack(_get_with_input(self.raw, SockOpt.PATH_INFO, wanted))

    def paths(self) -> list[PathInfo]:
        """All open paths, by id."""
        out: list[PathInfo] = []
        count = self.info().paths
        for path_id in range(_MAX_PATH_IDS):
            if len(out) == count:
                break
            try:
                path = self.path_info(path_id)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.EINVAL):
                    raise
                continue
            if path.state not in (PathState.UNUSED, PathState.ABANDONED):
                out.append(path)
        return out


_ORDER: Final = sys.byteorder


def _read_stream(payload: bytes, data: bytes) -> StreamData:
    info = StreamInfo.unpack(payload)
    reset = info.error_code if info.flags & MsgFlag.RESET else None
    return StreamData(info.stream_id, data, bool(info.flags & MsgFlag.FIN), reset)


def _read_crypto(payload: bytes, data: bytes) -> CryptoData:
    return CryptoData(Level(HandshakeInfo.unpack(payload).level), data)


def _read_datagram(_payload: bytes, data: bytes) -> Datagram:
    return Datagram(data)


def _read_event(_payload: bytes, data: bytes) -> Event:
    return Event.unpack(data)


_READERS: dict[int, Callable[[bytes, bytes], Message]] = {
    Cmsg.STREAM: _read_stream,
    Cmsg.HANDSHAKE: _read_crypto,
    Cmsg.DATAGRAM: _read_datagram,
    Cmsg.EVENT: _read_event,
}

_libc = ctypes.CDLL(None, use_errno=True)


def _get_with_input(raw: RawSocket, option: SockOpt, value: bytes) -> bytes:
    """getsockopt() whose buffer is also its argument, which Python's own cannot do."""
    buffer = ctypes.create_string_buffer(value, len(value))
    size = ctypes.c_uint32(len(value))
    failed = _libc.getsockopt(raw.fileno(), SOL_TQUIC, option, buffer, ctypes.byref(size))
    if failed:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return buffer.raw[: size.value]
