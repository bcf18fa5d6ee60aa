# SPDX-License-Identifier: GPL-2.0
"""The netlink family: what it shows is so, what it changes happens, what it refuses it explains."""

from __future__ import annotations

import errno
import json
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path as File

import pytest
from conftest import LabMaker
from running import (
    DATA,
    STALL_S,
    Certificates,
    RunningServer,
    Sender,
    as_nobody,
    dial,
    echo,
    exchange,
    opened,
    wait_active,
    wait_confirmed,
)

from tquic.errors import HandshakeFailedError
from tquic.handshake import Options, connect
from tquic.lab import Link, TwoLinks
from tquic.netlink import (
    CONN,
    PATH,
    Command,
    ConnClosed,
    ConnEvent,
    ConnFlag,
    Event,
    NetlinkError,
    PathEvent,
    Registry,
    TquicNetlink,
)
from tquic.record import Address
from tquic.top import advance, take
from tquic.top_view import screen
from tquic.uapi import NO_MULTIPATH, CloseFlag, Config, PathFlag, PathState, State

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

Start = Callable[..., RunningServer]
PLAIN = Link()
SLOW = Link(rate_mbit=8, delay_ms=10)


@pytest.fixture
def lab(make_lab: LabMaker) -> TwoLinks:
    return make_lab(PLAIN, PLAIN)


@pytest.fixture
def client(lab: TwoLinks) -> Iterator[TquicNetlink]:
    with opened(lab.client) as netlink:
        yield netlink


@pytest.fixture
def server_side(lab: TwoLinks) -> Iterator[TquicNetlink]:
    with opened(lab.server) as netlink:
        yield netlink


class Events:
    """Events of a namespace, gathered until one is of the wanted kind."""

    def __init__(self, netlink: TquicNetlink) -> None:
        self._netlink = netlink
        self._waiting: list[Event] = []
        netlink.subscribe()

    def next(self, command: Command, wait_s: float = 30) -> Event:
        """The next event of a kind; earlier ones of other kinds are forgotten."""
        deadline = time.monotonic() + wait_s
        while True:
            while self._waiting:
                event = self._waiting.pop(0)
                if event.command == command:
                    return event
            left_s = deadline - time.monotonic()
            assert left_s > 0, f"no {command.name} event"
            if select.select([self._netlink], [], [], left_s)[0]:
                self._waiting += self._netlink.events()

    def next_path(self, command: Command, path_id: int) -> PathEvent:
        """The next event of a kind about one path."""
        while True:
            event = self.next(command)
            assert isinstance(event, PathEvent)
            if event.path_id == path_id:
                return event


def test_connections_are_shown(
    lab: TwoLinks,
    client: TquicNetlink,
    server_side: TquicNetlink,
    start_server: Start,
    certificates: Certificates,
) -> None:
    before = {conn.token for conn in client.connections()}
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client()) as sock:
        exchange(sock, [Sender(DATA[:100_000])])
        info = sock.info()
        shown = client.connection(info.token)
        assert shown.state == State.ESTABLISHED
        assert shown.flags & (ConnFlag.VERIFIED | ConnFlag.SERVER) == ConnFlag.VERIFIED
        assert (shown.version, shown.cipher) == (info.version, info.cipher)
        assert (shown.local, shown.peer) == (sock.local, server.address)
        assert (shown.congestion, shown.scheduler) == (sock.congestion, sock.scheduler)
        assert shown.bytes_sent == shown.bytes_received == shown.bytes_delivered == 100_000
        assert (shown.streams_opened, shown.paths, shown.uid) == (1, 1, 0)
        mine = [conn for conn in client.connections() if conn.token not in before]
        assert [conn.token for conn in mine] == [info.token]
        assert any(
            conn.flags & ConnFlag.SERVER and conn.peer == sock.local
            for conn in server_side.connections()
        )
        (path,) = client.paths(info.token)
        told = sock.path_info(0)
        assert (path.path_id, path.state, path.mtu_bytes) == (
            0,
            PathState.ACTIVE,
            told.mtu_bytes,
        )
        assert (path.local, path.peer) == (told.local, told.peer)
        assert path.bytes_sent >= 100_000
        assert path.srtt_ns > 0 < path.cwnd_bytes
        assert client.path(info.token, 0).path_id == 0


