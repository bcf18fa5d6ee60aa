# SPDX-License-Identifier: GPL-2.0
"""Every event, on netlink and on sockets: told with what it says, and not to who may not know.

One life of a connection makes nearly all of them happen while several listen. The events come from
the spec and the ABI: one that has no row here fails the tests.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from conftest import LabMaker
from family import SCHEMAS, SPEC
from running import Certificates, opened, wait_active, wait_for
from test_agent import connecting, handshake, playing
from test_sysctl import LINKS, Bench, Ends

from tquic.genl import Message, decode
from tquic.lab import Namespace
from tquic.netlink import Command, TquicNetlink
from tquic.sock import TquicSocket
from tquic.uapi import (
    BondState,
    CloseFlag,
    Deadline,
    Event,
    EventType,
    Migrated,
    PathFlag,
    PathState,
    RecvMask,
    State,
)

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

#: Events of the spec: their attributes.
TOLD = {
    Command[item["name"].replace("-", "_").upper()]: (
        SCHEMAS[item["attribute-set"]],
        {name.replace("-", "_") for name in item["event"]["attributes"]},
    )
    for item in SPEC["operations"]["list"]
    if "event" in item
}
BOTH = RecvMask.CRYPTO | RecvMask.EVENT


class Ear:
    """Listens to a group in a namespace, or to none, and keeps all that comes."""

    def __init__(self, netlink: TquicNetlink, group: str | None = "events") -> None:
        self._netlink = netlink
        if group:
            netlink.family.join(group)
        self.heard: list[tuple[Command, dict[str, Any]]] = []

    def listen(self) -> None:
        """Take in what there is."""
        with contextlib.suppress(BlockingIOError):
            while True:
                for message in self._netlink.family.notifications(wait=False):
                    self._keep(message)

    def _keep(self, message: Message) -> None:
        command = Command(message.command)
        self.heard.append((command, decode(message.attributes, TOLD[command][0])))

    def of(self, command: Command, token: int) -> list[dict[str, Any]]:
        """The events of one kind about a connection."""
        self.listen()
        return [
            values for kind, values in self.heard if kind == command and values["token"] == token
        ]


@dataclass
class Life:
    """What was heard during the life of a connection, and what it was about."""

    ears: dict[str, Ear]
    tokens: dict[str, int] = field(default_factory=dict)
    sockets: dict[str, list[Event]] = field(default_factory=lambda: {"client": [], "server": []})
    silent: list[Event] = field(default_factory=list)
    path_id: int = 0

    def told(self, side: str, command: Command) -> dict[str, Any]:
        """The first event of a kind that a side was told about this connection."""
        found = self.ears[side].of(command, self.tokens[side])
        assert found, f"the {side} was not told of {command.name}"
        return found[0]

    def events(self, side: str, kind: EventType) -> list[tuple[int, int]]:
        """Id and code of the events of one kind that a side's socket told."""
        return [(item.id, item.error_code) for item in self.sockets[side] if item.type == kind]


def take(sock: TquicSocket, into: list[Event]) -> None:
    """Read what there is, and keep the events."""
    with contextlib.suppress(BlockingIOError, ConnectionError, BrokenPipeError):
        while (message := sock.recv_message()) is not None:
            if isinstance(message, Event):
                into.append(message)


def until(life: Life, ends: Ends, done: Callable[[], bool]) -> None:
    """Read on until something has happened."""

    def look() -> bool:
        take(ends.client, life.sockets["client"])
        take(ends.server, life.sockets["server"])
        for ear in life.ears.values():
            ear.listen()
        return done()

    wait_for(look)


def retried(step: Callable[[], object]) -> Callable[[], bool]:
    """A step that may have to wait for ids of the peer."""

    def tried() -> bool:
        try:
            step()
        except BlockingIOError:
            return False
        return True

    return tried


