# SPDX-License-Identifier: GPL-2.0
"""What programs may not do: sockets that a cgroup forbids, paths over a device of others."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import LabMaker
from libc import LIBC, called
from running import (
    DATA,
    STALL_S,
    Certificates,
    Joined,
    RunningServer,
    Sender,
    counter,
    dial,
    echo,
    exchange,
    wait_active,
    wait_for,
)
from test_endpoint import index_of

from tquic.errors import ConnectionFailedError
from tquic.handshake import Options, new_socket
from tquic.lab import Link, TwoLinks
from tquic.record import Address
from tquic.sock import TquicSocket
from tquic.uapi import IPPROTO_TQUIC

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

Start = Callable[..., RunningServer]
PLAIN = Link()
#: Connections that a listener's cgroup is charged for, four kilobytes and more each; some wait in
#: lists of each CPU until they are told.
_CLIENTS = 32

# --- cgroups

_SYS_BPF = 321  # x86-64
_PROG_LOAD, _PROG_ATTACH = 5, 8
_PROG_DETACH = 9
_CGROUP_SKB, _INET_INGRESS, _INET_EGRESS = 8, 0, 1
_CGROUP_SOCK, _INET_SOCK_CREATE = 9, 2
_CGROUP_SOCK_ADDR = 18
_BPF_BIND = 64
_BINDS = {socket.AF_INET: 8, socket.AF_INET6: 9}
_CONNECTS = {socket.AF_INET: 10, socket.AF_INET6: 11}
_SO_ATTACH_FILTER = 26
#: A port that programs put in the place of others.
_THAT_PORT = 4477


def instructions(*which: tuple[int, int, int, int]) -> bytes:
    """A program: the opcode, registers, offset and number of each instruction."""
    return b"".join(struct.pack("=BBhi", *one) for one in which)


#: r0 = 0; exit: nothing is allowed
_REFUSE = instructions((0xB7, 0, 0, 0), (0x95, 0, 0, 0))
#: ctx->user_port = ...; r0 = 1; exit: what is asked for is allowed, but at that port
_MOVE = instructions(
    (0xB7, 2, 0, socket.htons(_THAT_PORT)), (0x63, 0x21, 24, 0), (0xB7, 0, 0, 1), (0x95, 0, 0, 0)
)


def bind_from(host: str, port: int) -> bytes:
    """A program that calls bpf_bind() for the socket, and allows what is asked for."""
    (address,) = struct.unpack("=i", socket.inet_aton(host))
    return instructions(
        (0x62, 10, -16, socket.AF_INET | socket.htons(port) << 16),  # on the stack
        (0x62, 10, -12, address),
        (0x7A, 10, -8, 0),
        (0xBF, 0xA2, 0, 0),  # r2 = r10 - 16
        (0x07, 2, 0, -16),
        (0xB7, 3, 0, 16),
        (0x85, 0, 0, _BPF_BIND),
        (0xB7, 0, 0, 1),
        (0x95, 0, 0, 0),
    )


_KINDS = [
    (family, kind)
    for family in (socket.AF_INET, socket.AF_INET6)
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)
]
_IN_CGROUP = f"""
import socket, sys
from pathlib import Path
Path(sys.argv[1], "cgroup.procs").write_text("0")
for family in (socket.AF_INET, socket.AF_INET6):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            socket.socket(family, kind, {IPPROTO_TQUIC}).close()
        except OSError as error:
            print(error.errno)
        else:
            print(0)
"""


def bpf(command: int, attributes: bytes) -> int:
    """bpf(2)."""
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    return called(LIBC.syscall(_SYS_BPF, command, buffer, len(attributes)))


def load(program: bytes, kind: int, where: int) -> int:
    """A program for cgroups, which is asked at some place."""
    code = ctypes.create_string_buffer(program, len(program))
    licence = ctypes.create_string_buffer(b"GPL")
    head = (kind, len(program) // 8, ctypes.addressof(code), ctypes.addressof(licence))
    rest = (0, 0, 0, 0, 0, b"", 0, where)
    return bpf(_PROG_LOAD, struct.pack("=IIQQ", *head) + struct.pack("=IIQII16sII", *rest))


@contextlib.contextmanager
def asked(cgroup: Path, kind: int, where: int, instructions: bytes = _REFUSE) -> Iterator[None]:
    """In the block a program is asked what a cgroup's sockets may do; by default, nothing."""
    with contextlib.ExitStack() as held:
        program = load(instructions, kind, where)
        held.callback(os.close, program)
        target = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY)
        held.callback(os.close, target)
        attributes = struct.pack("=IIII", target, program, where, 0)
        bpf(_PROG_ATTACH, attributes)
        held.callback(bpf, _PROG_DETACH, attributes)
        yield


