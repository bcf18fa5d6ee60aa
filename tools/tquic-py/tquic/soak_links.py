# SPDX-License-Identifier: GPL-2.0
"""A link of a soak: what is done to it, and what has to be mended afterwards."""

from __future__ import annotations

import time
from dataclasses import replace

from .lab import LabError, Namespace, TwoLinks
from .soak_plan import Kind, slow_link

__all__ = ["TroubledLink"]

#: An interface that was set up takes packets within a second.
_RUNNING_S = 5.0
_LOOK_S = 0.005
#: It asks for two seconds: within less than a link's round trip it would never be answered.
_ARP = {"retrans_time_ms": 50, "mcast_solicit": 40, "ucast_solicit": 40}


class TroubledLink:
    """A link as it is meant to be, and what keeps it from being so."""

    def __init__(self, index: int, lab: TwoLinks) -> None:
        self._index = index
        self._lab = lab
        self._cuts: set[Kind] = set()
        # What is measured is how long TQUIC takes and not ARP: after an outage it asks once in a
        # second, and the bridge between may not be listening yet the first time.
        for host, device in ((lab.client, f"c{index}"), (lab.server, f"s{index}")):
            for name, value in _ARP.items():
                host.sysctl(f"net.ipv4.neigh.{device}.{name}", value)
        self.address = lab.client_address(index).host

    def change(self, **values: float) -> None:
        """Other properties from now on; one that is cut has them later."""
        lab, index = self._lab, self._index
        now = replace(lab.links[index], **values)  # type: ignore[arg-type]
        lab.links[index] = slow_link(now.rate_mbit, now.delay_ms, now.loss)
        self._shape()

    def cut(self, why: Kind, on: bool) -> None:
        """Cut it for a reason, or take that back."""
        if on:
            self._cuts.add(why)
        else:
            self._cuts.discard(why)
        self._shape()

    def _shape(self) -> None:
        if self._cuts:
            self._lab.cut(self._index)
        else:
            self._lab.change(self._index, self._lab.links[self._index])

    def iface(self, on: bool) -> None:
        """The client's device goes down, or is back."""
        if on:
            self._lab.device_down(self._index)
        else:
            self._back()

    def peer_iface(self, on: bool) -> None:
        """The server's device goes down, or is back."""
        if on:
            self._lab.server_device_down(self._index)
        else:
            self._lab.server_device_up(self._index)
            _await(self._lab.server, f"s{self._index}")

    def away(self, on: bool) -> None:
        """The client's address goes, or is back."""
        if on:
            self._lab.client.ip(f"addr del {self.address}/24 dev c{self._index}")
        else:
            self._back()

    def readdress(self) -> str:
        """Give the client another address instead, and return it."""
        before, self.address = self.address, _next_address(self.address)
        device, table = f"c{self._index}", 100 + self._index
        self._lab.client.ip(
            f"addr add {self.address}/24 dev {device}",
            f"rule add from {self.address} lookup {table}",
            f"addr del {before}/24 dev {device}",
        )
        self._back()
        self._lab.client.ip(f"rule del from {before} lookup {table}")
        return self.address

    def _back(self) -> None:
        """What the kernel forgot with the device or its last address."""
        index = self._index
        self._lab.client.ip(
            f"link set c{index} up",
            f"addr replace {self.address}/24 dev c{index}",
            f"route replace default via 10.66.{index}.2 dev c{index} table {100 + index}",
        )
        _await(self._lab.client, f"c{index}")


def _await(host: Namespace, device: str) -> None:
    """Until a device takes packets again: the kernel looks at carriers once in a second."""
    end_s = time.monotonic() + _RUNNING_S
    while not host.is_running(device):
        if time.monotonic() > end_s:
            raise LabError(f"{device} of {host.name} is up and does not run after {_RUNNING_S:g} s")
        time.sleep(_LOOK_S)


def _next_address(host: str) -> str:
    """Another address of the same network, never the server's."""
    net, _, number = host.rpartition(".")
    return f"{net}.{max(int(number) + 1, 10)}"