def test_top_sees_what_was_moved(
    lab: TwoLinks, client: TquicNetlink, start_server: Start, certificates: Certificates
) -> None:
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client(), paths=2) as sock:
        wait_active(sock, 2)
        token = sock.info().token
        first = advance(None, take(client))
        exchange(sock, [Sender(DATA[:300_000])])
        view = advance(first, take(client))
        assert view.elapsed_s
        tracks = view.of(token)
        assert [track.path.path_id for track in tracks] == [0, 1]
        for rates in ([t.sent_rate for t in tracks], [t.received_rate for t in tracks]):
            assert sum(rate or 0 for rate in rates) * view.elapsed_s > 299_999
        assert any(line.startswith(f"conn {token} client") for line in screen(view, 100))
        view = advance(view, take(client))
        quiet = sum(track.sent_rate or 0 for track in view.of(token)) * (view.elapsed_s or 0)
        assert quiet < 30_000
        words = tquic("top", "--json", "--interval", "0.2")
        done = lab.client.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        paths = [path for path in json.loads(done.stdout)["paths"] if path["token"] == token]
        assert [(path["path_id"], path["state"]) for path in paths] == [
            (0, "active"),
            (1, "active"),
        ]
        assert all(path["sent_rate"] is not None for path in paths)


def test_a_dump_of_many_is_whole(
    lab: TwoLinks, client: TquicNetlink, start_server: Start, certificates: Certificates
) -> None:
    server = start_server(lab, echo)
    tls = certificates.client()
    socks = [dial(lab, server.address, tls, paths=1 + index % 2) for index in range(60)]
    try:
        tokens = {sock.info().token for sock in socks}
        assert len(tokens) == 60
        shown = [conn.token for conn in client.connections()]
        assert len(shown) == len(set(shown))
        assert tokens <= set(shown)
        assert sorted(shown) == shown
        paths = [(path.token, path.path_id) for path in client.paths() if path.token in tokens]
        assert len(paths) == len(set(paths)) == 90
    finally:
        for sock in socks:
            sock.close()


def test_dumps_while_connections_come_and_go(
    lab: TwoLinks, client: TquicNetlink, start_server: Start, certificates: Certificates
) -> None:
    server = start_server(lab, echo)
    done = threading.Event()
    faults: list[BaseException] = []

    def look() -> None:
        try:
            while not done.is_set():
                for conn in client.connections():
                    try:
                        client.paths(conn.token)
                        client.set_path(conn.token, 1, backup=True)
                    except NetlinkError as error:
                        if error.errno not in (
                            errno.ENOENT,
                            errno.ENOTCONN,
                            errno.EALREADY,
                        ):
                            raise
        except BaseException as error:
            faults.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for index in range(30):
            with dial(lab, server.address, certificates.client(), paths=2) as sock:
                exchange(sock, [Sender(DATA[:2000])])
                if index % 2:
                    sock.close_with(0)
    finally:
        done.set()
        thread.join(60)
    assert faults == []
    assert not thread.is_alive()


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_paths_are_added_set_and_removed(
    lab: TwoLinks,
    client: TquicNetlink,
    start_server: Start,
    certificates: Certificates,
    v6: bool,
) -> None:
    server = start_server(lab, echo)
    second = lab.client_address(1, v6=v6)
    far = lab.server_address(1, v6=v6, port=server.address.port) if v6 else None
    with dial(lab, server.address, certificates.client()) as sock:
        token = sock.info().token
        wait_confirmed(client, token)
        if v6:  # the server listens on its v4 address only: the path stays unanswered
            path_id = client.add_path(token, second, peer=far, flags=PathFlag.BACKUP)
            path = client.path(token, path_id)
            assert (path.local and path.local.host, path.peer) == (second.host, far)
            assert path.state == PathState.VALIDATING
            assert path.backup
            return
        path_id = client.add_path(token, second)
        assert path_id == 1
        wait_active(sock, 2)
        path = client.path(token, path_id)
        assert path.local and path.local.host == second.host
        assert path.peer == server.address
        exchange(sock, [Sender(DATA[:300_000])])
        client.set_path(token, path_id, backup=True)
        assert client.path(token, path_id).backup
        client.set_path(token, path_id, backup=False)
        assert not client.path(token, path_id).backup
        client.del_path(token, path_id, 0x3E)
        left = {path.path_id: path.state for path in client.paths(token)}
        assert left.get(path_id) in (PathState.ABANDONED, None)
        exchange(sock, [Sender(DATA[:300_000])])


