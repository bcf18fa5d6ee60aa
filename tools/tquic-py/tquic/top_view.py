# SPDX-License-Identifier: GPL-2.0
"""How a view of paths looks: lines of a screen for people, values for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from .netlink import Connection
from .nlview import conn_dict, device, path_dict, size
from .top import Track, View

__all__ = ["ASCII", "BLOCKS", "screen", "spark", "view_dict"]

#: Levels of a curve, from nothing to the most.
BLOCKS: Final = " ▁▂▃▄▅▆▇█"
ASCII: Final = " .:-=+*#@"

_INDENT: Final = "  "
_CURVE_MAX: Final = 40
#: Narrower ones say nothing; the local address gives way to them.
_CURVE_MIN: Final = 8
_HEAD: Final = ("PATH", "STATE", "DEV", "LOCAL", "RTT", "LOSS", "CWND", "SEND b/s", "RECV b/s")
_LEFT: Final = frozenset({"STATE", "DEV", "LOCAL"})


def spark(values: Sequence[float], most: float, width: int, ramp: str = BLOCKS) -> str:
    """The last ``width`` values as a curve that ends at the right; ``most`` is its top.

    What is not 0 is never shown as nothing.
    """
    top = len(ramp) - 1
    shown = values[-width:] if width else ()
    levels = (min(top, max(1, round(value / most * top))) if value > 0 else 0 for value in shown)
    return "".join(ramp[level] for level in levels).rjust(width)


def screen(view: View, width: int, height: int | None = None, ramp: str = BLOCKS) -> list[str]:
    """Lines of a screen, the busiest connections first; the last says how many did not fit.

    Without ``height`` there are as many as it takes.
    """
    conns = sorted(view.sample.conns, key=lambda conn: (-_rate(view.of(conn.token)), conn.token))
    blocks = [view.of(conn.token) for conn in conns]
    rows = [_cells(track) for tracks in blocks for track in tracks]
    columns, curve = _layout(rows, width)
    lines = [_summary(view), _row(_HEAD, columns) if rows else ""]
    ends = []
    for conn, tracks in zip(conns, blocks, strict=True):
        lines += [_conn_line(conn), *_path_lines(tracks, columns, curve, ramp)]
        ends.append(len(lines))
    if height is not None and len(lines) > height:
        lines = lines[: max(height - 1, 0)]
        hidden = sum(end > len(lines) for end in ends)
        lines.append(f"{hidden} more connection{'s' * (hidden != 1)}: this screen is full")
    return [line[:width].rstrip() for line in lines]


def _rate(tracks: Sequence[Track]) -> float:
    return sum((track.sent_rate or 0) + (track.received_rate or 0) for track in tracks)


def _summary(view: View) -> str:
    tracks = view.tracks.values()
    sent = sum(track.sent_rate or 0 for track in tracks)
    received = sum(track.received_rate or 0 for track in tracks)
    return (
        f"{len(view.sample.conns)} connections, {len(tracks)} paths, "
        f"sending {_bits(sent)}bit/s, receiving {_bits(received)}bit/s"
    )


def _bits(rate: float | None) -> str:
    """A rate of bytes per second, in bits."""
    return "-" if rate is None else size(round(rate * 8))


def _conn_line(conn: Connection) -> str:
    words = [
        f"{conn.token}",
        "server" if "server" in conn.flag_names else "client",
        conn.state_name,
        *([conn.bond.state_name] if conn.bond else []),
        conn.scheduler,
        conn.congestion,
        f"{conn.local or '-'} > {conn.peer or '-'}",
    ]
    return "conn " + " ".join(filter(None, words))


def _cells(track: Track) -> tuple[str, ...]:
    path = track.path
    return (
        str(path.path_id),
        ",".join(filter(None, (path.state_name, path.spared))),
        device(path.ifindex),
        path.local.host if path.local else "-",
        f"{path.srtt_ns / 1e6:.1f}ms" if path.srtt_ns else "-",
        "-" if track.loss is None else f"{track.loss:.1%}",
        size(path.cwnd_bytes),
        _bits(track.sent_rate),
        _bits(track.received_rate),
    )


def _layout(rows: Sequence[Sequence[str]], width: int) -> tuple[dict[str, int], int]:
    """Widths of the columns that are shown, and of each of the two curves."""
    columns = {
        name: max(len(name), *(len(row[at]) for row in rows)) if rows else len(name)
        for at, name in enumerate(_HEAD)
    }
    curve = _curve(columns, width)
    if curve < _CURVE_MIN:
        del columns["LOCAL"]
        curve = _curve(columns, width)
    return columns, curve


def _curve(columns: dict[str, int], width: int) -> int:
    taken = len(_INDENT) + sum(columns.values()) + len(columns) + 1
    return max(0, min(_CURVE_MAX, (width - taken) // 2))


def _row(cells: Sequence[str], columns: dict[str, int]) -> str:
    named = dict(zip(_HEAD, cells, strict=True))
    return _INDENT + " ".join(
        named[name].ljust(wide) if name in _LEFT else named[name].rjust(wide)
        for name, wide in columns.items()
    )


def _path_lines(
    tracks: Sequence[Track], columns: dict[str, int], curve: int, ramp: str
) -> list[str]:
    """A connection's paths: their curves share a scale per direction, so that they compare."""
    most_sent = max((rate for track in tracks for rate in track.sent), default=0)
    most_received = max((rate for track in tracks for rate in track.received), default=0)
    return [
        " ".join(
            (
                _row(_cells(track), columns),
                spark(track.sent, most_sent, curve, ramp),
                spark(track.received, most_received, curve, ramp),
            )
        )
        for track in tracks
    ]


def view_dict(view: View) -> dict[str, Any]:
    """A view for JSON: rates in bytes per second, ``loss`` from 0 to 1, null when not known."""
    return {
        "elapsed_s": view.elapsed_s,
        "connections": [conn_dict(conn) for conn in view.sample.conns],
        "paths": [
            {
                **path_dict(track.path),
                "sent_rate": track.sent_rate,
                "received_rate": track.received_rate,
                "loss": track.loss,
            }
            for track in view.tracks.values()
        ],
    }
