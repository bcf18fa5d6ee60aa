# SPDX-License-Identifier: GPL-2.0
"""The two ends of a soak as the guest sees them: their processes, and what their kernels tell."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

from .lab import Namespace
from .netlink import BondEvent, Command, ConnClosed, PathEvent, TquicNetlink
from .netlink import Path as NetlinkPath
from .soak_peers import Log

__all__ = ["Child", "Side"]

_FIRST_FD = 3
_LAST_FD = 1024
_COUNTERS = Path("/proc/thread-self/net/tquic/snmp")
_CONNS = Path("/proc/thread-self/net/tquic/conns")
_PROTOCOLS = Path("/proc/thread-self/net/protocols")


class Child:
    """A process that runs one function inside a namespace."""

    def __init__(self, namespace: Namespace, work: Callable[[], None]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if not self.pid:
            _be_child(namespace, work)
        self.pidfd = os.pidfd_open(self.pid)
        self.code: int | None = None

    def end(self, sig: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        if self.code is None:
            os.kill(self.pid, sig)
            self.reap()

    def reap(self) -> None:
        """It has ended, or will soon."""
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self.pidfd)


def _be_child(namespace: Namespace, work: Callable[[], None]) -> NoReturn:
    code = 1
    try:
        namespace.enter()
        os.closerange(_FIRST_FD, _LAST_FD)
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


class Side:
    """One end's namespace: its netlink, and the news of it."""

    def __init__(self, name: str, namespace: Namespace, log: Log, held: ExitStack) -> None:
        self.name = name
        self._namespace = namespace
        self._log = log
        with namespace.entered():
            self.netlink = held.enter_context(TquicNetlink())
            self.news = held.enter_context(TquicNetlink())
            self.news.subscribe()

    def note(self) -> None:
        """Write down what the kernel tells; call when ``news`` is readable."""
        for event in self.news.events():
            values: dict[str, Any] = {"side": self.name, "token": event.token}
            if isinstance(event, PathEvent):
                values |= {"id": event.path_id, "state": event.state_name}
            elif isinstance(event, ConnClosed):
                values |= {"code": event.error_code, "flags": event.close_flags}
            elif isinstance(event, BondEvent):
                continue  # follows from those of the paths
            if event.local:
                values["local"] = event.local.host
            self._log.add("news", event=Command(event.command).name.lower(), **values)

    def left(self) -> list[str]:
        """The connections there are, closing ones included."""
        return [f"{self.name}: {line}" for line in self._read(_CONNS)[1:]]

    def sockets(self) -> list[str]:
        """What the kernel counts as TQUIC's sockets, and their memory, unless there is none.

        Each CPU keeps up to 1 MiB of what was freed to itself.
        """
        rows = (line.split() for line in self._read(_PROTOCOLS))
        kept = (os.cpu_count() or 1) * (1 << 20) // os.sysconf("SC_PAGE_SIZE")
        return [
            f"{self.name}: {words[2]} sockets of {words[0]}, {words[3]} pages"
            for words in rows
            if words[0].startswith("TQUIC") and (int(words[2]) or int(words[3]) > kept)
        ]

    def counters(self) -> dict[str, int]:
        """The module's counters that have counted something."""
        pairs = (line.split() for line in self._read(_COUNTERS))
        return {words[0]: int(words[1]) for words in pairs if len(words) == 2 and words[1] != "0"}

    def client_end(self, path: NetlinkPath) -> str:
        """The client's address of a path, whichever end this is."""
        end = path.local if self.name == "client" else path.peer
        return end.host if end else ""

    def _read(self, path: Path) -> list[str]:
        with self._namespace.entered():
            return path.read_text().splitlines()
