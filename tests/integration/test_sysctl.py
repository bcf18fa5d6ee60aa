# SPDX-License-Identifier: GPL-2.0
"""Sysctls: ranges, namespaces, who may set them, and for each one that it does what it says.

The cases come from the spec. A sysctl there without a function in EFFECTS fails the tests.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from conftest import LabMaker
from running import STALL_S, Certificates, counter, wait_active

from tquic import cli
from tquic.codegen import SYSCTL_SPEC, load_sysctls
from tquic.handshake import Handshake, Options, complete, connect, listen, new_socket
from tquic.lab import Link, Namespace, TwoLinks
from tquic.multipath import PathSpec, add_paths
from tquic.netlink import HandshakeQueue
from tquic.record import Address
from tquic.sock import TquicSocket
from tquic.sysctl import SysctlError
from tquic.sysctl_spec import SysctlSpec
from tquic.tls import Role
from tquic.uapi import NO_MULTIPATH, BondState, PathState, RecvMask

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

TABLE = load_sysctls((Path(__file__).resolve().parents[2] / SYSCTL_SPEC).read_text())
FOLDER = Path("/proc/sys", TABLE.path)
SPECS = {spec.name: spec for spec in TABLE.sysctls}
NUMBERS = [spec for spec in TABLE.sysctls if spec.numeric]

PORT = 4540
SINK_PORT = 4541
WAIT_S = 60.0
#: The first link is what a scheduler likes best; datagrams of either fit one packet.
LINKS = (Link(delay_ms=5), Link(delay_ms=20))
_ECT0 = 2
_NOBODY = 65534


def names(specs: list[SysctlSpec] | tuple[SysctlSpec, ...]) -> list[str]:
    return [spec.name for spec in specs]


def read(name: str) -> str:
    return (FOLDER / name).read_text().strip()


def store(name: str, value: object) -> None:
    (FOLDER / name).write_text(f"{value}\n")


@contextlib.contextmanager
def tuned(space: Namespace, **values: object) -> Iterator[None]:
    """Set sysctls of a namespace, and put them back to their defaults in the end."""
    try:
        with space.entered():
            for name, value in values.items():
                store(name, value)
        yield
    finally:
        with space.entered():
            for name in values:
                store(name, SPECS[name].default)


def wait_for(what: str, done: Callable[[], bool]) -> None:
    """Wait until something has happened, which is soon or never."""
    deadline = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.02)


class Ends(NamedTuple):
    """The two sockets of a connection."""

    client: TquicSocket
    server: TquicSocket


class Bench:
    """Two hosts, and what tests of effects do there."""

    def __init__(self, lab: TwoLinks, certificates: Certificates) -> None:
        self.lab = lab
        self.client, self.server = lab.client, lab.server
        self.address = lab.server_address(port=PORT)
        self._certificates = certificates

    def fresh(self, kind: int = socket.SOCK_DGRAM) -> TquicSocket:
        """A client's socket, not yet connected."""
        with self.client.entered():
            sock = new_socket(socket.AF_INET, Options(kind=kind))
        sock.settimeout(0)
        return sock

    @contextlib.contextmanager
    def sink(self) -> Iterator[socket.socket]:
        """A UDP socket of the server that takes packets and says nothing."""
        with self.server.entered():
            raw = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with raw:
            raw.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
            raw.bind(self.lab.server_address(port=SINK_PORT).sockaddr)
            raw.settimeout(WAIT_S)
            yield raw

    @contextlib.contextmanager
    def begun(self, address: Address | None = None) -> Iterator[TquicSocket]:
        """A client whose first packet is out and who does nothing more."""
        with contextlib.ExitStack() as held:
            if address is None:
                held.enter_context(self.sink())
                address = self.lab.server_address(port=SINK_PORT)
            sock = held.enter_context(self.fresh())
            with contextlib.suppress(BlockingIOError):
                sock.connect(address)
            tls = self._certificates.client()
            Handshake(sock, tls, Role.CLIENT, str(address)).start()
            yield sock

    @contextlib.contextmanager
    def joined(
        self, kind: int = socket.SOCK_DGRAM, recv_mask: RecvMask = RecvMask.CRYPTO
    ) -> Iterator[Ends]:
        """A connection; both sockets do not block."""
        options = Options(kind=kind, recv_mask=recv_mask, timeout_s=WAIT_S)
        children: list[TquicSocket] = []

        def serve() -> None:
            child, _peer = listener.accept()
            child.settimeout(0)
            complete(child, self._certificates.server(), Role.SERVER, "client", WAIT_S)
            children.append(child)

        with contextlib.ExitStack() as held:
            with self.server.entered():
                listener = listen(self.address, options)
            with listener:
                thread = threading.Thread(target=serve)
                thread.start()
                with self.client.entered():
                    client = connect(self.address, self._certificates.client(), options)
                held.enter_context(client)
                thread.join(STALL_S)
            held.enter_context(children[0])
            yield Ends(client, children[0])


