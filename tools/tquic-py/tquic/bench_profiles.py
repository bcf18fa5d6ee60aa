# SPDX-License-Identifier: GPL-2.0
"""What `tquic bench` measures: pairs and triples of links as operators bond them."""

from __future__ import annotations

from dataclasses import dataclass, field

from .lab import Link

#: Bytes of an Ethernet frame with a full IP packet, and what TQUIC and TCP carry in it.
#: TQUIC: 1514 less Ethernet 14, IP 20, UDP 8, short header 1 + 8 + 2, frame 10, tag 16.
FRAME_BYTES = 1514
TQUIC_PAYLOAD_BYTES = 1435


@dataclass(frozen=True)
class Profile:
    """Links to be bonded. ``swing_mbit``: the first link's other rate, taken every second.

    ``shared``: there is one link, two paths lead over it, and a TCP transfer is beside them.
    ``congestion``: both transports' controller where the usual one does not fit the links.
    """

    number: int
    title: str
    links: tuple[Link, ...]
    swing_mbit: float = 0
    shared: bool = False
    congestion: str = ""
    #: Share of the links' payload capacity that bulk transfer is to reach.
    target: float = field(default=0.97)

    def capacity_mbit(self, seconds: int) -> float:
        """The links' mean raw rate over so many whole seconds, megabits per second."""
        steady = sum(link.rate_mbit for link in self.links)
        if not self.swing_mbit:
            return steady
        return steady + (self.swing_mbit - self.links[0].rate_mbit) * (seconds // 2) / seconds

    def payload_mbit(self, seconds: int) -> float:
        """What of that can be payload of TQUIC streams."""
        return self.capacity_mbit(seconds) * TQUIC_PAYLOAD_BYTES / FRAME_BYTES


def _link(rate_mbit: float, rtt_ms: float, **more: float) -> Link:
    return Link(rate_mbit=rate_mbit, delay_ms=rtt_ms / 2, **more)  # type: ignore[arg-type]


PROFILES: dict[int, Profile] = {
    item.number: item
    for item in (
        Profile(1, "2 x 50 Mbit/s, 20 ms", (_link(50, 20), _link(50, 20))),
        Profile(2, "80 Mbit/s 20 ms + 20 Mbit/s 80 ms", (_link(80, 20), _link(20, 80))),
        Profile(
            3,
            "100 Mbit/s 10 ms + 40 Mbit/s 60 ± 10 ms, 0.5 % loss",
            (_link(100, 10), _link(40, 60, jitter_ms=5, loss=0.5)),
            # What takes a loss for a full queue does not fill the second link.
            congestion="bbr",
            target=0.92,
        ),
        Profile(
            4, "50 Mbit/s 30 ms + 30 Mbit/s 300 ms", (_link(50, 30), _link(30, 300)), target=0.92
        ),
        Profile(
            5,
            "30 Mbit/s 15 ms + 20 Mbit/s 40 ms + 10 Mbit/s 90 ms",
            (_link(30, 15), _link(20, 40), _link(10, 90)),
        ),
        Profile(6, "2 paths and a TCP flow over 60 Mbit/s, 30 ms", (_link(60, 30),), shared=True),
        Profile(
            7,
            "50 and 5 Mbit/s in turn, 20 ms + 20 Mbit/s 40 ms",
            (_link(50, 20, varies=True), _link(20, 40)),
            swing_mbit=5,
            target=0.92,
        ),
    )
}
