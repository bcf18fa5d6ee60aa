# SPDX-License-Identifier: GPL-2.0
"""Every socket option: what it does, and what it refuses.

The options come from the ABI, and which of them can be set or got from the documentation: an
option without a function and a row here fails the tests.
"""

from __future__ import annotations

import contextlib
import errno
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import LabMaker
from running import Certificates, wait_active, wait_for
from test_sysctl import LINKS, Bench, Ends, parameters

from tquic.handshake import Options, listen, new_socket
from tquic.record import Address
from tquic.sock import StreamData, TquicSocket
from tquic.tls import Level, Secret
from tquic.uapi import (
    NO_MULTIPATH,
    CloseFlag,
    Config,
    ConfigMask,
    EarlyState,
    Event,
    EventType,
    HandshakeMode,
    PathFlag,
    PathState,
    Preferred,
    RecvMask,
    SockOpt,
    State,
)

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

_RST = Path(__file__).resolve().parents[2] / "Documentation/networking/tquic-uapi.rst"
PORT = 4580
V2 = 0x6B33_43CF
#: What a server's parameters allow at least: max_data, stream data, streams (RFC 9000 18.2).
REMEMBERED = bytes.fromhex("040480010000060480010000080110")


def documented() -> dict[SockOpt, str]:
    """Options by what the documentation's table says can be done: set, got."""
    found = re.findall(r"^``TQUIC_SOCKOPT_(\w+)`` +(s g|s|g) ", _RST.read_text(), re.MULTILINE)
    return {SockOpt[name]: what.replace(" ", "") for name, what in found}


WAYS = documented()


class Stage:
    """Sockets in each state an option may find one in."""

    def __init__(self, bench: Bench, held: contextlib.ExitStack) -> None:
        self.bench, self._held = bench, held
        self._ends: Ends | None = None

    @property
    def ends(self) -> Ends:
        """An established connection; made once, and left as it was."""
        if self._ends is None:
            self._ends = self._held.enter_context(self.bench.joined())
            self.client.config = Config.of(keepalive_ms=1000)
            wait_for(lambda: bool(self.client.info().confirmed))
        return self._ends

    @property
    def client(self) -> TquicSocket:
        """Its client."""
        assert self._ends is not None
        return self._ends.client

    @contextlib.contextmanager
    def socket(self, where: str) -> Iterator[TquicSocket]:
        """A socket that is new, bound, listens, has begun, or is an end of the connection."""
        if where in ("client", "server"):
            yield getattr(self.ends, where)
        elif where == "begun":
            with self.bench.begun() as sock:
                yield sock
        elif where == "listener":
            with self.bench.server.entered():
                sock = listen(self.bench.lab.server_address(port=PORT), Options())
            with sock:
                yield sock
        else:
            with self.bench.fresh() as sock:
                yield sock


@pytest.fixture(scope="module")
def stage(make_lab: LabMaker, certificates: Certificates) -> Iterator[Stage]:
    """The sockets of this file."""
    with contextlib.ExitStack() as held:
        yield Stage(Bench(make_lab(*LINKS), certificates), held)


# --- what they do

Good = Callable[[Stage], None]
GOOD: dict[SockOpt, Good] = {}


def does(*of: SockOpt) -> Callable[[Good], Good]:
    """The function shows what these options do."""

    def keep(function: Good) -> Good:
        GOOD.update(dict.fromkeys(of, function))
        return function

    return keep


@does(SockOpt.CONFIG)
def _config(stage: Stage) -> None:
    wanted = Config(int(ConfigMask.ALL), 3, 1000, 2000, 3000, 4, 5, 600, 700, 80, 1, 1)
    with stage.socket("new") as sock:
        sock.config = wanted
        assert sock.config == wanted
        sock.config = Config.of(max_path_id=NO_MULTIPATH)
        assert sock.config.max_path_id == NO_MULTIPATH
        assert sock.config.max_data == 2000


@does(SockOpt.HANDSHAKE_MODE)
def _mode(stage: Stage) -> None:
    with stage.bench.client.entered():
        sock = TquicSocket.open()
    with sock:
        assert sock.handshake_mode == HandshakeMode.AGENT
        sock.handshake_mode = HandshakeMode.SELF
        assert sock.handshake_mode == HandshakeMode.SELF
        assert sock.recv_mask & RecvMask.CRYPTO


@does(SockOpt.LOCAL_PARAMS)
def _local_params(stage: Stage) -> None:
    with stage.socket("begun") as sock:
        assert {0x04, 0x0F} <= set(parameters(sock.local_params))


