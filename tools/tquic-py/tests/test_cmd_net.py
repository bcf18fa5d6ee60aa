# SPDX-License-Identifier: GPL-2.0
"""`tquic get`, `serve` and `perf`: arguments, errors in one line, exit codes."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from fake_sock import os_error
from tls_certs import Authority

from tquic import cli, get, sock
from tquic.cmd_net import ListenType, PathType
from tquic.errors import HandshakeFailedError
from tquic.multipath import PathSpec, add_paths
from tquic.record import Address


@pytest.fixture(name="no_module", autouse=True)
def _no_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about a kernel without TQUIC, whatever this one has."""

    def refuse(*_args: Any) -> None:
        raise os_error(errno.EPROTONOSUPPORT)

    monkeypatch.setattr(sock.TquicSocket, "open", refuse)


def run(*words: str) -> tuple[int, str]:
    """Exit code and everything printed."""
    done = CliRunner().invoke(cli.root, list(words))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


@pytest.mark.parametrize("name", ["get", "serve", "perf"])
def test_help(name: str) -> None:
    code, text = run(name, "--help")
    assert code == 0
    assert "Usage" in text


def test_exit_codes_are_told() -> None:
    for words in (("get",), ("serve",), ("perf", "client")):
        assert "Exit codes: 0 done" in " ".join(run(*words, "--help")[1].split())


def test_no_module(tmp_path: Path) -> None:
    leaf = Authority(tmp_path).issue("server.test")
    files = ("--cert", str(leaf.cert_file), "--key", str(leaf.key_file), "--listen", "[::1]:0")
    for words in (
        ("get", "https://127.0.0.1/file", "-o", str(tmp_path)),
        ("serve", str(tmp_path), *files),
        ("perf", "server", *files),
        ("perf", "client", "127.0.0.1"),
    ):
        code, text = run(*words)
        assert code == 1
        assert "modprobe tquic" in text
        assert "Traceback" not in text


@pytest.mark.parametrize(
    "words",
    [
        ("get",),
        ("get", "http://host/file"),
        ("get", "https://host/"),
        ("get", "https://host/a", "https://other/a"),
        ("get", "https://host/a", "https://host/b", "--name", "x"),
        ("get", "https://host/a", "--path", "nonsense"),
        ("get", "https://host/a", "--path", "192.0.2.1@"),
        ("serve", "/nonexistent", "--cert", "x", "--key", "x"),
        ("serve", "/", "--cert", "x", "--key", "x", "--listen", "1.2.3.4"),
        ("perf", "client", "host", "--bytes", "12X"),
        ("perf", "client", "host", "--bytes", "1", "--streams", "2"),
    ],
)
def test_wrong_usage(words: tuple[str, ...]) -> None:
    assert run(*words)[0] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("get", "https://host/a", "-o", "/nonexistent"), "/nonexistent is not a directory"),
        (("get", "https://host/a", "--ca", "/nonexistent.pem"), "/nonexistent.pem"),
        (("serve", "/", "--cert", "/nonexistent.pem", "--key", "x"), "/nonexistent.pem"),
    ],
)
def test_local_problems(
    words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(get, "resolve", lambda *_: [Address("127.0.0.1", 443)])
    code, text = run(*words)
    assert code == 1
    assert text.startswith("tquic: ")
    assert said in text


def test_tls_problems_have_their_own_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_args: Any) -> None:
        raise HandshakeFailedError("host: unknown CA", 48, by_peer=False)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(get, "_establish", refuse)
    assert run("get", "https://host/a") == (4, "tquic: host: unknown CA\n")


def test_unknown_host(tmp_path: Path) -> None:
    code, text = run("get", "https://name.invalid/a", "-o", str(tmp_path))
    assert code == 3
    assert "name.invalid: cannot be resolved" in text


def test_addresses() -> None:
    assert ListenType().convert("[::1]:443", None, None) == ("::1", 443)
    assert ListenType().convert("0.0.0.0:1", None, None) == ("0.0.0.0", 1)
    assert ListenType().convert(":9", None, None) == ("::", 9)
    for wrong in ("::1:443", "[::1:443", "host:70000", "host:x"):
        with pytest.raises(click.BadParameter):
            ListenType().convert(wrong, None, None)
    assert PathType().convert("192.0.2.1@lo", None, None) == PathSpec(Address("192.0.2.1"), "lo")
    assert str(PathSpec.parse("2001:DB8::1@lo")) == "2001:db8::1@lo"


class _PathSocket:
    """Refuses some times, then adds."""

    def __init__(self, errors: list[int]) -> None:
        self.errors = errors
        self.added: list[tuple[Address, int]] = []

    def add_path(self, local: Address, *, ifindex: int = 0) -> None:
        if self.errors:
            raise os_error(self.errors.pop(0))
        self.added.append((local, ifindex))


def test_paths_wait_for_confirmation() -> None:
    fake = _PathSocket([errno.EAGAIN, errno.EAGAIN])
    add_paths(fake, [PathSpec.parse("192.0.2.1"), PathSpec.parse("192.0.2.2@lo")])  # type: ignore[arg-type]
    lo = socket.if_nametoindex("lo")
    assert fake.added == [(Address("192.0.2.1"), 0), (Address("192.0.2.2"), lo)]


def test_paths_that_cannot_be() -> None:
    spec = [PathSpec.parse("192.0.2.1")]
    with pytest.raises(get.ConnectionFailedError, match=r"path 192.0.2.1: .*does not support"):
        add_paths(_PathSocket([errno.EOPNOTSUPP]), spec)  # type: ignore[arg-type]
    with pytest.raises(get.ConnectionFailedError, match="not confirmed"):
        add_paths(_PathSocket([errno.EAGAIN] * 99), spec, 0.02)  # type: ignore[arg-type]
    with pytest.raises(get.ConnectionFailedError, match=r"interface|device"):
        add_paths(_PathSocket([]), [PathSpec.parse("192.0.2.1@nosuch0")])  # type: ignore[arg-type]
