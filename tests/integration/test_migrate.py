# SPDX-License-Identifier: GPL-2.0
"""Addresses that change under a connection, as behind a NAT that forgot about it."""

from __future__ import annotations

import errno
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from conftest import LabMaker
from running import (
    DATA,
    STALL_S,
    Certificates,
    RunningServer,
    Sender,
    counter,
    dial,
    echo,
    exchange,
    opened,
    wait_for,
)
from test_netlink import Events

from tquic.handshake import Options, listen, new_socket
from tquic.lab import Link, Namespace, TwoLinks
from tquic.netlink import Command
from tquic.record import Address
from tquic.sock import TquicSocket
from tquic.uapi import (
    NO_MULTIPATH,
    Config,
    Event,
    EventType,
    Migrated,
    PathState,
    Preferred,
    RecvMask,
)

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

Start = Callable[..., RunningServer]
PLAIN = Link()
SLOW = Link(rate_mbit=20, delay_ms=5)


@contextmanager
def nat(host: Namespace, device: str) -> Iterator[Callable[[Address, Address], None]]:
    """Lets a test give packets of a host another source address and port from now on."""

    def rewrite(old: Address, new: Address) -> None:
        rules = f"""
            table ip moved
            delete table ip moved
            table ip moved {{
              chain leave {{
                type filter hook postrouting priority 300;
                oifname "{device}" ip saddr {old.host} udp sport {old.port} \
                  udp sport set {new.port} ip saddr set {new.host}
              }}
              chain enter {{
                type filter hook prerouting priority -300;
                iifname "{device}" ip daddr {new.host} udp dport {new.port} \
                  udp dport set {old.port} ip daddr set {old.host}
              }}
            }}
        """
        host.run(["nft", "-f", "-"], input=rules, text=True, check=True)

    try:
        yield rewrite
    finally:
        host.run(["nft", "delete", "table", "ip", "moved"], stderr=subprocess.DEVNULL)


class Midway(Sender):
    """An exchange in the middle of which, on the way there, something happens once."""

    def __init__(self, what: Callable[[], None]) -> None:
        super().__init__(4 * DATA)
        self._given = 0
        self._what: Callable[[], None] | None = what

    def pull(self, limit: int) -> tuple[bytes, bool]:
        """The next bytes, after it."""
        piece, last = super().pull(limit)
        self._given += len(piece)
        if self._what and self._given > 2 * len(DATA):
            self._what()
            self._what = None
        return piece, last


def local_of(sock: TquicSocket, path: int = 0) -> Address:
    """Address a path leaves from."""
    local = sock.path_info(path).local
    assert local
    return local


