# SPDX-License-Identifier: GPL-2.0
"""tquic.genl and tquic.netlink: against the spec, against a kernel in memory, against garbage."""

from __future__ import annotations

import errno
import json
from collections.abc import Sequence
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from fake_netlink import GROUP_ID, Answer, FakeNetlink, Refusal, Reply
from hypothesis import given
from hypothesis import strategies as st

from tquic import cmd_conn, cmd_path, cmd_sched, netlink, nlview, paths
from tquic.errors import UnavailableError
from tquic.genl import BYTES, FD, IP4, IP6, PORT, TEXT, U32, UINT, Family, Kind, decode, encode
from tquic.netlink import (
    BOND,
    CONN,
    ENDPOINT,
    HANDSHAKE,
    LIMITS,
    PATH,
    REGISTRY,
    Bond,
    BondEvent,
    Command,
    ConnClosed,
    ConnEvent,
    ConnFlag,
    EndpointFlag,
    NetlinkError,
    Path,
    PathEvent,
    Registry,
    TquicNetlink,
)
from tquic.record import Address
from tquic.tls import Role
from tquic.uapi import BondState, CloseFlag, PathFlag, PathState, State

SPEC: dict[str, Any] = yaml.safe_load(
    (paths.root() / "Documentation/netlink/specs/tquic.yaml").read_text()
)
TYPES = {"u32": U32, "s32": FD, "uint": UINT, "string": TEXT, "binary": BYTES}


def spec_set(name: str) -> list[dict[str, Any]]:
    (found,) = (item for item in SPEC["attribute-sets"] if item["name"] == name)
    return list(found["attributes"])


def snake(name: str) -> str:
    return str(name.replace("-", "_"))


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("bond", BOND),
        ("conn", CONN),
        ("path", PATH),
        ("handshake", HANDSHAKE),
        ("endpoint", ENDPOINT),
        ("limits", LIMITS),
        ("registry", REGISTRY),
    ],
)
def test_attributes_are_those_of_the_spec(name: str, schema: dict[str, tuple[int, Kind]]) -> None:
    attributes = spec_set(name)
    assert [snake(item["name"]) for item in attributes] == list(schema)
    assert [number for number, _ in schema.values()] == list(range(1, len(attributes) + 1))
    for item in attributes:
        kind = schema[snake(item["name"])][1]
        if item["type"] == "nest":
            assert kind.schema is {"addr": netlink._ADDR, "bond": BOND}[item["nested-attributes"]]
        elif kind is not UINT:  # which reads u32 too
            assert kind is TYPES[item["type"]]
        else:
            assert item["type"] in ("u32", "uint")


def test_addresses_and_commands_are_those_of_the_spec() -> None:
    addr = {snake(item["name"]): index for index, item in enumerate(spec_set("addr"), 1)}
    assert addr == {name: number for name, (number, _) in netlink._ADDR.items()}
    assert [netlink._ADDR[n][1] for n in ("ip4", "ip6", "port", "scope_id")] == [
        IP4,
        IP6,
        PORT,
        U32,
    ]
    names = [snake(item["name"]).upper() for item in SPEC["operations"]["list"]]
    assert names == [command.name for command in Command]
    assert [int(command) for command in Command] == list(range(1, len(names) + 1))
    assert [group["name"] for group in SPEC["mcast-groups"]["list"]] == [
        netlink.EVENTS_GROUP,
        netlink.HANDSHAKE_GROUP,
    ]


@pytest.mark.parametrize(
    ("name", "enum"),
    [("state", State), ("path-state", PathState), ("path-flag", PathFlag),
     ("close-flag", CloseFlag), ("conn-flag", ConnFlag), ("registry", Registry), ("role", Role),
     ("endpoint-flag", EndpointFlag), ("bond-state", BondState)],
)  # fmt: skip
def test_enums_are_those_of_the_spec(name: str, enum: Any) -> None:
    (found,) = (item for item in SPEC["definitions"] if item["name"] == name)
    entries = [item if isinstance(item, str) else item["name"] for item in found["entries"]]
    assert [snake(entry) for entry in entries] == [member.name.lower() for member in enum]
    if enum is Role:
        return
    flags = found["type"] == "flags"
    assert [int(m) for m in enum] == [1 << i if flags else i for i in range(len(entries))]


