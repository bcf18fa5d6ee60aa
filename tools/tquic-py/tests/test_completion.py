# SPDX-License-Identifier: GPL-2.0
"""What shells offer: words of the real command tree, values of a kernel in memory."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path as File

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from tquic import cli, completion
from tquic.errors import UnavailableError
from tquic.netlink import Connection, Path, Registry
from tquic.record import Address
from tquic.sysctl_gen import SYSCTLS
from tquic.uapi import PathState, State


class Kernel:
    """Stands in for TquicNetlink."""

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def connections(self) -> list[Connection]:
        peer = Address("192.0.2.7", 443)
        return [Connection(token=token, state=State.ESTABLISHED, peer=peer) for token in (7, 70)]

    def paths(self, token: int) -> list[Path]:
        assert token == 70
        return [
            Path(command=0, token=token, path_id=number, state=PathState.ACTIVE)
            for number in (0, 1, 10)
        ]

    def registry(self) -> dict[Registry, list[str]]:
        return {Registry.SCHEDULER: ["minrtt", "blest"], Registry.CONGESTION: ["cubic", "bbr"]}


def offered(*words: str) -> list[str]:
    """What is offered for the last word."""
    shell = BashComplete(cli.root, {}, "tquic", "_TQUIC_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


@pytest.fixture(name="kernel")
def _kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "TquicNetlink", Kernel)


def test_commands_and_options(monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered("") == sorted(cli.COMMANDS)
    assert offered("s") == ["sched", "serve", "sim", "soak", "ss", "sysctl"]
    assert "--version" in offered("--")
    assert offered("path", "") == ["add", "del", "set", "show"]
    assert "--rate-cap" in offered("path", "set", "--r")
    loaded = []
    monkeypatch.setattr(cli.importlib, "import_module", loaded.append)
    offered("s")
    assert loaded == []


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("conn show ", ["7", "70"]),
        ("conn set 70", ["70"]),
        ("conn set 7 --scheduler ", ["blest", "minrtt"]),
        ("conn set 7 --scheduler m", ["minrtt"]),
        ("conn set 7 --congestion ", ["bbr", "cubic"]),
        ("path show ", ["7", "70"]),
        ("path add ", ["7", "70"]),
        ("path set 70 ", ["0", "1", "10"]),
        ("path set 70 1", ["1", "10"]),
        ("path del 70 ", ["0", "1", "10"]),
        ("trace paths --conn ", ["7", "70"]),
        ("sysctl show ", [spec.name for spec in SYSCTLS]),
        ("sysctl reset idle", ["idle_timeout_ms"]),
        ("sysctl set idle", ["idle_timeout_ms="]),
        ("sysctl set ", [f"{spec.name}=" for spec in SYSCTLS if spec.writable]),
        ("completion ", ["bash", "fish", "zsh"]),
    ],
)
def test_values(words: str, wanted: list[str]) -> None:
    assert offered(*words.split(" ")) == wanted


@pytest.mark.parametrize(
    "error",
    [PermissionError(errno.EPERM, "no"), UnavailableError("no module"), OSError(errno.ENOBUFS, "")],
)
def test_a_kernel_that_does_not_answer(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Kernel:
        raise error

    monkeypatch.setattr(completion, "TquicNetlink", refuse)
    assert offered("conn", "show", "") == []
    assert offered("path", "set", "70", "") == []
    assert offered("conn", "set", "7", "--scheduler", "") == []


def test_scripts() -> None:
    for shell in completion.SHELLS:
        done = CliRunner().invoke(cli.root, ["completion", shell])
        assert done.exit_code == 0
        assert "_TQUIC_COMPLETE" in done.output
        if shutil.which(shell):
            subprocess.run([shell, "-n"], input=done.output, text=True, check=True)
    assert CliRunner().invoke(cli.root, ["completion", "tcsh"]).exit_code == 2
    with pytest.raises(KeyError):
        completion.script("tcsh", cli.root)


def test_bash_completes(tmp_path: File) -> None:
    """The script, and the program as the shell calls it."""
    tquic = tmp_path / "tquic"
    tquic.write_text(f"#!{sys.executable}\nfrom tquic.cli import main\nmain()\n")
    tquic.chmod(0o755)
    source = CliRunner().invoke(cli.root, ["completion", "bash"]).output
    (tmp_path / "script").write_text(
        f"{source}\nCOMP_WORDS=(tquic sysctl reset idle)\nCOMP_CWORD=3\n"
        '_tquic_completion tquic idle reset\necho "${COMPREPLY[*]}"\n'
    )
    done = subprocess.run(
        ["bash", tmp_path / "script"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("idle_timeout_ms\n", "")