@pytest.fixture
def lab(make_lab: LabMaker) -> TwoLinks:
    return make_lab(*LINKS)


@pytest.fixture
def bench(lab: TwoLinks, certificates: Certificates) -> Bench:
    return Bench(lab, certificates)


# --- the files


def test_the_directory_is_the_spec(lab: TwoLinks) -> None:
    with lab.client.entered():
        assert sorted(path.name for path in FOLDER.iterdir()) == list(SPECS)


@pytest.mark.parametrize("name", names(TABLE.sysctls))
def test_default(lab: TwoLinks, name: str) -> None:
    spec = SPECS[name]
    with lab.client.entered():
        value = read(name)
        assert ((FOLDER / name).stat().st_mode & 0o777) == (0o644 if spec.writable else 0o444)
    if spec.writable:
        assert value == str(spec.default)
    else:
        assert value.split()


@pytest.mark.parametrize("name", names(NUMBERS))
def test_range(lab: TwoLinks, name: str) -> None:
    spec = SPECS[name]
    with tuned(lab.client, **{name: spec.default}), lab.client.entered():
        for good in (spec.min, spec.max):
            store(name, good)
            assert read(name) == str(good)
        for bad in (spec.max + 1, spec.min - 1, 2**32, -1, "x", "1x", "1.5"):
            with pytest.raises(OSError, match="Invalid argument") as caught:
                store(name, bad)
            assert caught.value.errno == errno.EINVAL
            assert read(name) == str(spec.max)


@pytest.mark.parametrize("name", ["congestion_control", "scheduler"])
def test_names_that_are_none(lab: TwoLinks, name: str) -> None:
    default = SPECS[name].default
    with tuned(lab.client, **{name: default}), lab.client.entered():
        for bad, code in (
            ("nobody", errno.ENOENT),
            (f"{default}x", errno.ENOENT),
            ("x" * 15, errno.ENOENT),
            (f"{default}{'x' * 16}", errno.EINVAL),
            ("", errno.EINVAL),
        ):
            with pytest.raises(OSError, match=r".") as caught:
                store(name, bad)
            assert caught.value.errno == code
            assert read(name) == default


def test_lists_cannot_be_set(lab: TwoLinks) -> None:
    for spec in TABLE.sysctls:
        if not spec.writable:
            with lab.client.entered(), pytest.raises(OSError, match="denied"):
                store(spec.name, "x")


def other_value(spec: SysctlSpec) -> int:
    return spec.min if spec.default != spec.min else spec.max