@does(SockOpt.PEER_PARAMS, SockOpt.SECRET, SockOpt.HANDSHAKE_END, SockOpt.INFO)
def _handshake(stage: Stage) -> None:
    client, server = (sock.info() for sock in stage.ends)
    assert client.state == server.state == State.ESTABLISHED
    assert (client.verified, client.server, server.server) == (1, 0, 1)
    assert client.cipher == server.cipher in (0x1301, 0x1302, 0x1303)
    assert client.max_data_peer == server.max_data_local > 0


@does(SockOpt.RECV_MASK)
def _recv_mask(stage: Stage) -> None:
    with stage.bench.joined(recv_mask=RecvMask.CRYPTO | RecvMask.EVENT) as ends:
        message = ends.server.recv_message()
        assert isinstance(message, Event)
        assert message.type == EventType.ESTABLISHED
        ends.server.recv_mask = RecvMask(0)
        assert ends.server.recv_mask == RecvMask(0)
        ends.client.close_with(0)
        wait_for(lambda: ends.server.info().state > State.ESTABLISHED)
        assert ends.server.recv_message() is None


@does(SockOpt.ALPN, SockOpt.SERVER_NAME)
def _names(stage: Stage) -> None:
    with stage.socket("new") as sock:
        assert (sock.alpn, sock.server_name) == ((), "")
        sock.alpn, sock.server_name = ("one", "two"), "server.test"
        assert (sock.alpn, sock.server_name) == (("one", "two"), "server.test")


@does(SockOpt.STREAM_OPEN, SockOpt.STREAM_RESET, SockOpt.STREAM_STOP)
def _streams(stage: Stage) -> None:
    ends = stage.ends
    first, second = ends.client.open_stream(), ends.client.open_stream()
    assert (first & 3, second) == (0, first + 4)
    assert ends.client.open_stream(uni=True) & 3 == 2
    ends.client.send_stream(first, b"x")
    ends.client.reset_stream(first, 11)
    ends.client.stop_stream(first, 12)
    got: list[StreamData] = []

    def come() -> bool:
        with contextlib.suppress(BlockingIOError):
            message = ends.server.recv_message()
            if isinstance(message, StreamData):
                got.append(message)
        return any(item.reset_code is not None for item in got)

    wait_for(come)
    assert (got[-1].stream_id, got[-1].reset_code) == (first, 11)

    def stopped() -> bool:
        try:
            ends.server.send_stream(first, b"x")
        except OSError as error:
            assert error.errno in (errno.EPIPE, errno.ENOENT)  # the latter once it is forgotten
            return True
        return False

    wait_for(stopped)


@does(SockOpt.CLOSE)
def _close(stage: Stage) -> None:
    with stage.bench.joined() as ends:
        ends.client.close_with(42, reason="enough")
        mine = ends.client.close_info()
        assert (mine.error_code, mine.text, mine.flags) == (42, "enough", CloseFlag.APP)
        wait_for(lambda: ends.server.info().state > State.ESTABLISHED)
        told = ends.server.close_info()
        assert (told.error_code, told.text) == (42, "enough")
        assert told.flags == CloseFlag.APP | CloseFlag.PEER


def add_path(client: TquicSocket, local: Address) -> int:
    """A second path of a connection."""
    before = {path.path_id for path in client.paths()}

    def tried() -> bool:
        try:
            client.add_path(local)
        except BlockingIOError:  # no ids yet
            return False
        return True

    wait_for(tried)
    wait_active(client, 2)
    (added,) = {path.path_id for path in client.paths()} - before
    return added


@does(SockOpt.PATH_ADD, SockOpt.PATH_STATUS, SockOpt.PATH_DEL, SockOpt.PATH_INFO)
def _paths(stage: Stage) -> None:
    added = add_path(stage.ends.client, stage.bench.lab.client_address(1))
    path = stage.client.path_info(added)
    assert path.local and path.local.host == stage.bench.lab.client_address(1).host
    assert (path.state, path.flags) == (PathState.ACTIVE, 0)
    stage.client.set_path_status(added, backup=True)
    assert stage.client.path_info(added).flags == PathFlag.BACKUP
    wait_for(lambda: stage.ends.server.path_info(added).peer_flags == PathFlag.BACKUP)
    stage.client.del_path(added, 7)
    assert [path.path_id for path in stage.client.paths()] == [0]