def test_the_largest_weight_is_that_of_the_spec() -> None:
    (weight,) = (item for item in spec_set("path") if item["name"] == "weight")
    assert weight["checks"] == {"max": netlink.WEIGHT_MAX}


def test_every_operation_is_of_the_administrator() -> None:
    for item in SPEC["operations"]["list"]:
        assert ("event" in item) or item["flags"] == ["uns-admin-perm"], item["name"]


# --- attributes


@given(st.dictionaries(st.sampled_from(["token", "bytes_sent", "max_data_peer"]),
                       st.integers(0, 2**32 - 1)), st.integers(2**32, 2**64 - 1),
       st.text(st.characters(blacklist_characters="\0", codec="utf-8"), max_size=30),
       st.binary(max_size=64), st.ip_addresses(), st.integers(0, 65535))  # fmt: skip
def test_what_is_encoded_is_decoded(
    values: dict[str, Any], big: int, text: str, raw: bytes, host: Any, port: int
) -> None:
    address = {f"ip{host.version}": str(host), "port": port}
    values |= {"bytes_delivered": big, "alpn": text, "reason": raw, "peer": address}
    assert decode(encode(values, CONN), CONN) == values


@given(st.binary(max_size=200))
def test_garbage_is_no_trap(data: bytes) -> None:
    try:
        decode(data, CONN)
    except ValueError:
        return  # an address of the wrong length, which no kernel sends


# --- the family


def family(answer: Answer, **options: Any) -> tuple[TquicNetlink, FakeNetlink]:
    fake = FakeNetlink(answer, **options)
    return TquicNetlink(Family("tquic", raw=fake)), fake


def conn_reply(token: int, command: int = Command.CONN_GET, **values: Any) -> Reply:
    base = {
        "token": token, "state": 3, "flags": int(ConnFlag.VERIFIED), "paths": 2,
        "local": {"ip4": "10.0.0.1", "port": 5000}, "peer": {"ip6": "2001:db8::1", "port": 443},
        "alpn": "h3", "congestion": "cubic", "scheduler": "minrtt", "bytes_sent": 2**40,
        "bond": {"state": 2, "bonded_ns": 2**40, "bonded_entered": 1},
    }  # fmt: skip
    return Reply(command, encode({**base, **values}, CONN))


def path_reply(token: int, path_id: int, command: int = Command.PATH_GET, **values: Any) -> Reply:
    base = {
        "token": token, "path_id": path_id, "state": 2, "flags": 1, "ifindex": 0,
        "local": {"ip4": "10.0.0.1", "port": 5000}, "peer": {"ip4": "10.0.0.2", "port": 443},
    }  # fmt: skip
    return Reply(command, encode({**base, **values}, PATH))


def test_dumps() -> None:
    def answer(command: int, body: bytes, dump: bool) -> Sequence[Reply]:
        assert dump
        if command == Command.CONN_GET:
            assert body == b""
            return [conn_reply(token) for token in range(1, 300)]
        assert command == Command.PATH_GET
        assert decode(body, PATH) == {"token": 7}
        return [path_reply(7, 0, srtt_ns=2**33), path_reply(7, 4)]

    tquic, _ = family(answer)
    conns = tquic.connections()
    assert [conn.token for conn in conns] == list(range(1, 300))
    assert conns[0].local == Address("10.0.0.1", 5000)
    assert conns[0].peer == Address("2001:db8::1", 443)
    assert conns[0].bytes_sent == 2**40
    assert (conns[0].state_name, conns[0].flag_names) == ("established", ("verified",))
    assert conns[0].bond == Bond(state=2, bonded_ns=2**40, bonded_entered=1)
    found = tquic.paths(7)
    assert [(path.path_id, path.srtt_ns, path.backup) for path in found] == [
        (0, 2**33, True),
        (4, 0, True),
    ]


