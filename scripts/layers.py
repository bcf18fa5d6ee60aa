#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Check who includes whom in net/tquic, and that the lower layers keep to their means.

L0 wire     bytes in, structs out: no skb, memory, lock, clock, log
L1 state    takes `now` in ns: no socket, clock, log; builds in userspace
L2 engine   knows skb and the connection; nothing of the adapters above
L3 adapters tquic_*: sockets, UDP, netlink, timers; nothing below includes them
L4 users    modules of their own: of ours only <net/tquic.h> and uapi
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

_TOP = Path(__file__).resolve().parents[1]
_NET = _TOP / "net/tquic"
_INCLUDE = re.compile(r'^#include\s+([<"])([^>"]+)[>"]')
_COMMENT = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\])*\"", re.DOTALL)

_WIRE = {"varint", "header", "frame", "frame_put", "params", "version", "proto"}
#: The shape of an ACK frame, which is written from it; who keeps it allocates.
_WIRE_HEADERS = {"ranges.h"}
_STATE_DIRS = {"core", "cc", "sched", "bond"}
_WIRE_DIRS = {"lb", "fec"}
_USER_DIRS = {"diag"}
_ENGINE_DIRS = {"crypto", "transport", "multipath", "pm", "security", "offload"}

_NO_WORLD = (
    r"net/|crypto/|uapi/|linux/(ktime|timekeeping|hrtimer|timer|jiffies|delay|printk|net|netdevice"
    r"|socket|sockptr|udp|in|in6|ip|ipv6|icmp|workqueue|kmod|mutex|seq_file|proc_fs|uaccess|uio)\.h"
)
_NO_STATE = r"linux/(skbuff|slab|gfp|spinlock|rcupdate|rculist|lockdep|module|random)\.h"
_NO_WORDS = (
    r"\b(ktime_get\w*|jiffies|printk\w*|pr_(?:err|warn|info|debug|notice)\w*|lock_sock|sock_net"
    r"|dev_\w+_printk|msleep|schedule)\b"
)


@dataclass(frozen=True)
class Layer:
    """What a layer may include: projects' layers by rank, and kernel headers it must not."""

    rank: int
    name: str
    forbidden_headers: str = ""
    forbidden_words: str = ""


_L0 = Layer(0, "L0 wire", f"{_NO_WORLD}|{_NO_STATE}", _NO_WORDS)
_L1 = Layer(1, "L1 state", _NO_WORLD, _NO_WORDS)
_L2 = Layer(2, "L2 engine", r"linux/(netdevice|socket|seq_file|proc_fs)\.h")
_L3 = Layer(3, "L3 adapters")
_L4 = Layer(4, "L4 users")


def layer_of(path: Path) -> Layer | None:
    """Return the layer of a file of net/tquic; None for tests, which may use everything."""
    where = path.relative_to(_NET)
    folder = where.parts[0] if len(where.parts) > 1 else ""
    if folder == "test":
        return None
    wire = path.stem in _WIRE or path.name in _WIRE_HEADERS
    if folder in _WIRE_DIRS or (folder == "core" and wire):
        return _L0
    if folder in _STATE_DIRS:
        return _L1
    if folder in _ENGINE_DIRS:
        return _L2
    if folder in _USER_DIRS:
        return _L4
    if not folder:
        return _L3
    raise ValueError(f"{where}: its folder belongs to no layer, add it to {Path(__file__).name}")


def check(path: Path) -> list[str]:
    """Return the faults of one file, as `file:line: fault`."""
    layer = layer_of(path)
    if layer is None:
        return []
    faults: list[str] = []
    shown = path.relative_to(_TOP)
    text = path.read_text()
    for number, line in enumerate(text.splitlines(), 1):
        match = _INCLUDE.match(line)
        fault = match and _include_fault(layer, match[1] == '"', match[2])
        if fault:
            faults.append(f"{shown}:{number}: {fault}")
    code = _COMMENT.sub(lambda m: "\n" * m[0].count("\n"), text)
    if layer.forbidden_words:
        for number, line in enumerate(code.splitlines(), 1):
            word = re.search(layer.forbidden_words, line)
            if word and not line.startswith("#include"):
                faults.append(f"{shown}:{number}: {layer.name} uses {word[0]}")
    return faults


def _include_fault(layer: Layer, own: bool, name: str) -> str | None:
    if not own:
        if layer.forbidden_headers and re.match(layer.forbidden_headers, name):
            return f"{layer.name} includes <{name}>"
        return None
    target = _NET / name
    if not target.exists():
        return f"{name} is not a file of net/tquic (name it from there)"
    other = layer_of(target)
    if other is None or layer is _L4:
        what = "a test header" if other is None else "a header inside tquic.ko"
        return f"{layer.name} includes {what}, {name}"
    if other.rank > layer.rank:
        return f"{layer.name} includes {other.name}, {name}"
    return None


def main() -> int:
    """Check every file; print the faults and return 1 when there are any."""
    files = sorted(_NET.rglob("*.[ch]"))
    try:
        faults = [fault for path in files for fault in check(path)]
    except ValueError as err:
        faults = [str(err)]
    print("\n".join(faults) or f"layers: {len(files)} files in order")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
