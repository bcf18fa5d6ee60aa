# SPDX-License-Identifier: GPL-2.0
"""The manual page of the command line: what its template needs to know of the commands.

Nothing here depends on how click words its help, which differs from version to version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import click

__all__ = ["Entry", "entries", "escaped", "prose"]

_WORDS: Final = {
    "integer": "N",
    "integer range": "N",
    "float": "X",
    "float range": "X",
}


@dataclass(frozen=True)
class Entry:
    """A command: its words, its help, and its options with theirs.

    ``usage`` is what follows the name; ``options`` are pairs of how one is written and its help.
    """

    name: str
    usage: str
    help: str
    options: tuple[tuple[str, str], ...]


def entries(command: click.Command, name: str) -> Iterator[Entry]:
    """The commands of a tree that are not hidden, in the order of their names.

    A group comes before its members, the root does not come at all.
    """
    if not isinstance(command, click.Group):
        return
    context = click.Context(command, info_name=name)
    for word in sorted(command.list_commands(context)):
        member = command.get_command(context, word)
        if member is None or member.hidden:
            continue
        full = f"{name} {word}"
        yield _entry(member, full)
        yield from entries(member, full)


def _entry(command: click.Command, name: str) -> Entry:
    arguments = [_argument(param) for param in command.params if isinstance(param, click.Argument)]
    options = [param for param in command.params if isinstance(param, click.Option)]
    words = ["[OPTIONS]"] * bool(options) + arguments
    if isinstance(command, click.Group):
        words.append("[COMMAND]" if command.invoke_without_command else "COMMAND")
    return Entry(
        name,
        " ".join(words),
        "\n\n".join(filter(None, (command.help, command.epilog))),
        tuple((_written(option), _said(option)) for option in options if not option.hidden),
    )


def _value(param: click.Parameter) -> str:
    """What stands for a parameter's value."""
    if param.metavar:
        return param.metavar
    if isinstance(param.type, click.Choice):
        return "|".join(map(str, param.type.choices))
    return _WORDS.get(param.type.name, param.type.name.upper())


def _argument(argument: click.Argument) -> str:
    if argument.metavar:
        return argument.metavar
    word = _value(argument) if isinstance(argument.type, click.Choice) else str(argument.name)
    word = word if "|" in word else word.upper()
    word += "..." if argument.nargs == -1 else ""
    return word if argument.required else f"[{word}]"


def _written(option: click.Option) -> str:
    value = "" if option.is_flag or option.count else f" {_value(option)}"
    return ", ".join((*option.opts, *option.secondary_opts)) + value


def _said(option: click.Option) -> str:
    """An option's help with its default, when that is shown."""
    text = option.help or ""
    default = option.to_info_dict()["default"]  # None also where click has a mark for none
    if not option.show_default or default is None:
        return text
    many = default if isinstance(default, list | tuple) else [default]
    return f"{text} Default: {', '.join(map(str, many))}".strip()


# --- roff


def escaped(text: str) -> str:
    """Text as roff has it: nothing in it is a request, an escape or a hyphen to break at."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^(?=[.'])", r"\\&", text)


def prose(text: str) -> str:
    """A help text as paragraphs; what is between backquotes is bold, what \\b marks stays."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n.PP\n".join(_paragraph(paragraph) for paragraph in paragraphs)


def _paragraph(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    if lines[0] == "\b":
        return "\n".join([".nf", *map(_bold, lines[1:]), ".fi"])
    return _bold(" ".join(lines))


def _bold(text: str) -> str:
    return re.sub(r"`([^`]*)`", r"\\fB\1\\fP", escaped(text))