def test_path_operations() -> None:
    seen: list[tuple[int, dict[str, Any]]] = []

    def answer(command: int, body: bytes, dump: bool) -> Sequence[Reply]:
        assert not dump
        seen.append((command, decode(body, PATH)))
        values = {"token": 5, "path_id": 3, "state": 2, "flags": 2}
        tells = (Command.PATH_ADD, Command.PATH_GET)
        return [Reply(command, encode(values, PATH))] if command in tells else []

    tquic, _ = family(answer)
    local, peer = Address("fe80::1", 0, 2), Address("10.0.0.9", 443)
    assert tquic.add_path(5, local, peer=peer, ifindex=2, flags=PathFlag.BACKUP) == 3
    assert tquic.add_path(5, Address("10.0.0.1")) == 3
    tquic.set_path(5, 3, backup=True, metered=False)
    tquic.set_path(5, 3, backup=True, weight=1000)
    tquic.set_path(5, 3, weight=0, rate_cap=125_000)
    tquic.del_path(5, 3, 2**62 - 1)
    assert seen == [
        (Command.PATH_ADD, {
            "token": 5, "local": {"ip6": "fe80::1", "scope_id": 2},
            "peer": {"ip4": "10.0.0.9", "port": 443}, "ifindex": 2, "flags": 1,
        }),
        (Command.PATH_ADD, {"token": 5, "local": {"ip4": "10.0.0.1"}}),
        (Command.PATH_GET, {"token": 5, "path_id": 3}),
        (Command.PATH_SET, {"token": 5, "path_id": 3, "flags": 1}),
        (Command.PATH_GET, {"token": 5, "path_id": 3}),
        (Command.PATH_SET, {"token": 5, "path_id": 3, "flags": 3, "weight": 1000}),
        (Command.PATH_SET, {"token": 5, "path_id": 3, "weight": 0, "rate_cap": 125_000}),
        (Command.PATH_DEL, {"token": 5, "path_id": 3, "error_code": 2**62 - 1}),
    ]  # fmt: skip


def registry_replies() -> list[Reply]:
    entries = ((0, "minrtt"), (0, "blest"), (1, "cubic"), (9, "something new"))
    return [
        Reply(Command.REGISTRY_GET, encode({"kind": kind, "name": name}, REGISTRY))
        for kind, name in entries
    ]


def test_hand_over() -> None:
    seen: list[tuple[int, dict[str, Any]]] = []

    def answer(command: int, body: bytes, dump: bool) -> Sequence[Reply]:
        if command == Command.REGISTRY_GET:
            assert dump
            return registry_replies()
        seen.append((command, decode(body, CONN)))
        return []

    tquic, _ = family(answer)
    assert tquic.registry() == {
        Registry.SCHEDULER: ["minrtt", "blest"],
        Registry.CONGESTION: ["cubic"],
    }
    tquic.set_connection(7, scheduler="blest")
    tquic.set_connection(7, congestion="newreno", scheduler="ecf")
    assert seen == [
        (Command.CONN_SET, {"token": 7, "scheduler": "blest"}),
        (Command.CONN_SET, {"token": 7, "congestion": "newreno", "scheduler": "ecf"}),
    ]


@pytest.mark.parametrize("capped", [True, False])
def test_errors_name_the_attribute(capped: bool) -> None:
    refusal = Refusal(errno.ENOENT, "no such thing", 20)
    tquic, _ = family(lambda *_: [refusal], capped=capped)
    with pytest.raises(NetlinkError) as caught:
        tquic.connection(1)
    assert (caught.value.errno, caught.value.strerror) == (errno.ENOENT, "no such thing")
    assert caught.value.attribute == "token"


