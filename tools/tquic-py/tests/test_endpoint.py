# SPDX-License-Identifier: GPL-2.0
"""tquic.endpoint and the path manager's operations, against a kernel in memory."""

from __future__ import annotations

import errno
import json
from collections.abc import Sequence
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from fake_netlink import Answer, FakeNetlink, Refusal, Reply

from tquic import cmd_endpoint, cmd_limits
from tquic.endpoint import parse_endpoint, parse_id, parse_limits
from tquic.genl import Family, decode, encode
from tquic.netlink import (
    ENDPOINT,
    LIMITS,
    Command,
    Endpoint,
    EndpointFlag,
    PathLimits,
    TquicNetlink,
)
from tquic.record import Address

SHOWN = (
    Endpoint(id=1, addr=Address("192.0.2.10"), ifindex=1),
    Endpoint(id=9, addr=Address("2001:db8::9", 4433), flags=EndpointFlag(7)),
)


def test_words_of_an_endpoint() -> None:
    assert parse_endpoint(["192.0.2.10"]) == Endpoint(addr=Address("192.0.2.10"))
    assert parse_endpoint(
        ["2001:db8::1", "dev", "lo", "id", "7", "port", "443", "backup", "fullmesh", "subflow"]
    ) == (Endpoint(id=7, addr=Address("2001:db8::1", 443), ifindex=1, flags=EndpointFlag(7)))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "address is missing"),
        ("eth0", "eth0: not an IP address"),
        ("10.0.0.1 signal", "signal: expected one of dev, id, port, subflow"),
        ("10.0.0.1 dev", "nothing comes after dev"),
        ("10.0.0.1 id 256", "id 256: not a number up to 255"),
        ("10.0.0.1 id -1", "id -1"),
        ("10.0.0.1 port 65536", "up to 65535"),
        ("10.0.0.1 id 1 id 2", "id is given twice"),
    ],
)
def test_words_that_do_not_fit(words: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_endpoint(words.split())


def test_an_unknown_interface_is_named() -> None:
    with pytest.raises(OSError, match="no such interface") as caught:
        parse_endpoint(["10.0.0.1", "dev", "none-such"])
    assert caught.value.errno == errno.ENODEV
    assert caught.value.filename == "none-such"


def test_words_of_ids_and_limits() -> None:
    assert parse_id(["id", "3"]) == parse_id(["3"]) == 3
    for words in ([], ["id"], ["3", "4"], ["id", "x"]):
        with pytest.raises(ValueError, match="id"):
            parse_id(words)
    assert parse_limits(["extra-paths", "2", "endpoints", "3"]) == {
        "extra_paths": 2,
        "endpoints": 3,
    }
    for text in ("", "paths 3", "endpoints", "endpoints many"):
        with pytest.raises(ValueError, match=r"limit|paths|endpoints"):
            parse_limits(text.split())


class Kernel:
    """Answers as the path manager would, and remembers what it was asked."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, dict[str, Any]]] = []

    def __call__(self, command: int, body: bytes, dump: bool) -> Sequence[Reply | Refusal]:
        schema = LIMITS if command in (Command.LIMITS_GET, Command.LIMITS_SET) else ENDPOINT
        self.seen.append((command, decode(body, schema)))
        if command == Command.ENDPOINT_ADD:
            return [Reply(command, encode({"id": 3}, ENDPOINT))]
        if command == Command.LIMITS_GET:
            return [Reply(command, encode({"extra_paths": 4, "endpoints": 8}, LIMITS))]
        if command != Command.ENDPOINT_GET:
            return []
        return [Reply(command, self._endpoint(item)) for item in SHOWN[: None if dump else 1]]

    @staticmethod
    def _endpoint(item: Endpoint) -> bytes:
        name = "ip6" if ":" in item.addr.host else "ip4"
        addr = {name: item.addr.host, "port": item.addr.port}
        values = {"id": item.id, "flags": int(item.flags), "addr": addr, "ifindex": item.ifindex}
        return encode(values, ENDPOINT)


def family(answer: Answer) -> TquicNetlink:
    return TquicNetlink(Family("tquic", raw=FakeNetlink(answer)))


def test_operations() -> None:
    kernel = Kernel()
    tquic = family(kernel)
    assert tuple(tquic.endpoints()) == SHOWN
    assert tquic.endpoint(1) == SHOWN[0]
    assert tquic.add_endpoint(Endpoint(addr=Address("10.0.0.1"))) == 3
    flags = EndpointFlag.SUBFLOW | EndpointFlag.BACKUP
    assert tquic.add_endpoint(Endpoint(id=3, addr=Address("::9", 5), ifindex=2, flags=flags)) == 3
    tquic.del_endpoint(3)
    tquic.flush_endpoints()
    assert tquic.limits() == PathLimits(extra_paths=4, endpoints=8)
    tquic.set_limits(extra_paths=0)
    assert kernel.seen[1:] == [
        (Command.ENDPOINT_GET, {"id": 1}),
        (Command.ENDPOINT_ADD, {"flags": 1, "addr": {"ip4": "10.0.0.1"}}),
        (
            Command.ENDPOINT_ADD,
            {"id": 3, "flags": 3, "addr": {"ip6": "::9", "port": 5}, "ifindex": 2},
        ),
        (Command.ENDPOINT_DEL, {"id": 3}),
        (Command.ENDPOINT_FLUSH, {}),
        (Command.LIMITS_GET, {}),
        (Command.LIMITS_SET, {"extra_paths": 0}),
    ]


def run(monkeypatch: pytest.MonkeyPatch, answer: Answer, group: click.Group, *words: str) -> Result:
    for module in (cmd_endpoint, cmd_limits):
        monkeypatch.setattr(module, "TquicNetlink", lambda: family(answer))
    return CliRunner().invoke(group, list(words))


def test_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel()
    done = run(monkeypatch, kernel, cmd_endpoint.group, "show")
    assert [line.split() for line in done.output.splitlines()] == [
        ["ID", "ADDRESS", "PORT", "DEV", "FLAGS"],
        ["1", "192.0.2.10", "-", "lo", "subflow"],
        ["9", "2001:db8::9", "4433", "-", "subflow,backup,fullmesh"],
    ]
    shown = json.loads(run(monkeypatch, kernel, cmd_endpoint.group, "show", "1", "--json").output)
    assert shown == [{"id": 1, "addr": "192.0.2.10", "port": 0, "dev": "lo", "flags": ["subflow"]}]
    done = run(monkeypatch, kernel, cmd_endpoint.group, "add", "10.0.0.1", "dev", "lo", "backup")
    assert done.output == "3\n"
    done = run(monkeypatch, kernel, cmd_endpoint.group, "add", "10.0.0.1", "--json")
    assert json.loads(done.output) == {"id": 3}
    assert run(monkeypatch, kernel, cmd_endpoint.group, "del", "id", "3").exit_code == 0
    assert run(monkeypatch, kernel, cmd_endpoint.group, "flush").exit_code == 0
    done = run(monkeypatch, kernel, cmd_limits.group, "show")
    assert done.output == "extra-paths 4 endpoints 8\n"
    done = run(monkeypatch, kernel, cmd_limits.group, "show", "--json")
    assert json.loads(done.output) == {"extra_paths": 4, "endpoints": 8}
    assert run(monkeypatch, kernel, cmd_limits.group, "set", "endpoints", "2").exit_code == 0
    assert kernel.seen[-1] == (Command.LIMITS_SET, {"endpoints": 2})


def test_wrong_words_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for group, words in (
        (cmd_endpoint.group, ["add", "10.0.0.1", "dev", "none-such"]),
        (cmd_endpoint.group, ["del"]),
        (cmd_limits.group, ["set"]),
    ):
        done = run(monkeypatch, Kernel(), group, *words)
        assert done.exit_code == 1
        assert done.output.startswith("tquic: ")
        assert done.output.count("\n") == 1
