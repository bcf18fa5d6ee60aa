# SPDX-License-Identifier: GPL-2.0
"""The manual page: all commands are in it, and roff reads what was written."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click
import pytest

from tquic import cli, codegen
from tquic.manpage import Entry, entries, escaped, prose

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / codegen.MAN_PAGE).read_text()


@click.group()
def tree() -> None:
    """Root."""


@tree.command("b", epilog="The end.")
@click.argument("what", nargs=-1)
@click.argument("where", type=click.Choice(["x", "y"]))
@click.option("-n", "--number", type=click.IntRange(1), default=3, show_default=True, help="A n.")
@click.option("--rate", type=float, default=1.0, help="A rate.")
@click.option("--many", multiple=True, default=("p", "q"), show_default=True)
@click.option("--on/--off", default=None, help="A switch.")
@click.option("--none", metavar="IT", show_default=True, help="Nothing.")
@click.option("--secret", hidden=True)
def _b() -> None:
    """Do b."""


@tree.command("z", hidden=True)
def _z() -> None:
    """Hidden."""


@tree.group("a", invoke_without_command=True)
def a() -> None:
    """A group."""


@a.command("c")
@click.argument("optional", required=False)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
def _c() -> None:
    """Do c."""


def test_entries() -> None:
    assert list(entries(tree, "t")) == [
        Entry("t a", "[COMMAND]", "A group.", ()),
        Entry("t a c", "[OPTIONAL] FILE...", "Do c.", ()),
        Entry(
            "t b",
            "[OPTIONS] [WHAT...] x|y",
            "Do b.\n\nThe end.",
            (
                ("-n, --number N", "A n. Default: 3"),
                ("--rate X", "A rate."),
                ("--many TEXT", "Default: p, q"),
                ("--on, --off", "A switch."),
                ("--none IT", "Nothing."),
            ),
        ),
    ]


def test_roff() -> None:
    assert escaped(".x\n'y\na.b \\n --c") == "\\&.x\n\\&'y\na.b \\en \\-\\-c"
    assert prose("one\ntwo `cmd --x`\n\nthree") == "one two \\fBcmd \\-\\-x\\fP\n.PP\nthree"
    assert prose("a\n\n\b\n.b\nc-d") == "a\n.PP\n.nf\n\\&.b\nc\\-d\n.fi"


def test_every_command_is_in_the_page() -> None:
    told = [line for line in PAGE.splitlines() if line.startswith('.SS "')]
    assert len(told) == len(list(entries(cli.root, "tquic")))
    for name in cli.COMMANDS:
        assert any(line.startswith(f'.SS "tquic {name}') for line in told), name
    for section in ("EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"):
        assert f".SH {section}\n" in PAGE


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff")
def test_roff_reads_the_page() -> None:
    words = ["groff", "-man", "-ww", "-z", "-Tutf8", ROOT / codegen.MAN_PAGE]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr == ""
