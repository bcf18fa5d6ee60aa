# SPDX-License-Identifier: GPL-2.0
"""`tquic agent`, installed as `tquicd` too: TLS for programs that only know sockets."""

from __future__ import annotations

import os
import pwd
import signal
from collections.abc import Iterable
from types import FrameType

import click

from .agent import Agent, Policy, notify_ready
from .cmd_net import told
from .netlink import HandshakeQueue
from .tls import Role, TlsConfig

DEFAULT_ALPN = "tquic"


def _uid(user: str) -> int:
    """Number of a user given by name or number. Raises click.BadParameter."""
    if user.isdecimal():
        return int(user)
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        raise click.BadParameter(f"no user {user}", param_hint="--server-user") from None


def _policy(
    ca: str | None, cert: str | None, key: str | None, alpn: tuple[str, ...], users: Iterable[str]
) -> Policy:
    """What the options say; files are read now, so that what is wrong with them is told."""
    server = None
    if cert and key:
        server = TlsConfig(alpn=alpn, cert_file=cert, key_file=key)
        server.credentials(Role.SERVER)
    client = TlsConfig(alpn=alpn, ca_file=ca)
    client.for_peer(Role.CLIENT, alpn=alpn, server_name="localhost")
    allowed = frozenset((0, os.getuid(), *(_uid(user) for user in users)))
    return Policy(client=client, server=server, alpn=alpn, server_users=allowed)


@click.command()
@click.option("--ca", type=click.Path(), help="Trust this CA (PEM) instead of the system's.")
@click.option("--cert", type=click.Path(), help="Certificate chain for servers, PEM.")
@click.option("--key", type=click.Path(), help="Its private key, PEM.")
@click.option(
    "--alpn",
    multiple=True,
    default=(DEFAULT_ALPN,),
    show_default=True,
    help="Protocol for programs that set none; may be given several times.",
)
@click.option(
    "--server-user",
    "users",
    multiple=True,
    help="User who may listen with the certificate, besides root; may be given several times.",
)
@click.option("--quiet", is_flag=True, help="Do not tell about handshakes that failed.")
def command(
    ca: str | None,
    cert: str | None,
    key: str | None,
    alpn: tuple[str, ...],
    users: tuple[str, ...],
    quiet: bool,
) -> None:
    """Do the TLS handshakes of plain TQUIC sockets in this network namespace.

    With an agent running, connect() and accept() work as they do with TCP: the server's
    certificate is verified against the CA and the name the program set with
    TQUIC_SOCKOPT_SERVER_NAME, or else the peer's address. Needs CAP_NET_ADMIN.
    """
    if bool(cert) != bool(key):
        raise click.UsageError("--cert and --key go together")

    def log(line: str) -> None:
        if not quiet:
            click.echo(line, err=True)

    with told(), HandshakeQueue() as queue:
        agent = Agent(queue, _policy(ca, cert, key, alpn, users), log)

        def stop(_number: int, _frame: FrameType | None) -> None:
            agent.stop()

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)

        def ready() -> None:
            notify_ready()
            log("agent: ready")

        agent.run(ready)


def main() -> None:
    """Run as `tquicd`."""
    command(prog_name="tquicd")
