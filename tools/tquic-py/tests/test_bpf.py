# SPDX-License-Identifier: GPL-2.0
"""tquic.bpf without a kernel that takes programs: what it says when something is missing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from tquic import bpf, cmd_sched


def test_an_old_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    old = SimpleNamespace(libbpf_major_version=lambda: 1, libbpf_minor_version=lambda: 1)
    monkeypatch.setattr("ctypes.CDLL", lambda *_args, **_more: old)
    monkeypatch.setattr("ctypes.util.find_library", lambda _name: "libbpf.so.1")
    with pytest.raises(bpf.BpfError, match=r"libbpf 1\.1 .* apt install -t bookworm-backports"):
        bpf.loaded()


def test_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.util.find_library", lambda _name: None)
    with pytest.raises(bpf.BpfError, match="apt install libbpf-dev"):
        bpf.unload("bpf_cheapest")


def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    path = tmp_path / "text.o"
    path.write_text("no ELF file")
    with pytest.raises(bpf.BpfError, match=r"text\.o: .*ELF"):
        bpf.load(path)


def test_a_file_that_is_not_there() -> None:
    done = CliRunner().invoke(cmd_sched.group, ["load", "/nowhere.o"])
    assert done.exit_code == 2
    assert "/nowhere.o" in done.output
