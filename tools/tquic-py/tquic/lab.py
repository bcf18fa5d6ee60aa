# SPDX-License-Identifier: GPL-2.0
"""Two hosts joined by links whose rate, delay, loss and queue are set: network namespaces.

Needs root, and in its own machine is where it belongs: names of namespaces are the machine's.
A shaped link leads through a third namespace that only bridges, so that what is delayed, lost and
queued are packets as a wire carries them and not the large ones of segmentation offload. A link
without shaping is a bare veth pair, offload included.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from ipaddress import IPv6Address
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .record import Address

__all__ = ["Counters", "LabError", "Link", "Namespace", "TwoLinks"]

_NETNS_DIR = Path("/run/netns")
_CLONE_NEWNET = 0x4000_0000
_SIOCGIFFLAGS = 0x8913
_IFF_RUNNING = 0x40
#: struct ifreq with its flags.
_FLAGS_OF_DEVICE = struct.Struct("16sH22x")
_WIRE_BYTES = 1514
_QUEUE_FLOOR_PACKETS = 64
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(RuntimeError):
    """A network could not be built; the text carries the command that failed."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """How a link treats packets, the same in both directions; the defaults do nothing at all.

    rate_mbit    1e6 bits per second, 0: not limited
    delay_ms     one way; jitter_ms varies it and reorders
    loss, reorder, corrupt, duplicate    percent of packets
    limit        packets held, those on their way included; None: twice what delay needs
    mtu          bytes
    varies       a new rate is that of the packets that wait already, too, as with radio
    """

    rate_mbit: float = 0
    delay_ms: float = 0
    jitter_ms: float = 0
    loss: float = 0
    reorder: float = 0
    corrupt: float = 0
    duplicate: float = 0
    limit: int | None = None
    mtu: int = 1500
    varies: bool = False

    @property
    def shaped(self) -> bool:
        """Whether the link does anything to packets but carry them."""
        return self != Link(mtu=self.mtu)

    @property
    def queue_packets(self) -> int:
        """The limit in force."""
        if self.limit is not None:
            return self.limit
        if not self.rate_mbit:
            return 100_000
        return int(2 * self._on_the_way) + _QUEUE_FLOOR_PACKETS

    @property
    def _on_the_way(self) -> float:
        return self.rate_mbit * 1e3 * self.delay_ms / 8 / _WIRE_BYTES

    @property
    def waiting_packets(self) -> int:
        """What of the limit is left for packets that wait."""
        return self.queue_packets - int(self._on_the_way)

    def qdiscs(self, device: str) -> list[str]:
        """The lines of `tc -batch` for one direction.

        netem reckons when a packet leaves as it comes: what waits when the rate changes goes at
        the old one. A rate that varies is therefore that of a token bucket behind the delay.
        """
        if not self.varies:
            return [f"qdisc replace dev {device} root netem {' '.join(self.netem())}"]
        fixed = replace(self, rate_mbit=0, limit=None)
        bucket = f"rate {self.rate_mbit:g}mbit burst {2 * _WIRE_BYTES}"
        return [
            f"qdisc replace dev {device} root handle 1: netem {' '.join(fixed.netem())}",
            f"qdisc replace dev {device} parent 1:1 handle 2: tbf {bucket} "
            f"limit {self.waiting_packets * _WIRE_BYTES}",
        ]

    def netem(self) -> list[str]:
        """The words of `tc qdisc … netem` for one direction."""
        words = ["limit", str(self.queue_packets)]
        if self.delay_ms or self.jitter_ms:
            words += ["delay", f"{self.delay_ms:g}ms"]
            if self.jitter_ms:
                words += [f"{self.jitter_ms:g}ms"]
        for name in ("loss", "reorder", "corrupt", "duplicate"):
            percent = getattr(self, name)
            if percent:
                words += [name, f"{percent:g}%"]
        if self.rate_mbit:
            words += ["rate", f"{self.rate_mbit:g}mbit"]
        return words


@dataclass(frozen=True)
class Counters:
    """What a link has carried so far, seen from the client's end."""

    tx_bytes: int
    tx_packets: int
    rx_bytes: int
    rx_packets: int

    def __sub__(self, other: Counters) -> Counters:
        return Counters(
            self.tx_bytes - other.tx_bytes,
            self.tx_packets - other.tx_packets,
            self.rx_bytes - other.rx_bytes,
            self.rx_packets - other.rx_packets,
        )


def _command(words: Sequence[str], text: str | None = None) -> None:
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(words)}: {done.stderr.strip()}\n{text or ''}")