def live(bench: Bench, life: Life, ends: Ends) -> None:
    """A connection gets a path, loses and finds it, moves it, gives it up, and is closed."""
    lab, client = bench.lab, ends.client
    heard = lambda kind, side="client": bool(life.events(side, kind))  # noqa: E731
    second = lab.client_address(1)
    until(life, ends, retried(lambda: client.add_path(second)))
    until(life, ends, lambda: heard(EventType.PATH_VALIDATED))
    wait_active(client, 2)
    life.path_id = max(path.path_id for path in client.paths())
    client.set_path_status(life.path_id, backup=True)
    until(life, ends, lambda: heard(EventType.PATH_STATUS, "server"))
    lab.device_down(1)
    try:
        until(life, ends, lambda: heard(EventType.PATH_SUSPECT))
    finally:
        lab.device_up(1)
    until(life, ends, lambda: heard(EventType.PATH_RECOVERED))
    until(life, ends, retried(lambda: client.move_path(0, second)))
    until(life, ends, lambda: heard(EventType.PATH_MIGRATED))
    until(life, ends, lambda: heard(EventType.PATH_MIGRATED, "server"))
    client.del_path(life.path_id, 7)
    until(life, ends, lambda: heard(EventType.PATH_ABANDONED))
    until(life, ends, lambda: heard(EventType.PATH_ABANDONED, "server"))
    stream = client.open_stream()
    client.send_stream(stream, b"x")
    client.reset_stream(stream, 11)
    client.stop_stream(stream, 12)
    until(life, ends, lambda: heard(EventType.STREAM_RESET, "server"))
    until(life, ends, lambda: heard(EventType.STREAM_STOP, "server"))
    client.send_new(b"late", fin=True, deadline=Deadline.of(1e-9, drop=True, code=9))
    until(life, ends, lambda: heard(EventType.STREAM_LATE))
    # More than there is room for, while nobody reads.
    for _ in range(70):
        client.send_stream(late := client.open_stream(), b"x")
        client.reset_stream(late, 13)
    wait_for(lambda: _quiet(ends))
    client.close_with(42, reason="enough")
    until(life, ends, lambda: heard(EventType.CLOSED, "server") and heard(EventType.CLOSED))


def _quiet(ends: Ends) -> bool:
    """Nothing is under way any more."""
    time.sleep(0.5)
    return not any(path.in_flight_bytes for path in ends.client.paths())


@pytest.fixture(scope="module")
def life(make_lab: LabMaker, certificates: Certificates) -> Iterator[Life]:
    """The events of one life, and what others heard meanwhile."""
    lab = make_lab(*LINKS)
    bench = Bench(lab, certificates)
    with contextlib.ExitStack() as held:

        def ear(space: Namespace, group: str | None = "events") -> Ear:
            return Ear(held.enter_context(opened(space)), group)

        elsewhere = Namespace("tq-elsewhere")
        held.callback(elsewhere.close)
        made = Life(
            {
                "client": ear(lab.client),
                "server": ear(lab.server),
                "other group": ear(lab.client, "handshake"),
                "no group": ear(lab.client, None),
                "elsewhere": ear(elsewhere),
            }
        )
        with bench.joined() as deaf, bench.joined(recv_mask=BOTH) as ends:
            for sock in deaf:
                take(sock, made.silent)
            made.tokens = {
                side: sock.info().token
                for side, sock in zip(("client", "server"), ends, strict=True)
            }
            live(bench, made, ends)
            deaf.client.close_with(1)
            for sock in deaf:
                take(sock, made.silent)
        for one in made.ears.values():
            one.listen()
        yield made


# --- netlink


def _is(life: Life, side: str, command: Command, **wanted: Any) -> None:
    values = life.told(side, command)
    assert {name: values.get(name) for name in wanted} == wanted


def _established(life: Life) -> None:
    for side in ("client", "server"):
        _is(life, side, Command.CONN_ESTABLISHED, state=State.ESTABLISHED, paths=1)


def _closed(life: Life) -> None:
    both = {"error_code": 42, "reason": b"enough", "frame_type": 0}
    _is(life, "client", Command.CONN_CLOSED, close_flags=CloseFlag.APP, **both)
    flags = CloseFlag.APP | CloseFlag.PEER
    _is(life, "server", Command.CONN_CLOSED, close_flags=flags, **both)


def _validated(life: Life) -> None:
    _is(life, "client", Command.PATH_VALIDATED, path_id=life.path_id, state=PathState.ACTIVE)
    local = life.told("client", Command.PATH_VALIDATED)["local"]
    assert local["ip4"] == "10.66.1.1"


def _suspect(life: Life) -> None:
    wanted = {"path_id": life.path_id, "flags": PathFlag.BACKUP}
    _is(life, "client", Command.PATH_SUSPECT, state=PathState.SUSPECT, **wanted)


def _recovered(life: Life) -> None:
    _is(life, "client", Command.PATH_RECOVERED, path_id=life.path_id, state=PathState.ACTIVE)


def _migrated(life: Life) -> None:
    _is(life, "server", Command.PATH_MIGRATED, path_id=0)
    assert life.told("server", Command.PATH_MIGRATED)["peer"]["ip4"] == "10.66.1.1"


def _abandoned(life: Life) -> None:
    for side in ("client", "server"):
        wanted = {"path_id": life.path_id, "error_code": 7}
        _is(life, side, Command.PATH_ABANDONED, state=PathState.ABANDONED, **wanted)


def _bond(life: Life) -> None:
    seen = life.ears["client"].of(Command.BOND_CHANGED, life.tokens["client"])
    steps = [(item["bond"]["previous"], item["bond"]["state"]) for item in seen]
    assert (BondState.BONDED, BondState.DEGRADED) in steps
    assert steps[0] == (BondState.SINGLE_PATH, BondState.PENDING)


