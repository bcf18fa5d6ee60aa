# SPDX-License-Identifier: GPL-2.0
"""tquic.sock: what each call puts into options and control messages, without the kernel."""

from __future__ import annotations

import errno
import socket
from typing import Any

import pytest
from fake_sock import os_error

from tquic import sock as sock_module
from tquic import uapi
from tquic.record import Address
from tquic.sock import CryptoData, Datagram, StreamData, TquicSocket
from tquic.tls import Level, Secret
from tquic.uapi import SOL_TQUIC, Cmsg, HandshakeMode, MsgFlag, RecvMask, SockOpt


class FakeRaw:
    """Remembers what was set and sent; gives back what was put in."""

    def __init__(self) -> None:
        self.options: dict[int, bytes] = {}
        self.sent: list[tuple[bytes, Any]] = []
        self.incoming: list[tuple[bytes, Any, int, Any]] = []
        self.open = True

    def fileno(self) -> int:
        return 99

    def close(self) -> None:
        self.open = False

    def setsockopt(self, level: int, option: int, value: Any, /) -> None:
        assert level == SOL_TQUIC
        self.options[option] = value

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        assert level == SOL_TQUIC
        return self.options[option][:size]

    def sendmsg(self, buffers: Any, cmsgs: Any = (), /) -> int:
        data = b"".join(bytes(b) for b in buffers)
        self.sent.append((data, list(cmsgs)))
        return len(data)

    def recvmsg(self, size: int, cmsg_size: int = 0, /) -> tuple[bytes, Any, int, Any]:
        assert cmsg_size >= socket.CMSG_SPACE(uapi.StreamInfo.size())
        return self.incoming.pop(0)


@pytest.fixture(name="raw")
def _raw() -> FakeRaw:
    return FakeRaw()


@pytest.fixture(name="sock")
def _sock(raw: FakeRaw) -> TquicSocket:
    return TquicSocket(raw)


def test_values_read_back(sock: TquicSocket) -> None:
    sock.config = config = uapi.Config.of(max_data=1 << 20, keepalive_ms=500)
    assert sock.config == config
    sock.handshake_mode = HandshakeMode.SELF
    assert sock.handshake_mode is HandshakeMode.SELF
    sock.recv_mask = RecvMask.CRYPTO | RecvMask.EVENT
    assert sock.recv_mask == RecvMask.CRYPTO | RecvMask.EVENT
    sock.alpn = ("h3", "hq-interop")
    assert sock.alpn == ("h3", "hq-interop")
    sock.server_name = "server.test"
    assert sock.server_name == "server.test"
    sock.congestion = "cubic"
    sock.scheduler = "minrtt"
    assert (sock.congestion, sock.scheduler) == ("cubic", "minrtt")


def test_texts_end_where_the_kernel_ends_them(sock: TquicSocket, raw: FakeRaw) -> None:
    raw.options[SockOpt.CONGESTION] = b"cubic\0\0\0"
    raw.options[SockOpt.ALPN] = b""
    assert sock.congestion == "cubic"
    assert sock.alpn == ()
    with pytest.raises(ValueError, match="comma"):
        sock.alpn = ("a,b",)


def test_handshake_options(sock: TquicSocket, raw: FakeRaw) -> None:
    sock.set_secret(Secret(Level.HANDSHAKE, False, 0x1301, b"s" * 32))
    secret = uapi.SecretRecord.unpack(raw.options[SockOpt.SECRET])
    assert (secret.level, secret.send, secret.cipher, secret.secret_len) == (2, 0, 0x1301, 32)
    sock.set_peer_params(b"params")
    assert raw.options[SockOpt.PEER_PARAMS] == b"params"
    sock.end_handshake(verified=True)
    assert raw.options[SockOpt.HANDSHAKE_END] == uapi.HandshakeEnd(0, 0, 1).pack()
    sock.fail_handshake(42)
    assert raw.options[SockOpt.HANDSHAKE_END] == uapi.HandshakeEnd(1, 42, 0).pack()


def test_stream_messages_out(sock: TquicSocket, raw: FakeRaw) -> None:
    assert sock.send_stream(4, b"abc", fin=True) == 3
    sock.send_new(b"x", uni=True)
    sock.send_crypto(Level.INITIAL, b"hello")
    sock.send_datagram(b"dg")
    sock.send_datagram(b"soon", deadline=uapi.Deadline.of(0.1, drop=True))
    kinds = [(data, cmsgs[0][1]) for data, cmsgs in raw.sent]
    assert kinds == [
        (b"abc", Cmsg.STREAM),
        (b"x", Cmsg.STREAM),
        (b"hello", Cmsg.HANDSHAKE),
        (b"dg", Cmsg.DATAGRAM),
        (b"soon", Cmsg.DATAGRAM),
    ]
    assert uapi.StreamInfo.unpack(raw.sent[0][1][0][2]) == uapi.StreamInfo(4, 0, MsgFlag.FIN)
    flags = uapi.StreamInfo.unpack(raw.sent[1][1][0][2]).flags
    assert flags == MsgFlag.NEW | MsgFlag.UNI
    assert raw.sent[3][1] == [(SOL_TQUIC, Cmsg.DATAGRAM, b"")]
    assert raw.sent[4][1][1] == (
        SOL_TQUIC,
        Cmsg.DEADLINE,
        uapi.Deadline(100_000_000, 0, uapi.DeadlineFlag.DROP).pack(),
    )