def test_namespaces_are_apart(lab: TwoLinks) -> None:
    """What is set, even in the first namespace, is not seen in others, nor in one made later."""
    values = {spec.name: other_value(spec) for spec in NUMBERS}
    for space in (lab.client, None):
        with contextlib.ExitStack() as held:
            if space is not None:
                held.enter_context(space.entered())
            for name, value in values.items():
                held.callback((FOLDER / name).write_text, f"{SPECS[name].default}\n")
                store(name, value)
            fresh = Namespace("tq-sysctl")
            held.callback(fresh.close)
            for other in (lab.server, fresh):
                with other.entered():
                    assert {name: int(read(name)) for name in values} == {
                        spec.name: spec.default for spec in NUMBERS
                    }


def as_nobody(words: list[str]) -> subprocess.CompletedProcess[str]:
    drop = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
    return subprocess.run([*drop, *words], capture_output=True, text=True, check=False)


def test_users_may_read_and_not_write() -> None:
    file = str(FOLDER / "max_data")
    done = as_nobody(["cat", file])
    assert (done.returncode, done.stdout.strip()) == (0, str(SPECS["max_data"].default))
    done = as_nobody(["sh", "-c", f"echo 5000 > {file}"])
    assert done.returncode
    assert "denied" in done.stderr
    assert read("max_data") == str(SPECS["max_data"].default)


def test_owners_of_a_namespace_may_write() -> None:
    file = FOLDER / "max_data"
    done = as_nobody(["unshare", "-Urn", "sh", "-c", f"echo 5000 > {file} && cat {file}"])
    assert (done.returncode, done.stdout.strip()) == (0, "5000"), done.stderr
    assert read("max_data") == str(SPECS["max_data"].default)


def test_command(lab: TwoLinks) -> None:
    """Here, not in a process of its own, which takes seconds to start where processors are slow."""

    def run(*words: str) -> str:
        with lab.client.entered():
            return CliRunner().invoke(cli.root, ["sysctl", *words], catch_exceptions=False).output

    with tuned(lab.client, ecn=1, max_data=4194304, scheduler="minrtt"):
        assert not run("set", "net.tquic.ecn=0", "max_data=5000")
        shown = {item["name"]: item for item in json.loads(run("show", "--json"))}
        assert list(shown) == list(SPECS)
        assert (shown["ecn"]["value"], shown["max_data"]["value"]) == (0, 5000)
        assert "minrtt" in shown["available_schedulers"]["value"]
        for setting, said in (
            ("ecn=2", "ecn: 2 is refused, it takes 0 or 1"),
            ("scheduler=nobody", "there is no nobody, only "),
            ("available_schedulers=x", "available_schedulers can only be read"),
        ):
            with pytest.raises(SysctlError, match=said):
                run("set", setting)
        assert not run("reset")
        assert json.loads(run("show", "--json", "ecn"))[0]["value"] == 1


# --- the effects

Effect = Callable[[Bench], None]
EFFECTS: dict[str, Effect] = {}


def effect(*of: str) -> Callable[[Effect], Effect]:
    """The function shows what these sysctls do."""

    def keep(function: Effect) -> Effect:
        EFFECTS.update(dict.fromkeys(of, function))
        return function

    return keep


def test_every_sysctl_has_an_effect() -> None:
    assert sorted(EFFECTS) == list(SPECS)


@pytest.mark.parametrize("name", list(SPECS))
def test_effect(bench: Bench, name: str) -> None:
    EFFECTS.get(name, lambda _bench: pytest.fail("no test of the effect"))(bench)