def test_an_added_path_carries_data(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    lab = make_lab(SLOW, SLOW)
    server = start_server(lab, echo)
    with (
        opened(lab.client) as client,
        dial(lab, server.address, certificates.client()) as sock,
    ):
        token = sock.info().token
        wait_confirmed(client, token)
        client.add_path(token, lab.client_address(1))
        wait_active(sock, 2)
        exchange(sock, [Sender(DATA)])
        used = [path.bytes_sent for path in client.paths(token)]
        assert min(used) > len(DATA) // 5, used
        client.set_path(token, 1, backup=True)
        exchange(sock, [Sender(DATA[:10_000])])
        before = client.path(token, 1).bytes_sent
        exchange(sock, [Sender(DATA[:300_000])])
        assert client.path(token, 1).bytes_sent - before < 30_000
        # A metered path comes after the backups.
        client.set_path(token, 0, metered=True)
        exchange(sock, [Sender(DATA[:10_000])])
        before = client.path(token, 0).bytes_sent
        exchange(sock, [Sender(DATA[:300_000])])
        assert client.path(token, 0).bytes_sent - before < 30_000
        assert [path.spared for path in client.paths(token)] == ["metered", "backup"]
        client.set_path(token, 0, metered=False)
        client.set_path(token, 1, backup=False, rate_cap=50_000)
        assert [path.spared for path in client.paths(token)] == ["", ""]
        exchange(sock, [Sender(DATA[:300_000])])
        capped = client.path(token, 1)
        assert (capped.rate_cap, capped.pacing_rate) == (50_000, 50_000)


def test_a_connection_is_handed_over(
    lab: TwoLinks, client: TquicNetlink, start_server: Start, certificates: Certificates
) -> None:
    names = client.registry()
    schedulers = names[Registry.SCHEDULER]
    assert {"blest", "ecf", "minrtt", "redundant", "roundrobin", "weighted"} <= set(schedulers)
    assert {"cubic", "newreno"} <= set(names[Registry.CONGESTION])
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client()) as sock:
        token = sock.info().token
        wait_confirmed(client, token)
        client.add_path(token, lab.client_address(1))
        wait_active(sock, 2)
        exchange(sock, [Sender(DATA[:100_000])])
        before = client.path(token, 0).cwnd_bytes
        client.set_connection(token, congestion="newreno")
        assert client.path(token, 0).cwnd_bytes >= before
        for name in schedulers:
            client.set_connection(token, scheduler=name)
            shown = client.connection(token)
            assert (shown.scheduler, shown.congestion) == (name, "newreno")
            assert (sock.scheduler, sock.congestion) == (name, "newreno")
            exchange(sock, [Sender(DATA[:100_000])])
        sock.scheduler = "minrtt"
        sock.congestion = "cubic"
        exchange(sock, [Sender(DATA[:100_000])])
        shown = client.connection(token)
        assert (shown.scheduler, shown.congestion) == ("minrtt", "cubic")


def test_weights_share_the_bytes_out(
    lab: TwoLinks, client: TquicNetlink, start_server: Start, certificates: Certificates
) -> None:
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client()) as sock:
        token = sock.info().token
        wait_confirmed(client, token)
        client.add_path(token, lab.client_address(1))
        wait_active(sock, 2)
        client.set_connection(token, scheduler="weighted")
        for weights in ((1, 1000), (1000, 1)):
            for path_id, weight in enumerate(weights):
                client.set_path(token, path_id, weight=weight)
                assert client.path(token, path_id).weight == weight
            before = [path.bytes_sent for path in client.paths(token)]
            for _ in range(15):
                exchange(sock, [Sender(DATA[:10_000])])
            used = [path.bytes_sent for path in client.paths(token)]
            shares = [after - old for after, old in zip(used, before, strict=True)]
            heavy = weights.index(1000)
            assert shares[heavy] > 2 * shares[1 - heavy], (weights, shares)


def refused(call: Callable[[], object]) -> tuple[int | None, str, str | None]:
    """What the kernel says against a call."""
    with pytest.raises(NetlinkError) as caught:
        call()
    return caught.value.errno, caught.value.strerror or "", caught.value.attribute


