# SPDX-License-Identifier: GPL-2.0
"""Caddy, whose QUIC is quic-go, as a server: ``python -m tquic.interop.caddy_end server PLAN``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from ..record import Address
from .plan import Plan, play

__all__ = ["configuration"]


def configuration(plan: Plan, state: Path) -> dict[str, Any]:
    """A file server with HTTP/3 and nothing else: no administration, no authority to be asked."""
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "storage": {"module": "file_system", "root": str(state)},
        "apps": {
            "http": {
                "grace_period": "1s",
                "servers": {
                    "files": {
                        "listen": [str(Address(plan.host, plan.port))],
                        # HTTP/3 is never served alone: Caddy wants a TCP port beside it.
                        "protocols": ["h1", "h3"],
                        "automatic_https": {"disable": True},
                        "tls_connection_policies": [{}],
                        "routes": [{"handle": [{"handler": "file_server", "root": plan.folder}]}],
                    }
                },
            },
            "tls": {
                "certificates": {"load_files": [{"certificate": plan.certificate, "key": plan.key}]}
            },
        },
    }


def _client(_plan: Plan) -> NoReturn:
    raise NotImplementedError("Caddy is a server")


def _server(plan: Plan) -> None:
    state = Path(plan.folder).parent / "caddy"
    state.mkdir()
    config = state / "config.json"
    config.write_text(json.dumps(configuration(plan, state)))
    os.execvpe(
        "caddy", ["caddy", "run", "--config", str(config)], {**os.environ, "HOME": str(state)}
    )


if __name__ == "__main__":
    play(sys.argv[1:], _client, _server)
