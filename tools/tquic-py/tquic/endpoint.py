# SPDX-License-Identifier: GPL-2.0
"""Endpoints and limits of the path manager in words, as `ip mptcp` takes them."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Collection, Sequence

from .netlink import Endpoint, EndpointFlag
from .record import Address

__all__ = ["parse_endpoint", "parse_id", "parse_limits"]

_VALUES = ("dev", "id", "port")
_FLAGS = tuple(flag.name.lower() for flag in EndpointFlag if flag.name)
_LIMITS = ("extra-paths", "endpoints")


def parse_endpoint(words: Sequence[str]) -> Endpoint:
    """Read ``ADDRESS [dev IFACE] [id N] [port N] [subflow] [backup] [metered]
    [fullmesh]``.

    Raises ValueError for a word that does not fit, OSError (ENODEV) for an unknown interface.
    """
    if not words:
        raise ValueError("the endpoint's address is missing")
    values, flags = _split(words[1:], _VALUES, _FLAGS)
    try:
        host = str(ipaddress.ip_address(words[0]))
    except ValueError:
        raise ValueError(f"{words[0]}: not an IP address") from None
    bits = EndpointFlag.SUBFLOW
    for name in flags:
        bits |= EndpointFlag[name.upper()]
    return Endpoint(
        id=_number("id", values.get("id", "0"), 255),
        addr=Address(host, _number("port", values.get("port", "0"), 65535)),
        ifindex=_ifindex(values.get("dev")),
        flags=bits,
    )


def parse_id(words: Sequence[str]) -> int:
    """Read ``[id] N``. Raises ValueError."""
    left = words[1:] if words and words[0] == "id" else words
    if len(left) != 1:
        raise ValueError("give the id of one endpoint (see: tquic endpoint show)")
    return _number("id", left[0], 255)


def parse_limits(words: Sequence[str]) -> dict[str, int]:
    """Read ``[extra-paths N] [endpoints N]`` as arguments of set_limits(). Raises ValueError."""
    values, _ = _split(words, _LIMITS, ())
    if not values:
        raise ValueError(f"which limit? ({', '.join(_LIMITS)})")
    return {name.replace("-", "_"): _number(name, text, 255) for name, text in values.items()}


def _split(
    words: Sequence[str], names: Collection[str], flags: Collection[str]
) -> tuple[dict[str, str], list[str]]:
    """Take words apart: values by the names before them, and flags."""
    values: dict[str, str] = {}
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in flags:
            found.append(word)
            continue
        if word not in names:
            raise ValueError(f"{word}: expected one of {', '.join([*names, *flags])}")
        value = next(rest, None)
        if value is None:
            raise ValueError(f"nothing comes after {word}")
        if word in values:
            raise ValueError(f"{word} is given twice")
        values[word] = value
    return values, found


def _number(name: str, text: str, most: int) -> int:
    if not text.isdecimal() or int(text) > most:
        raise ValueError(f"{name} {text}: not a number up to {most}")
    return int(text)


def _ifindex(name: str | None) -> int:
    if name is None:
        return 0
    try:
        return socket.if_nametoindex(name)
    except OSError as error:
        raise OSError(errno.ENODEV, "no such interface (see: ip link)", name) from error
