# SPDX-License-Identifier: GPL-2.0
"""C structs as frozen dataclasses: each field's annotation says what it is on the wire."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, ClassVar, NamedTuple, Self, get_type_hints

__all__ = [
    "U8",
    "U16",
    "U32",
    "U64",
    "Address",
    "Pad",
    "Record",
    "Sockaddr",
    "array",
    "raw",
    "text",
]


class Address(NamedTuple):
    """An IP address and a UDP port; ``scope`` is the interface index of a link-local address."""

    host: str
    port: int = 0
    scope: int = 0

    @property
    def family(self) -> socket.AddressFamily:
        """AF_INET6 for addresses with a colon, else AF_INET."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def sockaddr(self) -> tuple[str, int] | tuple[str, int, int, int]:
        """The form Python's sockets take."""
        if self.family == socket.AF_INET:
            return (self.host, self.port)
        return (self.host, self.port, 0, self.scope)

    @classmethod
    def of(cls, sockaddr: Any) -> Address:
        """From the form Python's sockets give."""
        host, port, *rest = sockaddr
        return cls(host.partition("%")[0], port, rest[1] if rest else 0)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


_SOCKADDR_BYTES = 128


def _pack_address(address: Address | None) -> bytes:
    """struct __kernel_sockaddr_storage; all zero for None."""
    if address is None:
        return bytes(_SOCKADDR_BYTES)
    raw = socket.inet_pton(address.family, address.host)
    head = struct.pack("=H", address.family) + address.port.to_bytes(2, "big")
    if address.family == socket.AF_INET6:
        head += bytes(4)
        raw += struct.pack("=I", address.scope)
    return (head + raw).ljust(_SOCKADDR_BYTES, b"\0")


def _unpack_address(data: bytes) -> Address | None:
    family = struct.unpack_from("=H", data)[0]
    port = int.from_bytes(data[2:4], "big")
    if family == socket.AF_INET:
        return Address(str(IPv4Address(data[4:8])), port)
    if family == socket.AF_INET6:
        scope = struct.unpack_from("=I", data, 24)[0]
        return Address(str(IPv6Address(data[8:24])), port, scope)
    return None


def _pack_text(text: str) -> bytes:
    return text.encode("ascii")


def _unpack_text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("ascii", errors="replace")


@dataclass(frozen=True)
class _Kind:
    """A field on the wire: its struct code, reserved bytes after it, and conversions."""

    code: str
    pad: int = 0
    pack: Callable[[Any], Any] = int
    unpack: Callable[[Any], Any] = int

    @property
    def size(self) -> int:
        return struct.calcsize("=" + self.code)


@dataclass(frozen=True)
class Pad:
    """Reserved bytes after a field; in its annotation, after the kind."""

    size: int


def array(code: str) -> _Kind:
    """A fixed number of integers, as a tuple; ``code`` is that of the struct module."""
    form = struct.Struct("=" + code)
    return _Kind(f"{form.size}s", pack=lambda values: form.pack(*values), unpack=form.unpack)


def text(size: int) -> _Kind:
    """ASCII that ends with a zero byte, or with the field."""
    return _Kind(f"{size}s", pack=_pack_text, unpack=_unpack_text)


def raw(size: int) -> _Kind:
    """Bytes; those that are not given are zero."""
    return _Kind(f"{size}s", pack=bytes, unpack=bytes)


U8 = Annotated[int, _Kind("B")]
U16 = Annotated[int, _Kind("H")]
U32 = Annotated[int, _Kind("I")]
U64 = Annotated[int, _Kind("Q")]
Sockaddr = Annotated[
    Address | None, _Kind(f"{_SOCKADDR_BYTES}s", pack=_pack_address, unpack=_unpack_address)
]


class Record:
    """A struct of the kernel's ABI, in native byte order and without implicit padding.

    Subclasses are frozen dataclasses whose fields, all of them with defaults, are in C order.
    """

    #: Name of the struct in the header.
    C_NAME: ClassVar[str]

    @classmethod
    def size(cls) -> int:
        """Bytes of the struct."""
        return _layout(cls)[1].size

    @classmethod
    def offsets(cls) -> dict[str, tuple[int, int]]:
        """Field name -> (offset, size) in bytes."""
        out, at = {}, 0
        for name, kind in _layout(cls)[0].items():
            out[name] = (at, kind.size)
            at += kind.size + kind.pad
        return out

    def pack(self) -> bytes:
        """The struct's bytes. Raises ValueError when a value does not fit its field."""
        kinds, layout = _layout(type(self))
        values = [kind.pack(getattr(self, name)) for name, kind in kinds.items()]
        for (name, kind), value in zip(kinds.items(), values, strict=True):
            if isinstance(value, bytes) and len(value) > kind.size:
                raise ValueError(f"{self.C_NAME}.{name}: too long")
        try:
            return layout.pack(*values)
        except struct.error as error:
            raise ValueError(f"{self.C_NAME}: {error}") from error

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read a struct; fields an older kernel did not write are zero, newer ones are left out."""
        kinds, layout = _layout(cls)
        values = layout.unpack(data[: layout.size].ljust(layout.size, b"\0"))
        pairs = zip(kinds.items(), values, strict=True)
        return cls(**{name: kind.unpack(value) for (name, kind), value in pairs})


_Layout = tuple[dict[str, _Kind], struct.Struct]
_layouts: dict[Any, _Layout] = {}


def _layout(cls: type[Record]) -> _Layout:
    """The fields of a record class and its packing, worked out once."""
    if cls not in _layouts:
        _layouts[cls] = _new_layout(cls)
    return _layouts[cls]


def _new_layout(cls: type[Record]) -> _Layout:
    kinds: dict[str, _Kind] = {}
    for name, hint in get_type_hints(cls, include_extras=True).items():
        for said in getattr(hint, "__metadata__", ()):
            if isinstance(said, _Kind):
                kinds[name] = said
            elif isinstance(said, Pad):
                kinds[name] = replace(kinds[name], pad=said.size)
    codes = "".join(f"{kind.code}{kind.pad}x" for kind in kinds.values())
    return kinds, struct.Struct("=" + codes)
