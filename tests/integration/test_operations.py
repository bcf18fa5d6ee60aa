# SPDX-License-Identifier: GPL-2.0
"""Every operation of the netlink family does what it says: one call of each, seen in its effect.

The operations come from the spec: one that has no function here fails the tests.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from family import OPS, SECOND, World
from running import wait_active, wait_for
from test_agent import connecting, handshake, playing

from tquic.genl import decode
from tquic.netlink import (
    CONN,
    ENDPOINT,
    LIMITS,
    PATH,
    REGISTRY,
    ConnFlag,
    PathLimits,
    Registry,
)
from tquic.sock import TquicSocket
from tquic.uapi import PathFlag, PathState

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

Good = Callable[[World], None]
GOOD: dict[str, Good] = {}


def does(op: str) -> Callable[[Good], Good]:
    """Register what checks an operation's effect."""

    def take(function: Good) -> Good:
        GOOD[op] = function
        return function

    return take


@does("conn-get")
def _conn_get(world: World) -> None:
    (reply,) = world.ask("conn-get", {"token": "multi"})
    values = decode(reply.attributes, CONN)
    assert values["token"] == world.token("multi")
    assert values["flags"] & ConnFlag.MULTIPATH


@does("conn-get dump")
def _conn_dump(world: World) -> None:
    replies = world.ask("conn-get dump", {})
    tokens = [decode(reply.attributes, CONN)["token"] for reply in replies]
    assert world.token("multi") in tokens


@does("conn-set")
def _conn_set(world: World) -> None:
    sock = world.sock("multi")
    world.ask("conn-set", {"token": "multi", "scheduler": "minrtt", "congestion": "newreno"})
    assert (sock.scheduler, sock.congestion) == ("minrtt", "newreno")
    world.ask("conn-set", {"token": "multi", "scheduler": "ecf"})
    world.ask("conn-set", {"token": "multi", "congestion": "cubic"})
    assert (sock.scheduler, sock.congestion) == ("ecf", "cubic")


@does("path-get")
def _path_get(world: World) -> None:
    (reply,) = world.ask("path-get", {"token": "multi", "path_id": 0})
    values = decode(reply.attributes, PATH)
    assert (values["path_id"], values["state"]) == (0, PathState.ACTIVE)


@does("path-get dump")
def _path_dump(world: World) -> None:
    for request in ({}, {"token": "multi"}):
        replies = world.ask("path-get dump", dict(request))
        found = [decode(reply.attributes, PATH) for reply in replies]
        assert (world.token("multi"), 0) in [(item["token"], item["path_id"]) for item in found]


@does("path-add")
@does("path-del")
def _path_add_and_del(world: World) -> None:
    request = {"token": "multi", "local": {"ip4": SECOND}, "flags": int(PathFlag.BACKUP)}
    (reply,) = world.ask("path-add", request)
    path_id = decode(reply.attributes, PATH)["path_id"]
    wait_active(world.sock("multi"), 2)
    path = world.netlink.path(world.token("multi"), path_id)
    assert path.local and path.local.host == SECOND
    assert path.backup
    world.ask("path-del", {"token": "multi", "path_id": path_id, "error_code": 7})
    assert [path.path_id for path in world.sock("multi").paths()] == [0]


@does("path-set")
def _path_set(world: World) -> None:
    names = ("flags", "weight", "rate_cap")
    for values in ((int(PathFlag.METERED), 1000, 50_000), (0, 0, 0)):
        world.ask(
            "path-set", {"token": "multi", "path_id": 0, **dict(zip(names, values, strict=True))}
        )
        path = world.netlink.path(world.token("multi"), 0)
        assert (path.flags, path.weight, path.rate_cap) == values


@does("registry-get dump")
def _registry(world: World) -> None:
    found = [decode(reply.attributes, REGISTRY) for reply in world.ask("registry-get dump", {})]
    assert {"kind": Registry.SCHEDULER, "name": "minrtt"} in found
    assert {"kind": Registry.CONGESTION, "name": "cubic"} in found


@does("handshake-accept")
def _handshake_accept(world: World) -> None:
    with (
        playing(world.lab.client) as queue,
        connecting(world.lab.client, world.lab.server_address(0, port=4571)) as (sock, _),
    ):
        request = handshake(queue)
        try:
            assert request.token == TquicSocket(sock).info().token
        finally:
            os.close(request.fd)


@does("endpoint-add")
@does("endpoint-get")
@does("endpoint-get dump")
@does("endpoint-del")
def _endpoints(world: World) -> None:
    (reply,) = world.ask("endpoint-add", {"id": 9, "addr": {"ip4": SECOND}})
    assert decode(reply.attributes, ENDPOINT) == {"id": 9}
    wait_active(world.sock("multi"), 2)
    (one,) = world.ask("endpoint-get", {"id": 9})
    assert decode(one.attributes, ENDPOINT)["addr"]["ip4"] == SECOND
    (listed,) = world.ask("endpoint-get dump", {})
    assert listed == one
    world.ask("endpoint-del", {"id": 9})
    assert world.ask("endpoint-get dump", {}) == []
    wait_for(lambda: len(world.sock("multi").paths()) == 1)


@does("endpoint-flush")
def _endpoint_flush(world: World) -> None:
    for host in (8, 9):
        world.ask("endpoint-add", {"addr": {"ip4": f"192.0.2.{host}"}})
    assert len(world.netlink.endpoints()) == 2
    world.ask("endpoint-flush", {})
    assert world.netlink.endpoints() == []


@does("limits-get")
@does("limits-set")
def _limits(world: World) -> None:
    before = world.netlink.limits()
    world.ask("limits-set", {"extra_paths": 2, "endpoints": 5})
    (reply,) = world.ask("limits-get", {})
    assert decode(reply.attributes, LIMITS) == {"extra_paths": 2, "endpoints": 5}
    world.ask("limits-set", {"extra_paths": before.extra_paths})
    assert world.netlink.limits() == PathLimits(extra_paths=before.extra_paths, endpoints=5)
    world.ask("limits-set", {"endpoints": before.endpoints})
    assert world.netlink.limits() == before


def test_every_operation_is_done_once() -> None:
    assert set(GOOD) == set(OPS)


@pytest.mark.parametrize("op", list(OPS))
def test_it_does_what_it_says(world: World, op: str) -> None:
    GOOD[op](world)