def test_refusals_are_explained(
    lab: TwoLinks,
    client: TquicNetlink,
    server_side: TquicNetlink,
    start_server: Start,
    certificates: Certificates,
) -> None:
    server = start_server(lab, echo)
    second = lab.client_address(1)
    with dial(lab, server.address, certificates.client()) as sock:
        token = sock.info().token
        wait_confirmed(client, token)
        nobody = (errno.ENOENT, "no connection has this token", "token")
        assert refused(lambda: client.connection(2**31 - 2)) == nobody
        assert refused(lambda: client.connection(2**32 - 1)) == nobody
        assert refused(lambda: client.paths(2**31 - 2)) == nobody
        assert refused(lambda: client.add_path(2**31 - 2, second)) == nobody
        assert refused(lambda: client.connection(0))[::2] == (errno.ERANGE, "token")
        no_path = (errno.ENOENT, "the connection has no such path", "path_id")
        assert refused(lambda: client.path(token, 9)) == no_path
        assert refused(lambda: client.set_path(token, 9, backup=True)) == no_path
        assert refused(lambda: client.del_path(token, 9)) == no_path
        last = (errno.EBUSY, "the last path that works cannot be removed", "path_id")
        assert refused(lambda: client.del_path(token, 0)) == last
        assert refused(lambda: client.del_path(token, 0, 2**62))[::2] == (
            errno.ERANGE,
            "error_code",
        )
        foreign = (errno.EADDRNOTAVAIL, "not an address of this host", "local")
        assert refused(lambda: client.add_path(token, Address("192.0.2.99"))) == foreign
        gone = (errno.ENODEV, "no such device", "ifindex")
        assert refused(lambda: client.add_path(token, second, ifindex=4711)) == gone
        assert refused(lambda: client.add_path(token, second, ifindex=2**31))[::2] == (
            errno.ERANGE,
            "ifindex",
        )
        group = refused(lambda: client.add_path(token, Address("224.0.0.1")))
        assert group[::2] == (errno.EINVAL, "local")
        mixed = refused(lambda: client.add_path(token, second, peer=Address("::1", 9)))
        assert mixed[0] is not None
        assert client.connection(token).paths == 1
        there = next(c.token for c in server_side.connections() if c.peer == sock.local)
        error = refused(lambda: server_side.add_path(there, lab.server_address(1)))
        assert error[0] == errno.EOPNOTSUPP
        assert "client" in error[1]
    alone = Options(config=Config.of(max_path_id=NO_MULTIPATH), local=lab.client_address(0))
    with dial(lab, server.address, certificates.client(), options=alone) as sock:
        token = sock.info().token
        wait_confirmed(client, token)
        for call in (
            lambda: client.add_path(token, second),
            lambda: client.set_path(token, 0, backup=True),
            lambda: client.del_path(token, 0),
        ):
            error = refused(call)
            assert error[0] == errno.EOPNOTSUPP
            assert "multipath" in error[1]


def test_refused_changes_change_nothing(
    lab: TwoLinks, client: TquicNetlink, start_server: Start, certificates: Certificates
) -> None:
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client()) as sock:
        token = sock.info().token
        nobody = (errno.ENOENT, "no connection has this token", "token")
        no_path = (errno.ENOENT, "the connection has no such path", "path_id")
        nameless = (errno.ENOENT, "no scheduler has this name", "scheduler")
        assert refused(lambda: client.set_connection(token, scheduler="min")) == nameless
        both = {"scheduler": "min", "congestion": "newreno"}
        assert refused(lambda: client.set_connection(token, **both)) == nameless
        nameless = (errno.ENOENT, "no congestion control has this name", "congestion")
        both = {"scheduler": "ecf", "congestion": ""}
        assert refused(lambda: client.set_connection(token, **both)) == nameless
        long = refused(lambda: client.set_connection(token, scheduler="minrtt" * 3))
        assert long[0] in (errno.EINVAL, errno.ERANGE)
        assert long[2] == "scheduler"
        assert refused(lambda: client.set_connection(token))[:2] == (
            errno.EINVAL,
            "neither a scheduler nor a congestion control to set",
        )
        assert refused(lambda: client.set_connection(2**31 - 2, scheduler="ecf")) == nobody
        shown = client.connection(token)
        assert (shown.scheduler, shown.congestion) == ("ecf", "cubic")
        assert refused(lambda: client.set_path(token, 0, weight=1001))[::2] == (
            errno.ERANGE,
            "weight",
        )
        assert refused(lambda: client.set_path(token, 9, weight=1)) == no_path
        assert refused(lambda: client.set_path(token, 0))[:2] == (
            errno.EINVAL,
            "neither flags nor a weight or a rate to set",
        )
        assert client.path(token, 0).weight == 0
        exchange(sock, [Sender(DATA[:10_000])])


