# SPDX-License-Identifier: GPL-2.0
"""What a shell offers for words of the command line: names and numbers that the kernel knows now.

All are callbacks of click parameters. Without the module, or the permission to ask, nothing is
offered: a shell that completes is no place for errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import click
from click.shell_completion import CompletionItem, get_completion_class

from .errors import TquicError
from .netlink import Registry, TquicNetlink
from .sysctl import Sysctls

__all__ = [
    "SHELLS",
    "connections",
    "controls",
    "path_ids",
    "schedulers",
    "script",
    "sysctl_names",
    "sysctl_settings",
]

SHELLS: Final = ("bash", "fish", "zsh")

#: A value and what is said beside it, in shells that do.
_Offer = tuple[str, str]


def _ask(question: Callable[[TquicNetlink], Iterable[_Offer]]) -> list[_Offer]:
    try:
        with TquicNetlink() as netlink:
            return list(question(netlink))
    except (OSError, TquicError):
        return []


def _items(offers: Iterable[_Offer], incomplete: str) -> list[CompletionItem]:
    return [
        CompletionItem(value, help=about) for value, about in offers if value.startswith(incomplete)
    ]


def connections(
    _context: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Tokens of connections, with the peers'."""
    found = _ask(lambda nl: ((str(c.token), f"{c.state_name} {c.peer}") for c in nl.connections()))
    return _items(found, incomplete)


def path_ids(
    context: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Ids of the paths of the connection that was named before."""
    token = context.params.get("conn")
    if token is None:
        return []
    found = _ask(
        lambda nl: ((str(p.path_id), f"{p.state_name} {p.local}") for p in nl.paths(token))
    )
    return _items(found, incomplete)


def schedulers(
    _context: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of schedulers."""
    return _items(_ask(lambda nl: _names(nl, Registry.SCHEDULER)), incomplete)


def controls(
    _context: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of congestion controls."""
    return _items(_ask(lambda nl: _names(nl, Registry.CONGESTION)), incomplete)


def _names(netlink: TquicNetlink, kind: Registry) -> list[_Offer]:
    return [(name, "") for name in sorted(netlink.registry()[kind])]


def sysctl_names(
    _context: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of sysctls."""
    return _items(((spec.name, spec.summary) for spec in Sysctls().specs()), incomplete)


def sysctl_settings(
    _context: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """NAME= of the sysctls that can be set."""
    writable = (spec for spec in Sysctls().specs() if spec.writable)
    return _items(((f"{spec.name}=", spec.summary) for spec in writable), incomplete)


def script(shell: str, root: click.Command) -> str:
    """What a shell reads to complete `tquic`. Raises KeyError for one not in SHELLS."""
    found = get_completion_class(shell)
    if found is None:
        raise KeyError(shell)
    return found(root, {}, "tquic", "_TQUIC_COMPLETE").source()
