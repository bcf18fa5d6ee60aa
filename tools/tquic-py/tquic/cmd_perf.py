# SPDX-License-Identifier: GPL-2.0
"""`tquic perf`: measure throughput between two hosts."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import click

from .cmd_net import (
    EXIT_CODES,
    ListenType,
    PathType,
    client_tls,
    listen_address,
    path_dict,
    print_json,
    run_server,
    server_tls,
    told,
)
from .console import Ticker
from .handshake import Options, listen
from .multipath import PathSpec
from .perf import ALPN, MAX_BYTES, MAX_DURATION_MS, PerfExchange, Report, measure
from .server import Server

DEFAULT_PORT = 5201
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class SizeType(click.ParamType[int]):
    """Bytes with K, M, G or T for powers of 1024."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the value or fail with what is wrong."""
        found = re.fullmatch(r"(\d+)([KMGT]?)", str(value))
        if found is None or not 0 < int(found[1]) * _UNITS[found[2]] <= MAX_BYTES:
            self.fail(f"{value}: not a number of bytes (1 to 1024T)", param, ctx)
        return int(found[1]) * _UNITS[found[2]]


@click.group()
def group() -> None:
    """Measure throughput between two hosts."""


@group.command(epilog=EXIT_CODES)
@click.option("--cert", required=True, type=click.Path(), help="Certificate chain, PEM.")
@click.option("--key", required=True, type=click.Path(), help="Its private key, PEM.")
@click.option(
    "--listen", "where", type=ListenType(), default=f"[::]:{DEFAULT_PORT}", show_default=True
)
def server(cert: str, key: str, where: tuple[str, int]) -> None:
    """Take part in measurements until interrupted."""
    with told():
        tls = server_tls(ALPN, cert, key)
        listener = listen(listen_address(where), Options())
        perf = Server(listener, tls, lambda _id: PerfExchange(), log=_log)
        click.echo(f"listening on {listener.local}", err=True)
        run_server(perf)


@group.command(epilog=EXIT_CODES)
@click.argument("host")
@click.option("--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(1, 65535))
@click.option("--time", "seconds", type=click.FloatRange(0.1, MAX_DURATION_MS / 1000))
@click.option("--bytes", "size", type=SizeType(), help="Bytes in all, e.g. 100M, instead of time.")
@click.option("--streams", default=1, show_default=True, type=click.IntRange(1, 128))
@click.option("--reverse", is_flag=True, help="The server sends.")
@click.option("--ca", type=click.Path(), help="Trust this CA (PEM) instead of the system's.")
@click.option("--server-name", help="Name the certificate must carry, if not HOST.")
@click.option("--insecure", is_flag=True, help="Do not verify the server: anyone may be it.")
@click.option(
    "--path",
    "paths",
    multiple=True,
    type=PathType(),
    help="Use this local address as a path; give it once for each path.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def client(
    host: str,
    port: int,
    seconds: float | None,
    size: int | None,
    streams: int,
    reverse: bool,
    ca: str | None,
    server_name: str | None,
    insecure: bool,
    paths: tuple[PathSpec, ...],
    as_json: bool,
) -> None:
    """Measure how fast bytes get to HOST, or from it with --reverse; 10 s unless told otherwise."""
    if seconds is None and size is None:
        seconds = 10.0
    if size is not None and size < streams:
        raise click.UsageError("--bytes: fewer bytes than streams")
    with told(), Ticker() as ticker:

        def progress(moved: int, spent_s: float) -> None:
            rate = moved * 8 / 1e6 / max(spent_s, 1e-9)
            ticker.update(f"{spent_s:.0f} s  {moved >> 20} MiB  {rate:.1f} Mbit/s")

        report = measure(
            host,
            port,
            client_tls(ALPN, host, ca, server_name, insecure),
            download=reverse,
            duration_ms=round((seconds or 0) * 1000),
            size=size or 0,
            streams=streams,
            paths=paths,
            progress=progress,
        )
    _show(report, as_json)


def _log(line: str) -> None:
    click.echo(line, err=True)


def _show(report: Report, as_json: bool) -> None:
    if as_json:
        out = asdict(report) | {"mbit_s": report.mbit_s}
        print_json(out | {"paths": [path_dict(path) for path in report.paths]})
        return
    way = "received" if report.download else "sent"
    click.echo(
        f"{way} {report.received_bytes} bytes in {report.seconds:.2f} s: "
        f"{report.mbit_s:.1f} Mbit/s, {report.info.bytes_retransmitted} bytes sent again"
    )
    for path in report.paths if len(report.paths) > 1 else ():
        click.echo(
            f"  path {path.path_id} from {path.local}: {path.bytes_sent} bytes sent, "
            f"{path.bytes_received} received, {path.packets_lost} packets lost, "
            f"RTT {path.srtt_ns / 1e6:.1f} ms"
        )
