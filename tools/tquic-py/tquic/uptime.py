# SPDX-License-Identifier: GPL-2.0
"""How long the machine has worked; with a virtual clock a busy second is 1e9 instructions."""

from __future__ import annotations

from pathlib import Path

__all__ = ["busy_s", "idle_s"]


def _read() -> tuple[float, float]:
    up, idle = (float(word) for word in Path("/proc/uptime").read_text().split())
    return up, idle


def idle_s() -> float:
    """Seconds that the processors have been idle."""
    return _read()[1]


def busy_s() -> float:
    """Seconds that the processor, which is the only one, has not been idle."""
    up, idle = _read()
    return up - idle
