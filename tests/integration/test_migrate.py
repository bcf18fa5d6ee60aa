# SPDX-License-Identifier: GPL-2.0
"""Addresses that change under a connection, as behind a NAT that forgot about it."""

from __future__ import annotations

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
)
from test_netlink import Events, opened

from tquic.lab import Link, Namespace
from tquic.netlink import Command
from tquic.record import Address
from tquic.sock import TquicSocket
from tquic.uapi import PathState

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
