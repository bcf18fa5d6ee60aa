# SPDX-License-Identifier: GPL-2.0
"""What is left of connections once they are over: nothing may be."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

from running import wait_for

from tquic import paths
from tquic.lab import TwoLinks


def lines(lab: TwoLinks) -> int:
    """Connections of both hosts, those that are closing too."""
    count = 0
    for host in (lab.client, lab.server):
        with host.entered():
            count += len(Path("/proc/thread-self/net/tquic/conns").read_text().splitlines()) - 1
    return count


def _protocols() -> list[list[str]]:
    """Rows of the kernel's table of protocols: ours, for IPv4 and IPv6."""
    table = Path("/proc/net/protocols").read_text().splitlines()
    return [line.split() for line in table if line.startswith("TQUIC")]


def sockets() -> int:
    """Sockets of the protocol, of all kinds."""
    return sum(int(row[2]) for row in _protocols())


def used_pages() -> int:
    """Pages that all of them have reserved, which the row of IPv4 has too."""
    return next(int(row[3]) for row in _protocols() if row[0] == "TQUIC")


def nothing_left(lab: TwoLinks) -> None:
    """All that belonged to connections has gone."""
    wait_for(lambda: lines(lab) == 0)
    wait_for(lambda: sockets() == 0)


def module_file() -> Path:
    """What was inserted."""
    return paths.build() / "module" / platform.release() / "tquic.ko"


def remove_module() -> None:
    """Nothing holds the module any more, once connections of earlier tests have drained."""

    def removed() -> bool:
        return subprocess.run(["rmmod", "tquic"], capture_output=True, check=False).returncode == 0

    wait_for(removed)


def insert_module() -> None:
    """Other tests want it."""
    subprocess.run(["insmod", str(module_file())], check=True)
