# SPDX-License-Identifier: GPL-2.0
"""`tquic serve`: offer the files of a directory."""

from __future__ import annotations

import click

from .cmd_net import EXIT_CODES, ListenType, listen_address, run_server, server_tls, told
from .handshake import Options, listen
from .http09 import ALPN, ServedDirectory
from .serve import FileExchange
from .server import Limits, Server
from .uapi import Config


@click.command(epilog=EXIT_CODES)
@click.argument("directory", type=click.Path(exists=True, file_okay=False), metavar="DIR")
@click.option("--cert", required=True, type=click.Path(), help="Certificate chain, PEM.")
@click.option("--key", required=True, type=click.Path(), help="Its private key, PEM.")
@click.option("--listen", "where", type=ListenType(), default="[::]:443", show_default=True)
@click.option("--connections", default=1000, show_default=True, type=click.IntRange(1))
@click.option("--retry", is_flag=True, help="Have every client prove its address (Retry).")
@click.option("--quiet", is_flag=True, help="Do not tell about connections that failed.")
def command(
    directory: str,
    cert: str,
    key: str,
    where: tuple[str, int],
    connections: int,
    retry: bool,
    quiet: bool,
) -> None:
    """Serve the regular files below DIR to `tquic get` and other HTTP/0.9 clients (hq-interop).

    Nothing outside DIR is ever served, not even through symbolic links.
    """

    def log(line: str) -> None:
        if not quiet:
            click.echo(line, err=True)

    with told(), ServedDirectory(directory) as served:
        # A request that is repeated only has a file sent once more.
        tls = server_tls(ALPN, cert, key, early_data=True)
        config = Config.of(max_streams_bidi=128, max_streams_uni=0)
        options = Options(config=config, retry=retry)
        listener = listen(listen_address(where), options)
        limits = Limits(connections=connections)
        server = Server(listener, tls, lambda _id: FileExchange(served), limits, log)
        log(f"serving {directory} on {listener.local}")
        run_server(server)