#: Sysctl -> value, field of TQUIC_SOCKOPT_CONFIG, transport parameters (RFC 9000 18.2 and others).
OPTIONS: dict[str, tuple[int, str | None, tuple[int, ...]]] = {
    "active_cid_limit": (3, None, (0x0E,)),
    "idle_timeout_ms": (12345, "idle_timeout_ms", (0x01,)),
    "keepalive_ms": (2345, "keepalive_ms", ()),
    "max_ack_delay_ms": (77, "max_ack_delay_ms", (0x0B,)),
    "max_data": (54321, "max_data", (0x04,)),
    "max_datagram_bytes": (1111, "max_datagram_bytes", (0x20,)),
    "max_path_id": (3, "max_path_id", (0x3E,)),
    "max_stream_data": (43210, "max_stream_data", (0x05, 0x06, 0x07)),
    "max_streams_bidi": (9, "max_streams_bidi", (0x08,)),
    "max_streams_uni": (8, "max_streams_uni", (0x09,)),
}


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A variable-length integer and what follows it (RFC 9000 16)."""
    size = 1 << (data[at] >> 6)
    return int.from_bytes(data[at : at + size], "big") & ((1 << (8 * size - 2)) - 1), at + size


def parameters(data: bytes) -> dict[int, bytes]:
    """Transport parameters by their number."""
    out, at = {}, 0
    while at < len(data):
        number, at = varint(data, at)
        size, at = varint(data, at)
        out[number] = data[at : at + size]
        at += size
    return out


def check_option(bench: Bench, name: str) -> None:
    """Sockets made afterwards have the value, tell it to the peer, and may have another."""
    value, field, numbers = OPTIONS[name]
    before = bench.fresh()
    with before, tuned(bench.client, **{name: value}), bench.begun() as sock:
        found = parameters(sock.local_params)
        for number in numbers:
            assert varint(found[number], 0)[0] == value
        if field is not None:
            assert getattr(sock.config, field) == value
            assert getattr(before.config, field) == SPECS[name].default


def _option(name: str) -> Effect:
    return lambda bench: check_option(bench, name)


EFFECTS.update({name: _option(name) for name in OPTIONS})


@effect("multipath")
def _multipath(bench: Bench) -> None:
    with tuned(bench.client, multipath=0), bench.begun() as sock:
        assert sock.config.max_path_id == NO_MULTIPATH
        assert 0x3E not in parameters(sock.local_params)


@effect("available_congestion_control", "congestion_control")
def _congestion(bench: Bench) -> None:
    with bench.client.entered():
        known = read("available_congestion_control").split()
    assert {"cubic", "newreno"} <= set(known)
    with bench.fresh() as other:
        for name in known:
            other.congestion = name
            with tuned(bench.client, congestion_control=name):
                with bench.fresh() as sock:
                    assert sock.congestion == name
                with bench.begun() as sock:
                    assert sock.info().congestion == name


@effect("available_schedulers", "scheduler")
def _scheduler(bench: Bench) -> None:
    with bench.client.entered():
        known = read("available_schedulers").split()
    assert "minrtt" in known
    with bench.fresh() as other:
        for name in known:
            other.scheduler = name
            with tuned(bench.client, scheduler=name):
                with bench.fresh() as sock:
                    assert sock.scheduler == name
                with bench.begun() as sock:
                    assert sock.info().scheduler == name


@effect("initial_rtt_ms")
def _initial_rtt(bench: Bench) -> None:
    with tuned(bench.client, initial_rtt_ms=77), bench.begun() as sock:
        assert sock.path_info(0).srtt_ns == 77_000_000


@effect("ecn")
def _ecn(bench: Bench) -> None:
    for value, mark in ((0, 0), (1, _ECT0)):
        with tuned(bench.client, ecn=value), bench.sink() as sink:
            with bench.begun(bench.lab.server_address(port=SINK_PORT)) as sock:
                peer = None
                while peer is None or peer[1] != sock.local.port:  # others say farewell still
                    _data, ancillary, _flags, peer = sink.recvmsg(2000, 100)
            assert [data[0] & 3 for _level, _type, data in ancillary] == [mark]


@effect("pacing")
def _pacing(bench: Bench) -> None:
    for value in (0, 1):
        with tuned(bench.client, pacing=value), bench.begun() as sock:
            assert bool(sock.path_info(0).pacing_rate) == bool(value)


@effect("udp_ephemeral_max")
def _udp_ephemeral(bench: Bench) -> None:
    def ports() -> list[int]:
        local = bench.lab.client_address(1, v6=True)  # of no other test
        options = Options(local=local)
        with (
            bench.client.entered(),
            new_socket(local.family, options) as one,
            new_socket(local.family, options) as two,
        ):
            return [sock.local.port for sock in (one, two)]

    with tuned(bench.client, udp_ephemeral_max=1):
        assert len(set(ports())) == 1
    assert len(set(ports())) == 2


@effect("udp_rcvbuf_bytes")
def _udp_rcvbuf(bench: Bench) -> None:
    with tuned(bench.client, udp_rcvbuf_bytes=123_456), bench.begun():
        shown = bench.client.run(["ss", "-uanmH"], capture_output=True, text=True, check=True)
    assert "rb123456," in shown.stdout


@effect("agent_timeout_ms")
def _agent_timeout(bench: Bench) -> None:
    """An agent is told how long it has: more than by default."""
    with tuned(bench.client, agent_timeout_ms=600_000), bench.client.entered():
        with HandshakeQueue() as queue, TquicSocket.open() as sock:
            queue.serve()
            sock.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                sock.connect(bench.lab.server_address(port=SINK_PORT))
            request = queue.accept()
        assert request is not None
        os.close(request.fd)
    assert SPECS["agent_timeout_ms"].default < request.timeout_ms <= 600_000


@effect("initials_max")
def _initials(bench: Bench) -> None:
    with bench.server.entered():
        listener = listen(bench.address, Options())
    dropped = counter(bench.server, "ListenDrops")
    made = counter(bench.server, "ConnectionsPassiveOpened")
    with listener, tuned(bench.client, initial_rtt_ms=20):
        with contextlib.ExitStack() as held:
            held.enter_context(tuned(bench.server, initials_max=0))
            held.enter_context(bench.begun(bench.address))
            wait_for("a drop", lambda: counter(bench.server, "ListenDrops") > dropped)
            assert counter(bench.server, "ConnectionsPassiveOpened") == made
        with bench.begun(bench.address):  # and at once as before
            wait_for(
                "a connection",
                lambda: counter(bench.server, "ConnectionsPassiveOpened") > made,
            )


@effect("retry_threshold")
def _retry(bench: Bench) -> None:
    retries = counter(bench.server, "TxRetry")
    with bench.joined():
        assert counter(bench.server, "TxRetry") == retries
    with tuned(bench.server, retry_threshold=0), bench.joined():
        assert counter(bench.server, "TxRetry") == retries + 1


@effect("handshake_timeout_ms")
def _handshake_timeout(bench: Bench) -> None:
    """It ends a handshake that else the idle timeout would have ended, first."""
    timed_out = counter(bench.server, "HandshakesTimedOut")
    idle = counter(bench.server, "ConnectionsIdleTimeouts")
    values = {"handshake_timeout_ms": 100, "idle_timeout_ms": 3000}
    with tuned(bench.server, **values), bench.server.entered():
        listener = listen(bench.address, Options())
    with listener, tuned(bench.server, **values), bench.begun(bench.address):
        wait_for("an end", lambda: counter(bench.server, "ConnectionsIdleTimeouts") > idle)
        assert counter(bench.server, "HandshakesTimedOut") > timed_out


def fill(sock: TquicSocket, stream: int, most: int = 1 << 20) -> int:
    """Write to a stream until the socket takes no more; returns the bytes it took."""
    taken = 0
    with contextlib.suppress(BlockingIOError):
        while taken < most:
            taken += sock.send_stream(stream, bytes(1000))
    return taken


def check_linger(bench: Bench, name: str) -> None:
    """A closed socket gives up when the sysctl says, before the idle timeout would end it."""
    aborted = counter(bench.client, "ConnectionsAborted")
    closed = counter(bench.client, "ConnectionsClosed")
    with contextlib.ExitStack() as held:
        held.enter_context(tuned(bench.client, idle_timeout_ms=4000))
        held.enter_context(tuned(bench.server, max_stream_data=4096))
        ends = held.enter_context(bench.joined())
        fill(ends.client, ends.client.open_stream())
        held.enter_context(tuned(bench.client, **{name: 100}))
        ends.client.close()
        wait_for("the end", lambda: counter(bench.client, "ConnectionsClosed") > closed)
    assert counter(bench.client, "ConnectionsAborted") == aborted + 1


@effect("linger_max_ms")
def _linger_max(bench: Bench) -> None:
    check_linger(bench, "linger_max_ms")


@effect("linger_stall_ms")
def _linger_stall(bench: Bench) -> None:
    check_linger(bench, "linger_stall_ms")


@effect("undecryptable_max")
def _undecryptable(bench: Bench) -> None:
    """The server's first handshake packets always come before the client has keys for them."""
    before = counter(bench.client, "RxUndecryptable")
    with contextlib.ExitStack() as held:
        held.enter_context(tuned(bench.server, initial_rtt_ms=20))
        held.enter_context(tuned(bench.client, undecryptable_max=0))
        held.enter_context(bench.joined())
        assert counter(bench.client, "RxUndecryptable") > before


