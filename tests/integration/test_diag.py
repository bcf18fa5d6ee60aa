# SPDX-License-Identifier: GPL-2.0
"""sock_diag and /proc/net/tquic/conns: what they show is so, filters and SOCK_DESTROY work."""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import LabMaker
from running import (
    DATA,
    Certificates,
    RunningServer,
    Sender,
    as_nobody,
    dial,
    echo,
    exchange,
    load_diag,
    unload_diag,
)

from tquic.diag import CONNECTED, DiagSocket, InetDiag, Match, SockState
from tquic.errors import UnavailableError
from tquic.genl import NetlinkError
from tquic.handshake import Options, new_socket
from tquic.lab import Link, Namespace, TwoLinks
from tquic.record import Address
from tquic.sock import TquicSocket
from tquic.uapi import IPPROTO_TQUIC, RecvMask, State

pytestmark = [pytest.mark.usefixtures("diag_module"), pytest.mark.timeout(300)]

Start = Callable[..., RunningServer]
CONNS = Path("/proc/thread-self/net/tquic/conns")
INTERNAL_ERROR = 0x01


@pytest.fixture
def lab(make_lab: LabMaker) -> TwoLinks:
    return make_lab(Link(), Link())


def opened(space: Namespace) -> InetDiag:
    """sock_diag, seen from a namespace."""
    with space.entered():
        return InetDiag()


@pytest.fixture
def diag(lab: TwoLinks) -> Iterator[InetDiag]:
    with opened(lab.client) as found:
        yield found


@pytest.fixture
def sock(lab: TwoLinks, start_server: Start, certificates: Certificates) -> Iterator[TquicSocket]:
    """A connection that has moved some data over two paths."""
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client(), paths=2) as found:
        exchange(found, [Sender(DATA[:100_000])])
        yield found


def named(socks: list[DiagSocket], token: int) -> DiagSocket:
    """The connection with a token, which is there once."""
    (found,) = [sock for sock in socks if sock.info and sock.info.token == token]
    return found


def refused(call: Callable[[], object]) -> int | None:
    """The errno a call ends with."""
    with pytest.raises(NetlinkError) as caught:
        call()
    return caught.value.errno


def test_a_connection_is_shown(sock: TquicSocket, diag: InetDiag) -> None:
    told = sock.info()
    shown = named(diag.sockets(), told.token)
    assert (shown.local, shown.peer) == (sock.local, sock.peer)
    assert (shown.state, shown.uid) == (SockState.ESTABLISHED, 0)
    assert shown.inode == os.fstat(sock.fileno()).st_ino
    assert shown.congestion == sock.congestion
    assert shown.info is not None
    assert shown.memory is not None
    for name in (
        "state",
        "version",
        "cipher",
        "paths",
        "verified",
        "multipath",
        "scheduler",
    ):
        assert getattr(shown.info, name) == getattr(told, name), name
    assert shown.info.bytes_sent == shown.info.bytes_received == 100_000
    assert [path.path_id for path in shown.paths] == [0, 1]
    for path in shown.paths:
        there = sock.path_info(path.path_id)
        assert (path.local, path.peer) == (there.local, there.peer)
        assert path.packets_sent > 0 < path.packets_received
    assert diag.get(shown.family, shown.cookie).local == shown.local
    assert refused(lambda: diag.get(shown.family, shown.cookie ^ 1 << 63)) == errno.ENOENT


def test_a_v6_connection_is_shown(
    lab: TwoLinks, diag: InetDiag, start_server: Start, certificates: Certificates
) -> None:
    server = start_server(lab, echo, v6=True)
    options = Options(local=lab.client_address(0, v6=True))
    with dial(lab, server.address, certificates.client(), options=options) as sock:
        shown = named(diag.sockets(), sock.info().token)
        assert (shown.local, shown.peer) == (sock.local, server.address)
        found = diag.sockets(peer=Match.parse(f"[{server.address.host}/64]:{server.address.port}"))
        assert shown.cookie in [other.cookie for other in found]


def by_addresses(diag: InetDiag, local: Address, peer: Address) -> list[DiagSocket]:
    """What the kernel answers a request without a cookie, for exactly these addresses."""
    ends = [socket.inet_pton(end.family, end.host).ljust(16, b"\0") for end in (local, peer)]
    ports = [end.port.to_bytes(2, "big") for end in (local, peer)]
    sockid = b"".join([*ports, *ends]) + struct.pack("=IQ", 0, 2**64 - 1)
    head = struct.pack("=BBBxI", local.family, IPPROTO_TQUIC, 0, 0xFFFF_FFFF)
    return diag._ask(20, 4, head + sockid)