def test_missing_and_unknown_attributes(client: TquicNetlink) -> None:
    family = client.family
    missing = (errno.EINVAL, "the connection's token is missing", "token")
    assert refused(lambda: family.request(Command.CONN_GET, {}, CONN)) == missing
    assert refused(lambda: family.request(Command.PATH_ADD, {}, PATH)) == missing
    strange = refused(lambda: family.request(Command.CONN_GET, {"token": 1, "state": 1}, CONN))
    assert strange[::2] == (errno.EINVAL, "state")
    flags = refused(
        lambda: family.request(Command.PATH_SET, {"token": 1, "path_id": 0, "flags": 6}, PATH)
    )
    assert flags[::2] == (errno.EINVAL, "flags")
    both = {"ip4": "10.0.0.1", "ip6": "::1"}
    request = {"token": 1, "local": both}
    assert refused(lambda: family.request(Command.PATH_ADD, request, PATH))[0] in (
        errno.ENOENT,
        errno.EINVAL,
    )


def test_events_of_a_life(
    lab: TwoLinks,
    client: TquicNetlink,
    server_side: TquicNetlink,
    start_server: Start,
    certificates: Certificates,
) -> None:
    events, there = Events(client), Events(server_side)
    server = start_server(lab, echo)
    with opened(lab.client) as control:
        with dial(lab, server.address, certificates.client()) as sock:
            token = sock.info().token
            born = events.next(Command.CONN_ESTABLISHED)
            assert isinstance(born, ConnEvent)
            assert (born.token, born.local, born.peer) == (
                token,
                sock.local,
                server.address,
            )
            assert born.flags & ConnFlag.VERIFIED
            seen = there.next(Command.CONN_ESTABLISHED)
            assert isinstance(seen, ConnEvent)
            assert seen.flags & ConnFlag.SERVER
            assert seen.peer == sock.local
            wait_confirmed(control, token)
            path_id = control.add_path(token, lab.client_address(1))
            validated = events.next(Command.PATH_VALIDATED)
            assert isinstance(validated, PathEvent)
            assert (validated.token, validated.path_id) == (token, path_id)
            assert validated.local and validated.local.host == lab.client_address(1).host
            control.del_path(token, path_id, 7)
            for side in (events, there):
                abandoned = side.next(Command.PATH_ABANDONED)
                assert isinstance(abandoned, PathEvent)
                assert abandoned.path_id == path_id
                assert abandoned.state == PathState.ABANDONED
            sock.close_with(42, reason="enough")
        closed = events.next(Command.CONN_CLOSED)
        assert isinstance(closed, ConnClosed)
        assert (closed.token, closed.error_code, closed.reason) == (
            token,
            42,
            b"enough",
        )
        assert closed.close_flags == CloseFlag.APP
        far = there.next(Command.CONN_CLOSED)
        assert isinstance(far, ConnClosed)
        assert (far.token, far.error_code, far.reason) == (seen.token, 42, b"enough")
        assert far.close_flags == CloseFlag.APP | CloseFlag.PEER
        assert far.state == State.DRAINING


def test_a_failed_handshake_is_an_event(
    lab: TwoLinks, client: TquicNetlink, certificates: Certificates
) -> None:
    events = Events(client)
    tls = certificates.server(certificates.expired)
    with (
        RunningServer(lab, tls, echo) as server,
        lab.client.entered(),
        pytest.raises(HandshakeFailedError),
    ):
        connect(server.address, certificates.client())
    closed = events.next(Command.CONN_CLOSED)
    assert isinstance(closed, ConnClosed)
    assert closed.error_code == 0x100 + 45
    assert not closed.by_peer


def test_suspect_and_recovered(
    make_lab: LabMaker, start_server: Start, certificates: Certificates
) -> None:
    lab = make_lab(SLOW, SLOW)
    server = start_server(lab, echo)
    with opened(lab.client) as client:
        events = Events(client)
        with dial(lab, server.address, certificates.client(), paths=2) as sock:
            token = sock.info().token
            lab.cut(1)
            try:
                # It is found dead when it is used, and it is not used for every byte.
                deadline = time.monotonic() + STALL_S
                while [path.state for path in sock.paths()].count(PathState.ACTIVE) > 1:
                    assert time.monotonic() < deadline
                    exchange(sock, [Sender(DATA)])
                assert events.next_path(Command.PATH_SUSPECT, 1).token == token
            finally:
                lab.restore(1)
            exchange(sock, [Sender(DATA[:100_000])])
            assert events.next_path(Command.PATH_RECOVERED, 1).token == token