def _ready(_life: Life) -> None:
    """Told in test_an_agent_is_told, which has an agent."""


NETLINK: dict[Command, Callable[[Life], None]] = {
    Command.CONN_ESTABLISHED: _established,
    Command.CONN_CLOSED: _closed,
    Command.PATH_VALIDATED: _validated,
    Command.PATH_SUSPECT: _suspect,
    Command.PATH_RECOVERED: _recovered,
    Command.PATH_MIGRATED: _migrated,
    Command.PATH_ABANDONED: _abandoned,
    Command.BOND_CHANGED: _bond,
    Command.HANDSHAKE_READY: _ready,
}


def test_every_event_of_the_spec_is_listened_for() -> None:
    assert set(NETLINK) == set(TOLD)


@pytest.mark.parametrize("command", list(TOLD), ids=lambda command: command.name)
def test_it_is_told(life: Life, command: Command) -> None:
    NETLINK[command](life)
    schema, named = TOLD[command]
    for side, token in life.tokens.items():
        for values in life.ears[side].of(command, token):
            assert named - {"server_name", "alpn"} <= set(values) <= named, schema


@pytest.mark.parametrize("who", ["other group", "no group", "elsewhere"])
def test_who_did_not_ask_is_not_told(life: Life, who: str) -> None:
    assert life.ears[who].heard == []


def test_who_may_not_listen(life: Life) -> None:
    """The groups need CAP_NET_ADMIN: test_each_takes_an_administrator; and they have names."""
    with TquicNetlink() as netlink, pytest.raises(OSError) as caught:
        netlink.family.join("rumours")
    assert caught.value.errno == errno.ENOENT


def test_an_agent_is_told(make_lab: LabMaker) -> None:
    lab = make_lab(*LINKS)
    elsewhere = Namespace("tq-apart")
    try:
        with (
            opened(lab.client) as near,
            opened(lab.client) as apart,
            opened(elsewhere) as far,
            playing(lab.client) as queue,
            connecting(lab.client, lab.server_address(0, port=4574)),
        ):
            ears = [Ear(near, "handshake"), Ear(far, "handshake"), Ear(apart)]
            with connecting(lab.client, lab.server_address(0, port=4575)) as (later, _):
                mine = TquicSocket(later)
                # The thread that connects may not have come to it yet.
                wait_for(lambda: mine.info().token != 0)
                token = mine.info().token
                wait_for(lambda: bool(ears[0].of(Command.HANDSHAKE_READY, token)))
                for _ in range(2):
                    os.close(handshake(queue).fd)
            for ear in ears[1:]:
                ear.listen()
                assert not [kind for kind, _ in ear.heard if kind == Command.HANDSHAKE_READY]
    finally:
        elsewhere.close()


# --- sockets

#: Event -> whose socket tells it, what one of them says: id and code; None is anything.
SOCKETS: dict[EventType, tuple[str, Callable[[Life], tuple[int | None, int | None]]]] = {
    EventType.ESTABLISHED: ("server", lambda _life: (0, 0)),
    EventType.CLOSED: ("server", lambda _life: (None, 42)),
    EventType.PATH_VALIDATED: ("client", lambda life: (life.path_id, 0)),
    EventType.PATH_SUSPECT: ("client", lambda life: (life.path_id, 0)),
    EventType.PATH_RECOVERED: ("client", lambda life: (life.path_id, 0)),
    EventType.PATH_ABANDONED: ("server", lambda life: (life.path_id, 7)),
    EventType.PATH_STATUS: ("server", lambda life: (life.path_id, PathFlag.BACKUP)),
    EventType.PATH_MIGRATED: ("client", lambda _life: (0, Migrated.ADDRESS)),
    EventType.BOND: ("client", lambda _life: (BondState.DEGRADED, BondState.BONDED)),
    EventType.STREAM_RESET: ("server", lambda _life: (0, 11)),
    EventType.STREAM_STOP: ("server", lambda _life: (0, 12)),
    EventType.STREAM_LATE: ("client", lambda _life: (4, 9)),
    EventType.LOST: ("server", lambda _life: (None, None)),
}


def test_every_event_of_the_abi_is_listened_for() -> None:
    assert set(SOCKETS) == set(EventType)


@pytest.mark.parametrize("kind", list(EventType), ids=lambda kind: kind.name)
def test_the_socket_tells(life: Life, kind: EventType) -> None:
    side, wanted = SOCKETS[kind]
    number, code = wanted(life)
    found = life.events(side, kind)
    assert any(
        (number is None or item[0] == number) and (code is None or item[1] == code)
        for item in found
    ), found
    if kind == EventType.LOST:
        assert all(0 < lost < 200 for _, lost in found)


def test_a_socket_that_did_not_ask_tells_nothing(life: Life) -> None:
    assert life.silent == []