@effect("mtu_max_bytes")
def _mtu_max(bench: Bench) -> None:
    with tuned(bench.client, mtu_max_bytes=1234), bench.joined() as ends:
        wait_for("a larger size", lambda: ends.client.path_info(0).mtu_bytes > 1200)
        assert ends.client.path_info(0).mtu_bytes == 1234


@effect("min_legs")
def _min_legs(bench: Bench) -> None:
    """A backup path is used all the same when two are to be, and one is told to be too few."""
    for least in (1, 2):
        with (
            tuned(bench.client, min_legs=least, scheduler="roundrobin"),
            bench.joined() as ends,
        ):
            alone = BondState.DEGRADED if least == 2 else BondState.SINGLE_PATH
            assert ends.client.info().bond_state == alone
            with bench.client.entered():
                add_paths(ends.client, [PathSpec(bench.lab.client_address(1))])
            wait_active(ends.client, 2)
            assert ends.client.info().bond_state == BondState.BONDED
            ends.client.set_path_status(1, backup=True)
            before = ends.client.path_info(1).bytes_sent
            for _ in range(5):
                ends.client.send_new(bytes(20_000))
                time.sleep(0.1)
            used = ends.client.path_info(1).bytes_sent - before
            assert used > 20_000 if least == 2 else used < 10_000


