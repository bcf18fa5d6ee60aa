# SPDX-License-Identifier: GPL-2.0
"""The two ends of the demo's transfer, one process each: what `tquic serve` and `tquic get` do,
and records of every read and of all path counters.

Arguments: server or client, the workplace, the server's address.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from . import demo_plan
from .demo_plan import Plan, Workplace
from .demo_record import Recorder
from .demo_sampler import Sampler
from .demo_trace import Connection, Reading
from .get import STALL_S, Download, open_connection
from .handshake import Options, complete, listen
from .http09 import ALPN, ServedDirectory, Url
from .multipath import PathSpec
from .mux import StreamMux
from .record import Address
from .serve import FileExchange
from .sock import TquicSocket
from .tls import CIPHERS, Role, TlsConfig
from .uapi import PathState

_ACTIVE_TIMEOUT_S = 5.0
_SETTLE_S = 0.3


class PeerError(RuntimeError):
    """The transfer cannot be made, or did not end well."""


class RecordedDownload(Download):
    """A download that notes when each piece came."""

    def __init__(self, url: Url, path: Path, recorder: Recorder) -> None:
        super().__init__(url, path)
        self._recorder = recorder

    def on_data(self, data: bytes, fin: bool) -> None:
        """Note the piece, then store it."""
        if data:
            self._recorder.add(time.monotonic(), len(data))
        super().on_data(data, fin)


def serve(plan: Plan, place: Workplace, address: Address) -> dict[str, object]:
    """Serve one connection until the client closes it; return what was recorded."""
    tls = TlsConfig(alpn=(ALPN,), cert_file=plan.certificate, key_file=plan.key)
    links = json.loads(place.links.read_text())
    with ServedDirectory(place.served) as directory, listen(address, Options()) as listener:
        print(demo_plan.READY, end="", flush=True)
        sock, peer = listener.accept()
        with sock:
            sock.settimeout(0)
            complete(sock, tls, Role.SERVER, str(peer))
            mux = StreamMux(
                sock, server=True, peer=str(peer), accept=lambda _id: FileExchange(directory)
            )
            with Sampler(sock, "server", links) as sampler:
                mux.run(lambda: False)
    return {"readings": [asdict(item) for item in sampler.readings]}


def fetch(plan: Plan, place: Workplace, address: Address) -> dict[str, object]:
    """Fetch the file over all links at once; return what was recorded."""
    links = json.loads(place.links.read_text())
    tls = TlsConfig(alpn=(ALPN,), server_name=plan.server_name, ca_file=plan.ca)
    specs = [PathSpec(Address(host)) for host in links]
    url = Url.parse(f"https://{plan.server_name}:{address.port}/{plan.name}")
    recorder = Recorder()
    item = RecordedDownload(url, place.received, recorder)
    with open_connection(address.host, address.port, tls, specs, Options()) as sock:
        wait_active(sock, len(specs))

        def report(newest: Sequence[Reading]) -> None:
            print(beat_line(time.monotonic(), recorder.total_bytes, newest), flush=True)

        mux = StreamMux(sock, server=False, peer=str(address))
        origin_s = time.monotonic()
        mux.open(item)
        with Sampler(sock, "client", links, report) as sampler:
            mux.run(lambda: item.ended, stall_s=STALL_S)
        info = sock.info()
        time.sleep(_SETTLE_S)  # the server's last readings are to show everything
        sock.close_with(0)
    if item.problem:
        raise PeerError(item.problem)
    connection = Connection(
        cipher=CIPHERS.get(info.cipher, f"{info.cipher:#06x}"),
        verified=bool(info.verified),
        multipath=bool(info.multipath),
        congestion=info.congestion,
        scheduler=info.scheduler,
    )
    return {
        "origin_s": origin_s,
        "received_bytes": place.received.stat().st_size,
        "sha256": file_sha256(place.received),
        "deliveries": [asdict(moment) for moment in recorder.deliveries(origin_s)],
        "gaps": [asdict(gap) for gap in recorder.gaps(origin_s)],
        "readings": [asdict(reading) for reading in sampler.readings],
        "connection": asdict(connection),
    }


def wait_active(sock: TquicSocket, count: int, timeout_s: float = _ACTIVE_TIMEOUT_S) -> None:
    """Wait until that many paths carry data. Raises PeerError."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        states = [PathState(path.state) for path in sock.paths()]
        if states.count(PathState.ACTIVE) >= count:
            return
        time.sleep(0.01)
    found = ", ".join(state.name.lower() for state in states)
    raise PeerError(f"not all paths became active in {timeout_s:g} s: {found or 'none'}")


def beat_line(now_s: float, total_bytes: int, newest: Sequence[Reading]) -> str:
    """Return the line the client reports its progress with: a demo_guest.Beat."""
    received = {item.link: item.received_bytes for item in newest}
    return json.dumps({"t_s": now_s, "total_bytes": total_bytes, "received": received})


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def main() -> None:
    """Be one of the ends."""
    role, folder, server = sys.argv[1:]
    place = Workplace(Path(folder))
    plan = demo_plan.load(place.plan)
    host, _, port = server.rpartition(":")
    address = Address(host, int(port))
    if role == "server":
        place.server.write_text(json.dumps(serve(plan, place, address)))
    else:
        place.client.write_text(json.dumps(fetch(plan, place, address)))


if __name__ == "__main__":
    main()