@pytest.mark.parametrize(
    ("offset", "name"), [(20, "token"), (28, "local"), (32, "local.ip4"), (40, "local.port"),
                         (48, None), (0, None), (2**31, None)],
)  # fmt: skip
def test_errors_in_nested_attributes(offset: int, name: str | None) -> None:
    tquic, _ = family(lambda *_: [Refusal(errno.EINVAL, None, offset)])
    with pytest.raises(NetlinkError, match="Invalid argument") as caught:
        tquic.add_path(1, Address("10.0.0.1", 53))
    assert caught.value.attribute == name


def test_missing_attribute_and_permission() -> None:
    tquic, _ = family(lambda *_: [Refusal(errno.EINVAL, "it is missing", missing=7)])
    with pytest.raises(NetlinkError) as caught:
        tquic.del_path(1, 1)
    assert caught.value.attribute == "local"
    tquic, _ = family(lambda *_: [Refusal(errno.EPERM)])
    with pytest.raises(NetlinkError, match="CAP_NET_ADMIN"):
        tquic.connections()


def test_no_module() -> None:
    fake = FakeNetlink(lambda *_: [], name="other")
    with pytest.raises(NetlinkError):
        Family("tquic", raw=fake)
    assert fake.closed


def test_no_module_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> Family:
        raise NetlinkError(errno.ENOENT, "no netlink family tquic")

    monkeypatch.setattr(netlink, "Family", missing)
    with pytest.raises(UnavailableError, match="modprobe"):
        TquicNetlink()


def test_answers_of_other_requests_are_left_out() -> None:
    tquic, fake = family(lambda *_: [conn_reply(1)])
    fake.notify(conn_reply(99, Command.CONN_ESTABLISHED))
    assert tquic.connection(1).token == 1


def test_events() -> None:
    tquic, fake = family(lambda *_: [])
    tquic.subscribe()
    assert fake.joined == [GROUP_ID]
    fake.notify(conn_reply(1, Command.CONN_ESTABLISHED))
    fake.notify(path_reply(1, 2, Command.PATH_ABANDONED, error_code=9, ifindex=1))
    close = {"error_code": 0x12A, "close_flags": 2, "reason": b"n\xff"}
    fake.notify(conn_reply(1, Command.CONN_CLOSED, **close))
    degraded = {"state": 3, "previous": 2}
    fake.notify(conn_reply(1, Command.BOND_CHANGED, bond=degraded))
    fake.notify(Reply(200, b""))
    born, lost, closed, bond = (event for _ in range(4) for event in tquic.events())
    assert list(tquic.events()) == []
    assert isinstance(born, ConnEvent)
    assert isinstance(lost, PathEvent)
    assert isinstance(closed, ConnClosed)
    assert isinstance(bond, BondEvent)
    assert closed.by_peer
    assert nlview.event_line(bond).endswith("443: bonded > degraded, 2 paths")
    assert nlview.event_dict(bond)["bond"]["previous"] == "bonded"
    line = nlview.event_line(lost)
    assert line.startswith("path-abandoned conn 1 path 2 10.0.0.1:5000 > 10.0.0.2:443 dev ")
    assert line.endswith("code 0x9")
    assert "bad certificate" in nlview.event_line(closed)
    assert nlview.event_line(born).endswith("verified")
    shown = nlview.event_dict(closed)
    assert (shown["event"], shown["close_flags"]) == ("conn-closed", ["peer"])
    for event in (born, lost, closed, bond):
        json.dumps(nlview.event_dict(event))


# --- the commands