@effect("reinject_percent")
def _reinject(bench: Bench) -> None:
    """Messages spread over a fast and a slow link end on the fast one, or not."""
    for percent in (0, 100):
        with (
            tuned(bench.client, reinject_percent=percent, scheduler="roundrobin"),
            bench.joined() as ends,
        ):
            with bench.client.entered():
                add_paths(ends.client, [PathSpec(bench.lab.client_address(1))])
            wait_active(ends.client, 2)
            for _ in range(20):
                ends.client.send_new(bytes(20_000))
                time.sleep(0.1)
            assert bool(ends.client.info().bytes_reinjected) == bool(percent)


@effect("path_probe_max_ms")
def _path_probe(bench: Bench) -> None:
    """Of two connections whose path was cut, one asks for its return much more often."""
    with contextlib.ExitStack() as held:
        pairs = [held.enter_context(bench.joined())]
        with tuned(bench.client, path_probe_max_ms=10):
            pairs.append(held.enter_context(bench.joined()))
        calm, eager = (ends.client for ends in pairs)
        for sock in (calm, eager):
            with bench.client.entered():
                add_paths(sock, [PathSpec(bench.lab.client_address(1))])
            wait_active(sock, 2)
        held.callback(bench.lab.restore, 0)
        bench.lab.cut(0)
        for sock in (calm, eager):
            sock.send_new(b"data that finds out")
            wait_for("suspicion", lambda s=sock: s.path_info(0).state == PathState.SUSPECT)
        start = [sock.path_info(0).ptos for sock in (calm, eager)]

        def lead() -> int:
            return (eager.path_info(0).ptos - start[1]) - (calm.path_info(0).ptos - start[0])

        wait_for("many more probes", lambda: lead() > 30)