class Namespace:
    """A named network namespace, made with its loopback up."""

    def __init__(self, name: str) -> None:
        self.name = name
        _command(["ip", "netns", "add", name])
        self._fd = os.open(_NETNS_DIR / name, os.O_RDONLY | os.O_CLOEXEC)
        self.ip("link set lo up")

    def close(self) -> None:
        """Remove the namespace; it lives on while processes and sockets use it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            with suppress(LabError):
                _command(["ip", "netns", "del", self.name])

    def ip(self, *lines: str, v6: bool = False) -> None:
        """Run lines of `ip` inside, in one process. Raises LabError."""
        _command(
            ["ip", *(["-6"] if v6 else []), "-netns", self.name, "-batch", "-"],
            "\n".join(lines) + "\n",
        )

    def tc(self, *lines: str) -> None:
        """Run lines of `tc` inside, in one process. Raises LabError."""
        _command(["tc", "-netns", self.name, "-batch", "-"], "\n".join(lines) + "\n")

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Put the calling thread inside; sockets it makes in the block stay there."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(self._fd)
            yield
        finally:
            _setns(before)
            os.close(before)

    def is_running(self, device: str) -> bool:
        """Whether packets can leave by a device: up to a second after it has been set up."""
        with self.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            answer = fcntl.ioctl(sock, _SIOCGIFFLAGS, _FLAGS_OF_DEVICE.pack(device.encode(), 0))
        return bool(_FLAGS_OF_DEVICE.unpack(answer)[1] & _IFF_RUNNING)

    def enter(self) -> None:
        """Put the calling thread inside for good: what a forked child does."""
        _setns(self._fd)

    def popen(self, words: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a program inside."""
        return subprocess.Popen(["ip", "netns", "exec", self.name, *words], **options)

    def run(self, words: Sequence[str], **options: Any) -> subprocess.CompletedProcess[Any]:
        """Run a program inside to its end; options are those of subprocess.run."""
        return subprocess.run(["ip", "netns", "exec", self.name, *words], **options)  # noqa: PLW1510

    def sysctl(self, name: str, value: str | int) -> None:
        """Set a sysctl of this namespace, named with dots or slashes."""
        with self.entered():
            Path("/proc/sys", *name.replace(".", "/").split("/")).write_text(f"{value}\n")

    def open_device_table(self) -> int:
        """A descriptor of /proc/net/dev as seen inside; it stays that of this namespace."""
        with self.entered():
            return os.open("/proc/thread-self/net/dev", os.O_RDONLY | os.O_CLOEXEC)


def _setns(fd: int) -> None:
    if _libc.setns(fd, _CLONE_NEWNET):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


