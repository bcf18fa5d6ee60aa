# SPDX-License-Identifier: GPL-2.0
"""The kernel's own YNL program and the module: one spec is enough for both."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from conftest import LabMaker
from running import DATA, Certificates, RunningServer, Sender, dial, echo, exchange, wait_for
from ynl import command, fields, refused, schema, ynl

from tquic.handshake import Options
from tquic.lab import Link, Namespace, TwoLinks
from tquic.netlink import TquicNetlink
from tquic.record import Address
from tquic.sock import TquicSocket
from tquic.uapi import Config, PathFlag

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

Start = Callable[..., RunningServer]


@pytest.fixture
def lab(make_lab: LabMaker) -> TwoLinks:
    return make_lab(Link(), Link())


@pytest.fixture
def sock(lab: TwoLinks, start_server: Start, certificates: Certificates) -> Iterator[TquicSocket]:
    """A connection that has moved some data over two paths."""
    # The program takes its time on an emulated processor.
    config = Config.of(idle_timeout_ms=600_000)
    server = start_server(lab, echo, config=config)
    options = Options(local=lab.client_address(0), config=config)
    with dial(lab, server.address, certificates.client(), paths=2, options=options) as found:
        exchange(found, [Sender(DATA[:50_000])])
        yield found


def address(value: dict[str, Any]) -> Address:
    return Address(value.get("ip4") or value["ip6"], value["port"])


def test_dumps(sock: TquicSocket, lab: TwoLinks, tmp_path: Path) -> None:
    """The spec is good by the schema; what the dumps say is what the socket says."""
    token = sock.info().token
    checked = schema(tmp_path)
    (conn,) = (
        c for c in ynl(lab.client, "--dump", "conn-get", checked=checked) if c["token"] == token
    )
    assert (conn["state"], conn["paths"], conn["bond"]["state"]) == ("established", 2, "bonded")
    assert (conn["bytes-sent"], conn["bytes-received"]) == (50_000, 50_000)
    assert set(conn["flags"]) >= {"confirmed", "verified", "multipath"}
    assert (address(conn["local"]), address(conn["peer"])) == (sock.local, sock.peer)
    found = ynl(lab.client, "--dump", "path-get", *fields(token=token))
    assert [path["path-id"] for path in found] == [0, 1]
    for path in found:
        told = sock.path_info(path["path-id"])
        assert (address(path["local"]), address(path["peer"])) == (told.local, told.peer)
        assert path["state"] == "active"
        assert 0 < path["packets-sent"] <= told.packets_sent
        assert 0 < path["bytes-received"] <= told.bytes_received
    names = {item["name"] for item in ynl(lab.client, "--dump", "registry-get")}
    assert {"minrtt", "cubic"} <= names


def test_changes(sock: TquicSocket, lab: TwoLinks) -> None:
    token = sock.info().token
    ynl(lab.client, "--do", "path-set", *fields(token=token, path_id=1, flags=["backup"]))
    assert sock.path_info(1).flags & PathFlag.BACKUP
    ynl(lab.client, "--do", "conn-set", *fields(token=token, scheduler="ecf", congestion="bbr"))
    assert ynl(lab.client, "--do", "conn-get", *fields(token=token))["scheduler"] == "ecf"
    assert sock.info().congestion == "bbr"
    # Linux 6.12's program prints addresses as people do, but takes numbers only.
    addr = {"ip4": int(IPv4Address("10.66.1.1"))}
    done = ynl(lab.client, "--do", "endpoint-add", *fields(addr=addr, flags=["subflow"]))
    found = ynl(lab.client, "--do", "endpoint-get", *fields(id=done["id"]))
    assert found["addr"]["ip4"] == "10.66.1.1"
    ynl(lab.client, "--do", "endpoint-flush")
    assert ynl(lab.client, "--dump", "endpoint-get") == []


def test_refusals(sock: TquicSocket, lab: TwoLinks) -> None:
    """The kernel's words and the attribute to blame get through."""
    token = sock.info().token
    assert "No such" in refused(lab.client, "--do", "conn-get", *fields(token=token + 1000))
    text = refused(lab.client, "--do", "conn-set", *fields(token=token, scheduler="none-such"))
    assert "extack" in text and ".scheduler" in text, text
    text = refused(lab.client, "--do", "path-get", *fields(token=token))
    assert "miss-type" in text, text


def test_events(sock: TquicSocket, lab: TwoLinks) -> None:
    """Who subscribes gets them, in the spec's words."""
    token = sock.info().token
    words = command("--subscribe", "events", "--sleep", "10")
    listener = lab.client.popen(words, stdout=subprocess.PIPE, text=True)
    wait_for(lambda: subscribed(lab.client, listener.pid))
    with lab.client.entered(), TquicNetlink() as ours:
        ours.del_path(token, 1)
    told = json.loads(listener.communicate(timeout=120)[0])
    assert ("path-abandoned", token, 1) in [
        (item["name"], item["msg"]["token"], item["msg"].get("path-id")) for item in told
    ]


def subscribed(space: Namespace, pid: int) -> bool:
    """Whether a process has a netlink socket that is in some group."""
    with space.entered():
        rows = Path("/proc/thread-self/net/netlink").read_text().splitlines()[1:]
    return any(int(row.split()[2]) == pid and int(row.split()[3], 16) for row in rows)