@pytest.fixture
def hierarchy(tmp_path: Path) -> Iterator[Path]:
    """Where cgroups are; mounted for the test if they are not."""
    if "__cgroup_bpf_run_filter_sk" not in Path("/proc/kallsyms").read_text():
        pytest.skip("a kernel without CONFIG_CGROUP_BPF")
    usual = Path("/sys/fs/cgroup")
    if (usual / "cgroup.procs").exists():
        yield usual
        return
    subprocess.run(["mount", "-t", "cgroup2", "cgroup2", str(tmp_path)], check=True)
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.fixture
def cgroup(hierarchy: Path) -> Iterator[Path]:
    """A cgroup of its own."""
    made = hierarchy / "tquic-strict"
    made.mkdir()
    yield made
    # Sockets keep it until what they have sent has left the host.
    made.rmdir()


@contextlib.contextmanager
def inside(cgroup: Path) -> Iterator[None]:
    """In the block this process is in a cgroup."""
    (cgroup / "cgroup.procs").write_text("0")
    try:
        yield
    finally:
        (cgroup.parent / "cgroup.procs").write_text("0")


def attach(sock: object, keep_bytes: int) -> None:
    """Give a socket a filter that keeps so much of each datagram, 0: none."""
    assert isinstance(sock, socket.socket)
    code = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, keep_bytes))  # BPF_RET
    program = struct.pack("HxxxxxxQ", 1, ctypes.addressof(code))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def test_a_cgroup_without_sockets(cgroup: Path) -> None:
    """Each kind is refused with EPERM, and whoever is not in the cgroup notices nothing."""
    command = [sys.executable, "-c", _IN_CGROUP, str(cgroup)]
    with asked(cgroup, _CGROUP_SOCK, _INET_SOCK_CREATE):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert [int(line) for line in done.stdout.split()] == [errno.EPERM] * len(_KINDS)
        for family, kind in _KINDS:
            TquicSocket.open(family, kind).close()


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_a_cgroup_without_addresses(lab: TwoLinks, cgroup: Path, v6: bool) -> None:
    """bind() and connect() are refused, or another address is put in the place of what is said."""
    family = socket.AF_INET6 if v6 else socket.AF_INET
    own, peer = lab.client_address(v6=v6), lab.server_address(v6=v6, port=1)
    kind = _CGROUP_SOCK_ADDR

    def made() -> TquicSocket:
        with lab.client.entered():
            return new_socket(family, Options())

    with inside(cgroup), made() as bound, made() as other:
        with asked(cgroup, kind, _BINDS[family]), pytest.raises(PermissionError):
            bound.bind(own)
        with asked(cgroup, kind, _CONNECTS[family]), pytest.raises(PermissionError):
            other.connect(peer)
        # Refused, they are as they were.
        with asked(cgroup, kind, _BINDS[family], _MOVE):
            bound.bind(own)
        with asked(cgroup, kind, _CONNECTS[family], _MOVE):
            other.connect(peer)
        assert bound.local.port == _THAT_PORT
        assert other.peer.port == _THAT_PORT


@pytest.mark.parametrize("port", [0, _THAT_PORT], ids=["address", "port"])
def test_a_cgroup_binds(lab: TwoLinks, cgroup: Path, port: int) -> None:
    """Programs for connect() can say from which address; ports are not theirs to give."""
    own, peer = lab.client_address(1), lab.server_address(0, port=1)
    program = bind_from(own.host, port)
    with inside(cgroup), lab.client.entered():
        sock = new_socket(socket.AF_INET, Options())
    with sock, asked(cgroup, _CGROUP_SOCK_ADDR, _CONNECTS[socket.AF_INET], program):
        sock.connect(peer)
        assert sock.local.host == (lab.client_address(0) if port else own).host
        assert sock.local.port != _THAT_PORT


@pytest.mark.parametrize("where", [_INET_INGRESS, _INET_EGRESS], ids=["ingress", "egress"])
def test_a_cgroup_without_packets(lab: TwoLinks, cgroup: Path, joined: Joined, where: int) -> None:
    """Accepted sockets are in their listener's. What is refused is lost, and sent again later."""
    with inside(cgroup):
        ends = joined()
    ends.c.sendall(b"x")  # their stream is the client's
    assert ends.s.recv(1) == b"x"
    name = "TxErrors" if where == _INET_EGRESS else "RxFiltered"
    for near, far in ((ends.s, ends.c), (ends.c, ends.s)):
        host = lab.server if (near is ends.s) == (where == _INET_EGRESS) else lab.client
        before = counter(host, name)
        with asked(cgroup, _CGROUP_SKB, where):
            near.sendall(b"x")
            far.settimeout(0.3)
            with pytest.raises(TimeoutError):
                far.recv(1)
            assert counter(host, name) > before
        far.settimeout(STALL_S)
        assert far.recv(1) == b"x"