def test_one_socket_by_its_addresses(sock: TquicSocket, diag: InetDiag) -> None:
    local, peer = sock.local, sock.peer
    (shown,) = by_addresses(diag, local, peer)
    assert (shown.local, shown.peer) == (local, peer)
    assert (shown.info, shown.memory, shown.paths) == (
        None,
        None,
        (),
    )  # nothing was asked for
    other = peer._replace(port=peer.port ^ 1)
    assert refused(lambda: by_addresses(diag, local, other)) == errno.ENOENT
    other = local._replace(host="10.99.99.99")
    assert refused(lambda: by_addresses(diag, other, peer)) == errno.ENOENT


def test_a_handshake_over_mapped_addresses(lab: TwoLinks, diag: InetDiag) -> None:
    """An IPv6 socket tells IPv4 addresses as it does elsewhere; filters know both forms."""
    peer = lab.server_address(0, port=4999)
    with lab.client.entered():
        sock = new_socket(socket.AF_INET6, Options())
    with sock:
        sock.recv_mask = RecvMask(0)
        sock.connect(Address(f"::ffff:{peer.host}", peer.port))
        for text in (str(peer), f"[::ffff:{peer.host}]:{peer.port}"):
            (shown,) = diag.sockets([SockState.SYN_SENT], peer=Match.parse(text))
            assert (shown.local, shown.peer) == (sock.local, sock.peer)
            assert shown.local.host == f"::ffff:{lab.client_address(0).host}"
        assert by_addresses(diag, shown.local, shown.peer)[0].cookie == shown.cookie
        diag.destroy(shown.family, shown.cookie)
        with pytest.raises(ConnectionAbortedError):
            sock.recv(1)


def test_filters_are_the_kernels(sock: TquicSocket, diag: InetDiag) -> None:
    token, local, peer = sock.info().token, sock.local, sock.peer

    def seen(states: tuple[SockState, ...] = CONNECTED, **ends: str) -> bool:
        found = diag.sockets(states, **{end: Match.parse(text) for end, text in ends.items()})
        return any(other.info and other.info.token == token for other in found)

    assert seen(local=f":{local.port}")
    assert seen(local=f"{local.host}:{local.port}", peer=f"{peer.host}/24:{peer.port}")
    assert seen((SockState.ESTABLISHED,), peer=peer.host)
    assert not seen((SockState.CLOSING, SockState.LISTEN))
    assert not seen(local=f":{local.port ^ 1}")
    assert not seen(local=local.host, peer=f":{peer.port ^ 1}")
    assert not seen(local=f"{peer.host}:{local.port}")


def test_a_listener_is_shown(
    lab: TwoLinks, start_server: Start, certificates: Certificates
) -> None:
    server = start_server(lab, echo)
    with (
        opened(lab.server) as diag,
        dial(lab, server.address, certificates.client()) as sock,
    ):
        (shown,) = diag.sockets([SockState.LISTEN])
        assert (shown.local, shown.peer.port, shown.paths) == (server.address, 0, ())
        assert shown.recv_queue <= 1  # until the server has accepted the connection
        assert shown.send_queue == 128
        assert shown.info is not None
        assert shown.info.state == State.LISTEN
        assert not any(shown.info.bond_time_ns)
        (child,) = diag.sockets(peer=Match.parse(str(sock.local)))
        assert (child.local, child.peer) == (server.address, sock.local)
        assert refused(lambda: diag.destroy(shown.family, shown.cookie)) == errno.EOPNOTSUPP


def test_destroy_wakes_the_reader(sock: TquicSocket, lab: TwoLinks, diag: InetDiag) -> None:
    shown = named(diag.sockets(), sock.info().token)
    with opened(lab.server) as other:
        assert shown.cookie not in [there.cookie for there in other.sockets()]
        assert refused(lambda: other.destroy(shown.family, shown.cookie)) == errno.ENOENT
    sock.settimeout(None)
    sock.recv_mask = RecvMask(0)
    told: list[int | None] = []

    def read() -> None:
        try:
            sock.recv(1)
            told.append(None)
        except OSError as error:
            told.append(error.errno)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    diag.destroy(shown.family, shown.cookie)
    reader.join(60)
    assert told == [errno.ECONNABORTED]
    why = sock.close_info()
    assert (why.error_code, why.flags, why.text) == (
        INTERNAL_ERROR,
        0,
        "ended by the administrator",
    )
    assert refused(lambda: diag.destroy(shown.family, shown.cookie)) == errno.ENOENT


