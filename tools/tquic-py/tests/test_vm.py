# SPDX-License-Identifier: GPL-2.0
"""Running a machine, with a program that waits in the place of QEMU."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import pytest

from tquic import proc, vm

#: Runs a "machine" that notes its process id and waits for as long as nobody ends it.
_PROGRAM = """
import os, sys
from pathlib import Path
from unittest import mock
from tquic import proc, vm

folder = Path(sys.argv[1])
words = ["sh", "-c", "echo $$ >pid.new; mv pid.new pid; exec sleep 300"]
os.environ["XDG_CACHE_HOME"] = str(folder)
os.chdir(folder)
with (
    mock.patch.object(vm.kernels, "get"),
    mock.patch.object(vm.machine, "command", return_value=words),
    mock.patch.object(vm.paths, "build", return_value=folder),
):
    vm.run(["true"], progress=lambda _line: Path("watched").touch())
"""


def _wait_for(path: Path) -> str:
    for _ in range(400):
        if path.exists():
            return path.read_text()
        time.sleep(0.05)
    raise AssertionError(f"{path} did not appear")


def _alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for yet does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_machine_too(tmp_path: Path, number: signal.Signals) -> None:
    # A job of a shell in the background ignores SIGINT, and what it starts does as well.
    program = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler){_PROGRAM}"
    words = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as runner:
        machine = int(_wait_for(tmp_path / "pid"))
        _wait_for(tmp_path / "watched")
        try:
            assert _alive(machine)
            runner.send_signal(number)
            code = runner.wait(20)
            assert not _alive(machine)
            assert code in (128 + number, -number)
        finally:
            if _alive(machine):
                os.kill(machine, signal.SIGKILL)
            runner.kill()


def test_a_machine_of_a_thread_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _in_place_of_qemu(tmp_path, monkeypatch)
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(vm.run, ["true"], progress=lambda _line: None, stop=stop)
        machine = int(_wait_for(tmp_path / "pid"))
        assert _alive(machine)
        stop.set()
        with pytest.raises(vm.VmError, match="stopped"):
            running.result(20)
    assert not _alive(machine)


def test_one_that_waits_for_another_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _in_place_of_qemu(tmp_path, monkeypatch)
    said: list[str] = []
    stop = threading.Event()
    waits = threading.Event()

    def progress(line: str) -> None:
        said.append(line)
        waits.set()

    with (
        proc.slot(vm.paths.cache_dir() / "vm.lock", 1, lambda _first: None),
        ThreadPoolExecutor(1) as pool,
    ):
        running = pool.submit(vm.run, ["true"], progress=progress, stop=stop)
        assert waits.wait(20)
        stop.set()
        with pytest.raises(vm.VmError, match="stopped"):
            running.result(20)
    assert [line.partition(": ")[2] for line in said] == ["waiting for another machine to end"]
    assert not (tmp_path / "pid").exists()


def _in_place_of_qemu(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that notes its process id and waits."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.delenv("TQUIC_VM_SLOTS", raising=False)
    monkeypatch.setattr(vm.kernels, "get", mock.Mock())
    monkeypatch.setattr(vm.paths, "build", lambda: folder)
    words = ["sh", "-c", f"echo $$ >{folder}/new; mv {folder}/new {folder}/pid; exec sleep 300"]
    monkeypatch.setattr(vm.machine, "command", lambda *_args, **_more: words)