def run(monkeypatch: pytest.MonkeyPatch, answer: Answer, group: Any, *words: str) -> Any:
    def fake() -> TquicNetlink:
        return family(answer)[0]

    monkeypatch.setattr(cmd_conn, "TquicNetlink", fake)
    monkeypatch.setattr(cmd_path, "TquicNetlink", fake)
    monkeypatch.setattr(cmd_sched, "TquicNetlink", fake)
    return CliRunner().invoke(group, list(words))


def test_show(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(command: int, _body: bytes, _dump: bool) -> Sequence[Reply]:
        return [conn_reply(12)] if command == Command.CONN_GET else [path_reply(12, 1)]

    done = run(monkeypatch, answer, cmd_conn.group, "show")
    assert done.output.splitlines()[1].split()[:7] == [
        "12", "established", "client", "10.0.0.1:5000", "[2001:db8::1]:443", "2", "bonded",
    ]  # fmt: skip
    assert "1.1T" in done.output
    (conn,) = json.loads(run(monkeypatch, answer, cmd_conn.group, "show", "12", "--json").output)
    assert conn["bond"]["state"] == "bonded"
    assert (conn["flags"], conn["peer"]) == (["verified"], "[2001:db8::1]:443")
    done = run(monkeypatch, answer, cmd_path.group, "show")
    assert done.output.splitlines()[1].split()[:3] == ["12", "1", "active,backup"]
    (path,) = json.loads(run(monkeypatch, answer, cmd_path.group, "show", "--json").output)
    assert (path["state"], path["flags"], path["peer_flags"]) == ("active", ["backup"], [])


def test_unknown_states_are_numbers() -> None:
    path = Path(command=2, token=1, path_id=0, state=77)
    assert path.state_name == "77"


def test_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_: object) -> Sequence[Reply]:
        raise AssertionError("nothing may be asked")

    for words in (["add", "1", "nonsense"], ["add", "0", "10.0.0.1"], ["del", "1", "-1"],
                  ["del", "1", "1", "--code", str(2**62)], ["set", "1", "1"],
                  ["set", "1", "1", "--weight", "1001"]):  # fmt: skip
        assert run(monkeypatch, answer, cmd_path.group, *words).exit_code == 2
    assert run(monkeypatch, answer, cmd_conn.group, "set", "1").exit_code == 2
    done = run(monkeypatch, answer, cmd_path.group, "add", "1", "::1", "--peer", "localhost:1")
    assert done.exit_code == 1


def test_refusals_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = Refusal(errno.EBUSY, "the last path that works cannot be removed", 28)
    done = run(monkeypatch, lambda *_: [refusal], cmd_path.group, "del", "1", "0")
    assert done.exit_code == 1
    assert done.output == "tquic: the last path that works cannot be removed\n"


def test_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, dict[str, Any]]] = []

    def answer(command: int, body: bytes, _dump: bool) -> Sequence[Reply]:
        seen.append((command, decode(body, PATH if command == Command.PATH_SET else CONN)))
        return []

    words = ("set", "4", "--scheduler", "weighted", "--congestion", "newreno")
    assert run(monkeypatch, answer, cmd_conn.group, *words).exit_code == 0
    assert run(monkeypatch, answer, cmd_path.group, "set", "4", "1", "--weight", "3").exit_code == 0
    assert seen == [
        (Command.CONN_SET, {"token": 4, "scheduler": "weighted", "congestion": "newreno"}),
        (Command.PATH_SET, {"token": 4, "path_id": 1, "weight": 3}),
    ]


def test_registry_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_: object) -> Sequence[Reply]:
        return registry_replies()

    done = run(monkeypatch, answer, cmd_sched.group, "show")
    assert [line.split() for line in done.output.splitlines()] == [
        ["KIND", "NAME"], ["scheduler", "blest"], ["scheduler", "minrtt"], ["congestion", "cubic"],
    ]  # fmt: skip
    done = run(monkeypatch, answer, cmd_sched.group, "show", "--json")
    assert json.loads(done.output) == {"scheduler": ["blest", "minrtt"], "congestion": ["cubic"]}
