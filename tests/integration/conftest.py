# SPDX-License-Identifier: GPL-2.0
"""Fixtures of the integration tests: the module, networks, certificates, servers.

They run as root in a machine of their own: `tquic vm test`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_ROOT / "tools/tquic-py/tests"))
sys.path.insert(0, str(Path(__file__).parent))

from family import LINKS, World, made  # noqa: E402
from running import (  # noqa: E402
    PORT,
    STALL_S,
    Certificates,
    Ends,
    Joined,
    RunningServer,
    load_diag,
    unload_diag,
)

from tquic.handshake import Options, complete, connect, listen  # noqa: E402
from tquic.lab import Link, TwoLinks  # noqa: E402
from tquic.mux import Exchange  # noqa: E402
from tquic.sock import TquicSocket  # noqa: E402
from tquic.tls import Role  # noqa: E402
from tquic.uapi import Config, RecvMask  # noqa: E402

LabMaker = Callable[..., TwoLinks]


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much test_netlink_fuzz.py, test_many.py and test_faults.py do."""
    parser.addoption("--messages", type=int, default=5000, help="fuzzed netlink messages")
    parser.addoption("--fuzz-file", help="take them from a file of netlink_fuzz.py")
    parser.addoption("--connections", type=int, default=240, help="idle at a time")
    parser.addoption("--long", action="store_true", help="all that test_faults.py can do")
    parser.addoption("--sequential", type=int, default=40, help="one after the other")


@pytest.fixture(scope="session")
def module() -> None:
    """TQUIC sockets: there must be some in a test machine, elsewhere the test is skipped."""
    if "TQUIC_RESULTS" not in os.environ:
        pytest.skip("changes the machine's network: run `tquic vm test`")
    with TquicSocket.open():
        pass


@pytest.fixture(scope="session", autouse=True)
def first_algorithms() -> frozenset[str]:
    """Names in the kernel's crypto API before any test made a connection."""
    lines = Path("/proc/crypto").read_text().splitlines()
    return frozenset(line.split(":")[1].strip() for line in lines if line.startswith("name"))


@pytest.fixture(scope="module")
def diag_module(module: None) -> Iterator[None]:
    """tquic_diag, for the tests of one file: others want to remove tquic."""
    load_diag()
    yield
    unload_diag()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A CA, a good certificate, and others that must be refused."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def make_lab(module: None) -> Iterator[LabMaker]:
    """Networks by their links. One exists at a time, and is kept while the same is asked for."""
    held = contextlib.ExitStack()
    current: list[tuple[tuple[Link, ...], TwoLinks]] = []

    def make(*links: Link) -> TwoLinks:
        if not current or current[0][0] != links:
            held.close()
            current[:] = [(links, held.enter_context(TwoLinks(links)))]
        return current[0][1]

    yield make
    held.close()


@pytest.fixture
def start_server(certificates: Certificates) -> Iterator[Callable[..., RunningServer]]:
    """Start servers that end with the test."""
    with contextlib.ExitStack() as held:

        def start(
            lab: TwoLinks,
            accept: Callable[[int], Exchange],
            *,
            config: Config | None = None,
            v6: bool = False,
            retry: bool = False,
        ) -> RunningServer:
            tls = certificates.server()
            server = RunningServer(lab, tls, accept, config=config, v6=v6, retry=retry)
            return held.enter_context(server)

        yield start


@pytest.fixture
def joined(lab: TwoLinks, certificates: Certificates) -> Iterator[Joined]:
    """Make connections on the file's `lab`, both ends of which are at hand."""
    with contextlib.ExitStack() as held:

        def make(kind: int = socket.SOCK_STREAM, recv_mask: RecvMask = RecvMask.CRYPTO) -> Ends:
            options = Options(kind=kind, recv_mask=recv_mask)
            address = lab.server_address(port=PORT)
            children: list[TquicSocket] = []

            def serve() -> None:
                child, _peer = listener.accept()
                child.settimeout(0)
                complete(child, certificates.server(), Role.SERVER, "client", STALL_S)
                children.append(child)

            with lab.server.entered():
                listener = listen(address, options)
            listener.settimeout(STALL_S)
            with listener:
                thread = threading.Thread(target=serve)
                thread.start()
                with lab.client.entered():
                    client = held.enter_context(connect(address, certificates.client(), options))
                thread.join(STALL_S)
            held.enter_context(children[0])
            for sock in (client, children[0]):
                sock.settimeout(STALL_S)
            return Ends(client, children[0])

        yield make


@pytest.fixture(scope="module")
def world(make_lab: LabMaker, certificates: Certificates) -> Iterator[World]:
    """Connections of all kinds, for the tests of one file that try each netlink operation."""
    with made(make_lab(*LINKS), certificates) as built:
        yield built