@pytest.mark.parametrize("move", ["port", "address"])
def test_the_server_follows_midway(
    move: str, make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    lab = make_lab(SLOW, PLAIN)
    server = start_server(lab, echo)
    lab.client.ip("addr replace 10.66.0.99/24 dev c0")
    before = counter(lab.server, "Migrations")
    with (
        nat(lab.client, "c0") as rewrite,
        opened(lab.server) as far,
        dial(lab, server.address, certificates.client()) as sock,
    ):
        events = Events(far)
        here = local_of(sock)
        there = Address(here.host if move == "port" else "10.66.0.99", 4444)
        exchange(sock, [Midway(lambda: rewrite(here, there))])
        assert events.next_path(Command.PATH_MIGRATED, 0).path_id == 0
        assert counter(lab.server, "Migrations") == before + 1
        (path,) = [path for path in far.paths() if path.peer and path.peer.port == 4444]
        assert path.peer == there
        # And again, to where it was and somewhere else
        exchange(sock, [Midway(lambda: rewrite(here, here))])
        exchange(sock, [Midway(lambda: rewrite(here, Address(there.host, 5555)))])
        assert counter(lab.server, "Migrations") == before + 3


def test_one_path_of_a_bond_moves(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    lab = make_lab(SLOW, SLOW)
    server = start_server(lab, echo)
    moves = counter(lab.server, "Migrations")
    with (
        nat(lab.client, "c1") as rewrite,
        opened(lab.server) as far,
        dial(lab, server.address, certificates.client(), paths=2) as sock,
    ):
        here = local_of(sock, 1)
        there = Address(here.host, 4444)
        exchange(sock, [Midway(lambda: rewrite(here, there))])
        assert counter(lab.server, "Migrations") == moves + 1
        exchange(sock, [Sender(DATA)])
        (path,) = [path for path in far.paths() if path.peer and path.peer.port == 4444]
        assert path.path_id == 1
        assert path.state == PathState.ACTIVE


def test_the_client_follows_nobody(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    with (
        nat(lab.server, "s0") as rewrite,
        dial(lab, server.address, certificates.client()) as sock,
    ):
        exchange(sock, [Sender(DATA[:10_000])])
        rewrite(server.address, Address(server.address.host, 4444))
        sock.send_new(b"asks for an answer", fin=True)
        deadline = time.monotonic() + STALL_S
        while not counter(lab.client, "RxAddressInvalid"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        peer = sock.path_info(0).peer
        assert peer == server.address
        rewrite(server.address, server.address)
        exchange(sock, [Sender(DATA[:10_000])])


def moved(sock: TquicSocket, wait_s: float = STALL_S) -> Migrated:
    """How a move ended, as told by the event."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        try:
            message = sock.recv_message()
        except BlockingIOError:
            time.sleep(0.02)
            continue
        if isinstance(message, Event) and message.type == EventType.PATH_MIGRATED:
            return Migrated(message.error_code)
    raise AssertionError("nothing was told")


def events_of(lab: TwoLinks, **config: int) -> Options:
    """A client that hears of events."""
    return Options(
        local=lab.client_address(0),
        recv_mask=RecvMask.EVENT,
        config=Config.of(**config) if config else None,
    )


@pytest.mark.parametrize("multipath", [True, False])
def test_the_client_moves(
    make_lab: LabMaker, start_server: Start, certificates: Certificates, multipath: bool
) -> None:
    lab = make_lab(SLOW, SLOW)
    server = start_server(lab, echo)
    config = {} if multipath else {"max_path_id": NO_MULTIPATH}
    with (
        opened(lab.server) as far,
        dial(lab, server.address, certificates.client(), options=events_of(lab, **config)) as sock,
    ):
        assert sock.info().multipath == multipath
        for target in (1, 0, 1):

            def move(index: int = target) -> None:
                with lab.client.entered():
                    wait_for(lambda: try_move(sock, lab.client_address(index)))

            exchange(sock, [Midway(move)])
            assert local_of(sock).host == lab.client_address(target).host
            (path,) = [path for path in far.paths() if path.path_id == 0]
            assert path.peer == local_of(sock)
            assert sock.path_info(0).state == PathState.ACTIVE


def try_move(sock: TquicSocket, local: Address) -> bool:
    """Begin to move; false while ids for it are missing."""
    try:
        sock.move_path(0, local)
    except BlockingIOError:
        return False
    return True


def test_the_client_stays(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    lab = make_lab(SLOW, SLOW)
    server = start_server(lab, echo)
    options = events_of(lab)
    with dial(lab, server.address, certificates.client(), options=options) as sock:
        before = local_of(sock)
        lab.cut(1)
        try:
            with lab.client.entered():
                wait_for(lambda: try_move(sock, lab.client_address(1)))
                with pytest.raises(OSError) as caught:
                    sock.move_path(0, lab.client_address(1))
            assert caught.value.errno == errno.EALREADY
            assert moved(sock) == Migrated.STAYED
            assert local_of(sock) == before
            exchange(sock, [Sender(DATA[:100_000])])
        finally:
            lab.restore(1)


def test_a_move_is_refused(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    lab = make_lab(PLAIN, PLAIN)

    def refused(step: Callable[[], None]) -> int | None:
        with lab.client.entered(), pytest.raises(OSError) as caught:
            step()
        return caught.value.errno

    server = start_server(lab, echo, config=Config.of(no_migration=1))
    other = lab.client_address(1)
    with dial(lab, server.address, certificates.client()) as sock:
        exchange(sock, [Sender(DATA[:1000])])
        assert refused(lambda: sock.move_path(9, other)) == errno.ENOENT
        assert refused(lambda: sock.move_path(0, Address("203.0.113.9", 0))) != 0
        assert refused(lambda: sock.move_path(0, other)) == errno.EPERM
        assert refused(lambda: sock.add_path(other)) == errno.EPERM
        assert sock.info().paths == 1


@pytest.mark.parametrize("v6", [False, True])
def test_a_preferred_address(make_lab: LabMaker, certificates: Certificates, v6: bool) -> None:
    lab = make_lab(PLAIN, PLAIN)
    host = "2001:db8:66::99" if v6 else "10.66.99.99"
    lab.server.ip(f"addr add {host}/{128 if v6 else 32} dev lo")
    via = lab.server_address(0, v6=v6).host
    lab.client.ip(f"route add {host} via {via}")
    wanted = Preferred(v4=None if v6 else Address(host, 0), v6=Address(host, 0) if v6 else None)
    # A port of its own: a connection that ends late keeps one from being bound everywhere.
    port = 4471 + v6
    anywhere = Address("::", port)
    server_options = Options(preferred=wanted)
    try:
        with lab.server.entered():
            listener = listen(anywhere, server_options)
        told = listener.preferred
        assert (told.v6 if v6 else told.v4) == Address(host, port)
        running = RunningServer(lab, certificates.server(), echo, listener=listener)
        address = lab.server_address(0, v6=v6, port=port)
        options = Options(local=lab.client_address(0, v6=v6))
        with running, dial(lab, address, certificates.client(), options=options) as sock:
            wait_for(lambda: sock.path_info(0).peer == Address(host, port))
            exchange(sock, [Sender(DATA[:300_000])])
            assert counter(lab.server, "Migrations") >= 1
            with opened(lab.server) as far:
                (path,) = [path for path in far.paths() if path.path_id == 0]
                assert path.local == Address(host, port)
    finally:
        lab.client.ip(f"route del {host}")
        lab.server.ip(f"addr del {host}/{128 if v6 else 32} dev lo")


def test_preferred_option(make_lab: LabMaker) -> None:
    lab = make_lab(PLAIN, PLAIN)
    four, six = Address("192.0.2.1", 1), Address("2001:db8::1", 2)
    with lab.server.entered(), new_socket(socket.AF_INET6, Options()) as sock:
        assert sock.preferred == Preferred()
        sock.preferred = Preferred(v4=four, v6=six)
        assert sock.preferred == Preferred(v4=four, v6=six)
        for wrong in (Preferred(v4=six), Preferred(v6=four)):
            with pytest.raises(OSError) as caught:
                sock.preferred = wrong
            assert caught.value.errno == errno.EINVAL
        sock.bind(Address("::", 4499))
        sock.listen(1)
        with pytest.raises(OSError) as caught:
            sock.preferred = Preferred()
        assert caught.value.errno == errno.EISCONN
