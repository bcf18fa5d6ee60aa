# SPDX-License-Identifier: GPL-2.0
"""`tquic get`: fetch files."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)

from .cmd_net import EXIT_CODES, PathType, client_tls, path_dict, print_json, told
from .errors import IncompleteError
from .get import (
    Download,
    Result,
    check_folder,
    fetch,
    load_session,
    store_session,
    target_path,
)
from .handshake import Options
from .http09 import ALPN, Url
from .multipath import PathSpec
from .sock import QUIC_VERSIONS
from .uapi import EarlyState

_EARLY_NOTES = {
    EarlyState.ACCEPTED: ", session resumed, early data taken",
    EarlyState.REJECTED: ", early data refused and sent again",
}


@click.command(epilog=EXIT_CODES)
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("-o", "--output", "folder", default=".", show_default=True, metavar="DIR")
@click.option("-O", "--name", help="Save under this name; for a single URL.")
@click.option("--ca", type=click.Path(), help="Trust this CA (PEM) instead of the system's.")
@click.option("--server-name", help="Name the certificate must carry, if not the URL's host.")
@click.option("--insecure", is_flag=True, help="Do not verify the server: anyone may be it.")
@click.option(
    "--path",
    "paths",
    multiple=True,
    type=PathType(),
    help="Use this local address as a path; give it once for each path.",
)
@click.option(
    "--quic-version",
    type=click.Choice(list(QUIC_VERSIONS)),
    default="1",
    show_default=True,
    help="Version of QUIC to connect with.",
)
@click.option(
    "--session",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Resume the session kept in this file, and keep the new one there: the requests then "
    "leave with the first packets (0-RTT). For URLs of one host.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    urls: tuple[str, ...],
    folder: str,
    name: str | None,
    ca: str | None,
    server_name: str | None,
    insecure: bool,
    paths: tuple[PathSpec, ...],
    quic_version: str,
    session: Path | None,
    as_json: bool,
) -> None:
    """Fetch files from https:// URLs over TQUIC with HTTP/0.9 (hq-interop).

    Files of one host come on one connection. The server is verified: certificate chain, name and
    validity.
    """
    if name and len(urls) > 1:
        raise click.UsageError("--name is for a single URL")
    with told(), ExitStack() as held:
        check_folder(Path(folder))
        downloads = _plan(urls, Path(folder), name)
        groups = _by_host(downloads)
        if session and len(groups) > 1:
            raise click.UsageError("--session is for URLs of one host")
        bars = held.enter_context(_Bars())
        options = Options(version=QUIC_VERSIONS[quic_version])
        results = []
        for group in groups:
            tls = client_tls(ALPN, group[0].url.host, ca, server_name, insecure)
            if session:
                tls = replace(tls, early_data=True)
                options = replace(options, saved=load_session(session, tls))
            keep = partial(store_session, session) if session else None
            results.append(
                fetch(group, tls, paths=paths, progress=bars.update, options=options, keep=keep)
            )
        held.close()
        _show(results, as_json)
        missing = [text for item in downloads if (text := item.problem)]
        if missing:
            raise IncompleteError("; ".join(missing))


def _plan(urls: Iterable[str], folder: Path, name: str | None) -> list[Download]:
    plan = []
    for text in urls:
        try:
            url = Url.parse(text)
            plan.append(Download(url, target_path(url, folder, name)))
        except ValueError as error:
            raise click.UsageError(f"{text}: {error}") from error
    twice = {item.path for item in plan if sum(item.path == other.path for other in plan) > 1}
    if twice:
        raise click.UsageError(f"two URLs would be saved as {twice.pop()}")
    return plan


def _by_host(downloads: Iterable[Download]) -> list[list[Download]]:
    groups: dict[tuple[str, int], list[Download]] = {}
    for item in downloads:
        groups.setdefault((item.url.host, item.url.port), []).append(item)
    return list(groups.values())


class _Bars:
    """A line for each file on a terminal, nothing elsewhere. Sizes are not known beforehand."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def update(self, item: Download) -> None:
        """Show how far a file is."""
        key = str(item.path)
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(item.path.name, total=None)
        total = item.received_bytes if item.finished else None
        self._progress.update(self._tasks[key], completed=item.received_bytes, total=total)


def _show(results: list[Result], as_json: bool) -> None:
    if as_json:
        print_json([_as_dict(result) for result in results])
        return
    for result in results:
        got = [item for item in result.downloads if item.finished]
        seconds = result.transfer_s or 1e-9
        rate = result.received_bytes * 8 / 1e6 / seconds
        over = f" over {len(result.paths)} paths" if len(result.paths) > 1 else ""
        note = "" if result.verified else ", server NOT verified"
        note += _EARLY_NOTES.get(result.early, ", session resumed" if result.resumed else "")
        click.echo(
            f"{result.host}: {len(got)} of {len(result.downloads)} files, "
            f"{result.received_bytes} bytes in {seconds:.2f} s ({rate:.1f} Mbit/s){over}{note}"
        )


def _as_dict(result: Result) -> dict[str, Any]:
    return {
        "host": result.host,
        "port": result.port,
        "verified": result.verified,
        "resumed": result.resumed,
        "early_data": result.early.name.lower(),
        "handshake_s": result.handshake_s,
        "transfer_s": result.transfer_s,
        "received_bytes": result.received_bytes,
        "files": [
            {
                "target": item.url.target,
                "path": str(item.path),
                "bytes": item.received_bytes,
                "error": item.problem,
            }
            for item in result.downloads
        ],
        "paths": [path_dict(path) for path in result.paths],
    }
