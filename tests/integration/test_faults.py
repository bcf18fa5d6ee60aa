# SPDX-License-Identifier: GPL-2.0
"""Allocations of the module fail: no byte is wrong, nothing hangs, nothing is left behind.

A short round on the debug kernel. All single failures on the way to a connection, and longer
transfers at more rates::

    make faults

A call that fails for want of memory may be repeated. A connection may end, with an error that is
told. Once memory is there again, whatever has not ended goes on.
"""

from __future__ import annotations

import errno
import itertools
import os
import select
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeVar

import pytest
from conftest import LabMaker
from faults import KINDS, Faults, available
from keyed import Keyed, carry
from leftovers import insert_module, module_file, nothing_left, remove_module
from running import DATA, STALL_S, Ends, opened, wait_active, wait_confirmed, wait_for

from tquic.errors import TquicError
from tquic.handshake import Options
from tquic.lab import Link, TwoLinks
from tquic.multipath import PathSpec, add_paths
from tquic.netlink import Endpoint, TquicNetlink
from tquic.sock import StreamData, TquicSocket
from tquic.uapi import Config, State

pytestmark = [
    pytest.mark.usefixtures("module"),
    pytest.mark.timeout(7200),
    pytest.mark.skipif(
        os.environ.get("TQUIC_KERNEL") != "debug", reason="only the debug kernel injects faults"
    ),
]

PLAIN: Final = Link()
#: ENFILE is what the kernel says when it cannot make a socket, also one of UDP below a connection.
NO_MEMORY: Final = frozenset({errno.ENOMEM, errno.ENOBUFS, errno.ENFILE})
#: A connection none of whose packets come through ends by itself.
IDLE_MS: Final = 10_000
PIECE: Final = 16_384
WORKS: Final = "works"
T = TypeVar("T")


class Failures(Counter[str]):
    """Calls that failed, by what they were."""

    def spared(self, what: str, call: Callable[[], T]) -> T | None:
        """The call's answer; None when there is none now, or no memory."""
        try:
            return call()
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno not in NO_MEMORY:
                raise
            self[what] += 1
            return None


class Half:
    """One end of a transfer: what it sends on the stream, and what it has to receive.

    The stream is there for it once it has sent something, if it ``begins``, or received something.
    """

    def __init__(
        self, sock: TquicSocket, out: bytes, wanted: bytes, tally: Failures, *, begins: bool
    ) -> None:
        self.sock, self._out, self._wanted, self._tally = sock, memoryview(out), wanted, tally
        self._sent = self._got = 0
        self._fin_sent = self.fin_seen = False
        self._there = begins
        self.error: OSError | None = None
        self.over = False

    @property
    def done(self) -> bool:
        """All has come, or the connection has ended."""
        return self.over or (self.fin_seen and self._fin_sent)

    def work(self, stream: int) -> bool:
        """Send and receive what goes now; whether anything did."""
        moved = False
        try:
            if self._there and not self._fin_sent:
                moved |= self._send(stream)
            while not self.over and self._tally.spared("receive", lambda: self._receive(stream)):
                moved = True
        except OSError as error:
            self.error, self.over = error, True
        return moved

    def _send(self, stream: int) -> bool:
        piece = self._out[self._sent : self._sent + PIECE]
        fin = self._sent + len(piece) == len(self._out)
        taken = self._tally.spared("send", lambda: self.sock.send_stream(stream, piece, fin=fin))
        if taken is None:
            return False
        self._sent += taken
        self._fin_sent = fin and taken == len(piece)
        return True

    def _receive(self, stream: int) -> bool:
        message = self.sock.recv_message()
        if message is None:
            self.over = True
        elif isinstance(message, StreamData) and message.stream_id == stream:
            end = self._got + len(message.data)
            assert message.data == self._wanted[self._got : end], "wrong bytes"
            self._got = end
            self._there = True
            if message.fin:
                assert end == len(self._wanted), "bytes are missing"
                self.fin_seen = True
        return True

    def judge(self) -> str:
        """All bytes, or an end of the connection that says why."""
        if self.fin_seen and self._fin_sent:
            return "whole"
        info = self.sock.info()
        assert info.state >= State.CLOSING, f"neither whole nor over: {self.error}"
        code = self.sock.close_info().error_code
        assert self.error or code, "over without an error"
        return f"error {self.error.errno if self.error else 0}, code {code:#x}"