@does(SockOpt.PATH_MOVE)
def _move(stage: Stage) -> None:
    with stage.bench.joined() as ends:
        host = stage.bench.lab.client_address(1)

        def tried() -> bool:
            try:
                ends.client.move_path(0, host)
            except OSError as error:  # no ids yet, or not confirmed
                assert error.errno in (errno.EAGAIN, errno.ENOTCONN)
                return False
            return True

        wait_for(tried)

        def there() -> bool:
            path = ends.client.path_info(0)
            return bool(path.local and path.local.host == host.host)

        wait_for(there)


@does(SockOpt.KEY_UPDATE)
def _key_update(stage: Stage) -> None:
    before = stage.ends.client.info().key_updates

    def tried() -> bool:
        try:
            stage.client.update_keys()
        except OSError as error:
            assert error.errno in (errno.EAGAIN, errno.EBUSY)
            return False
        return True

    wait_for(tried)
    wait_for(lambda: stage.client.info().key_updates == before + 1)


@does(SockOpt.CONGESTION, SockOpt.SCHEDULER)
def _registries(stage: Stage) -> None:
    client = stage.ends.client
    for congestion, scheduler in (("newreno", "minrtt"), ("cubic", "ecf")):
        client.congestion, client.scheduler = congestion, scheduler
        assert (client.congestion, client.scheduler) == (congestion, scheduler)
        assert client.info().congestion == congestion


@does(SockOpt.STREAM_RESET_AT)
def _reset_at(stage: Stage) -> None:
    with stage.bench.joined() as ends:
        stream = ends.client.open_stream()
        ends.client.send_stream(stream, b"kept, not needed")
        ends.client.reset_stream_at(stream, 11, 4)
        got: list[StreamData] = []

        def come() -> bool:
            with contextlib.suppress(BlockingIOError):
                message = ends.server.recv_message()
                if isinstance(message, StreamData):
                    got.append(message)
            return any(item.reset_code is not None for item in got)

        wait_for(come)
        assert b"".join(item.data for item in got)[:4] == b"kept"


@does(SockOpt.STREAM_FD)
def _stream_fd(stage: Stage) -> None:
    with stage.bench.joined() as ends:
        with ends.client.stream_socket(ends.client.open_stream()) as sock:
            assert sock.send(b"alone") == 5
        wait_for(lambda: ends.server.info().bytes_received == 5)


@does(SockOpt.STREAM_PRIORITY)
def _priority(stage: Stage) -> None:
    stream = stage.ends.client.open_stream()
    stage.ends.client.set_priority(stream, 1, incremental=False)
    found = stage.ends.client.priority(stream)
    assert (found.urgency, found.incremental) == (1, 0)


@does(SockOpt.RETRY)
def _retry(stage: Stage) -> None:
    with stage.socket("listener") as sock:
        for value in (True, False):
            sock.retry = value
            assert sock.retry == value


@does(SockOpt.TOKEN)
def _token(stage: Stage) -> None:
    wait_for(lambda: bool(stage.ends.client.token))
    with stage.socket("new") as sock:
        sock.token = stage.client.token


@does(SockOpt.VERSION)
def _version(stage: Stage) -> None:
    with stage.socket("new") as sock:
        assert sock.version == 1
        sock.version = V2
        assert sock.version == V2
    assert stage.ends.client.version == 1


@does(SockOpt.EARLY_PARAMS, SockOpt.EARLY_DATA)
def _early(stage: Stage) -> None:
    with stage.socket("begun") as sock:
        assert sock.early == EarlyState.NONE
        sock.set_early_params(REMEMBERED)
        sock.set_secret(Secret(Level.EARLY, True, 0x1301, bytes(32)))
        assert sock.early == EarlyState.OFFERED
        assert sock.send_new(b"early") == 5
        sock.accept_early()
        assert sock.early == EarlyState.ACCEPTED


@does(SockOpt.PREFERRED)
def _preferred(stage: Stage) -> None:
    wanted = Preferred(v4=Address("192.0.2.1", 1), v6=Address("2001:db8::1", 2))
    with stage.bench.server.entered(), new_socket(socket.AF_INET6, Options()) as sock:
        sock.preferred = wanted
        assert sock.preferred == wanted


def test_every_option_is_shown_and_documented() -> None:
    assert set(GOOD) == set(SockOpt) == set(WAYS)


@pytest.mark.parametrize("option", list(SockOpt), ids=lambda option: option.name)
def test_it_does_what_it_says(stage: Stage, option: SockOpt) -> None:
    GOOD[option](stage)
