# SPDX-License-Identifier: GPL-2.0
"""Events from the running kernel, by bcc: compile probes, attach them, read their ring buffer."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
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


def program(wanted: Sequence[type[Event]], token: int | None = None) -> str:
    """The C of the probes for some events, of all connections or of those with a token."""
    template = Path(__file__).with_name("templates") / "trace.bpf.c"
    probes = [
        {
            "name": kind.NAME,
            "number": EVENTS.index(kind),
            "fields": [name.rstrip("_") for name in field_names(kind)],
        }
        for kind in wanted
    ]
    environment = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(template.read_text()).render(
        probes=probes, words=WORDS_MAX, pages=_RING_PAGES, token=token
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

    def __init__(self, wanted: Sequence[type[Event]], token: int | None = None) -> None:
        """Compile and attach. Raises UnavailableError, which tells what is missing."""
        _check_kernel(wanted)
        bcc = find_bcc()
        self._events: list[Event] = []
        try:
            self._bpf: Any = bcc.BPF(text=program(wanted, token).encode(), cflags=["-w"])
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
        return 0

    def read(self, wait_s: float) -> list[Event]:
        """The events since the last call; waits for the first at most so long, not at all for 0."""
        if wait_s > 0:
            self._bpf.ring_buffer_poll(int(wait_s * 1000))
        else:
            self._bpf.ring_buffer_consume()
        found, self._events = self._events, []
        return found

    @property
    def overruns(self) -> int:
        """Events lost because they were not read in time."""
        return int(self._bpf[b"overrun"][ctypes.c_int(0)].value)
