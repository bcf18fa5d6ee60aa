# SPDX-License-Identifier: GPL-2.0
"""What the demo's guest writes down and the host reads: times, bytes and path counters.

Times are guest seconds since the request was sent; byte counts of paths are UDP payload.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Side = Literal["client", "server"]

TRACE_FILE = "trace.json"


class TraceError(ValueError):
    """The guest's record is missing or not what this version writes."""


@dataclass(frozen=True)
class LinkPlan:
    """One link as it was built: its name, capacity in Mbit/s and round-trip time in ms."""

    name: str
    rate_mbit_s: float
    rtt_ms: float


@dataclass(frozen=True)
class Reading:
    """Counters of one path at one moment, from TQUIC_SOCKOPT_PATH_INFO of one side."""

    t_s: float
    side: Side
    link: str
    path_id: int
    state: str
    sent_bytes: int
    received_bytes: int
    sent_packets: int
    received_packets: int
    lost_packets: int
    srtt_ms: float
    cwnd_bytes: int


@dataclass(frozen=True)
class WireReading:
    """Bytes of frames that reached the client's device on a link, counted by the device."""

    t_s: float
    link: str
    received_bytes: int


@dataclass(frozen=True)
class Delivery:
    """Bytes of the file the program had read, in order, at one moment."""

    t_s: float
    total_bytes: int


@dataclass(frozen=True)
class Gap:
    """A time between two reads that returned data."""

    start_s: float
    length_s: float


@dataclass(frozen=True)
class Transfer:
    """The file on both sides, and when things happened."""

    file_name: str
    file_bytes: int
    sent_sha256: str
    received_bytes: int
    received_sha256: str
    first_byte_s: float
    cut_s: float
    restore_s: float
    last_byte_s: float


@dataclass(frozen=True)
class Connection:
    """What was agreed, from TQUIC_SOCKOPT_INFO of the client."""

    cipher: str
    verified: bool
    multipath: bool
    congestion: str
    scheduler: str


@dataclass(frozen=True)
class Trace:
    """Everything one run of the demo recorded."""

    links: list[LinkPlan]
    cut_link: str
    transfer: Transfer
    connection: Connection
    deliveries: list[Delivery]
    gaps: list[Gap]
    readings: list[Reading]
    wire: list[WireReading]

    @property
    def capacity_mbit_s(self) -> float:
        """Sum of the links' raw rates."""
        return sum(link.rate_mbit_s for link in self.links)

    def save(self, path: Path) -> None:
        """Write the record as JSON."""
        path.write_text(json.dumps(asdict(self)) + "\n")


def load(path: Path) -> Trace:
    """Read a record; raise TraceError when there is none or it is not one of ours."""
    try:
        raw: dict[str, Any] = json.loads(path.read_text())
        return Trace(
            links=[LinkPlan(**item) for item in raw["links"]],
            cut_link=raw["cut_link"],
            transfer=Transfer(**raw["transfer"]),
            connection=Connection(**raw["connection"]),
            deliveries=[Delivery(**item) for item in raw["deliveries"]],
            gaps=[Gap(**item) for item in raw["gaps"]],
            readings=[Reading(**item) for item in raw["readings"]],
            wire=[WireReading(**item) for item in raw["wire"]],
        )
    except FileNotFoundError as err:
        raise TraceError(f"the guest left no record ({path.name})") from err
    except (KeyError, TypeError, ValueError) as err:
        raise TraceError(f"{path}: not a record of the demo: {err}") from err