class TwoLinks:
    """Namespaces ``client`` and ``server`` joined by links (two of them in the name's case).

    Link i joins device c<i> of the client (10.66.<i>.1, fd66:<i>::1) and s<i> of the server
    (10.66.<i>.2, fd66:<i>::2). What the client sends from an address of link i leaves through that
    link, whatever its destination, and reaches every address of the server.
    """

    def __init__(self, links: Sequence[Link], *, prefix: str = "tq") -> None:
        self.links = list(links)
        self._open: list[Namespace] = []
        self._table = -1
        try:
            self.client = self._namespace(f"{prefix}-client")
            self.server = self._namespace(f"{prefix}-server")
            self.wire = self._namespace(f"{prefix}-wire")
            for index in range(len(self.links)):
                self._build(index)
            self._table = self.client.open_device_table()
        except BaseException:
            self.close()
            raise

    def _namespace(self, name: str) -> Namespace:
        made = Namespace(name)
        self._open.append(made)
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take the network down."""
        if self._table >= 0:
            os.close(self._table)
            self._table = -1
        while self._open:
            self._open.pop().close()

    def client_address(self, index: int = 0, *, v6: bool = False, port: int = 0) -> Address:
        """The client's address on a link."""
        return Address(_v6(index, 1) if v6 else f"10.66.{index}.1", port)

    def server_address(self, index: int = 0, *, v6: bool = False, port: int = 0) -> Address:
        """The server's address on a link."""
        return Address(_v6(index, 2) if v6 else f"10.66.{index}.2", port)

    def cut(self, index: int, *, carrier: bool = False) -> None:
        """Break a link: packets vanish without a sign, or the carrier goes when asked."""
        if not carrier:
            self._shape(index, replace(self.links[index], loss=100))
        elif self.links[index].shaped:
            self.wire.ip(f"link set wc{index} down", f"link set ws{index} down")
        else:
            self.server_device_down(index)

    def restore(self, index: int) -> None:
        """Mend a link that was cut in either way."""
        self._shape(index, self.links[index])
        if self.links[index].shaped:
            self.wire.ip(f"link set wc{index} up", f"link set ws{index} up")
        else:
            self.server_device_up(index)

    def server_device_down(self, index: int) -> None:
        """Take the server's device of a link down."""
        self.server.ip(f"link set s{index} down")

    def server_device_up(self, index: int) -> None:
        """Bring it back, and the address that the kernel forgot with it."""
        self.server.ip(f"link set s{index} up", f"addr replace fd66:{index}::2/64 dev s{index}")

    def device_down(self, index: int) -> None:
        """Take the client's device of a link down."""
        self.client.ip(f"link set c{index} down")

    def device_up(self, index: int) -> None:
        """Bring it back, and what the kernel forgot with it."""
        self.client.ip(
            f"link set c{index} up",
            f"addr replace 10.66.{index}.1/24 dev c{index}",
            f"route replace default via 10.66.{index}.2 dev c{index} table {100 + index}",
            f"addr replace fd66:{index}::1/64 dev c{index} nodad",
        )
        self.client.ip(
            f"route replace default via fd66:{index}::2 dev c{index} table {100 + index}", v6=True
        )

    def change(self, index: int, link: Link) -> None:
        """Give a shaped link other properties from now on."""
        self._shape(index, link)
        self.links[index] = link

    def counters(self, index: int) -> Counters:
        """What a link has carried: what the client put on it and what reached the client."""
        text = os.pread(self._table, 1 << 16, 0).decode()
        for line in text.splitlines():
            name, _, numbers = line.partition(":")
            if name.strip() == f"c{index}":
                n = [int(word) for word in numbers.split()]
                return Counters(tx_bytes=n[8], tx_packets=n[9], rx_bytes=n[0], rx_packets=n[1])
        raise LabError(f"no link {index}")

    def _shape(self, index: int, link: Link) -> None:
        """Set what the link does to packets, in both directions."""
        if self.links[index].shaped:
            for end in ("wc", "ws"):
                self.wire.tc(*link.qdiscs(f"{end}{index}"))
            return
        for namespace, device in ((self.client, f"c{index}"), (self.server, f"s{index}")):
            if link.shaped:
                namespace.tc(*link.qdiscs(device))
            else:
                with suppress(LabError):  # there is none when the link was not cut
                    namespace.tc(f"qdisc del dev {device} root")

    def _build(self, index: int) -> None:
        link = self.links[index]
        c, s = f"c{index}", f"s{index}"
        if link.shaped:
            self._build_wire(index, link)
        else:
            self.client.ip(f"link add {c} type veth peer name {s} netns {self.server.name}")
        extra = f"mtu {link.mtu}" + (" gso_max_segs 1" if link.shaped else "")
        for namespace, device, host in ((self.client, c, 1), (self.server, s, 2)):
            with namespace.entered():
                _no_address_tricks(device)
            namespace.ip(
                f"link set {device} {extra} up",
                f"addr add 10.66.{index}.{host}/24 dev {device}",
                f"addr add fd66:{index}::{host}/64 dev {device} nodad",
            )
        table = 100 + index
        self.client.ip(
            f"route add default via 10.66.{index}.2 dev {c} table {table}",
            f"rule add from 10.66.{index}.1 lookup {table}",
        )
        self.client.ip(
            f"route add default via fd66:{index}::2 dev {c} table {table}",
            f"rule add from fd66:{index}::1 lookup {table}",
            v6=True,
        )

    def _build_wire(self, index: int, link: Link) -> None:
        client_end, server_end, bridge = f"wc{index}", f"ws{index}", f"br{index}"
        extra = f"mtu {link.mtu} gso_max_segs 1"
        self.wire.ip(
            f"link add {bridge} type bridge stp_state 0",
            f"link add {client_end} type veth peer name c{index} netns {self.client.name}",
            f"link add {server_end} type veth peer name s{index} netns {self.server.name}",
            f"link set {client_end} {extra} master {bridge} up",
            f"link set {server_end} {extra} master {bridge} up",
            f"link set {bridge} up",
        )
        self._shape(index, link)


def _v6(index: int, host: int) -> str:
    """An address as the kernel would write it."""
    return str(IPv6Address(f"fd66:{index}::{host}"))


def _no_address_tricks(device: str) -> None:
    """Answers come back on whichever link: that is wanted here, and duplicates are not possible."""
    Path(f"/proc/sys/net/ipv4/conf/{device}/rp_filter").write_text("0\n")
    Path("/proc/sys/net/ipv4/conf/all/rp_filter").write_text("0\n")
    with suppress(FileNotFoundError):
        Path(f"/proc/sys/net/ipv6/conf/{device}/accept_dad").write_text("0\n")
