# SPDX-License-Identifier: GPL-2.0
"""What the commands that open connections share: options, errors and exit codes."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import Any, NoReturn

import click

from .errors import (
    EXIT_INCOMPLETE,
    EXIT_LOCAL,
    EXIT_NETWORK,
    EXIT_TLS,
    TquicError,
)
from .get import resolve
from .multipath import PathSpec
from .record import Address
from .server import Server
from .tls import Role, TlsConfig
from .uapi import PathInfo, PathState

__all__ = [
    "EXIT_CODES",
    "ListenType",
    "PathType",
    "client_tls",
    "path_dict",
    "print_json",
    "run_server",
    "server_tls",
    "told",
]

#: For the end of help texts.
EXIT_CODES = (
    f"Exit codes: 0 done; {EXIT_LOCAL} something on this host (a file, the module); 2 wrong usage; "
    f"{EXIT_NETWORK} no connection, or it broke; {EXIT_TLS} the handshake was refused "
    f"(certificate, name, protocol); {EXIT_INCOMPLETE} not everything was transferred."
)


def _fail(text: str, code: int) -> NoReturn:
    click.echo(f"tquic: {text}", err=True)
    sys.exit(code)


@contextmanager
def told() -> Iterator[None]:
    """Turn errors a person can act on into one line and the right exit code."""
    try:
        yield
    except TquicError as error:
        _fail(str(error), error.exit_code)
    except ValueError as error:
        _fail(str(error), EXIT_LOCAL)
    except OSError as error:
        text = error.strerror or str(error)
        _fail(f"{error.filename}: {text}" if error.filename else text, EXIT_LOCAL)


class PathType(click.ParamType[PathSpec]):
    """LOCAL[@IFACE]."""

    name = "LOCAL[@IFACE]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> PathSpec:
        """Read the value or fail with what is wrong."""
        try:
            return PathSpec.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class ListenType(click.ParamType[tuple[str, int]]):
    """ADDR:PORT, with an IPv6 address in brackets."""

    name = "ADDR:PORT"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Read the value or fail with what is wrong."""
        if isinstance(value, tuple):
            return value
        host, colon, port = value.rpartition(":")
        if not colon or not port.isdecimal() or int(port) > 65535:
            self.fail(f"{value}: not ADDR:PORT", param, ctx)
        if host.startswith("[") != host.endswith("]") or (":" in host and host[0] != "["):
            self.fail(f"{value}: an IPv6 address needs brackets, [::]:443", param, ctx)
        return host.strip("[]") or "::", int(port)


def listen_address(where: tuple[str, int]) -> Address:
    """The address to listen on. Raises TquicError when the host is not known."""
    return resolve(*where)[0]


def client_tls(
    alpn: str, host: str, ca: str | None, server_name: str | None, insecure: bool
) -> TlsConfig:
    """A client's TLS configuration: verifying, unless that was explicitly turned off."""
    return TlsConfig(alpn=(alpn,), server_name=server_name or host, verify=not insecure, ca_file=ca)


def server_tls(alpn: str, cert: str, key: str, *, early_data: bool = False) -> TlsConfig:
    """A server's TLS configuration. Raises OSError or ValueError for files that do not serve."""
    tls = TlsConfig(alpn=(alpn,), cert_file=cert, key_file=key, early_data=early_data)
    tls.credentials(Role.SERVER)
    return tls


def run_server(server: Server) -> None:
    """Serve until SIGINT or SIGTERM."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.stop()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    server.run()


def path_dict(path: PathInfo) -> dict[str, Any]:
    """A path for JSON: names of states, addresses as text."""
    out = asdict(path)
    names = {int(state): state.name.lower() for state in PathState}
    out["state"] = names.get(path.state, path.state)
    out["local"] = str(path.local) if path.local else None
    out["peer"] = str(path.peer) if path.peer else None
    return out


def print_json(data: object) -> None:
    """Print a result for programs."""
    click.echo(json.dumps(data, indent=2))
