# SPDX-License-Identifier: GPL-2.0
"""The kernel path manager: it opens paths for programs that know nothing of it, and follows links.

Nothing here depends on how fast the machine is: what is checked are states, bytes and events.
"""

from __future__ import annotations

import ctypes
import errno
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from conftest import LabMaker
from leftovers import insert_module, remove_module
from libc import LIBC, AbsentPage
from running import (
    DATA,
    Certificates,
    RunningServer,
    Sender,
    dial,
    echo,
    exchange,
    opened,
    wait_active,
    wait_confirmed,
)
from test_netlink import Events, refused, tquic

from tquic.handshake import Options, listen
from tquic.lab import Link, Namespace, TwoLinks
from tquic.netlink import (
    ENDPOINT,
    LIMITS,
    BondEvent,
    Command,
    Endpoint,
    EndpointFlag,
    Path,
    PathEvent,
    PathLimits,
    TquicNetlink,
)
from tquic.record import Address
from tquic.sock import TquicSocket
from tquic.uapi import BondState, Config, PathFlag, PathState

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

Start = Callable[..., RunningServer]
PLAIN = Link()
SLOW = Link(rate_mbit=8, delay_ms=10)


@contextmanager
def managed(lab: TwoLinks) -> Iterator[TquicNetlink]:
    """The path manager of the network's client, left as it was found."""
    with opened(lab.client) as netlink:
        before = netlink.limits()
        try:
            yield netlink
        finally:
            netlink.flush_endpoints()
            netlink.set_limits(extra_paths=before.extra_paths, endpoints=before.endpoints)


def index_of(lab: TwoLinks, device: str) -> int:
    """The index of a device of the client."""
    done = lab.client.run(["cat", f"/sys/class/net/{device}/ifindex"], capture_output=True)
    if not done.returncode:
        return int(done.stdout)
    shown = lab.client.run(["ip", "-json", "link", "show", device], capture_output=True, check=True)
    return int(json.loads(shown.stdout)[0]["ifindex"])


def on_link(lab: TwoLinks, link: int, flags: EndpointFlag = EndpointFlag.SUBFLOW) -> Endpoint:
    """An endpoint at the client's end of a link, bound to its device."""
    flags |= EndpointFlag.SUBFLOW
    ifindex = index_of(lab, f"c{link}")
    return Endpoint(addr=lab.client_address(link), ifindex=ifindex, flags=flags)


def hosts(sock: TquicSocket) -> list[str]:
    """Local addresses of the paths that are open."""
    return sorted(
        path.local.host
        for path in sock.paths()
        if path.local and path.state not in (PathState.UNUSED, PathState.ABANDONED)
    )


def until(what: Callable[[], bool], wait_s: float = 30) -> None:
    """Wait for something that is to happen."""
    deadline = time.monotonic() + wait_s
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_active(path: Path) -> bool:
    """Whether a path carries data."""
    return path.state == PathState.ACTIVE


@dataclass(frozen=True)
class Two:
    """Two links, an echo server, and a client that is connected to it over the first of them.

    ``listening`` is for events: a netlink socket of its own.
    """

    lab: TwoLinks
    client: TquicNetlink
    listening: TquicNetlink
    sock: TquicSocket


@pytest.fixture
def two(make_lab: LabMaker, start_server: Start, certificates: Certificates) -> Iterator[Two]:
    """Both while the test runs."""
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    with (
        managed(lab) as client,
        opened(lab.client) as listening,
        dial(lab, server.address, certificates.client()) as sock,
    ):
        yield Two(lab, client, listening, sock)