@effect("datagram_queue_max")
def _datagram_queue(bench: Bench) -> None:
    def send_all(sock: TquicSocket, most: int) -> int:
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < most:
                sock.send_datagram(bytes(1000))
                sent += 1
        return sent

    with bench.joined() as ends, contextlib.ExitStack() as held:
        held.callback(bench.lab.restore, 0)
        bench.lab.cut(0)  # nothing is acknowledged, so the window fills
        with tuned(bench.client, datagram_queue_max=4):
            assert send_all(ends.client, 200) < 200
        assert send_all(ends.client, 200) == 200


@effect("datagram_rx_max_bytes")
def _datagram_rx(bench: Bench) -> None:
    count = 20
    mask = RecvMask.CRYPTO | RecvMask.DATAGRAM
    with (
        tuned(bench.server, datagram_rx_max_bytes=4096),
        bench.joined(recv_mask=mask) as ends,
    ):
        for _ in range(count):
            ends.client.send_datagram(bytes(1000))

        def come() -> int:
            info = ends.server.info()
            return info.datagrams_received + info.datagrams_dropped

        wait_for("all datagrams", lambda: come() == count)
        info = ends.server.info()
        assert info.datagrams_dropped > count // 2
        assert info.datagrams_received > 0


@effect("sndbuf_max_bytes")
def _sndbuf(bench: Bench) -> None:
    """The buffer grows with the window from what sockets begin with, if the sysctl lets it."""
    default = Path("/proc/sys/net/core/wmem_default")
    before = default.read_text()
    with contextlib.ExitStack() as held:
        held.callback(default.write_text, before)
        default.write_text("8192\n")
        held.enter_context(tuned(bench.server, max_stream_data=4096))
        ends = held.enter_context(bench.joined())
        stream = ends.client.open_stream()
        with tuned(bench.client, sndbuf_max_bytes=4096):
            assert fill(ends.client, stream) < 20_000
            time.sleep(0.2)  # the credit is used and acknowledged
            fill(ends.client, stream)
            assert not fill(ends.client, stream)
        assert fill(ends.client, stream) >= 10_000


@effect("window_max_bytes")
def _window_max(bench: Bench) -> None:
    size = 1 << 16
    total = 12 * size
    values = {"max_data": size, "max_stream_data": size, "window_max_bytes": size}
    with tuned(bench.server, **values), bench.joined(socket.SOCK_STREAM) as ends:
        for sock in ends:
            sock.settimeout(WAIT_S)
        sender = threading.Thread(target=ends.client.sendall, args=(bytes(total),))
        sender.start()
        got = 0
        while got < total:
            got += len(ends.server.recv(1 << 20))
            info = ends.server.info()
            assert info.max_data_local <= info.bytes_delivered + size
        sender.join(WAIT_S)


@effect("rx_mem_max_bytes")
def _rx_mem(bench: Bench) -> None:
    """Nobody reads: with so much held, what comes behind a gap is refused and comes again."""
    lost = counter(bench.server, "MemoryDrops")
    with contextlib.ExitStack() as held:
        held.enter_context(tuned(bench.server, rx_mem_max_bytes=65536))
        held.enter_context(tuned(bench.client, linger_max_ms=0))
        ends = held.enter_context(bench.joined())
        held.callback(bench.lab.change, 0, LINKS[0])
        bench.lab.change(0, Link(delay_ms=5, loss=3))
        stream = ends.client.open_stream()

        def refused() -> bool:
            fill(ends.client, stream, 100_000)
            return counter(bench.server, "MemoryDrops") > lost

        wait_for("a refusal", refused)
