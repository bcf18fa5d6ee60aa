# SPDX-License-Identifier: GPL-2.0
"""What one end is to do, as it is handed to the program that plays it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

__all__ = ["Feature", "Plan", "Protocol", "play"]


class Feature(StrEnum):
    """What a case asks of an end beyond moving files."""

    RETRY = "retry"
    CHACHA20 = "chacha20"
    KEY_UPDATE = "keyupdate"
    V2 = "v2"
    ECN = "ecn"
    PREFERRED_ADDRESS = "preferred_address"
    MOVE = "move"
    REBIND = "rebind"
    RESUMPTION = "resumption"
    EARLY = "early"
    LIMIT = "limit"


class Protocol(StrEnum):
    """ALPN of what files are asked for with."""

    HQ = "hq-interop"
    H3 = "h3"


@dataclass(frozen=True)
class Plan:
    """``folder`` is what a server offers and where a client stores; ``requests`` has the names of
    the files of each connection; the client stops when a connection takes ``timeout_s``;
    ``preferred`` is the second address of a server that asks its clients to move there, ``other``
    that of a client that is to move by itself.
    """

    host: str
    port: int
    server_name: str
    protocol: Protocol
    folder: str
    ca: str
    certificate: str
    key: str
    keylog: str
    requests: tuple[tuple[str, ...], ...] = ()
    features: tuple[Feature, ...] = ()
    timeout_s: float = 60
    preferred: str = ""
    other: str = ""

    def wants(self, feature: Feature) -> bool:
        """Whether the case asks for it."""
        return feature in self.features

    def dump(self) -> str:
        """The plan as text."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Plan:
        """Read what :meth:`dump` wrote."""
        values = json.loads(text)
        values["protocol"] = Protocol(values["protocol"])
        values["features"] = tuple(Feature(name) for name in values["features"])
        values["requests"] = tuple(tuple(names) for names in values["requests"])
        return cls(**values)


def play(words: list[str], client: Callable[[Plan], None], server: Callable[[Plan], None]) -> None:
    """The main program of an end: its role, then the file with its plan."""
    role, path = words
    {"client": client, "server": server}[role](Plan.load(Path(path).read_text()))
