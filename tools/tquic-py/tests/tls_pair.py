# SPDX-License-Identifier: GPL-2.0
"""Two TLS sessions in one process, and what has passed between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tls_certs import Authority, Leaf

from tquic.tls import Level, Role, Secret, TlsConfig, TlsSession

ALPN = "hq-interop"
NAME = "server.test"
CLIENT_PARAMS = bytes(range(256)) * 3
SERVER_PARAMS = b"\x0f\x00" + b"server" * 20


@dataclass
class World:
    """A CA, a server certificate for NAME, and configurations using them."""

    folder: Path
    ca: Authority
    leaf: Leaf

    def client(self, **changes: Any) -> TlsConfig:
        """A verifying client's configuration."""
        base: dict[str, Any] = {"alpn": (ALPN,), "server_name": NAME, "ca_file": self.ca.file}
        return TlsConfig(**{**base, **changes})

    def server(self, leaf: Leaf | None = None, **changes: Any) -> TlsConfig:
        """A server's configuration."""
        chosen = leaf or self.leaf
        base: dict[str, Any] = {
            "alpn": (ALPN,),
            "cert_file": chosen.cert_file,
            "key_file": chosen.key_file,
        }
        return TlsConfig(**{**base, **changes})


@dataclass
class Pair:
    """A client and a server, and every secret either has given out."""

    client: TlsSession
    server: TlsSession
    client_secrets: list[Secret] = field(default_factory=list)
    server_secrets: list[Secret] = field(default_factory=list)
    cut_bytes: int = 0
    wire: list[tuple[Role, Level, bytes]] = field(default_factory=list)

    def _carry(self, source: TlsSession, target: TlsSession, log: list[Secret]) -> bool:
        log += source.take_secrets()
        merged: list[tuple[Level, bytes]] = []
        for level, data in source.take_crypto():
            self.wire.append((source.role, level, data))
            if merged and merged[-1][0] == level:
                merged[-1] = (level, merged[-1][1] + data)
            else:
                merged.append((level, data))
        for level, data in merged:
            step = self.cut_bytes or len(data)
            for at in range(0, len(data), step):
                target.receive(level, data[at : at + step])
        return bool(merged)

    def run(self) -> Pair:
        """Exchange data until neither side has more to say."""
        self.client.start()
        self.server.start()
        busy = True
        while busy:
            busy = self._carry(self.client, self.server, self.client_secrets)
            busy |= self._carry(self.server, self.client, self.server_secrets)
        return self


def make_pair(client: TlsConfig, server: TlsConfig, cut_bytes: int = 0) -> Pair:
    """A pair before the handshake; ``cut_bytes`` splits what is carried, 0 merges it."""
    return Pair(
        TlsSession(client, Role.CLIENT, CLIENT_PARAMS),
        TlsSession(server, Role.SERVER, SERVER_PARAMS),
        cut_bytes=cut_bytes,
    )
