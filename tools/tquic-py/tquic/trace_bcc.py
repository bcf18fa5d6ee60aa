# SPDX-License-Identifier: GPL-2.0
"""Events from the running kernel, by bcc: compile probes, attach them, read their ring buffer."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Final, Self

import jinja2

from .errors import UnavailableError
from .trace_events import EVENTS, WORDS_MAX, Event, decode, field_names

__all__ = ["Tracer", "find_bcc", "program"]

#: Where Debian's python3-bpfcc is, which programs of a venv do not see.
_DEBIAN: Final = Path("/usr/lib/python3/dist-packages")
_TRACEFS: Final = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))
_RING_PAGES: Final = 4096
#: Events of one reading.
_READ_MAX: Final = 4096
#: Paths whose latest events are kept.
_LATEST_MAX: Final = 65536


def find_bcc(folder: Path = _DEBIAN) -> ModuleType:
    """Import bcc, from Debian's ``folder`` if Python does not find it otherwise.

    The folder is on the search path for the time of the import only. Raises UnavailableError.
    """
    try:
        return importlib.import_module("bcc")
    except ImportError:
        pass
    sys.path.append(str(folder))
    try:
        return importlib.import_module("bcc")
    except ImportError as error:
        raise UnavailableError(
            f"bcc is missing ({error}): apt install python3-bpfcc linux-headers-$(uname -r)"
        ) from error
    finally:
        sys.path.remove(str(folder))


def program(
    wanted: Sequence[type[Event]],
    token: int | None = None,
    latest: Sequence[type[Event]] = (),
) -> str:
    """The C of the probes for some events, of all connections or of those with a token.

    Of the kinds in ``latest`` the first of each path is told, then the last since it was read.
    """
    template = Path(__file__).with_name("templates") / "trace.bpf.c"
    probes = [
        {
            "name": kind.NAME,
            "number": EVENTS.index(kind),
            "fields": [name.rstrip("_") for name in field_names(kind)],
            "latest": kind in latest,
        }
        for kind in wanted
    ]
    environment = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(template.read_text()).render(
        probes=probes,
        words=WORDS_MAX,
        pages=_RING_PAGES,
        latest_max=_LATEST_MAX,
        token=token,
    )


def _check_kernel(wanted: Sequence[type[Event]]) -> None:
    if os.geteuid():
        raise UnavailableError("tracing needs root: run it with sudo")
    for base in _TRACEFS:
        events = base / "events/tquic"
        if all((events / kind.NAME / "format").exists() for kind in wanted):
            return
    raise UnavailableError("the kernel has no TQUIC tracepoints: load the module, modprobe tquic")


class Tracer:
    """Probes on tracepoints, from the time of construction (tens of seconds) until closed."""

    def __init__(
        self,
        wanted: Sequence[type[Event]],
        token: int | None = None,
        latest: Sequence[type[Event]] = (),
    ) -> None:
        """Compile and attach; see program(). Raises UnavailableError: it tells what is missing."""
        _check_kernel(wanted)
        bcc = find_bcc()
        self._events: list[Event] = []
        self._latest = bool(latest)
        self._read_ns = 0
        self._behind = False
        text = program(wanted, token, latest)
        try:
            self._bpf: Any = bcc.BPF(text=text.encode(), cflags=["-w"])
        except Exception as error:
            raise UnavailableError(
                f"the probes cannot be compiled or attached ({error}): "
                "apt install linux-headers-$(uname -r)"
            ) from error
        self._bpf[b"records"].open_ring_buffer(self._on_record)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Detach the probes."""
        self._bpf.cleanup()

    def _on_record(self, _context: object, data: int, size: int) -> int:
        self._events.append(decode(ctypes.string_at(data, size)))
        return -1 if len(self._events) >= _READ_MAX else 0

    def read(self, wait_s: float) -> list[Event]:
        """The events since the last call, after a wait; so many at most, for more keep coming."""
        if wait_s > 0 and not self._behind:
            time.sleep(wait_s)
        self._bpf.ring_buffer_consume()
        self._behind = len(self._events) >= _READ_MAX
        found, self._events = self._events, []
        if self._latest:
            found += self._read_latest()
        return found

    def _read_latest(self) -> list[Event]:
        """What has come of the kinds of which only the latest counts, in order."""
        values = self._bpf[b"latest"].values()
        events = [decode(ctypes.string_at(ctypes.addressof(v), ctypes.sizeof(v))) for v in values]
        fresh = sorted((e for e in events if e.ns > self._read_ns), key=lambda e: e.ns)
        if fresh:
            self._read_ns = fresh[-1].ns
        return fresh

    @property
    def overruns(self) -> int:
        """Events lost because they were not read in time."""
        return int(self._bpf[b"overrun"][ctypes.c_int(0)].value)
