# SPDX-License-Identifier: GPL-2.0
"""iproute2's ss with the patch of tools/iproute2 shows what is so, and `tquic ss` shows too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import LabMaker
from running import DATA, Certificates, RunningServer, Sender, dial, echo, exchange

from tquic import iproute
from tquic.handshake import Options
from tquic.lab import Link, Namespace, TwoLinks
from tquic.sock import TquicSocket
from tquic.uapi import RecvMask

pytestmark = pytest.mark.timeout(300)

Start = Callable[..., RunningServer]
_BYTES = 100_000


@pytest.fixture(scope="module", autouse=True)
def built(diag_module: None) -> None:
    """An ss with the patch."""
    if not iproute.binary().exists():
        pytest.skip("no source of iproute2 in the cache: `tquic vm prepare` fetches it")


@pytest.fixture
def lab(make_lab: LabMaker) -> TwoLinks:
    return make_lab(Link(), Link())


@pytest.fixture(autouse=True)
def nothing_left(lab: TwoLinks) -> None:
    """Connections of the test before have ended: what a test sees is its own."""
    deadline = time.monotonic() + 60
    while left := ss(lab.client, "-a") + ss(lab.server, "-a"):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


@pytest.fixture
def server(lab: TwoLinks, start_server: Start) -> RunningServer:
    return start_server(lab, echo)


@pytest.fixture
def sock(lab: TwoLinks, server: RunningServer, certificates: Certificates) -> Iterator[TquicSocket]:
    """A connection that has moved some data over two paths."""
    with dial(lab, server.address, certificates.client(), paths=2) as found:
        exchange(found, [Sender(DATA[:_BYTES])])
        yield found


def ss(space: Namespace, *words: str) -> list[list[str]]:
    """The words of each socket's lines, header left out; ss must have nothing to complain."""
    command = [str(iproute.binary()), "-qnH", *words]
    with space.entered():  # `ip netns exec` would hide cgroups, which -e asks for
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    blocks: list[list[str]] = []
    for line in done.stdout.splitlines():
        if not line[0].isspace():
            blocks.append([])
        blocks[-1].append(line)
    return blocks


def ours(space: Namespace, *words: str) -> list[dict[str, Any]]:
    """What `tquic ss --json` tells."""
    command = [sys.executable, "-c", "from tquic.cli import main; main()", "ss", "--json", *words]
    found: list[dict[str, Any]] = json.loads(space.run(command, capture_output=True).stdout)
    return found


def values(line: str) -> dict[str, str]:
    """The words NAME:VALUE of a line."""
    return dict(word.split(":", 1) for word in line.split() if ":" in word)


def test_a_connection_is_shown(sock: TquicSocket, lab: TwoLinks) -> None:
    sock.set_path_status(1, backup=True)
    (there,) = ours(lab.client, "--local", str(sock.local))
    ((head, told, *lines),) = ss(lab.client, "-ei")
    state, *queues, local, peer, inode, cookie = head.split()[:7]
    assert (state, local, peer) == ("ESTAB", str(sock.local), str(sock.peer))
    assert [int(queue) for queue in queues] == [there["recv_queue"], there["send_queue"]]
    assert inode == f"ino:{os.fstat(sock.fileno()).st_ino}"
    assert cookie == f"sk:{there['cookie']:x}"
    info, shown = there["info"], values(told)
    assert told.split()[:2] == [info["congestion"], info["scheduler"]]
    assert f"token:{sock.info().token} client " in told
    assert told.split()[-3:] == ["confirmed", "verified", "multipath"]
    assert (int(shown["version"], 16), int(shown["cipher"], 16)) == (
        info["version"],
        info["cipher"],
    )
    assert (shown["bytes_sent"], shown["bytes_received"]) == (str(_BYTES), str(_BYTES))
    assert (shown["paths"], shown["bond"]) == ("2", "bonded")
    assert len(lines) == 2
    for index, line in enumerate(lines):
        path, now, shown = sock.path_info(index), line.split(), values(line)
        state = ("active", "active,backup")[index]
        assert now[:5] == [f"path:{index}", state, str(path.local), ">", str(path.peer)]
        assert shown["mtu"] == str(path.mtu_bytes)
        assert float(shown["minrtt"]) == pytest.approx(path.min_rtt_ns / 1e6, rel=0.01)
        for name in ("bytes_sent", "bytes_received"):
            before = there["paths"][index][name]
            assert 0 < before <= int(shown[name]) <= getattr(path, name), name


def test_a_v6_connection_is_shown(
    lab: TwoLinks, start_server: Start, certificates: Certificates
) -> None:
    server = start_server(lab, echo, v6=True)
    options = Options(local=lab.client_address(0, v6=True))
    with dial(lab, server.address, certificates.client(), options=options) as sock:
        ((head, _told, line),) = ss(lab.client, "-i6")
        assert head.split()[3:5] == [str(sock.local), str(server.address)]
        assert line.split()[2:5] == [str(sock.local), ">", str(server.address)]
        assert ss(lab.client, "-i4") == []


def test_a_listener_is_shown(sock: TquicSocket, server: RunningServer, lab: TwoLinks) -> None:
    ((head, *rest),) = ss(lab.server, "-li")
    assert head.split()[:5] == ["LISTEN", "0", "128", str(server.address), "0.0.0.0:*"]
    assert not "".join(rest).strip()
    assert sorted(head.split()[0] for head, *_ in ss(lab.server, "-a")) == ["ESTAB", "LISTEN"]
    ((_head, told, *_paths),) = ss(lab.server, "-i", "dst", str(sock.local))
    assert " server " in told


def test_memory_and_one_line(sock: TquicSocket, lab: TwoLinks) -> None:
    ((head, memory),) = ss(lab.client, "-m")
    assert memory.strip().startswith("skmem:(r")
    ((line,),) = ss(lab.client, "-imO")
    assert line.split()[3:5] == head.split()[3:5]
    assert [word for word in line.split() if word.startswith("path:")] == ["path:0", "path:1"]


def test_filters(sock: TquicSocket, lab: TwoLinks) -> None:
    local, peer = sock.local, sock.peer
    for hit in (
        f"sport = :{local.port}",
        f"src {local.host} and dst {peer.host}/24",
    ):
        ((head,),) = ss(lab.client, *hit.split())
        assert head.split()[3:5] == [str(local), str(peer)]
    ((head,),) = ss(lab.client, "state", "established", "dport", "=", f":{peer.port}")
    assert head.split()[2:4] == [str(local), str(peer)]  # one state: no column for it
    for miss in (
        f"sport = :{local.port ^ 1}",
        f"src {peer.host}",
        f"src {local.host} and dport != :{peer.port}",
        "state closing",
    ):
        assert ss(lab.client, *miss.split()) == []


def test_kill(sock: TquicSocket, lab: TwoLinks) -> None:
    sock.recv_mask = RecvMask(0)
    assert ss(lab.client, "-K", "sport", "=", f":{sock.local.port ^ 1}") == []
    assert ours(lab.client, "--state", "established") != []
    ((head,),) = ss(lab.client, "-K", "sport", "=", f":{sock.local.port}")
    assert head.split()[3:5] == [str(sock.local), str(sock.peer)]
    with pytest.raises(ConnectionAbortedError):
        sock.recv(1)
    assert ours(lab.client, "--state", "established") == []