def test_endpoints_open_and_close_paths(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    first, second = (lab.client_address(index).host for index in range(2))
    with (
        managed(lab) as client,
        dial(lab, server.address, certificates.client()) as sock,
    ):
        token = sock.info().token
        # connect() started from the first one: no second path there.
        assert client.add_endpoint(on_link(lab, 0)) == 1
        assert client.add_endpoint(on_link(lab, 1)) == 2
        wait_active(sock, 2)
        assert hosts(sock) == [first, second]
        with dial(lab, server.address, certificates.client()) as later:
            wait_active(later, 2)
            assert hosts(later) == [first, second]
            exchange(later, [Sender(DATA[:300_000])])
        shown = client.path(token, 1)
        assert shown.ifindex == index_of(lab, "c1")
        assert not shown.backup
        client.del_endpoint(2)
        until(lambda: hosts(sock) == [first])
        exchange(sock, [Sender(DATA[:100_000])])
        again = client.add_endpoint(on_link(lab, 1, EndpointFlag.BACKUP))
        assert again == 2
        wait_active(sock, 2)
        backup = [path for path in client.paths(token) if path.backup]
        assert [path.local and path.local.host for path in backup] == [second]
        client.del_endpoint(2)
        until(lambda: hosts(sock) == [first])
        client.add_endpoint(on_link(lab, 1, EndpointFlag.METERED))
        wait_active(sock, 2)
        spared = {
            path.local.host: path.spared
            for path in client.paths(token)
            if path.local and path.state == PathState.ACTIVE
        }
        assert spared == {first: "", second: "metered"}
        # A path of the program's own is left alone.
        client.flush_endpoints()
        until(lambda: hosts(sock) == [first])
        own = client.add_path(token, lab.client_address(1))
        wait_active(sock, 2)
        third = client.add_endpoint(on_link(lab, 1))
        client.del_endpoint(third)
        exchange(sock, [Sender(DATA[:100_000])])
        assert client.path(token, own).state == PathState.ACTIVE
        assert hosts(sock) == [first, second]


def test_limits_and_opting_out(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    alone = Options(config=Config.of(own_paths=1), local=lab.client_address(0))
    with managed(lab) as client:
        assert client.limits() == PathLimits(extra_paths=4, endpoints=8)
        client.set_limits(extra_paths=0)
        assert client.limits() == PathLimits(extra_paths=0, endpoints=8)
        client.add_endpoint(on_link(lab, 1))
        with (
            dial(lab, server.address, certificates.client()) as sock,
            dial(lab, server.address, certificates.client(), options=alone) as stubborn,
        ):
            assert stubborn.config.own_paths == 1
            wait_confirmed(client, sock.info().token)
            exchange(sock, [Sender(DATA[:100_000])])
            assert len(hosts(sock)) == 1
            client.set_limits(extra_paths=1)
            wait_active(sock, 2)
            exchange(stubborn, [Sender(DATA[:100_000])])
            assert len(hosts(stubborn)) == 1


def test_ids_that_come_later_are_used(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo, config=Config.of(max_path_id=1))
    # The same host twice: the second endpoint has to wait for the first one's path id to be freed.
    other = Endpoint(addr=Address("10.66.1.99"))
    lab.client.ip("addr add 10.66.1.99/24 dev c1", "rule add from 10.66.1.99 lookup 101")
    try:
        with (
            managed(lab) as client,
            dial(lab, server.address, certificates.client()) as sock,
        ):
            used = client.add_endpoint(on_link(lab, 1))
            wait_active(sock, 2)
            client.add_endpoint(other)
            exchange(sock, [Sender(DATA[:100_000])])
            assert hosts(sock) == ["10.66.0.1", "10.66.1.1"]
            client.del_endpoint(used)
            until(lambda: hosts(sock) == ["10.66.0.1", "10.66.1.99"])
            wait_active(sock, 2)
    finally:
        lab.client.ip("rule del from 10.66.1.99 lookup 101", "addr del 10.66.1.99/24 dev c1")


def test_an_idle_path_follows_its_interface(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    with (
        managed(lab) as client,
        opened(lab.client) as listening,
        opened(lab.server) as far,
        dial(lab, server.address, certificates.client()) as sock,
    ):
        token = sock.info().token
        client.add_endpoint(on_link(lab, 1))
        wait_active(sock, 2)
        exchange(sock, [Sender(DATA[:100_000])])
        events = Events(listening)
        try:
            # Nothing is under way, so that no timer could tell.
            lab.device_down(1)
            assert events.next_path(Command.PATH_SUSPECT, 1).token == token
            assert client.path(token, 1).state == PathState.SUSPECT
            change = events.next(Command.BOND_CHANGED)
            assert isinstance(change, BondEvent)
            assert change.token == token
            assert (change.bond.previous, change.bond.state) == (
                BondState.BONDED,
                BondState.DEGRADED,
            )
            before = client.path(token, 1).bytes_sent
            exchange(sock, [Sender(DATA)])
            assert client.path(token, 1).bytes_sent - before < 50_000
            # The peer cannot see it: it was told to spare the path.
            (there,) = [
                path
                for path in far.paths()
                if path.peer and path.peer.host == "10.66.1.1" and path.path_id == 1
            ]
            assert there.peer_flags == PathFlag.BACKUP
        finally:
            lab.device_up(1)
        assert events.next_path(Command.PATH_RECOVERED, 1).token == token
        assert client.path(token, 1).state == PathState.ACTIVE
        bond = client.connection(token).bond
        assert bond is not None
        assert bond.state == BondState.BONDED == sock.info().bond_state
        assert (bond.bonded_entered, bond.degraded_entered) == (2, 1)
        assert min(bond.single_path_ns, bond.bonded_ns, bond.degraded_ns) > 0
        assert sock.info().bond_entered == (0, 1, 2, 1)
        until(lambda: not far.path(there.token, 1).peer_flags)
        exchange(sock, [Sender(DATA[:300_000])])
        # The program's own first path follows in the same way.
        try:
            lab.device_down(0)
            assert events.next_path(Command.PATH_SUSPECT, 0).token == token
            exchange(sock, [Sender(DATA[:300_000])])
        finally:
            lab.device_up(0)
        assert events.next_path(Command.PATH_RECOVERED, 0).token == token


def test_nobody_waits_for_a_program_that_sleeps(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    """In send(), on a page of its data, with the lock of its connection."""
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    try:
        page = AbsentPage()
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        pytest.skip("a kernel without CONFIG_USERFAULTFD")
    stream = Options(kind=socket.SOCK_STREAM, local=lab.client_address(0))
    with (
        opened(lab.client) as listening,
        dial(lab, server.address, certificates.client(), paths=2, options=stream) as asleep,
        dial(lab, server.address, certificates.client(), paths=2) as sock,
    ):
        tokens = [each.info().token for each in (asleep, sock)]
        assert tokens[0] < tokens[1]
        events = Events(listening)
        data = ctypes.c_void_p(page.address)
        writer = threading.Thread(target=LIBC.send, args=(asleep.fileno(), data, 100, 0))
        writer.start()
        page.wait()
        try:
            lab.device_down(1)
            assert events.next_path(Command.PATH_SUSPECT, 1).token == tokens[1]
            page.close()
            # Its own paths are looked at when it lets go.
            assert events.next_path(Command.PATH_SUSPECT, 1).token == tokens[0]
        finally:
            page.close()
            lab.device_up(1)
        writer.join()


@pytest.mark.parametrize("carrier", [False, True], ids=["down", "carrier"])
def test_an_interface_goes_midway(
    make_lab: LabMaker, start_server: Start, certificates: Certificates, carrier: bool
) -> None:
    lab = make_lab(SLOW, SLOW)
    server = start_server(lab, echo)

    def go() -> None:
        if carrier:
            lab.cut(1, carrier=True)
        else:
            lab.device_down(1)

    with (
        managed(lab) as client,
        opened(lab.client) as listening,
        dial(lab, server.address, certificates.client()) as sock,
    ):
        client.add_endpoint(on_link(lab, 1))
        wait_active(sock, 2)
        events = Events(listening)
        work = [Sender(DATA)]
        cutter = threading.Timer(0.4, go)
        cutter.start()
        try:
            exchange(sock, work)
            cutter.join()
            events.next_path(Command.PATH_SUSPECT, 1)
            before = client.path(sock.info().token, 1).bytes_received
            exchange(sock, [Sender(DATA[:100_000])])
            assert client.path(sock.info().token, 1).bytes_received == before
        finally:
            cutter.join()
            if carrier:
                lab.restore(1)
            else:
                lab.device_up(1)
        events.next_path(Command.PATH_RECOVERED, 1)
        exchange(sock, [Sender(DATA[:300_000])])


def test_an_address_goes_and_returns(two: Two) -> None:
    lab, client, sock = two.lab, two.client, two.sock
    token = sock.info().token
    client.add_endpoint(on_link(lab, 1))
    wait_active(sock, 2)
    events = Events(two.listening)
    try:
        lab.client.ip("addr del 10.66.1.1/24 dev c1")
        assert events.next_path(Command.PATH_ABANDONED, 1).token == token
        until(lambda: hosts(sock) == ["10.66.0.1"])
        exchange(sock, [Sender(DATA[:300_000])])
        assert [item.addr.host for item in client.endpoints()] == ["10.66.1.1"]
    finally:
        lab.device_up(1)
    event = events.next(Command.PATH_VALIDATED)
    assert isinstance(event, PathEvent)
    assert event.path_id > 1
    assert event.local and event.local.host == "10.66.1.1"
    exchange(sock, [Sender(DATA[:300_000])])
    # The last path is never given up, wherever its address is.
    client.del_path(token, 0)
    until(lambda: hosts(sock) == ["10.66.1.1"])
    client.flush_endpoints()
    exchange(sock, [Sender(DATA[:300_000])])
    assert hosts(sock) == ["10.66.1.1"]


def test_endpoints_go_before_the_last_path_that_works(two: Two) -> None:
    """It carries on without its endpoint, and goes when another one works again."""
    lab, client, sock = two.lab, two.client, two.sock
    token = sock.info().token
    client.add_endpoint(on_link(lab, 1))
    wait_active(sock, 2)

    def in_doubt() -> bool:
        """Data may have gone on the other path alone."""
        exchange(sock, [Sender(DATA[:100_000])])
        return client.path(token, 0).state == PathState.SUSPECT

    lab.cut(0)
    try:
        until(in_doubt)
        last = (errno.EBUSY, "the last path that works cannot be removed", "path_id")
        assert refused(lambda: client.del_path(token, 1)) == last
        client.flush_endpoints()
        exchange(sock, [Sender(DATA[:100_000])])
        assert client.path(token, 1).state == PathState.ACTIVE
    finally:
        lab.restore(0)
    until(lambda: hosts(sock) == ["10.66.0.1"])
    exchange(sock, [Sender(DATA[:100_000])])


def test_what_is_wanted_of_a_path_goes_for_the_next(two: Two) -> None:
    lab, client, sock = two.lab, two.client, two.sock
    token = sock.info().token
    client.add_endpoint(on_link(lab, 1, EndpointFlag.BACKUP))
    wait_active(sock, 2)
    client.set_path(token, 1, backup=False, metered=True, weight=7, rate_cap=3_000_000)
    events = Events(two.listening)

    def wishes() -> tuple[str, int, int]:
        """What goes for the path that is validated next."""
        event = events.next(Command.PATH_VALIDATED)
        assert isinstance(event, PathEvent)
        path = client.path(token, event.path_id)
        return (path.spared, path.weight, path.rate_cap)

    try:
        lab.client.ip("addr del 10.66.1.1/24 dev c1")
        events.next_path(Command.PATH_ABANDONED, 1)
    finally:
        lab.device_up(1)
    assert wishes() == ("metered", 7, 3_000_000)
    # Another endpoint begins anew.
    client.flush_endpoints()
    until(lambda: hosts(sock) == ["10.66.0.1"])
    client.add_endpoint(on_link(lab, 1))
    assert wishes() == ("", 0, 0)


def test_the_address_that_was_connected_from_goes(two: Two) -> None:
    """Its path rests as long as it is the only one, and makes room for another beside others."""
    lab, client, sock = two.lab, two.client, two.sock
    client.add_endpoint(on_link(lab, 0))
    try:
        lab.client.ip("addr del 10.66.0.1/24 dev c0")
        time.sleep(0.5)
        assert hosts(sock) == ["10.66.0.1"]
    finally:
        lab.device_up(0)
    exchange(sock, [Sender(DATA[:300_000])])
    client.add_endpoint(on_link(lab, 1))
    wait_active(sock, 2)
    events = Events(two.listening)
    try:
        lab.client.ip("addr del 10.66.0.1/24 dev c0")
        events.next_path(Command.PATH_ABANDONED, 0)
        until(lambda: hosts(sock) == ["10.66.1.1"])
        exchange(sock, [Sender(DATA[:300_000])])
    finally:
        lab.device_up(0)
    until(lambda: sorted(hosts(sock)) == ["10.66.0.1", "10.66.1.1"])
    exchange(sock, [Sender(DATA[:300_000])])


def test_the_first_path_rests_where_nothing_would_replace_it(two: Two) -> None:
    """A lease goes with the carrier and is there later than it: only the standby is an endpoint."""
    lab, client, sock = two.lab, two.client, two.sock
    token = sock.info().token
    client.add_endpoint(on_link(lab, 1, EndpointFlag.BACKUP))
    wait_active(sock, 2)
    events = Events(two.listening)
    try:
        lab.client.ip("addr del 10.66.0.1/24 dev c0")
        assert events.next_path(Command.PATH_SUSPECT, 0).token == token
        exchange(sock, [Sender(DATA[:100_000])])
        assert hosts(sock) == ["10.66.0.1", "10.66.1.1"]
    finally:
        lab.device_up(0)
    assert events.next_path(Command.PATH_RECOVERED, 0).token == token
    assert client.path(token, 0).state == PathState.ACTIVE


def test_the_first_path_is_spared_as_its_endpoint_says(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    """connect() took the metered link, the other one being down; then it came back."""
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    options = Options(local=lab.client_address(1))
    with (
        managed(lab) as client,
        opened(lab.server) as far,
        dial(lab, server.address, certificates.client(), options=options) as sock,
    ):
        token = sock.info().token
        metered = client.add_endpoint(on_link(lab, 1, EndpointFlag.METERED))
        until(lambda: client.path(token, 0).spared == "metered")
        client.add_endpoint(on_link(lab, 0))
        wait_active(sock, 2)
        assert [client.path(token, path).spared for path in (0, 1)] == ["metered", ""]
        until(lambda: PathFlag.BACKUP in [path.peer_flags for path in far.paths()])
        before = client.path(token, 0).bytes_sent
        exchange(sock, [Sender(DATA)])
        assert client.path(token, 0).bytes_sent - before < 50_000
        # Whoever wants it otherwise has the last word, until there is another endpoint.
        client.set_path(token, 0, metered=False)
        client.set_limits(extra_paths=3)
        exchange(sock, [Sender(DATA[:100_000])])
        assert client.path(token, 0).spared == ""
        client.del_endpoint(metered)
        client.add_endpoint(on_link(lab, 1, EndpointFlag.METERED))
        until(lambda: client.path(token, 0).spared == "metered")


def test_a_path_that_leaves_elsewhere_is_none_of_the_endpoint(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    """A missing rule: what has the second link's address leaves by the first."""
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    options = Options(local=lab.client_address(1))
    lab.client.ip("rule add from 10.66.1.1 lookup 100 priority 100")
    try:
        with (
            managed(lab) as client,
            dial(lab, server.address, certificates.client(), options=options) as sock,
        ):
            before = lab.counters(0)
            exchange(sock, [Sender(DATA[:100_000])])
            assert (lab.counters(0) - before).tx_bytes > 100_000
            client.add_endpoint(on_link(lab, 1))
            wait_active(sock, 2)
            assert hosts(sock) == ["10.66.1.1", "10.66.1.1"]
            assert client.path(sock.info().token, 1).ifindex == index_of(lab, "c1")
            exchange(sock, [Sender(DATA[:300_000])])
    finally:
        lab.client.ip("rule del from 10.66.1.1 lookup 100 priority 100")


def test_bound_sockets_stay_on_their_device(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    """They get no path over another device; what others get comes before that is looked at."""
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    options = Options(local=lab.client_address(0), device="c0")
    with (
        managed(lab) as client,
        dial(lab, server.address, certificates.client(), options=options) as bound,
        dial(lab, server.address, certificates.client()) as free,
    ):
        wait_confirmed(client, bound.info().token)
        client.add_endpoint(on_link(lab, 1))
        wait_active(free, 2)
        exchange(bound, [Sender(DATA[:100_000])])
        assert hosts(bound) == ["10.66.0.1"]
        assert hosts(free) == ["10.66.0.1", "10.66.1.1"]


def test_what_failed_is_tried_again(two: Two) -> None:
    lab, client, sock = two.lab, two.client, two.sock
    token = sock.info().token
    wait_confirmed(client, token)
    events = Events(two.listening)
    lab.cut(1)  # nobody answers there, and nothing tells when that has ended
    try:
        client.add_endpoint(on_link(lab, 1))
        assert events.next_path(Command.PATH_ABANDONED, 1).token == token
    finally:
        lab.restore(1)
    event = events.next(Command.PATH_VALIDATED)
    assert isinstance(event, PathEvent)
    assert event.path_id > 1
    assert hosts(sock) == ["10.66.0.1", "10.66.1.1"]
    exchange(sock, [Sender(DATA[:100_000])])


def test_what_fails_is_tried_ever_more_rarely(two: Two) -> None:
    lab, client, sock = two.lab, two.client, two.sock
    wait_confirmed(client, sock.info().token)
    events = Events(two.listening)
    lab.cut(1)
    try:
        client.add_endpoint(on_link(lab, 1))
        failed = []
        for _ in range(4):
            events.next(Command.PATH_ABANDONED)
            failed.append(time.monotonic())
    finally:
        lab.restore(1)
    # A pause of 4 s, then no answer for three probe timeouts of a path nothing is known of.
    assert failed[3] - failed[2] > 6
    # Changes cut the next pause, of 8 s, short.
    client.set_limits(extra_paths=3)
    events.next(Command.PATH_VALIDATED, wait_s=failed[3] + 7 - time.monotonic())
    assert hosts(sock) == ["10.66.0.1", "10.66.1.1"]


def test_a_full_mesh_goes_around_what_is_not_reached(
    make_lab: LabMaker, certificates: Certificates
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    first, there = (lab.server_address(index, port=4460) for index in range(2))
    with lab.server.entered():
        listener = listen(Address("0.0.0.0", 4460), Options())
    lab.client.ip("rule add from 10.66.1.1 to 10.66.0.2 priority 50 unreachable")
    try:
        with (
            managed(lab) as client,
            RunningServer(lab, certificates.server(), echo, listener=listener),
            dial(lab, first, certificates.client()) as sock,
        ):
            token = sock.info().token
            wait_confirmed(client, token)
            client.add_path(token, lab.client_address(0), peer=there)
            wait_active(sock, 2)
            # Bound to a device it would be taken for granted that all are on the link.
            flags = EndpointFlag.SUBFLOW | EndpointFlag.FULLMESH
            client.add_endpoint(Endpoint(addr=lab.client_address(1), flags=flags))
            wait_active(sock, 3)
            path = client.path(token, 2)
            assert path.local and path.local.host == "10.66.1.1"
            assert path.peer == there
            exchange(sock, [Sender(DATA[:300_000])])
    finally:
        lab.client.ip("rule del from 10.66.1.1 to 10.66.0.2 priority 50 unreachable")


@pytest.mark.parametrize("name", ["c1", "early"], ids=["made", "renamed"])
def test_a_device_is_made_anew(two: Two, name: str) -> None:
    """As those of PPP, USB sticks and WireGuard are: with its old name and another index."""
    lab, client, sock = two.lab, two.client, two.sock
    token = sock.info().token
    number = client.add_endpoint(on_link(lab, 1))
    wait_active(sock, 2)
    old = index_of(lab, "c1")

    def anew() -> None:
        lab.client.ip("link del c1")
        lab.client.ip(f"link add {name} type veth peer name s1 netns {lab.server.name}")
        if name != "c1":
            lab.client.ip(f"link set {name} name c1")
        lab.server_device_up(1)
        lab.server.ip("addr add 10.66.1.2/24 dev s1")
        lab.device_up(1)

    anew()
    new = index_of(lab, "c1")
    assert new != old
    assert client.endpoint(number) == Endpoint(
        id=number, addr=lab.client_address(1), ifindex=new, flags=EndpointFlag.SUBFLOW
    )
    until(lambda: [path.ifindex for path in client.paths(token) if is_active(path)][1:] == [new])
    assert hosts(sock) == ["10.66.0.1", "10.66.1.1"]
    exchange(sock, [Sender(DATA[:300_000])])
    # It was the only path: nothing else says that it is of no use any more.
    client.del_path(token, 0)
    until(lambda: hosts(sock) == ["10.66.1.1"])
    anew()
    new = index_of(lab, "c1")
    until(lambda: [path.ifindex for path in client.paths(token) if is_active(path)] == [new])
    exchange(sock, [Sender(DATA[:300_000])])
    assert hosts(sock) == ["10.66.1.1"]


def test_namespaces_have_their_own(make_lab: LabMaker) -> None:
    lab = make_lab(PLAIN, PLAIN)
    with managed(lab) as client, opened(lab.server) as other, TquicNetlink() as outside:
        client.add_endpoint(on_link(lab, 1))
        client.set_limits(endpoints=3)
        for netlink in (other, outside):
            assert netlink.endpoints() == []
            assert netlink.limits().endpoints == 8
            assert refused(lambda netlink=netlink: netlink.endpoint(1))[0] == errno.ENOENT
    for _ in range(2):  # a namespace takes its endpoints along
        space = Namespace("tq-gone")
        with opened(space) as netlink:
            assert netlink.endpoints() == []
            made = [Endpoint(addr=Address(f"192.0.2.{host}")) for host in range(1, 9)]
            assert [netlink.add_endpoint(item) for item in made] == list(range(1, 9))
            assert [item.addr for item in netlink.endpoints()] == [item.addr for item in made]
        space.close()


def test_refusals_are_explained(make_lab: LabMaker) -> None:
    lab = make_lab(PLAIN, PLAIN)
    there = Address("192.0.2.1")
    with managed(lab) as client:
        family = client.family

        def add(**values: object) -> tuple[int | None, str, str | None]:
            request = {"addr": {"ip4": "192.0.2.9"}, **values}
            return refused(lambda: family.request(Command.ENDPOINT_ADD, request, ENDPOINT))

        missing = refused(lambda: family.request(Command.ENDPOINT_ADD, {}, ENDPOINT))
        assert missing == (errno.EINVAL, "the endpoint's address is missing", "addr")
        for command in (Command.ENDPOINT_DEL, Command.ENDPOINT_GET):
            missing = refused(lambda command=command: family.request(command, {}, ENDPOINT))
            assert missing == (errno.EINVAL, "the endpoint's id is missing", "id")
        assert add(flags=2)[::2] == (errno.EINVAL, "flags")
        assert add(flags=8)[::2] == (errno.EINVAL, "flags")
        assert add(id=0)[::2] == (errno.ERANGE, "id")
        assert add(id=256)[::2] == (errno.ERANGE, "id")
        assert add(ifindex=4711) == (errno.ENODEV, "no such device", "ifindex")
        assert add(addr={"ip4": "0.0.0.0"})[::2] == (errno.EINVAL, "addr")
        assert add(addr={"ip4": "224.0.0.1"})[::2] == (errno.EINVAL, "addr")
        assert add(addr={"ip6": "fe80::1"}) == (
            errno.EINVAL,
            "a link-local address needs its device",
            "addr",
        )
        assert client.add_endpoint(Endpoint(id=7, addr=there)) == 7
        twice = refused(lambda: client.add_endpoint(Endpoint(addr=there)))
        assert twice == (errno.EEXIST, "there is such an endpoint already", "addr")
        assert add(id=7) == (errno.EEXIST, "the id is taken", "id")
        nobody = (errno.ENOENT, "no endpoint has this id", "id")
        for number in (6, 8):
            assert refused(lambda number=number: client.endpoint(number)) == nobody
            assert refused(lambda number=number: client.del_endpoint(number)) == nobody
        client.set_limits(endpoints=1)
        assert add()[:2] == (
            errno.ENOSPC,
            "there are as many endpoints as the limit allows",
        )
        few = refused(lambda: client.set_limits(extra_paths=2, endpoints=0))
        assert few == (errno.EBUSY, "there are more endpoints than that", "endpoints")
        assert client.limits() == PathLimits(extra_paths=4, endpoints=1)
        for name, most in (("extra_paths", 15), ("endpoints", 255)):
            request = {name: most + 1}
            error = refused(
                lambda request=request: family.request(Command.LIMITS_SET, request, LIMITS)
            )
            assert error[::2] == (errno.ERANGE, name)


def test_command_line(make_lab: LabMaker, start_server: Start, certificates: Certificates) -> None:
    lab = make_lab(PLAIN, PLAIN)
    server = start_server(lab, echo)
    # Commands take their time on a busy machine.
    patient = Options(config=Config.of(keepalive_ms=1000), local=lab.client_address(0))

    def run(*words: str) -> str:
        done = lab.client.run(tquic(*words), capture_output=True, text=True, timeout=60)
        return done.stdout if not done.returncode else done.stderr

    with (
        managed(lab) as client,
        dial(lab, server.address, certificates.client(), options=patient) as sock,
    ):
        assert run("limits", "set", "extra-paths", "1") == ""
        assert client.limits().extra_paths == 1
        assert run("endpoint", "add", "10.66.1.1", "dev", "c1", "id", "5") == "5\n"
        wait_active(sock, 2)
        assert run("endpoint", "show").splitlines()[1].split() == [
            *("5", "10.66.1.1", "-", "c1", "subflow")
        ]
        assert run("endpoint", "del", "id", "5") == ""
        until(lambda: hosts(sock) == ["10.66.0.1"])


def test_module_can_be_removed_with_endpoints(make_lab: LabMaker) -> None:
    lab = make_lab(PLAIN, PLAIN)
    with opened(lab.client) as client:
        client.add_endpoint(on_link(lab, 1))
    remove_module()
    lab.device_down(1)  # nobody listens any more
    lab.device_up(1)
    insert_module()
    with opened(lab.client) as client:
        assert client.endpoints() == []
