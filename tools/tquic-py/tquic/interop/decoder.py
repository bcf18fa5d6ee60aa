# SPDX-License-Identifier: GPL-2.0
"""What tshark, a decoder that shares no code with any of the ends, says of a capture."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .network import PORT

__all__ = ["CONFIRMED", "NOT_INSTALLED", "confirm"]

CONFIRMED = "confirmed"
NOT_INSTALLED = "tshark is not installed: apt-get install tshark, as scripts/setup.sh does"
_TIMEOUT_S = 600
_HANDSHAKE_DONE = "30"
#: tshark's severities of what it complains about: warnings and errors.
_SEVERE = ("6291456", "8388608")
_FIELDS = (
    "quic.connection.number",
    "quic.frame_type",
    "_ws.expert.severity",
    "_ws.expert.message",
)


@dataclass
class _Seen:
    """What the lines of one run add up to."""

    packets: int = 0
    connections: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    complaints: Counter[str] = field(default_factory=Counter)

    def add(self, line: str) -> None:
        """Take in one packet: its fields, each a list with commas."""
        numbers, frames, severities, messages = line.split("\t")
        self.packets += 1
        here = set(filter(None, numbers.split(",")))
        self.connections |= here
        if _HANDSHAKE_DONE in frames.split(","):
            self.done |= here
        if set(severities.split(",")) & set(_SEVERE):
            self.complaints[messages] += 1


def confirm(capture: Path, keys: Path, connections: int) -> str:
    """CONFIRMED when tshark opens every packet, finds nothing wrong, and sees so many handshakes
    that were confirmed by their server; NOT_INSTALLED, or what it found instead.
    """
    if shutil.which("tshark") is None:
        return NOT_INSTALLED
    words = ["tshark", "-n", "-r", str(capture), "-o", f"tls.keylog_file:{keys}"]
    words += ["-d", f"udp.port=={PORT},quic", "-T", "fields", "-E", "separator=/t"]
    for name in _FIELDS:
        words += ["-e", name]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=_TIMEOUT_S)
    except subprocess.CalledProcessError as error:
        return f"tshark: {error.stderr.strip()}"
    except subprocess.TimeoutExpired:
        return f"tshark was not done after {_TIMEOUT_S} s"
    return judge(done.stdout, connections)


def judge(text: str, connections: int) -> str:
    """What tshark's lines mean: CONFIRMED, or what is wrong."""
    seen = _Seen()
    for line in text.splitlines():
        seen.add(line)
    out = []
    if len(seen.done) != connections:
        out.append(f"{len(seen.done)} confirmed handshakes, not {connections}")
    if seen.complaints:
        (message, count), *_others = seen.complaints.most_common()
        out.append(f"{seen.complaints.total()} packets of {seen.packets}, {count} x {message}")
    return f"tshark sees {'; '.join(out)}" if out else CONFIRMED
