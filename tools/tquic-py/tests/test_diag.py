# SPDX-License-Identifier: GPL-2.0
"""sock_diag: codecs, filters and the command `tquic ss`, against a kernel in memory."""

from __future__ import annotations

import errno
import json
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import click
import pytest
from click.testing import CliRunner
from fake_netlink import attribute, message

from tquic import cmd_ss, diag, ss, ssview
from tquic.diag import CONNECTED, DiagSocket, InetDiag, Match, SockState, bytecode
from tquic.errors import UnavailableError
from tquic.genl import NetlinkError
from tquic.record import Address
from tquic.uapi import Info, PathInfo, PathState, State

LOCAL = Address("10.0.0.1", 5000)
PEER = Address("10.0.0.2", 443)
COOKIE = 0x0000_0007_0000_0003
PATH = PathInfo(path_id=1, state=PathState.ACTIVE, local=LOCAL, peer=PEER, srtt_ns=1_500_000)
INFO = Info(state=State.ESTABLISHED, token=9, paths=2, congestion="cubic", scheduler="minrtt")


def answer(
    state: int = SockState.ESTABLISHED,
    cookie: int = COOKIE,
    local: Address = LOCAL,
    peer: Address = PEER,
    attributes: bytes = b"",
) -> bytes:
    """struct inet_diag_msg, field by field as in <linux/inet_diag.h>."""
    raw = [socket.inet_pton(end.family, end.host).ljust(16, b"\0") for end in (local, peer)]
    sockid = struct.pack(">HH", local.port, peer.port) + b"".join(raw)
    sockid += struct.pack("=III", 2, cookie & 0xFFFF_FFFF, cookie >> 32)
    head = struct.pack("=BBBB", local.family, state, 0, 0)
    return head + sockid + struct.pack("=IIIII", 0, 10, 20, 1000, 77) + attributes


def full() -> bytes:
    """Everything the module sends for a connection."""
    return (
        attribute(8, b"\x03")
        + attribute(1, struct.pack("=IIII", 1, 2, 3, 4))
        + attribute(4, b"cubic\0")
        + attribute(2, INFO.pack())
        + attribute(0x9000, attribute(1, PATH.pack()))
    )


