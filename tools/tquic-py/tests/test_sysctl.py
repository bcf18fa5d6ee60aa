# SPDX-License-Identifier: GPL-2.0
"""`tquic sysctl` on files that stand in for the kernel's."""

from __future__ import annotations

import errno
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fake_sock import os_error

from tquic import cli, cmd_sysctl
from tquic.sysctl import SysctlError, Sysctls
from tquic.sysctl_gen import PATH, SYSCTLS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sysctls' directory, all at their defaults."""
    made = tmp_path / PATH
    made.mkdir(parents=True)
    for spec in SYSCTLS:
        (made / spec.name).write_text(f"{spec.default if spec.writable else 'one two'}\n")
    monkeypatch.setattr(cmd_sysctl, "Sysctls", partial(Sysctls, tmp_path))
    return made


def run(*words: str) -> tuple[int, str]:
    """Exit code and everything printed; what main() prints of an error included."""
    done = CliRunner().invoke(cli.root, ["sysctl", *words])
    if isinstance(done.exception, SysctlError):
        return 1, f"tquic: {done.exception}"
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_show(folder: Path) -> None:
    (folder / "idle_timeout_ms").write_text("5000\n")
    code, text = run()
    assert code == 0
    assert run("show") == (0, text)
    lines = {line.removeprefix("*").split()[0]: line for line in text.splitlines()[1:]}
    assert list(lines) == [spec.name for spec in SYSCTLS]
    assert lines["idle_timeout_ms"].startswith("*")
    for word in ("5000", "30000", "0 to 86400000 ms", "socket"):
        assert word in lines["idle_timeout_ms"]
    assert not lines["ecn"].startswith("*")
    assert "one two" in lines["available_schedulers"]


def test_show_some_as_json(folder: Path) -> None:
    code, text = run("show", "--json", "net.tquic.ecn", "available_schedulers", "scheduler")
    assert code == 0
    ecn, schedulers, scheduler = json.loads(text)
    assert (ecn["name"], ecn["value"], ecn["default"], ecn["min"], ecn["max"]) == (
        "ecn",
        1,
        1,
        0,
        1,
    )
    assert ecn["unit"] is None
    assert schedulers["value"] == ["one", "two"]
    assert "default" not in schedulers
    assert (scheduler["value"], scheduler["type"]) == ("ecf", "choice")
    assert "min" not in scheduler


def test_set_and_reset(folder: Path) -> None:
    assert run("set", "ecn=0", "net.tquic.max_data=5000", "scheduler=x") == (0, "")
    values = {name: (folder / name).read_text() for name in ("ecn", "max_data", "scheduler")}
    assert values == {"ecn": "0\n", "max_data": "5000\n", "scheduler": "x\n"}
    assert run("reset", "ecn") == (0, "")
    assert (folder / "ecn").read_text() == "1\n"
    assert (folder / "max_data").read_text() == "5000\n"
    assert run("reset") == (0, "")
    assert all(
        (folder / spec.name).read_text() == f"{spec.default}\n" for spec in SYSCTLS if spec.writable
    )


@pytest.mark.parametrize("words", [("set",), ("set", "ecn"), ("set", "=1"), ("set", "ecn=")])
def test_wrong_usage(folder: Path, words: tuple[str, ...]) -> None:
    assert run(*words)[0] == 2
    assert (folder / "ecn").read_text() == "1\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "nothing"), "no sysctl nothing: see `tquic sysctl show`"),
        (("set", "nothing=1"), "no sysctl nothing"),
        (("set", "available_schedulers=x"), "available_schedulers can only be read"),
        (("reset", "available_schedulers"), "available_schedulers can only be read"),
    ],
)
def test_what_cannot_be(folder: Path, words: tuple[str, ...], said: str) -> None:
    code, text = run(*words)
    assert code == 1
    assert said in text


@pytest.mark.parametrize(
    ("code", "setting", "said"),
    [
        (errno.EINVAL, "ecn=2", "ecn: 2 is refused, it takes 0 or 1"),
        (errno.EINVAL, "max_data=1", "max_data: 1 is refused, it takes 4096 to 1073741824 (bytes)"),
        (errno.ENOENT, "scheduler=x", "scheduler: there is no x, only one, two"),
        (errno.EACCES, "ecn=0", "ecn: needs CAP_NET_ADMIN in this network namespace"),
        (errno.EPERM, "ecn=0", "ecn: needs CAP_NET_ADMIN"),
        (errno.EIO, "ecn=0", "ecn: "),
    ],
)
def test_refusals_of_the_kernel(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, setting: str, said: str
) -> None:
    def refuse(*_args: Any) -> int:
        raise os_error(code)

    monkeypatch.setattr(Path, "write_text", refuse)
    assert run("set", setting)[0] == 1
    assert said in run("set", setting)[1]


def test_no_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cmd_sysctl, "Sysctls", partial(Sysctls, tmp_path))
    for words in ((), ("set", "ecn=0"), ("set", "scheduler=x"), ("reset",)):
        code, text = run(*words)
        assert code == 1
        assert "modprobe tquic" in text


def test_a_sysctl_the_kernel_does_not_have(folder: Path) -> None:
    (folder / "ecn").unlink()
    code, text = run("show", "ecn")
    assert (code, "ecn: No such file" in text) == (1, True)


def test_the_sample_names_what_can_be_set() -> None:
    text = (Path(__file__).resolve().parents[1] / "sysctl.d/tquic.conf").read_text()
    lines = [line for line in text.splitlines() if line.startswith("#net.")]
    assert lines == [
        f"#net.tquic.{spec.name} = {spec.default}" for spec in SYSCTLS if spec.writable
    ]
