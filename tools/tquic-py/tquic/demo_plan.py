# SPDX-License-Identifier: GPL-2.0
"""What the demo's host asks of its guest, and where the guest's processes leave things."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

SERVER_NAME = "server.demo.test"
PLAN_FILE = "plan.json"
PORT = 4433
READY = "ready\n"


@dataclass(frozen=True)
class Plan:
    """What the guest is to do. Paths are the host's, which the guest sees too.

    file         what is sent; size_bytes of it, with this SHA-256
    cut_at       share of the file after which the first link is cut
    cut_s        guest seconds until it is restored
    """

    file: str
    size_bytes: int
    sha256: str
    server_name: str
    ca: str
    certificate: str
    key: str
    cut_at: float = 0.45
    cut_s: float = 3.0

    @property
    def name(self) -> str:
        """The file's name on the server."""
        return Path(self.file).name

    def save(self, path: Path) -> None:
        """Write the plan as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


def load(path: Path) -> Plan:
    """Read a plan written by Plan.save."""
    return Plan(**json.loads(path.read_text()))


@dataclass(frozen=True)
class Workplace:
    """The guest's directory, in memory.

    plan     the plan; links: names of links by the client's address
    served   what the server serves; received: what the client got
    client, server   what each end recorded
    """

    folder: Path

    @property
    def plan(self) -> Path:
        return self.folder / PLAN_FILE

    @property
    def links(self) -> Path:
        return self.folder / "links.json"

    @property
    def served(self) -> Path:
        return self.folder / "served"

    @property
    def received(self) -> Path:
        return self.folder / "received"

    @property
    def client(self) -> Path:
        return self.folder / "client.json"

    @property
    def server(self) -> Path:
        return self.folder / "server.json"
