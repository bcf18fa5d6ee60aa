# SPDX-License-Identifier: GPL-2.0
"""Every operation of the netlink family refuses what it should, with words and what is to blame.

The errors come from the documentation, the attributes from the spec: what has no row here fails
the tests, and so does a row that is not documented.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from family import OPS, SECOND, SPEC, Op, World, spec_of
from running import as_nobody, wait_for

from tquic.genl import BYTES, UINT, Kind, Schema
from tquic.netlink import NetlinkError

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

TEXT_OF_ERRORS = (
    Path(__file__).resolve().parents[2] / "Documentation/networking/tquic-netlink.rst"
).read_text()
NOBODYS = 2**31 - 2
BUSY_PORT = 4570


class Refusal(NamedTuple):
    """A request, the error, and the attribute that is to blame: the offset or the one missing."""

    op: str
    values: dict[str, Any]
    code: int
    attribute: str | None


_HERE = {"ip4": SECOND}
_ABSENT = {"ip4": "192.0.2.99"}
_ANY = {"ip4": "0.0.0.0"}
_NOWHERE = {"ip4": "203.0.113.9", "port": 9}
_GROUP = {"ip4": "224.0.0.1"}
_BOTH = {"ip4": SECOND, "ip6": "::1"}


def _no_connection() -> Iterator[Refusal]:
    """What all operations on one connection refuse."""
    rest: dict[str, dict[str, Any]] = {
        "conn-get": {},
        "conn-set": {"scheduler": "ecf"},
        "path-get": {"path_id": 0},
        "path-add": {"local": _HERE},
        "path-del": {"path_id": 0},
        "path-set": {"path_id": 0, "weight": 1},
    }
    for op, values in rest.items():
        yield Refusal(op, values, errno.EINVAL, "token")
        yield Refusal(op, {"token": NOBODYS, **values}, errno.ENOENT, "token")


def _no_path() -> Iterator[Refusal]:
    """What all operations on one path refuse."""
    rest: dict[str, dict[str, Any]] = {"path-get": {}, "path-del": {}, "path-set": {"weight": 1}}
    for op, values in rest.items():
        yield Refusal(op, {"token": "multi", **values}, errno.EINVAL, "path_id")
        request = {"token": "multi", "path_id": 99, **values}
        yield Refusal(op, request, errno.ENOENT, "path_id")


def _path_add(code: int, attribute: str | None, **values: Any) -> Refusal:
    return Refusal("path-add", {"token": "multi", "local": _HERE, **values}, code, attribute)


def _path_set(code: int, attribute: str | None, **values: Any) -> Refusal:
    return Refusal("path-set", {"token": "multi", "path_id": 0, **values}, code, attribute)


def _conn_set(code: int, attribute: str | None, **values: Any) -> Refusal:
    return Refusal("conn-set", {"token": "multi", **values}, code, attribute)


def _endpoint_add(code: int, attribute: str | None, **values: Any) -> Refusal:
    return Refusal("endpoint-add", {"addr": _ABSENT, **values}, code, attribute)


REFUSALS = [
    *_no_connection(),
    *_no_path(),
    Refusal("path-get dump", {"token": NOBODYS}, errno.ENOENT, "token"),
    _conn_set(errno.EINVAL, None),
    _conn_set(errno.ENOENT, "scheduler", scheduler="min"),
    _conn_set(errno.ENOENT, "scheduler", scheduler="min", congestion="newreno"),
    _conn_set(errno.ENOENT, "congestion", scheduler="ecf", congestion=""),
    _conn_set(errno.EINVAL, "scheduler", scheduler="minrtt" * 3),
    Refusal("path-add", {"token": "multi"}, errno.EINVAL, "local"),
    _path_add(errno.EINVAL, "local", local={}),
    _path_add(errno.EINVAL, "local", local=_BOTH),
    _path_add(errno.EINVAL, "local", local=_GROUP),
    _path_add(errno.EINVAL, "peer", peer=_GROUP),
    _path_add(errno.EAFNOSUPPORT, "peer", peer={"ip6": "2001:db8::1", "port": 9}),
    _path_add(errno.EADDRNOTAVAIL, "local", local=_ABSENT),
    _path_add(errno.EADDRINUSE, "local", local={"ip4": SECOND, "port": BUSY_PORT}),
    _path_add(errno.ENODEV, "ifindex", ifindex=4711),
    _path_add(errno.ENETUNREACH, "local", local=_ANY, peer=_NOWHERE),
    _path_add(errno.EOPNOTSUPP, None, token="plain"),
    _path_add(errno.EOPNOTSUPP, None, token="served", local={"ip4": "10.66.1.2"}),
    _path_add(errno.EAGAIN, None, token="full"),
    _path_add(errno.EPERM, None, token="fixed"),
    _path_add(errno.ENOTCONN, None, token="begun"),
    Refusal("path-del", {"token": "multi", "path_id": 0}, errno.EBUSY, "path_id"),
    Refusal("path-del", {"token": "multi", "path_id": "gone"}, errno.EALREADY, "path_id"),
    Refusal("path-del", {"token": "plain", "path_id": 0}, errno.EOPNOTSUPP, None),
    Refusal("path-del", {"token": "begun", "path_id": 0}, errno.ENOTCONN, None),
    _path_set(errno.EINVAL, None),
    _path_set(errno.ERANGE, "weight", weight=1001),
    _path_set(errno.ERANGE, "rate_cap", rate_cap=10**12 + 1),
    _path_set(errno.EALREADY, "path_id", path_id="gone", flags=0),
    _path_set(errno.EOPNOTSUPP, "flags", token="plain", flags=1),
    _path_set(errno.ENOTCONN, None, token="begun", weight=1),
    Refusal("handshake-accept", {}, errno.EAGAIN, None),
    Refusal("endpoint-add", {}, errno.EINVAL, "addr"),
    _endpoint_add(errno.EINVAL, "flags", flags=2),
    _endpoint_add(errno.EINVAL, "flags", flags=8),
    _endpoint_add(errno.EINVAL, "addr", addr={}),
    _endpoint_add(errno.EINVAL, "addr", addr=_BOTH),
    _endpoint_add(errno.EINVAL, "addr", addr=_GROUP),
    _endpoint_add(errno.EINVAL, "addr", addr=_ANY),
    _endpoint_add(errno.EINVAL, "addr", addr={"ip6": "::"}),
    _endpoint_add(errno.EINVAL, "addr", addr={"ip6": "fe80::1"}),
    _endpoint_add(errno.ENODEV, "ifindex", ifindex=4711),
    _endpoint_add(errno.EEXIST, "addr", addr={"ip4": "192.0.2.7"}),
    _endpoint_add(errno.EEXIST, "id", id=7),
    _endpoint_add(errno.ENOSPC, None),
    Refusal("endpoint-get", {}, errno.EINVAL, "id"),
    Refusal("endpoint-get", {"id": 6}, errno.ENOENT, "id"),
    Refusal("endpoint-get", {"id": 8}, errno.ENOENT, "id"),
    Refusal("endpoint-del", {}, errno.EINVAL, "id"),
    Refusal("endpoint-del", {"id": 6}, errno.ENOENT, "id"),
    Refusal("endpoint-del", {"id": 8}, errno.ENOENT, "id"),
    _endpoint_add(errno.ERANGE, "id", id=256),
    Refusal("limits-set", {"extra_paths": 16}, errno.ERANGE, "extra_paths"),
    Refusal("limits-set", {"endpoints": 0, "extra_paths": 2}, errno.EBUSY, "endpoints"),
]


class Answer(NamedTuple):
    """An error as it came."""

    code: int | None
    attribute: str | None


def refused(call: Callable[[], object]) -> Answer:
    """The error of a call, which has words of its own."""
    with pytest.raises(NetlinkError) as caught:
        call()
    error = caught.value
    assert error.errno is not None
    assert error.strerror not in ("", os.strerror(error.errno)), "it is not explained"
    return Answer(error.errno, error.attribute)


@contextlib.contextmanager
def prepared(world: World, row: Refusal) -> Iterator[dict[str, Any]]:
    """The request of a row, and what has to be there for it to be refused."""
    values = dict(row.values)
    before = world.netlink.limits()
    with contextlib.ExitStack() as held:
        if row.op.startswith(("endpoint", "limits")):
            held.callback(world.netlink.set_limits, endpoints=before.endpoints)
            held.callback(world.netlink.flush_endpoints)
            world.ask("endpoint-add", {"id": 7, "addr": {"ip4": "192.0.2.7"}})
        if row.code == errno.ENOSPC:
            world.netlink.set_limits(endpoints=1)
        if row.code == errno.EADDRINUSE:
            with world.lab.client.entered():
                busy = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            busy.bind((SECOND, BUSY_PORT))
        if values.get("path_id") == "gone":
            values["path_id"] = world.add_path()
            world.drop_path(values["path_id"])
        yield values


def _label(row: Refusal) -> str:
    return "-".join((row.op.replace(" ", "-"), errno.errorcode[row.code], row.attribute or "none"))


@pytest.mark.parametrize("row", REFUSALS, ids=_label)
def test_it_is_refused(world: World, row: Refusal) -> None:
    with prepared(world, row) as values:
        limits, endpoints = world.netlink.limits(), world.netlink.endpoints()
        answer = refused(lambda: world.ask(row.op, values))
        assert answer == (row.code, row.attribute)
        assert (world.netlink.limits(), world.netlink.endpoints()) == (limits, endpoints)
    sock = world.sock("multi")
    assert (sock.scheduler, sock.congestion) == ("ecf", "cubic")
    wait_for(lambda: [path.path_id for path in sock.paths()] == [0])


def documented() -> Iterator[tuple[bool, int]]:
    """Errors the documentation names; whether each is one of endpoints and limits."""
    ours, manager = TEXT_OF_ERRORS.split("and for endpoints and limits")
    for is_manager, text in ((False, ours), (True, manager)):
        for name in re.findall(r"^``(E[A-Z]+)``  ", text, re.MULTILINE):
            yield is_manager, getattr(errno, name)


def test_every_documented_error_has_a_row() -> None:
    rows = {(row.op.startswith(("endpoint", "limits")), row.code) for row in REFUSALS}
    assert rows == set(documented())


# --- what the kernel refuses by the spec


BOGUS = 199
_SHORT = Kind(lambda _value: b"\1", lambda data: data)


def damaged(op: Op) -> Iterator[tuple[str, dict[str, Any], Schema, frozenset[int]]]:
    """Requests with one attribute that the spec does not allow: its name, values, how to write.

    An operation that takes none has no policy, and generic netlink ignores what comes with it.
    """
    if not op.attributes:
        return
    unknown = {**op.schema, "bogus": (BOGUS, UINT)}
    yield "bogus", {"bogus": 1}, unknown, frozenset({errno.EINVAL})
    bad = frozenset({errno.EINVAL, errno.ERANGE})
    for name, (number, _kind) in op.schema.items():
        if name not in op.attributes:
            yield name, {name: b"\1\0\0\0"}, {**op.schema, name: (number, BYTES)}, bad
            continue
        yield name, {name: b""}, {**op.schema, name: (number, _SHORT)}, bad
        item = spec_of(op, name)
        for value in _out_of_range(item):
            yield name, {name: value}, {**op.schema, name: (number, UINT)}, bad


def _out_of_range(item: dict[str, Any]) -> Iterator[int]:
    """Numbers that the checks of an attribute exclude."""
    checks = item.get("checks", {})
    if isinstance(checks.get("min"), int):
        yield (checks["min"] - 1) & 0xFFFF_FFFF
    if "max" in checks:
        yield 1 + (2**31 - 1 if checks["max"] == "s32-max" else checks["max"])
    if "enum" in item:
        kind = next(entry for entry in SPEC["definitions"] if entry["name"] == item["enum"])
        yield 1 << len(kind["entries"])


@pytest.mark.parametrize("op", list(OPS))
def test_attributes_are_as_the_spec_says(world: World, op: str) -> None:
    rest = {"token": "multi"} if "token" in OPS[op].attributes else {}
    for name, wrong, schema, codes in damaged(OPS[op]):
        values = {**rest, **wrong}
        answer = refused(lambda values=values, schema=schema: world.ask(op, values, schema))
        assert answer.code in codes, (name, values, answer)
        assert answer.attribute == name, (name, values, answer)


def test_parts_of_addresses_are_as_the_spec_says(world: World) -> None:
    for op, name in (("path-add", "local"), ("path-add", "peer"), ("endpoint-add", "addr")):
        number, kind = OPS[op].schema[name]
        assert kind.schema is not None
        for part, (inner, _) in kind.schema.items():
            short = {**kind.schema, part: (inner, _SHORT)}
            nested = Kind(kind.pack, kind.unpack, short)
            data = bytes((5, 0, inner, 0, 1, 0, 0, 0))
            wrong = Kind(lambda _value, data=data: data, kind.unpack, nested.schema)
            schema = {**OPS[op].schema, name: (number, wrong)}
            values = {"token": "multi", name: {}} if op == "path-add" else {name: {}}
            answer = refused(lambda op=op, v=values, s=schema: world.ask(op, v, s))
            assert answer.code in (errno.EINVAL, errno.ERANGE)
            assert answer.attribute == f"{name}.{part}"


_ASK_ALL = """
import errno, sys
from tquic.genl import Family
family = Family("tquic")
calls = [lambda g=g: family.join(g) for g in ("events", "handshake")]
for word in sys.argv[1:]:
    number, dump = map(int, word.split(":"))
    calls.append(lambda n=number, d=dump: family.request(n, {}, {}, dump=bool(d)))
for index, call in enumerate(calls):
    try:
        call()
    except OSError as error:
        assert error.errno == errno.EPERM, (index, error)
    else:
        raise SystemExit(f"call {index} is allowed")
print(len(calls))
"""


def test_each_takes_an_administrator(world: World) -> None:
    words = [f"{int(op.command)}:{int(op.dump)}" for op in OPS.values()]
    done = world.lab.client.run(as_nobody(_ASK_ALL, *words), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    assert int(done.stdout) == len(OPS) + 2
