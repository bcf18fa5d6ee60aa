# SPDX-License-Identifier: GPL-2.0
"""Find out by trying whether KVM works here: /dev/kvm may open and a guest still fail."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from . import paths

_PROBE_S = 15
_ALIVE = b"Linux version"


def usable(image: Path) -> bool:
    """Tell whether a KVM guest gets as far as printing its kernel version.

    The answer is kept until the next boot of the host.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    kept = paths.cache_dir() / "kvm-probe"
    answers = dict(line.split() for line in kept.read_text().splitlines()) if kept.exists() else {}
    if boot_id not in answers:
        answers = {boot_id: "yes" if _probe(image) else "no"}
        kept.write_text(f"{boot_id} {answers[boot_id]}\n")
    return answers[boot_id] == "yes"


def _probe(image: Path) -> bool:
    """Boot without a root file system: the kernel panics, reboots, and QEMU ends."""
    words = ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "512", "-no-reboot"]
    words += ["-display", "none", "-serial", "stdio", "-monitor", "none", "-kernel", str(image)]
    words += ["-append", "console=ttyS0 earlyprintk=ttyS0 panic=-1"]
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            timeout=_PROBE_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return _ALIVE in (late.stdout or b"")
    except FileNotFoundError:
        return False
    return _ALIVE in done.stdout
