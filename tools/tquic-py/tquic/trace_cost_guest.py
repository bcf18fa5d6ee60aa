# SPDX-License-Identifier: GPL-2.0
"""Inside the virtual machine: a few transfers, and what they took. See trace_cost.

Arguments: without, off or paths; files of the CA, the server's certificate and its key.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from .lab import Link, TwoLinks
from .uptime import busy_s

RECORD_FILE = "counts.json"
SERVER_NAME = "server.cost.test"
_SIZE = "64M"
_RUNS = 2
_LINK = Link(rate_mbit=50, delay_ms=10)
_TQUIC = (sys.executable, "-c", "from tquic.cli import main; main()")


@dataclass(frozen=True)
class Count:
    """A transfer: what the machine did while it ran, and packets both ways at the client."""

    instructions: int
    packets: int


def _packets(lab: TwoLinks) -> int:
    counters = [lab.counters(index) for index in range(len(lab.links))]
    return sum(item.tx_packets + item.rx_packets for item in counters)


@contextmanager
def _until(process: subprocess.Popen[str], word: str) -> Iterator[None]:
    """Wait until a program says a word on standard error; end it after the block."""
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if word in line:
                break
        else:
            raise RuntimeError(f"no {word!r} from {process.args!r}")
        yield
    finally:
        process.terminate()
        process.wait(60)


def _transfer(lab: TwoLinks, ca: str) -> Count:
    """The client's program included; the first one of a boot warms caches and imports."""
    words = [*_TQUIC, "perf", "client", lab.server_address(0).host, "--ca", ca, "--reverse"]
    words += ["--server-name", SERVER_NAME, "--bytes", _SIZE]
    words += [word for i in range(2) for word in ("--path", lab.client_address(i).host)]
    before_s, packets = busy_s(), _packets(lab)
    lab.client.run(words, check=True, stdout=subprocess.DEVNULL)
    return Count(round((busy_s() - before_s) * 1e9), _packets(lab) - packets)


def main() -> None:
    """Do the transfers and leave the counts, that of the first left out."""
    what, ca, certificate, key = sys.argv[1:]
    with ExitStack() as held:
        lab = held.enter_context(TwoLinks([_LINK, _LINK]))
        serve = [*_TQUIC, "perf", "server", "--cert", certificate, "--key", key]
        server = lab.server.popen(serve, stderr=subprocess.PIPE, text=True)
        held.enter_context(_until(server, "listening"))
        if what == "paths":
            watch = [*_TQUIC, "trace", "paths"]
            tracer = subprocess.Popen(
                watch, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
            held.enter_context(_until(tracer, "tracing"))
        _transfer(lab, ca)
        time.sleep(2)
        counts = [_transfer(lab, ca) for _ in range(_RUNS)]
    target = Path(os.environ["TQUIC_RESULTS"]) / RECORD_FILE
    target.write_text(json.dumps([asdict(item) for item in counts]))


if __name__ == "__main__":
    main()