@dataclass
class FakeKernel:
    """Answers dumps of IPv4, one message a time, and requests by cookie."""

    dump: Sequence[bytes] | int = ()
    refuse: Callable[[int], int] = lambda _cookie: 0
    requests: list[bytes] = field(default_factory=list)
    inbox: deque[bytes] = field(default_factory=deque)

    def fileno(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing is held."""

    def setsockopt(self, level: int, option: int, value: int, /) -> None:
        raise AssertionError

    def recv(self, _size: int, _flags: int = 0, /) -> bytes:
        return self.inbox.popleft()

    def send(self, data: bytes, /) -> int:
        size, kind, flags, sequence, _ = struct.unpack_from("=IHHII", data)
        assert size == len(data) >= 16 + 56
        assert data[17] == 253
        self.requests.append(data)
        if flags & 0x300 == 0x300:
            assert kind == 20
            code = self.dump if isinstance(self.dump, int) else 0
            found = () if isinstance(self.dump, int) or data[16] != 2 else self.dump
            for item in found:
                self.inbox.append(message(20, 2, sequence, item))
            self.inbox.append(message(3, 2, sequence, struct.pack("=i", -code)))
            return size
        (cookie,) = struct.unpack_from("=Q", data, 16 + 48)
        code = self.refuse(cookie)
        if kind == 20 and not code:
            self.inbox.append(message(20, 0, sequence, answer(cookie=cookie)))
        self.inbox.append(message(2, 0x100, sequence, struct.pack("=i", -code) + data[:16]))
        return size


def test_a_socket_is_decoded() -> None:
    shown = DiagSocket.unpack(answer(attributes=full()))
    assert (shown.family, shown.state) == (socket.AF_INET, SockState.ESTABLISHED)
    assert (shown.local, shown.peer, shown.ifindex, shown.cookie) == (LOCAL, PEER, 2, COOKIE)
    assert (shown.recv_queue, shown.send_queue, shown.uid, shown.inode) == (10, 20, 1000, 77)
    assert (shown.shutdown, shown.congestion) == (3, "cubic")
    assert shown.info == INFO
    assert shown.memory == diag.Memory(1, 2, 3, 4)
    assert shown.paths == (PATH,)


def test_a_bare_socket_is_decoded() -> None:
    local, peer = Address("fe80::1", 1), Address("::")
    shown = DiagSocket.unpack(answer(SockState.LISTEN, local=local, peer=peer))
    assert (shown.local, shown.peer, shown.info, shown.paths) == (local, peer, None, ())
    with pytest.raises(ValueError, match="71 bytes, 72 were expected"):
        DiagSocket.unpack(answer()[:71])


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        (":443", struct.pack("=BBxxi", 0, 0, 443)),
        ("*:443", struct.pack("=BBxxi", 0, 0, 443)),
        ("10.0.0.1", struct.pack("=BBxxi", 2, 32, -1) + bytes((10, 0, 0, 1))),
        ("10.0.0.9/8:5", struct.pack("=BBxxi", 2, 8, 5) + bytes((10, 0, 0, 0))),
        ("fd00::1", struct.pack("=BBxxi", 10, 128, -1) + bytes((0xFD, *[0] * 14, 1))),
        ("[fd00::/16]:7", struct.pack("=BBxxi", 10, 16, 7) + bytes((0xFD, *[0] * 15))),
    ],
)
def test_matches(text: str, packed: bytes) -> None:
    assert Match.parse(text).pack() == packed


@pytest.mark.parametrize(
    "text", ["host", "10.0.0.1:x", "10.0.0.1:70000", "[fd00::1", "[::]5", ":-1"]
)
def test_bad_matches(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|a port is"):
        Match.parse(text)


def test_bytecode_jumps() -> None:
    """Each operation goes on to the next, or to four bytes beyond the end, which refuses."""
    assert bytecode(None, None) == b""
    code = bytecode(Match.parse(":1"), Match.parse("10.0.0.1:2"))
    assert len(code) == 12 + 16
    assert struct.unpack_from("=BBH", code) == (7, 12, 28 + 4)
    assert struct.unpack_from("=BBH", code, 12) == (8, 16, 16 + 4)


def test_requests() -> None:
    kernel = FakeKernel([answer(attributes=full()), answer(cookie=5)])
    with InetDiag(kernel) as found:
        socks = found.sockets([SockState.LISTEN, SockState.ESTABLISHED], local=Match.parse(":1"))
    assert [sock.cookie for sock in socks] == [COOKIE, 5]
    v4, v6 = kernel.requests
    assert (v4[16], v6[16]) == (2, 10)
    assert v4[18] & 0b1011 == 0b1011  # memory, info, congestion control
    assert struct.unpack_from("=I", v4, 20) == (1 << 10 | 1 << 1,)
    assert v4[16 + 56 :] == attribute(1, bytecode(Match.parse(":1"), None))
    assert found.get(2, 7).cookie == 7
    found.destroy(10, 8)
    assert struct.unpack_from("=H", kernel.requests[-1], 4) == (21,)
    assert kernel.requests[-1][16] == 10


def test_no_module_is_explained() -> None:
    with pytest.raises(UnavailableError, match="modprobe tquic_diag"):
        InetDiag(FakeKernel(errno.ENOENT)).sockets()
    with pytest.raises(NetlinkError):
        InetDiag(FakeKernel(errno.EINVAL)).sockets()


def test_states() -> None:
    assert ss.wanted_states(()) == CONNECTED
    assert ss.wanted_states((), listening=True) == (SockState.LISTEN,)
    assert ss.wanted_states((), everything=True) == tuple(SockState)
    assert ss.wanted_states(("closing",), everything=True) == (SockState.CLOSING,)
    assert {state for state, _ in ssview.STATES.values()} == set(SockState)


def test_ending_tells_what_was_ended() -> None:
    codes = {1: 0, 2: errno.ENOENT, 3: errno.EOPNOTSUPP, 4: errno.EPERM}
    found = InetDiag(FakeKernel([answer(cookie=cookie) for cookie in codes], codes.__getitem__))
    socks = found.sockets()
    assert [sock.cookie for sock in ss.end(found, socks[:3])] == [1]
    with pytest.raises(NetlinkError) as caught:
        ss.end(found, socks)
    assert caught.value.errno == errno.EPERM


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The command, on a kernel with a connection and a listener."""
    listener = answer(SockState.LISTEN, 6, Address("10.0.0.1", 443), Address("0.0.0.0"))
    kernel = FakeKernel([answer(attributes=full()), listener])
    monkeypatch.setattr(diag, "_open", lambda: kernel)

    def call(*words: str) -> Any:
        return CliRunner().invoke(cmd_ss.command, words)

    return call


def test_command_prints_as_ss_does(run: Callable[..., Any]) -> None:
    header, conn, listener = run("-e").output.splitlines()
    assert header.startswith("Netid  State")
    assert conn.split() == [
        *("tquic", "ESTAB", "10", "20", "10.0.0.1:5000", "10.0.0.2:443"),
        *("uid:1000", "ino:77", "sk:700000003"),
    ]
    assert listener.split()[:6] == ["tquic", "LISTEN", "10", "20", "10.0.0.1:443", "*:*"]


def test_command_prints_details(run: Callable[..., Any]) -> None:
    lines = run("-i").output.splitlines()
    assert lines[2].strip().startswith("cubic minrtt token:9 client")
    assert lines[3].strip().startswith("path 1 active 10.0.0.1:5000 > 10.0.0.2:443 rtt:1.500/0.000")
    assert lines[4].split()[1] == "LISTEN"


def test_command_prints_json(run: Callable[..., Any]) -> None:
    conn, listener = json.loads(run("--json").output)
    assert (conn["state"], conn["local"], conn["info"]["token"]) == ("ESTAB", str(LOCAL), 9)
    assert conn["paths"][0]["state"] == "active"
    assert (listener["info"], listener["paths"]) == (None, [])


def test_command_refuses(run: Callable[..., Any]) -> None:
    assert run("--kill").exit_code == click.UsageError.exit_code
    assert run("--local", "nowhere").exit_code == click.UsageError.exit_code
    assert len(run("--kill", "--state", "established").output.splitlines()) == 3