def test_namespaces_see_only_their_own(
    lab: TwoLinks, client: TquicNetlink, start_server: Start, certificates: Certificates
) -> None:
    server = start_server(lab, echo)
    with (
        dial(lab, server.address, certificates.client()) as sock,
        TquicNetlink() as outside,
    ):
        assert outside.connections() == []
        assert refused(lambda: outside.connection(sock.info().token))[0] == errno.ENOENT


def tquic(*words: str) -> list[str]:
    """The command line, by this interpreter."""
    return [sys.executable, "-c", "from tquic.cli import main; main()", *words]


def test_it_takes_an_administrator(lab: TwoLinks) -> None:
    script = as_nobody(
        "import errno\n"
        "from tquic.netlink import TquicNetlink\n"
        "netlink = TquicNetlink()\n"
        "for call in (netlink.connections, lambda: netlink.paths(1), netlink.subscribe,\n"
        "             lambda: netlink.connection(1), lambda: netlink.del_path(1, 0)):\n"
        "    try:\n"
        "        call()\n"
        "    except OSError as error:\n"
        "        assert error.errno == errno.EPERM, error\n"
        "    else:\n"
        "        raise SystemExit('allowed')\n"
    )
    done = lab.client.run(script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    # A user namespace's administrator rules the network namespace of that user namespace.
    own = ["unshare", "--user", "--map-root-user", "--net", *tquic("conn", "show")]
    command = as_nobody("import sys; os.execvp(sys.argv[1], sys.argv[1:])", *own)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("CONN")


def test_command_line(
    lab: TwoLinks, start_server: Start, certificates: Certificates, tmp_path: File
) -> None:
    server = start_server(lab, echo)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return lab.client.run(tquic(*words), capture_output=True, text=True, timeout=60)

    lines = tmp_path / "events"
    with (
        lines.open("w") as out,
        lab.client.popen(
            tquic("monitor", "--json"), stdout=out, stderr=subprocess.PIPE, text=True
        ) as monitor,
    ):
        try:
            assert monitor.stderr is not None
            assert "monitoring" in monitor.stderr.readline()
            patient = Options(config=Config.of(keepalive_ms=1000), local=lab.client_address(0))
            with dial(lab, server.address, certificates.client(), options=patient) as sock:
                token = str(sock.info().token)
                second = lab.client_address(1).host
                time.sleep(0.5)
                shown = json.loads(run("conn", "show", token, "--json").stdout)
                assert shown[0]["state"] == "established"
                assert shown[0]["peer"] == str(server.address)
                assert token in run("conn", "show").stdout
                added = run("path", "add", token, second, "--backup")
                assert (added.returncode, added.stdout) == (0, "1\n"), added.stderr
                wait_active(sock, 2)
                assert run("path", "set", token, "1", "--no-backup").returncode == 0
                assert run("path", "set", token, "1", "--weight", "5").returncode == 0
                capped = run("path", "set", token, "1", "--rate-cap", "0.8", "--metered")
                assert capped.returncode == 0, capped.stderr
                found = json.loads(run("path", "show", token, "--json").stdout)[1]
                assert (found["rate_cap"], found["flags"]) == (100_000, ["metered"])
                assert "active,metered" in run("path", "show", token).stdout
                assert "weighted" in run("sched", "show").stdout
                assert run("conn", "set", token, "--scheduler", "weighted").returncode == 0
                assert "weighted" in run("conn", "show", token).stdout
                table = run("path", "show", token).stdout.splitlines()
                assert len(table) == 3
                assert "active" in table[2]
                assert run("path", "del", token, "1", "--code", "9").returncode == 0
                left = json.loads(run("path", "show", token, "--json").stdout)
                assert [path["state"] for path in left] in (
                    ["active"],
                    ["active", "abandoned"],
                )
                bad = run("path", "del", token, "0")
                assert bad.returncode == 1
                assert bad.stderr == "tquic: the last path that works cannot be removed\n"
                sock.close_with(3)
            time.sleep(1)
        finally:
            monitor.terminate()
    names = [json.loads(line)["event"] for line in lines.read_text().splitlines()]
    for name in ("conn-established", "path-validated", "path-abandoned", "conn-closed"):
        assert name in names
