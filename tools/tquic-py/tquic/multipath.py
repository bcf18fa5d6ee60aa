# SPDX-License-Identifier: GPL-2.0
"""Further paths of a connection: which local addresses they start from."""

from __future__ import annotations

import errno
import ipaddress
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .errors import ConnectionFailedError
from .handshake import Options
from .record import Address
from .sock import TquicSocket

__all__ = ["PathSpec", "add_paths"]

#: Seconds until a handshake that is complete must be confirmed.
_CONFIRM_S = 5.0
_RETRY_S = 0.01
_REASONS = {
    errno.EOPNOTSUPP: "the peer does not support multipath",
    errno.EADDRNOTAVAIL: "this host has no such address (see: ip address)",
    errno.ENODEV: "that interface does not exist",
    errno.ENETUNREACH: "there is no route from it to the peer",
    errno.EEXIST: "there is such a path already",
    errno.EADDRINUSE: "there is such a path already",
    errno.ENOSPC: "the connection has as many paths as both ends allow",
    errno.EAGAIN: "the handshake was not confirmed in time, or the peer gave no connection ids",
}


@dataclass(frozen=True)
class PathSpec:
    """Where a path starts: a local address, and an interface if it matters."""

    local: Address
    device: str | None = None

    @classmethod
    def parse(cls, text: str) -> PathSpec:
        """Read LOCAL[@IFACE]. Raises ValueError."""
        host, at, device = text.partition("@")
        if at and not device:
            raise ValueError(f"{text}: no interface after @")
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            raise ValueError(f"{text}: not an IP address") from None
        return cls(Address(str(address)), device or None)

    @property
    def ifindex(self) -> int:
        """Index of the interface, 0 for any. Raises OSError (ENODEV)."""
        return socket.if_nametoindex(self.device) if self.device else 0

    def bind(self, options: Options) -> Options:
        """Options whose connection starts on this path."""
        return replace(options, local=self.local, device=self.device)

    def __str__(self) -> str:
        return f"{self.local.host}@{self.device}" if self.device else self.local.host


def add_paths(sock: TquicSocket, specs: Sequence[PathSpec], wait_s: float = _CONFIRM_S) -> None:
    """Add a path for each; waits for the handshake's confirmation. Raises ConnectionFailedError."""
    deadline = time.monotonic() + wait_s
    for spec in specs:
        try:
            _add(sock, spec, deadline)
        except OSError as error:
            why = _REASONS.get(error.errno or 0, error.strerror or str(error))
            raise ConnectionFailedError(f"path {spec}: {why}") from error


def _add(sock: TquicSocket, spec: PathSpec, deadline: float) -> None:
    while True:
        try:
            return sock.add_path(spec.local, ifindex=spec.ifindex)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_RETRY_S)
