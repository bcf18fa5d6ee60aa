# SPDX-License-Identifier: GPL-2.0
"""Looks at this host and its network namespace for `tquic doctor`; changes nothing."""

from __future__ import annotations

import errno
import ipaddress
import os
import platform
import socket
import subprocess
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from .doctor import Facts, Way
from .errors import UnavailableError
from .netlink import Endpoint, TquicNetlink
from .record import Address
from .uapi import IPPROTO_TQUIC

_MODULE = "tquic"
_SYSCTLS = Path("/proc/sys/net/tquic")
_BTF = Path("/sys/kernel/btf")
#: Where routes are looked up to when there is no peer yet: addresses for documentation (RFC 5737).
_ANYWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
_IFF_LOWER_UP = 1 << 16


def gather(peer: str | None = None) -> Facts:
    """Return what is to be judged; routes are those to @peer, an address. Raises ValueError."""
    if peer:
        ipaddress.ip_address(peer)
    release = platform.release()
    loaded = Path("/sys/module", _MODULE).is_dir()
    if not loaded:
        return Facts(release=release, vermagic=_vermagic(), kernel_btf=_has_btf("vmlinux"))
    usable, agent = _sockets()
    admin, extra_paths, endpoints = _manager()
    return Facts(
        release=release,
        vermagic=_vermagic(),
        loaded=True,
        usable=usable,
        module_btf=_has_btf(_MODULE),
        kernel_btf=_has_btf("vmlinux"),
        admin=admin,
        agent=agent,
        extra_paths=extra_paths,
        ways=_ways(endpoints, peer),
        settings=_settings(),
    )


def _has_btf(name: str) -> bool:
    return (_BTF / name).exists()


def _vermagic() -> str:
    """What the installed module was built for, "" when none is installed."""
    try:
        done = subprocess.run(
            ["/sbin/modinfo", "-F", "vermagic", _MODULE], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _sockets() -> tuple[bool, bool]:
    """Whether a socket can be made, and whether an agent answers for it.

    A listener on the loopback address is made and closed at once: without an agent that is refused.
    """
    try:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_TQUIC)
    except OSError:
        return False, False
    with sock:
        try:
            sock.bind(("127.0.0.1", 0))
            sock.listen(1)
        except OSError as error:
            return True, error.errno != errno.EPROTONOSUPPORT
    return True, True


def _manager() -> tuple[bool, int, list[Endpoint]]:
    """Whether we may ask, the limit of paths, the endpoints."""
    try:
        with TquicNetlink() as netlink:
            return True, netlink.limits().extra_paths, netlink.endpoints()
    except UnavailableError:
        return True, 0, []
    except OSError as error:
        if error.errno != errno.EPERM:
            raise
        return False, 0, []


def _settings() -> tuple[tuple[str, str], ...]:
    return tuple((path.name, path.read_text().strip()) for path in sorted(_SYSCTLS.glob("*")))


def _ways(endpoints: list[Endpoint], peer: str | None) -> tuple[Way, ...]:
    if not endpoints:
        return ()
    with IPRoute() as route:
        return tuple(_way(route, endpoint, peer) for endpoint in endpoints)


def _way(route: IPRoute, endpoint: Endpoint, peer: str | None) -> Way:
    address = endpoint.addr
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    to = peer if peer and (":" in peer) == (":" in address.host) else _ANYWHERE[family]
    index = endpoint.ifindex or _owner(route, family, address)
    device, up = _device(route, index)
    return Way(
        id=endpoint.id,
        address=address,
        device=device,
        up=up,
        leaves_by=_device(route, _lookup(route, family, to, address))[0],
        bound_route=not endpoint.ifindex or _lookup(route, family, to, address, index) == index,
        rp_filter=_rp_filter(device) if device and family == socket.AF_INET else 0,
    )


def _owner(route: IPRoute, family: int, address: Address) -> int:
    for item in route.get_addr(family=family):
        if item.get_attr("IFA_ADDRESS") == address.host:
            return int(item["index"])
    return 0


def _device(route: IPRoute, index: int) -> tuple[str, bool]:
    """Name of an interface and whether it works; "" when there is none."""
    if not index:
        return "", False
    try:
        (link,) = route.get_links(index)
    except NetlinkError:
        return "", False
    return str(link.get_attr("IFLA_IFNAME")), bool(link["flags"] & _IFF_LOWER_UP)


def _lookup(
    route: IPRoute, family: int, to: str, address: Address, index: int | None = None
) -> int:
    """Interface that packets from @address to @to leave by, 0: there is no route."""
    words: dict[str, Any] = {"family": family, "dst": to, "src": address.host}
    if index:
        words["oif"] = index
    try:
        found = route.route("get", **words)
    except NetlinkError:
        return 0
    return int(found[0].get_attr("RTA_OIF") or 0)


def _rp_filter(device: str) -> int:
    base = Path("/proc/sys/net/ipv4/conf")
    values = [(base / name / "rp_filter") for name in ("all", device)]
    return max(int(path.read_text()) for path in values if os.access(path, os.R_OK))
