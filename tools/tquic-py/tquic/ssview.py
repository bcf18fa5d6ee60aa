# SPDX-License-Identifier: GPL-2.0
"""How sockets that sock_diag tells of look to people, as ss shows them, and to programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from .cmd_net import path_dict
from .diag import DiagSocket, SockState
from .netlink import spared_name
from .nlview import size
from .record import Address
from .uapi import BondState, Info, PathInfo, PathState

__all__ = ["STATES", "detail_line", "path_line", "show", "socket_dict"]

#: What ss calls the states, in its filters and in its column.
STATES = {
    "established": (SockState.ESTABLISHED, "ESTAB"),
    "syn-sent": (SockState.SYN_SENT, "SYN-SENT"),
    "syn-recv": (SockState.SYN_RECV, "SYN-RECV"),
    "closed": (SockState.CLOSE, "UNCONN"),
    "listening": (SockState.LISTEN, "LISTEN"),
    "closing": (SockState.CLOSING, "CLOSING"),
}
_COLUMN = {int(state): column for state, column in STATES.values()}


def _end(address: Address) -> str:
    host = "*" if address.host in ("0.0.0.0", "::") and not address.port else address.host
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{address.port or '*'}"


def socket_dict(sock: DiagSocket) -> dict[str, Any]:
    """A socket for JSON."""
    out = asdict(sock)
    out["state"] = _COLUMN.get(sock.state, str(sock.state))
    out["local"], out["peer"] = str(sock.local), str(sock.peer)
    out["paths"] = [path_dict(path) for path in sock.paths]
    return out


def extended_line(sock: DiagSocket) -> str:
    """Who has the socket, and its cookie."""
    uid = f"uid:{sock.uid} " if sock.uid else ""
    return f"{uid}ino:{sock.inode} sk:{sock.cookie:x}"


def detail_line(info: Info) -> str:
    """What matters of struct tquic_info in one line."""
    words = [
        info.congestion,
        info.scheduler,
        f"token:{info.token}",
        "server" if info.server else "client",
        f"version:{info.version:#x}",
        f"cipher:{info.cipher:#06x}",
        f"paths:{info.paths}",
        f"bond:{BondState(info.bond_state).name.lower()}",
        f"bytes_sent:{info.bytes_sent}",
        f"bytes_received:{info.bytes_received}",
        f"bytes_retrans:{info.bytes_retransmitted}",
        f"bytes_reinjected:{info.bytes_reinjected}",
    ]
    flags = ("confirmed", "verified", "multipath")
    return " ".join([*words, *(name for name in flags if getattr(info, name))])


def path_line(path: PathInfo) -> str:
    """A path in one line."""
    state = ",".join(filter(None, (PathState(path.state).name.lower(), spared_name(path.flags))))
    return (
        f"path {path.path_id} {state} {path.local or '-'} > {path.peer or '-'} "
        f"rtt:{path.srtt_ns / 1e6:.3f}/{path.rttvar_ns / 1e6:.3f} mss:{path.mtu_bytes} "
        f"cwnd:{size(path.cwnd_bytes)} bytes_sent:{size(path.bytes_sent)} "
        f"bytes_received:{size(path.bytes_received)} lost:{path.packets_lost}"
    )


def show(socks: Sequence[DiagSocket], *, extended: bool, details: bool) -> None:
    """Print a line for each socket, as ss does; more below it where asked for."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Netid", "State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port"):
        table.add_column(name, justify="right" if name.endswith("-Q") else "left", no_wrap=True)
    if extended:
        table.add_column("Process", no_wrap=True)
    for sock in socks:
        row = [_COLUMN.get(sock.state, str(sock.state)), str(sock.recv_queue)]
        row += [str(sock.send_queue), _end(sock.local), _end(sock.peer)]
        table.add_row("tquic", *row, *([extended_line(sock)] if extended else []))
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 400
    if not details:
        console.print(table)
        return
    # The table's own lines, so that columns stay aligned with what is put between them.
    with console.capture() as capture:
        console.print(table)
    header, *lines = capture.get().splitlines()
    console.print(header.rstrip(), soft_wrap=True)
    for sock, line in zip(socks, lines, strict=True):
        console.print(line.rstrip(), soft_wrap=True)
        if sock.info and sock.state != SockState.LISTEN:
            console.print(f"\t {detail_line(sock.info)}", soft_wrap=True)
        for path in sock.paths:
            console.print(f"\t {path_line(path)}", soft_wrap=True)