def test_without_privilege(sock: TquicSocket, lab: TwoLinks, diag: InetDiag) -> None:
    """Anybody may look, as with TCP; nobody but the administrator may end."""
    token = sock.info().token
    script = as_nobody(
        "from tquic.diag import InetDiag\n"
        "diag = InetDiag()\n"
        f"(s,) = [s for s in diag.sockets() if s.info and s.info.token == {token}]\n"
        "try:\n"
        "    diag.destroy(s.family, s.cookie)\n"
        "except OSError as error:\n"
        "    assert error.errno == 1, error\n"
        "    print(s.local)\n"
    )
    done = lab.client.run(script, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == (f"{sock.local}\n", 0), done.stderr
    assert named(diag.sockets(), token).state == SockState.ESTABLISHED


def test_proc_lists_connections(sock: TquicSocket, lab: TwoLinks) -> None:
    with lab.client.entered():
        header, *lines = (line.split() for line in CONNS.read_text().splitlines())
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    tokens = [int(row["token"]) for row in rows]
    assert tokens == sorted(set(tokens))
    told = sock.info()
    (row,) = [row for row in rows if int(row["token"]) == told.token]
    assert (row["local"], row["peer"]) == (str(sock.local), str(sock.peer))
    assert (row["role"], int(row["state"]), row["paths"]) == (
        "client",
        State.ESTABLISHED,
        "2",
    )
    assert (row["uid"], int(row["inode"])) == ("0", os.fstat(sock.fileno()).st_ino)
    assert (row["sent"], row["received"]) == ("100000", "100000")
    assert (row["congestion"], row["scheduler"]) == (told.congestion, told.scheduler)
    with lab.server.entered():
        assert f" client {sock.local} " not in CONNS.read_text()


def test_command(sock: TquicSocket, lab: TwoLinks) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-c",
            "from tquic.cli import main; main()",
            "ss",
            *words,
        ]
        return lab.client.run(command, capture_output=True, text=True)

    lines = run("-i", "--local", str(sock.local)).stdout.splitlines()
    assert lines[0].split()[:4] == ["Netid", "State", "Recv-Q", "Send-Q"]
    assert lines[1].split()[:2] == ["tquic", "ESTAB"]
    assert lines[1].split()[4:] == [str(sock.local), str(sock.peer)]
    assert f"token:{sock.info().token} client" in lines[2]
    assert [line.split()[:2] for line in lines[3:]] == [["path", "0"], ["path", "1"]]
    (ended,) = json.loads(run("--kill", "--json", "--local", str(sock.local)).stdout)
    assert ended["info"]["token"] == sock.info().token
    sock.recv_mask = RecvMask(0)
    with pytest.raises(ConnectionAbortedError):
        sock.recv(1)
    unload_diag()
    try:
        done = run()
        assert done.returncode == 1
        assert "modprobe tquic_diag" in done.stderr
    finally:
        load_diag()


def test_dumps_while_all_changes(
    lab: TwoLinks, diag: InetDiag, start_server: Start, certificates: Certificates
) -> None:
    """Connections come and go, and so does the module: a dump shows no socket twice."""
    server = start_server(lab, echo)
    tls = certificates.client()
    done = threading.Event()
    faults: list[BaseException] = []
    dumps = 0

    def look() -> None:
        nonlocal dumps
        try:
            while not done.is_set():
                try:
                    cookies = [found.cookie for found in diag.sockets()]
                except UnavailableError:
                    continue
                assert len(cookies) == len(set(cookies))
                dumps += 1
                with lab.client.entered():
                    CONNS.read_text()
        except BaseException as error:
            faults.append(error)

    kept = [dial(lab, server.address, tls, paths=1 + index % 2) for index in range(24)]
    tokens = {sock.info().token for sock in kept}
    thread = threading.Thread(target=look)
    thread.start()
    try:
        for index in range(12):
            with dial(lab, server.address, tls) as sock:
                exchange(sock, [Sender(DATA[:2000])])
                if index % 2:
                    sock.close_with(0)
            if index % 4 == 0:
                unload_diag()
                load_diag()
    finally:
        done.set()
        thread.join(60)
    assert faults == []
    assert dumps > 0
    shown = [found.info.token for found in diag.sockets() if found.info]
    assert tokens <= set(shown)
    with lab.client.entered():
        listed = [int(line.split()[0]) for line in CONNS.read_text().splitlines()[1:]]
    assert tokens <= set(listed)
    for sock in kept:
        sock.close()