class Plan(NamedTuple):
    """How often allocations fail, and which."""

    per_mille: int
    atomic_only: bool


SHORT: Final = (Plan(20, False), Plan(100, True))
LONG: Final = tuple(
    Plan(rate, atomic) for rate in (2, 10, 30, 100, 300) for atomic in (False, True)
)


@pytest.fixture(name="long")
def _long(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--long"))


@pytest.fixture(name="faults")
def _faults() -> Iterator[Faults]:
    assert available()
    with Faults() as faults:
        yield faults


@pytest.fixture(name="lab")
def _lab(make_lab: LabMaker) -> TwoLinks:
    return make_lab(PLAIN, PLAIN)


@pytest.fixture(autouse=True)
def _nothing_left(lab: TwoLinks) -> Iterator[None]:
    """A fresh connection works after each test, and leaves nothing, as the others do."""
    yield
    with Keyed(lab) as keyed, keyed.join() as ends:
        carry(ends)
    nothing_left(lab)


def options() -> Options:
    """Of connections that do not linger."""
    return Options(config=Config.of(idle_timeout_ms=IDLE_MS, max_datagram_bytes=65535))


def path_work(lab: TwoLinks, netlink: TquicNetlink, token: int) -> Iterator[Callable[[], object]]:
    """Operations of the netlink family on a connection, forever."""
    second = lab.client_address(1)

    def drop() -> None:
        for path in netlink.paths(token):
            if path.path_id:
                netlink.del_path(token, path.path_id)

    while True:
        yield lambda: netlink.set_path(token, 0, weight=7)
        yield lambda: netlink.set_path(token, 0, backup=True)
        yield netlink.connections
        yield drop
        yield lambda: netlink.set_connection(token, scheduler="ecf", congestion="bbr")
        yield lambda: netlink.add_path(token, second)
        yield lambda: netlink.set_path(token, 0, backup=False)
        yield netlink.registry
        yield lambda: netlink.set_connection(token, scheduler="minrtt", congestion="cubic")


def odd_jobs(ends: Ends) -> Iterator[Callable[[], object]]:
    """Other things programs do with a connection meanwhile."""
    while True:
        for sock in ends:
            yield lambda sock=sock: sock.send_datagram(b"datagram")
            yield lambda sock=sock: sock.send_new(b"another stream", fin=True)
            yield lambda sock=sock: sock.send_new(b"one way", uni=True)
            yield sock.update_keys
            yield sock.paths
            yield sock.info


def transfer(lab: TwoLinks, ends: Ends, plan: Plan, faults: Faults, size: int) -> list[str]:
    """Bytes both ways over two paths while allocations fail; then with all memory there is."""
    tally = Failures()
    up, down = DATA[:size], DATA[size : 2 * size]
    stream = ends.client.open_stream()
    halves = (
        Half(ends.client, up, down, tally, begins=True),
        Half(ends.server, down, up, tally, begins=False),
    )
    with opened(lab.client) as netlink:
        token = ends.client.info().token
        jobs = (path_work(lab, netlink, token), odd_jobs(ends))
        with faults.some(plan.per_mille, atomic_only=plan.atomic_only):
            run(halves, stream, 8.0, lambda: [do(next(job), tally) for job in jobs])
    run(halves, stream, STALL_S, lambda: None)
    ended = [half.judge() for half in halves]
    print(plan, ended, dict(tally), flush=True)
    return ended


def do(job: Callable[[], object], tally: Failures) -> None:
    """One of the jobs; that the connection is over is for the transfer to tell."""
    try:
        tally.spared("job", job)
    except OSError as error:
        tally[errno.errorcode[error.errno or 0]] += 1


def run(
    halves: tuple[Half, Half], stream: int, stall_s: float, meanwhile: Callable[[], object]
) -> None:
    """Until all is over, or nothing has happened for so long."""
    moved_s = job_s = time.monotonic()
    while not all(half.done for half in halves):
        now = time.monotonic()
        if sum(half.work(stream) for half in halves if not half.over):
            moved_s = now
        else:
            waiting = [half.sock for half in halves if not half.over]
            select.select(waiting, [], [], 0.05)
        if now - job_s > 0.1:
            job_s = now
            meanwhile()
        if now - moved_s > stall_s:
            return


def test_transfers(lab: TwoLinks, faults: Faults, long: bool) -> None:
    """Several connections in turn, at several rates."""
    size = len(DATA) // (2 if long else 8)
    results: Counter[str] = Counter()
    with Keyed(lab, options()) as keyed:
        for plan in LONG if long else SHORT:
            before = {kind: faults.hits(kind) for kind in KINDS}
            for _ in range(2 if long else 1):
                with keyed.join() as ends:
                    add_paths(ends.client, [PathSpec(lab.client_address(1))])
                    wait_active(ends.client, 2)
                    results.update(transfer(lab, ends, plan, faults, size))
            hits = {kind: faults.hits(kind) - before[kind] for kind in KINDS}
            print(plan, hits, flush=True)
            assert hits["failslab"] > 0
    print(dict(results))
    assert results["whole"]


def test_key_updates(lab: TwoLinks, faults: Faults) -> None:
    """Keys find no memory when an update makes them due, and are made later."""
    with Keyed(lab) as keyed, keyed.join() as ends:

        def updated() -> bool:
            carry(ends)
            try:
                ends.client.update_keys()
            except OSError as error:
                assert error.errno in (errno.EAGAIN, errno.EBUSY, errno.ENOTCONN)
                return False
            return True

        before = faults.total()
        with faults.workers():
            wait_for(updated)
            ends.client.send_new(b"The server cannot answer yet.", uni=True)
            time.sleep(1)
        assert faults.total() > before
        wait_for(updated)
        carry(ends)


def test_each_allocation(lab: TwoLinks, faults: Faults, long: bool) -> None:
    """One after the other fails alone: the call that needed it says so, or all goes well."""

    def attempt(number: int) -> str:
        try:
            with faults.nth(number):
                one_connection(lab)
        except (OSError, TquicError) as error:
            return no_memory(error)
        finally:
            with opened(lab.client) as netlink:
                netlink.flush_endpoints()
        return WORKS

    each(faults, 1 if long else 41, attempt)


def each(faults: Faults, step: int, attempt: Callable[[int], str]) -> None:
    """Have every ``step``-th allocation fail, until there are no more of them."""
    results: Counter[str] = Counter()
    for number in itertools.count(1, step):
        before = faults.total()
        try:
            result = attempt(number)
        except BaseException as error:
            error.add_note(f"when allocation {number} failed")
            raise
        if faults.total() == before:
            break
        print(number, result, flush=True)
        results[result] += 1
    print(number, "allocations", dict(results))
    assert result == WORKS
    assert len(results) > 1


def one_connection(lab: TwoLinks) -> None:
    """All calls it takes."""
    with (
        Keyed(lab, options()) as keyed,
        keyed.join() as ends,
        opened(lab.client) as netlink,
    ):
        token = ends.client.info().token
        wait_confirmed(netlink, token)
        netlink.add_path(token, lab.client_address(1))
        wait_active(ends.client, 2)
        carry(ends)
        ends.client.send_datagram(b"datagram")
        ends.client.update_keys()
        ends.client.stream_socket(ends.client.open_stream()).close()
        netlink.set_connection(token, scheduler="ecf", congestion="bbr")
        netlink.set_path(token, 0, weight=7)
        netlink.add_endpoint(Endpoint(addr=lab.client_address(1)))
        assert netlink.connections() and netlink.paths(token) and netlink.endpoints()
        ends.server.close_with(7, reason="enough")


def no_memory(error: BaseException) -> str:
    """What kind of error that was: one that blames the memory, or the test fails."""
    cause: BaseException | None = error
    while cause and not (isinstance(cause, OSError) and cause.errno in NO_MEMORY):
        cause = cause.__cause__
    if not cause:
        raise error
    return str(cause)


def test_module_init(lab: TwoLinks, faults: Faults, long: bool) -> None:
    """Last, as nothing may hold the module: it comes whole or not at all."""

    def attempt(number: int) -> str:
        done = subprocess.run(
            ["insmod", str(module_file())],
            preexec_fn=lambda: faults.arm(number),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            assert any(os.strerror(code) in done.stderr for code in NO_MEMORY), done.stderr
            return "refused"
        remove_module()
        return WORKS

    remove_module()
    try:
        each(faults, 1 if long else 41, attempt)
    finally:
        insert_module()
