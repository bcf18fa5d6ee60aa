# SPDX-License-Identifier: GPL-2.0
"""How connections, paths and events of the netlink family look to people and to programs."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from .errors import close_text
from .netlink import (
    Bond,
    BondEvent,
    Command,
    ConnClosed,
    Connection,
    ConnEvent,
    Endpoint,
    Event,
    Path,
    PathEvent,
    Registry,
)
from .record import Address
from .uapi import CloseFlag, CloseInfo, PathFlag

__all__ = [
    "conn_dict",
    "endpoint_dict",
    "event_dict",
    "event_line",
    "path_dict",
    "registry_dict",
    "show_conns",
    "show_endpoints",
    "show_paths",
    "show_registry",
]


def device(ifindex: int) -> str:
    """The name of an interface; its number when it is of another namespace or gone."""
    if not ifindex:
        return "-"
    try:
        return socket.if_indextoname(ifindex)
    except OSError:
        return str(ifindex)


def size(count: int) -> str:
    """A number of bytes, short."""
    value = float(count)
    for unit in ("", "K", "M", "G"):
        if value < 1000:
            return f"{value:.3g}{unit}" if unit else str(count)
        value /= 1000
    return f"{value:.3g}T"


def _plain(record: Any) -> dict[str, Any]:
    out = asdict(record)
    for name in ("local", "peer"):
        out[name] = _text(getattr(record, name))
    return out


def _text(address: Address | None) -> str | None:
    return str(address) if address else None


def _flags(value: int) -> list[str]:
    return [flag.name.lower() for flag in PathFlag if value & flag and flag.name]


def conn_dict(conn: Connection) -> dict[str, Any]:
    """A connection for JSON."""
    out = {**_plain(conn), "state": conn.state_name, "flags": list(conn.flag_names)}
    out["bond"] = _bond_dict(conn.bond) if conn.bond else None
    return out


def _bond_dict(bond: Bond) -> dict[str, Any]:
    return {**asdict(bond), "state": bond.state_name, "previous": bond.previous_name}


def path_dict(path: PathEvent) -> dict[str, Any]:
    """A path for JSON."""
    flags = {"flags": _flags(path.flags), "peer_flags": _flags(path.peer_flags)}
    return {**_plain(path), "state": path.state_name, **flags}


def endpoint_dict(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint for JSON."""
    return {
        "id": endpoint.id,
        "addr": endpoint.addr.host,
        "port": endpoint.addr.port,
        "dev": device(endpoint.ifindex) if endpoint.ifindex else None,
        "flags": list(endpoint.flag_names),
    }


def event_dict(event: Event) -> dict[str, Any]:
    """An event for JSON; ``event`` is its name, as in the spec."""
    if isinstance(event, PathEvent):
        out = path_dict(event)
    elif isinstance(event, ConnEvent):
        out = conn_dict(event)
    elif isinstance(event, BondEvent):
        out = {**_plain(event), "bond": _bond_dict(event.bond)}
    else:
        out = _plain(event)
        out["reason"] = event.reason.decode(errors="replace")
        out["close_flags"] = [
            flag.name.lower() for flag in CloseFlag if event.close_flags & flag and flag.name
        ]
    del out["command"]
    return {"event": _name(event), **out}


def _name(event: Event) -> str:
    return Command(event.command).name.lower().replace("_", "-")


def event_line(event: Event) -> str:
    """An event in one line."""
    where = f"{_text(event.local) or '-'} > {_text(event.peer) or '-'}"
    line = f"{_name(event)} conn {event.token}"
    if isinstance(event, PathEvent):
        line += f" path {event.path_id} {where}"
        if event.ifindex:
            line += f" dev {device(event.ifindex)}"
        if event.command == Command.PATH_ABANDONED:
            line += f" code {event.error_code:#x}"
        return line
    if isinstance(event, BondEvent):
        bond = event.bond
        return f"{line} {where}: {bond.previous_name} > {bond.state_name}, {event.paths} paths"
    if isinstance(event, ConnClosed):
        close = CloseInfo(
            event.error_code, event.frame_type, event.close_flags, len(event.reason), event.reason
        )
        return f"{line} {where}: {close_text(close)}"
    return f"{line} {where} {' '.join(event.flag_names)}".rstrip()


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        right = column.isupper() and column in _NUMBERS
        table.add_column(column, justify="right" if right else "left", no_wrap=True)
    return table


_NUMBERS = {"ID", "CONN", "PATH", "PATHS", "SENT", "RECEIVED", "RTT", "CWND", "LOST", "MTU"}


def _print(table: Table) -> None:
    """Print at full width when nobody's terminal limits it."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 400
    console.print(table)


def show_conns(conns: Sequence[Connection]) -> None:
    """Print a table of connections."""
    table = _table(
        "CONN", "STATE", "ROLE", "LOCAL", "PEER", "PATHS", "BOND", "CC", "SCHEDULER", "SENT",
        "RECEIVED",
    )  # fmt: skip
    for conn in conns:
        table.add_row(
            str(conn.token),
            conn.state_name,
            "server" if "server" in conn.flag_names else "client",
            _text(conn.local) or "-",
            _text(conn.peer) or "-",
            str(conn.paths),
            conn.bond.state_name if conn.bond else "-",
            conn.congestion,
            conn.scheduler,
            size(conn.bytes_sent),
            size(conn.bytes_received),
        )
    _print(table)


def show_paths(paths: Sequence[Path]) -> None:
    """Print a table of paths."""
    table = _table(
        "CONN", "PATH", "STATE", "LOCAL", "PEER", "DEV", "MTU", "RTT", "CWND", "SENT", "RECEIVED",
        "LOST",
    )  # fmt: skip
    for path in paths:
        state = ",".join(filter(None, (path.state_name, path.spared)))
        table.add_row(
            str(path.token),
            str(path.path_id),
            state,
            _text(path.local) or "-",
            _text(path.peer) or "-",
            device(path.ifindex),
            str(path.mtu_bytes),
            f"{path.srtt_ns / 1e6:.1f}ms",
            size(path.cwnd_bytes),
            size(path.bytes_sent),
            size(path.bytes_received),
            str(path.packets_lost),
        )
    _print(table)


def show_endpoints(endpoints: Sequence[Endpoint]) -> None:
    """Print a table of endpoints."""
    table = _table("ID", "ADDRESS", "PORT", "DEV", "FLAGS")
    for endpoint in endpoints:
        table.add_row(
            str(endpoint.id),
            endpoint.addr.host,
            str(endpoint.addr.port or "-"),
            device(endpoint.ifindex),
            ",".join(endpoint.flag_names),
        )
    _print(table)


def registry_dict(registry: Mapping[Registry, Sequence[str]]) -> dict[str, list[str]]:
    """What there is to choose from, for JSON."""
    return {kind.name.lower(): sorted(names) for kind, names in registry.items()}


def show_registry(registry: Mapping[Registry, Sequence[str]]) -> None:
    """Print a table of what there is to choose from."""
    table = _table("KIND", "NAME")
    for kind, names in registry_dict(registry).items():
        for name in names:
            table.add_row(kind, name)
    _print(table)
