# SPDX-License-Identifier: GPL-2.0
"""Which sockets `tquic ss` is about, and their end."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from .diag import CONNECTED, DiagSocket, InetDiag, SockState
from .genl import NetlinkError
from .ssview import STATES

__all__ = ["end", "wanted_states"]

# Nothing there to end: it went by itself, or it is no connection.
_NOT_ENDED = (errno.ENOENT, errno.EOPNOTSUPP)


def wanted_states(
    names: Sequence[str], *, everything: bool = False, listening: bool = False
) -> tuple[SockState, ...]:
    """States by the words of ss; named ones count, whatever else is said."""
    if names:
        return tuple(STATES[name][0] for name in names)
    if everything:
        return tuple(SockState)
    return (SockState.LISTEN,) if listening else CONNECTED


def end(diag: InetDiag, socks: Sequence[DiagSocket]) -> list[DiagSocket]:
    """End connections; return those that were. Raises NetlinkError (EPERM)."""
    ended = []
    for sock in socks:
        try:
            diag.destroy(sock.family, sock.cookie)
        except NetlinkError as error:
            if error.errno not in _NOT_ENDED:
                raise
        else:
            ended.append(sock)
    return ended
