# SPDX-License-Identifier: GPL-2.0
"""`tquic ss`: sockets as ss shows them."""

from __future__ import annotations

import click

from .cmd_net import print_json, told
from .diag import InetDiag, Match
from .ss import end, wanted_states
from .ssview import STATES, show, socket_dict


class MatchType(click.ParamType[Match]):
    """An address or network, a port, or both."""

    name = "addr"

    def convert(
        self, value: str | Match, param: click.Parameter | None, ctx: click.Context | None
    ) -> Match:
        """Parse the word."""
        if isinstance(value, Match):
            return value
        try:
            return Match.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


_MATCH = MatchType()


@click.command()
@click.option("-a", "--all", "everything", is_flag=True, help="Listening sockets too.")
@click.option("-l", "--listening", is_flag=True, help="Listening sockets only.")
@click.option("-e", "--extended", is_flag=True, help="Show user, inode and cookie.")
@click.option("-i", "--info", "details", is_flag=True, help="Show the connection and its paths.")
@click.option("--state", multiple=True, type=click.Choice(list(STATES)), help="Only this state.")
@click.option("--local", type=_MATCH, help="Local ADDR[/LEN][:PORT] or :PORT.")
@click.option("--peer", type=_MATCH, help="The same of the peer.")
@click.option("-K", "--kill", is_flag=True, help="End the connections (needs CAP_NET_ADMIN).")
@click.option("--json", "as_json", is_flag=True, help="Print everything known, as JSON.")
def command(
    everything: bool,
    listening: bool,
    extended: bool,
    details: bool,
    state: tuple[str, ...],
    local: Match | None,
    peer: Match | None,
    kill: bool,
    as_json: bool,
) -> None:
    """Show TQUIC sockets of this network namespace as ss does; connections unless told otherwise.

    Needs the module tquic_diag and no privilege. With --kill the connections shown are ended and
    their programs told ECONNABORTED; at least one of --state, --local and --peer has to say which.
    """
    if kill and not (state or local or peer):
        raise click.UsageError("--kill ends only what --state, --local or --peer name")
    states = wanted_states(state, everything=everything, listening=listening)
    with told(), InetDiag() as diag:
        socks = diag.sockets(states, local=local, peer=peer)
        if kill:
            socks = end(diag, socks)
        if as_json:
            print_json([socket_dict(sock) for sock in socks])
        else:
            show(socks, extended=extended, details=details)
