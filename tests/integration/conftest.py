# SPDX-License-Identifier: GPL-2.0
"""Fixtures of the integration tests: the module, networks, certificates, servers.

They run as root in a machine of their own: `tquic vm test`.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_ROOT / "tools/tquic-py/tests"))
sys.path.insert(0, str(Path(__file__).parent))

from family import LINKS, World, made  # noqa: E402
from running import Certificates, RunningServer, load_diag, unload_diag  # noqa: E402

from tquic.lab import Link, TwoLinks  # noqa: E402
from tquic.mux import Exchange  # noqa: E402
from tquic.sock import TquicSocket  # noqa: E402
from tquic.uapi import Config  # noqa: E402

LabMaker = Callable[..., TwoLinks]


def pytest_addoption(parser: pytest.Parser) -> None:
    """What test_netlink_fuzz.py sends."""
    parser.addoption("--messages", type=int, default=5000, help="fuzzed netlink messages")
    parser.addoption("--fuzz-file", help="take them from a file of netlink_fuzz.py")


@pytest.fixture(scope="session")
def module() -> None:
    """TQUIC sockets: there must be some in a test machine, elsewhere the test is skipped."""
    if "TQUIC_RESULTS" not in os.environ:
        pytest.skip("changes the machine's network: run `tquic vm test`")
    with TquicSocket.open():
        pass


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


@pytest.fixture(scope="module")
def world(make_lab: LabMaker, certificates: Certificates) -> Iterator[World]:
    """Connections of all kinds, for the tests of one file that try each netlink operation."""
    with made(make_lab(*LINKS), certificates) as built:
        yield built
