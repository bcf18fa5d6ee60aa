# SPDX-License-Identifier: GPL-2.0
"""Schedulers in BPF: the examples do what they say, and no program can do harm."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import LabMaker
from running import DATA, Certificates, RunningServer, Sender, dial, echo, exchange

from tquic import bpf
from tquic.lab import Link
from tquic.netlink import TquicNetlink
from tquic.sock import TquicSocket

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
#: The first link is what minrtt likes best.
LINKS = (Link(rate_mbit=50, delay_ms=5), Link(rate_mbit=50, delay_ms=20))

Start = Callable[..., RunningServer]


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example programs and those of the tests, compiled."""
    out = tmp_path_factory.mktemp("bpf")
    for sources in ("samples/bpf", "tests/integration/bpf"):
        names = " ".join(map(str, sorted((ROOT / sources).glob("*.bpf.c"))))
        make = ["make", "-s", "-C", str(ROOT / "samples/bpf"), f"OUT={out}", f"SRCS={names}"]
        subprocess.run(make, check=True)
    return out


def schedulers() -> list[str]:
    """The names on offer."""
    return Path("/proc/sys/net/tquic/available_schedulers").read_text().split()


@pytest.fixture
def load(objects: Path) -> Iterator[Callable[[str], None]]:
    """Load schedulers by file name, and take away what the test leaves."""

    def one(name: str) -> None:
        bpf.load(objects / f"{name}.bpf.o")
        assert f"bpf_{name.removeprefix('tquic_')}" in schedulers()

    yield one
    for item in bpf.loaded():
        bpf.unload(item.name)


@pytest.fixture
def sock(
    make_lab: LabMaker, certificates: Certificates, start_server: Start
) -> Iterator[TquicSocket]:
    """A connection with two paths to a server that sends everything back."""
    lab = make_lab(*LINKS)
    server = start_server(lab, echo)
    with dial(lab, server.address, certificates.client(), paths=2) as connection:
        yield connection


def sent_by_path(sock: TquicSocket) -> list[int]:
    """Bytes by path."""
    return [path.bytes_sent for path in sock.paths()]


def send(sock: TquicSocket, size: int, times: int = 1) -> list[int]:
    """Bytes that each path carried for some exchanges, one after the other."""
    before = sent_by_path(sock)
    for _ in range(times):
        exchange(sock, [Sender(DATA[:size])])
    return [now - was for now, was in zip(sent_by_path(sock), before, strict=True)]


def test_the_cheapest_link_goes_first(
    load: Callable[[str], None], sock: TquicSocket, make_lab: LabMaker
) -> None:
    load("tquic_cheapest")
    first, second = send(sock, 5000, times=10)
    assert first > 4 * second
    sock.scheduler = "bpf_cheapest"
    assert sock.scheduler == sock.info().scheduler == "bpf_cheapest"
    token = sock.info().token
    with make_lab(*LINKS).client.entered(), TquicNetlink() as control:
        control.set_path(token, 0, weight=1)
        control.set_path(token, 1, weight=10)
    first, second = send(sock, 5000, times=10)
    assert second > 4 * first
    # More than it takes goes to the other one too.
    first, second = send(sock, 1 << 20)
    assert min(first, second) > 1 << 17


def test_messages_go_on_all_links(load: Callable[[str], None], sock: TquicSocket) -> None:
    load("tquic_duplicate")
    sock.scheduler = "bpf_duplicate"
    message = send(sock, 3000, times=5)
    assert min(message) > 15_000
    assert sock.info().bytes_reinjected > 10_000
    before = sock.info().bytes_reinjected
    bulk = send(sock, 1 << 20)
    assert sum(bulk) < 3 << 19
    assert sock.info().bytes_reinjected - before < 1 << 19


def test_a_program_that_goes_away(load: Callable[[str], None], sock: TquicSocket) -> None:
    """Its connections go on, new ones cannot choose it, and it may come back."""
    load("tquic_cheapest")
    sock.scheduler = "bpf_cheapest"
    send(sock, 5000)
    bpf.unload("bpf_cheapest")
    assert "bpf_cheapest" not in schedulers()
    first, second = send(sock, 5000, times=10)
    assert first > 4 * second
    with pytest.raises(OSError) as refused:
        sock.scheduler = "bpf_cheapest"
    assert refused.value.errno == errno.ENOENT
    load("tquic_cheapest")
    sock.scheduler = "bpf_cheapest"
    send(sock, 5000)
    sock.scheduler = "minrtt"


def test_names(objects: Path, load: Callable[[str], None]) -> None:
    load("tquic_cheapest")
    load("tquic_duplicate")
    assert {item.name for item in bpf.loaded()} == {"bpf_cheapest", "bpf_duplicate"}
    with pytest.raises(bpf.BpfError, match="there already"):
        bpf.load(objects / "tquic_cheapest.bpf.o")
    assert schedulers().count("bpf_cheapest") == 1
    with pytest.raises(bpf.BpfError, match="no BPF scheduler minrtt; loaded: bpf_"):
        bpf.unload("minrtt")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("writes", "only read is supported"),
        ("area", "outside of the allowed memory range"),
        ("nameless", "Invalid argument"),
        ("sleepable", "unsupported member get_path"),
    ],
)
def test_refused_programs(objects: Path, name: str, why: str) -> None:
    with pytest.raises(bpf.BpfError, match=why):
        bpf.load(objects / f"{name}.bpf.o")
    assert f"bpf_{name}" not in schedulers()


def test_a_program_cannot_stop_a_connection(load: Callable[[str], None], sock: TquicSocket) -> None:
    load("stuck")
    sock.scheduler = "bpf_stuck"
    send(sock, 50_000)
