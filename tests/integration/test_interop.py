# SPDX-License-Identifier: GPL-2.0
"""A few cases of `make interop`, as it runs them: with ngtcp2 and quic-go, in both roles."""

from __future__ import annotations

import pytest

from tquic.interop.guest import Pairing, run
from tquic.interop.peers import PEERS, missing
from tquic.interop.report import Outcome

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(120)]


@pytest.mark.parametrize(
    ("case", "client", "server"),
    [
        ("retry", "ngtcp2", "tquic"),
        ("handshake", "tquic", "ngtcp2"),
        ("ecn", "ngtcp2", "tquic"),
        ("handshake", "tquic", "caddy"),
        ("connectionmigration", "ngtcp2", "tquic"),
        ("clientmigration", "tquic", "ngtcp2"),
    ],
)
def test_case(case: str, client: str, server: str) -> None:
    for name in (client, server):
        if reason := missing(PEERS[name]):
            pytest.skip(f"{name}: {reason}")
    result = run(Pairing(case, client, server))
    assert result.outcome is Outcome.PASSED, result.reason
