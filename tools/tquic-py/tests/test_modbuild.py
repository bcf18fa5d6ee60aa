# SPDX-License-Identifier: GPL-2.0
"""Building the module: what of the copy counts as new."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tquic import modbuild, paths


def test_only_what_differs_is_copied_and_is_new_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "root", lambda: tmp_path / "tree")
    source, copy = tmp_path / "tree" / "net" / "tquic", tmp_path / "copy"
    source.mkdir(parents=True)
    for name in ("a.c", "b.c", "left.o"):
        (source / name).write_text("one\n")
    modbuild.copy_sources(copy)
    copied = copy / "net" / "tquic"
    assert sorted(path.name for path in copied.iterdir()) == ["a.c", "b.c"]
    for name in ("a.c", "b.c"):
        os.utime(copied / name, (1000, 1000))
    # Edited while the copy was being compiled, so before the object was there.
    (source / "a.c").write_text("two\n")
    os.utime(source / "a.c", (2000, 2000))
    os.utime(source / "b.c", (2000, 2000))
    modbuild.copy_sources(copy)
    assert (copied / "a.c").read_text() == "two\n"
    assert (copied / "a.c").stat().st_mtime > 2000
    assert (copied / "b.c").stat().st_mtime == 1000
    (source / "b.c").unlink()
    modbuild.copy_sources(copy)
    assert not (copied / "b.c").exists()