def test_whose_cgroup_does_not_matter(cgroup: Path, joined: Joined) -> None:
    """A UDP port belongs to nobody: who had it first has no say in the connections of others."""
    with inside(cgroup):
        first = joined()  # has the port of the listener
    with asked(cgroup, _CGROUP_SKB, _INET_INGRESS), joined() as ends:
        ends.c.sendall(b"x")
        assert ends.s.recv(1) == b"x"
    first.c.sendall(b"x")
    assert first.s.recv(1) == b"x"


def test_connections_are_charged_to_their_listener(
    lab: TwoLinks, cgroup: Path, start_server: Start, certificates: Certificates
) -> None:
    """Whoever makes them: clients elsewhere cannot fill the machine past a cgroup's limit."""

    def charged() -> int:
        lines = (cgroup / "memory.stat").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("slab_"))

    if "memory" not in (cgroup.parent / "cgroup.controllers").read_text():
        pytest.skip("a kernel without CONFIG_MEMCG")
    (cgroup.parent / "cgroup.subtree_control").write_text("+memory")
    with inside(cgroup):
        server = start_server(lab, echo)
    before = charged()
    with contextlib.ExitStack() as held:
        for _ in range(_CLIENTS):
            held.enter_context(dial(lab, server.address, certificates.client()))
        assert charged() - before > _CLIENTS * 2000


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_a_listener_with_a_filter(
    lab: TwoLinks, start_server: Start, certificates: Certificates, v6: bool
) -> None:
    """Nobody is connected while it refuses everything; what is kept otherwise is kept whole."""
    server = start_server(lab, echo, v6=v6)
    assert isinstance(server.listener.raw, socket.socket)
    options = Options(timeout_s=1)
    attach(server.listener.raw, 0)
    with pytest.raises(ConnectionFailedError):
        dial(lab, server.address, certificates.client(), options=options)
    assert counter(lab.server, "RxFiltered")
    attach(server.listener.raw, 1)
    with dial(lab, server.address, certificates.client(), options=Options()) as sock:
        attach(sock.raw, 1)
        exchange(sock, [Sender(DATA)])


# --- devices

_CAP_NET_RAW = 13
_CAPS_VERSION_3 = 0x20080522


@contextlib.contextmanager
def without(capability: int) -> Iterator[None]:
    """In the block the calling thread lacks a capability."""
    header = (ctypes.c_uint32 * 2)(_CAPS_VERSION_3, 0)
    held = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable, and the same above 31
    called(LIBC.capget(header, held))
    fewer = (ctypes.c_uint32 * 6)(*held)
    fewer[0] &= ~(1 << capability)
    called(LIBC.capset(header, fewer))
    try:
        yield
    finally:
        called(LIBC.capset(header, held))


def add_path(sock: TquicSocket, local: Address, ifindex: int) -> int:
    """The errno of PATH_ADD once the peer has left ids for a path; 0 when it is there."""
    codes: list[int | None] = []

    def asked() -> bool:
        try:
            sock.add_path(local, ifindex=ifindex)
        except OSError as error:
            codes.append(error.errno)
        else:
            codes.append(0)
        return codes[-1] != errno.EAGAIN

    wait_for(asked)
    assert codes[-1] is not None
    return codes[-1]


@pytest.fixture
def lab(make_lab: LabMaker) -> TwoLinks:
    """Two hosts on plain links."""
    return make_lab(PLAIN, PLAIN)


@pytest.fixture
def bound(lab: TwoLinks, start_server: Start, certificates: Certificates) -> Iterator[TquicSocket]:
    """A connection whose socket is bound to the first device of its host."""
    server = start_server(lab, echo)
    options = Options(local=lab.client_address(0), device="c0")
    with dial(lab, server.address, certificates.client(), options=options) as sock:
        yield sock


def test_a_bound_socket_stays_on_its_device(lab: TwoLinks, bound: TquicSocket) -> None:
    """Paths over another one take CAP_NET_RAW, as to bind the socket to that one does."""
    here, there = index_of(lab, "c0"), index_of(lab, "c1")
    second = lab.client_address(1)
    with without(_CAP_NET_RAW):
        assert add_path(bound, second, there) == errno.EPERM
        with pytest.raises(PermissionError):
            bound.move_path(0, second, ifindex=there)
    assert [path.path_id for path in bound.paths()] == [0]
    assert add_path(bound, second, there) == 0
    wait_active(bound, 2)
    assert [path.ifindex for path in bound.paths()] == [here, there]


def test_no_device_is_that_of_the_socket(lab: TwoLinks, bound: TquicSocket) -> None:
    """A path from the address of another device leaves by the one that the socket is bound to."""
    here = index_of(lab, "c0")
    with without(_CAP_NET_RAW):
        assert add_path(bound, lab.client_address(1), 0) == 0
    assert [path.ifindex for path in bound.paths()] == [here, here]
