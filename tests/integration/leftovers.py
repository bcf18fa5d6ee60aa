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


def sockets() -> int:
    """Sockets of the protocol, of all kinds."""
    table = Path("/proc/net/protocols").read_text().splitlines()
    return sum(int(line.split()[2]) for line in table if line.startswith("TQUIC"))


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