def test_messages_in(sock: TquicSocket, raw: FakeRaw) -> None:
    def put(data: bytes, kind: int, payload: bytes) -> None:
        raw.incoming.append((data, [(1, 1, b"?"), (SOL_TQUIC, kind, payload)], 0, None))

    put(b"ab", Cmsg.STREAM, uapi.StreamInfo(8, 0, MsgFlag.FIN).pack())
    put(b"", Cmsg.STREAM, uapi.StreamInfo(8, 5, MsgFlag.RESET).pack())
    put(b"ch", Cmsg.HANDSHAKE, uapi.HandshakeInfo(2).pack())
    put(b"", Cmsg.DATAGRAM, b"")
    put(uapi.Event(8, 1, 2).pack(), Cmsg.EVENT, b"")
    raw.incoming += [(b"plain", [], 0, None), (b"", [], 0, None)]
    assert [sock.recv_message() for _ in range(7)] == [
        StreamData(8, b"ab", True),
        StreamData(8, b"", False, 5),
        CryptoData(Level.HANDSHAKE, b"ch"),
        Datagram(b""),
        uapi.Event(8, 1, 2),
        StreamData(0, b"plain"),
        None,
    ]


def test_options_with_an_argument(sock: TquicSocket, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, bytes]] = []

    def answer(_raw: object, option: int, value: bytes) -> bytes:
        asked.append((option, value))
        if option == SockOpt.STREAM_OPEN:
            return uapi.StreamInfo(6, 0, 0).pack()
        if option == SockOpt.STREAM_PRIORITY:
            return value
        if option == SockOpt.STREAM_FD:
            fd = uapi.StreamFd.unpack(value)
            assert fd.flags == uapi.FdFlag.CLOEXEC
            return uapi.StreamFd(fd.stream_id, fd.flags, socket.socket().detach()).pack()
        wanted = uapi.PathInfo.unpack(value).path_id
        if wanted == 1:
            raise os_error(errno.ENOENT)
        states = {0: uapi.PathState.ACTIVE, 2: uapi.PathState.ABANDONED, 3: uapi.PathState.SUSPECT}
        state = states.get(wanted, uapi.PathState.UNUSED)
        return uapi.PathInfo(path_id=wanted, state=state, local=Address("192.0.2.1", 5)).pack()

    monkeypatch.setattr(sock_module, "_get_with_input", answer)
    assert sock.open_stream(uni=True) == 6
    assert uapi.StreamInfo.unpack(asked[0][1]).flags == MsgFlag.UNI
    assert sock.priority(6) == uapi.StreamPriority(6, 3, 1)
    with sock.stream_socket(6) as stream:
        assert stream.type == socket.SOCK_STREAM
    raw = sock.raw
    assert isinstance(raw, FakeRaw)
    raw.options[SockOpt.INFO] = uapi.Info(paths=2).pack()
    assert [path.path_id for path in sock.paths()] == [0, 3]


def test_argument_goes_in_and_out_of_getsockopt() -> None:
    # Any option of any protocol shows that the call itself is right: here one that is refused.
    with socket.socket() as plain, pytest.raises(OSError, match=r"not (supported|available)"):
        TquicSocket(plain).open_stream()


def test_paths_and_close(sock: TquicSocket, raw: FakeRaw) -> None:
    sock.add_path(Address("192.0.2.7"), ifindex=3, backup=True)
    path = uapi.PathAddr.unpack(raw.options[SockOpt.PATH_ADD])
    assert path == uapi.PathAddr(Address("192.0.2.7"), None, 3, 1)
    sock.del_path(2, 9)
    assert uapi.PathRef.unpack(raw.options[SockOpt.PATH_DEL]) == uapi.PathRef(2, 0, 9)
    sock.set_path_status(1, backup=False)
    assert uapi.PathRef.unpack(raw.options[SockOpt.PATH_STATUS]) == uapi.PathRef(1, 0, 0)
    sock.close_with(3, reason="bye")
    assert sock.close_info().text == "bye"
    sock.reset_stream(0, 1)
    sock.reset_stream_at(8, 1, 9)
    record = uapi.StreamResetAt.unpack(raw.options[SockOpt.STREAM_RESET_AT])
    assert record == uapi.StreamResetAt(8, 1, 9)
    sock.stop_stream(4, 2)
    assert uapi.StreamAbort.unpack(raw.options[SockOpt.STREAM_STOP]) == uapi.StreamAbort(4, 2)
    sock.set_priority(8, 1, incremental=False)
    priority = uapi.StreamPriority.unpack(raw.options[SockOpt.STREAM_PRIORITY])
    assert priority == uapi.StreamPriority(8, 1, 0)
    with sock:
        pass
    assert not raw.open
