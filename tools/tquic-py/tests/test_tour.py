# SPDX-License-Identifier: GPL-2.0
"""The page of screens, and what tracing costs: what is made of a run's record."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tquic import paths
from tquic.tour import load, page
from tquic.trace_cost import Cost

TEMPLATE = paths.root() / "tools/tquic-py/tquic/templates/tour.rst.j2"
FACTS = {"fast": "a", "slow": "b", "release": "6.12", "left": "3 ms", "rtt": "9 ms"}


def record(folder: Path, names: set[str]) -> Path:
    screens = [
        {"name": name, "host": "client", "line": f"run {name}", "output": f"one\n\nof {name} "}
        for name in sorted(names)
    ]
    file = folder / "story.json"
    file.write_text(json.dumps({"screens": screens, "facts": FACTS}))
    return file


def wanted() -> set[str]:
    return set(re.findall(r'screen\("([\w-]+)"', TEMPLATE.read_text()))


def test_page(tmp_path: Path) -> None:
    """Every screen is a literal block: its command after the host, then what it printed."""
    text = page(load(record(tmp_path, wanted())))
    for name in wanted():
        assert f"  client# run {name}\n" in text
    assert "\n  one\n\n  of conn\n" in text
    assert "of serve" not in text
    assert "came on it 3 ms after" in text


def test_a_screen_is_missing(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="monitor"):
        page(load(record(tmp_path, wanted() - {"monitor"})))


def test_cost() -> None:
    """Half a percent either way for what is off, five for what watches."""
    assert Cost(without=1000, off=1004, paths=1050).met
    assert not Cost(without=1000, off=1006, paths=1010).met
    assert not Cost(without=1000, off=994, paths=1000).met
    assert not Cost(without=1000, off=1000, paths=1051).met
    assert Cost(without=1000, off=1000, paths=1020).paths_share == pytest.approx(0.02)
