# SPDX-License-Identifier: GPL-2.0
"""The page of screens, Documentation/networking/tquic-tour.rst, from a real run of the story.

``python -m tquic.tour`` runs tests/integration/test_story.py on the stock kernel and writes the
page of the record it leaves.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2

from . import integration, paths
from .console import Ticker

__all__ = ["Screen", "load", "page"]

_RECORD = "story.json"
_STORY = "tests/integration/test_story.py"
_PAGE = Path("Documentation/networking/tquic-tour.rst")
_TEMPLATE = "tour.rst.j2"


@dataclass(frozen=True)
class Screen:
    """A command as a reader would type it on a host, and what it printed."""

    name: str
    host: str
    line: str
    output: str

    def text(self, *, output: bool) -> str:
        """The screen, indented as a literal block."""
        lines = [f"{self.host}# {self.line}", *(self.output.splitlines() if output else ())]
        return textwrap.indent("\n".join(line.rstrip() for line in lines), "  ")


@dataclass(frozen=True)
class Record:
    """What a run left: its screens by name, and facts about it in words."""

    screens: Mapping[str, Screen]
    facts: Mapping[str, str]


def load(record: Path) -> Record:
    """Read what the story left. Raises OSError, and KeyError for one of another kind."""
    told = json.loads(record.read_text())
    screens = [Screen(**item) for item in told["screens"]]
    return Record({screen.name: screen for screen in screens}, told["facts"])


def page(record: Record) -> str:
    """The page. Raises KeyError when the story had no such screen."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )

    def screen(name: str, output: bool = True) -> str:
        return record.screens[name].text(output=output)

    return environment.get_template(_TEMPLATE).render(screen=screen, **record.facts)


def main() -> None:
    """Tell the story again and write the page; the exit code is 1 when it went wrong."""
    with Ticker() as ticker:
        done = integration.run("stock", [_STORY, "-q"], ticker.update)
    if not done.ok:
        print(done.report())
        sys.exit(1)
    target = paths.root() / _PAGE
    target.write_text(page(load(done.machine.files / _RECORD)))
    print(f"{target}: from {done.machine.dir}")


if __name__ == "__main__":
    main()
