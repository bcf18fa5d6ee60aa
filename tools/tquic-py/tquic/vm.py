# SPDX-License-Identifier: GPL-2.0
"""Run a command in a virtual machine on one of the test kernels, and judge the run.

The guest sees the host's files copy-on-write; only its results directory is shared for writing.
A run is good when the command exits with 0, in time, and the kernel has nothing to complain about.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import kernels, klog, machine, paths, proc
from .machine import Clock

Progress = Callable[[str], None]

DEFAULT_TIMEOUT_S = 600.0
_TASK = Path(__file__).parent / "guest/task.sh"
_POLL_S = 0.5
_KILL_GRACE_S = 5.0
_KEPT_RUNS = 30
_STARTS = 3
_TAIL_LINES = 15
_QEMU_FAULT = "qemu-system-x86_64: system/"


class VmError(RuntimeError):
    """The machine could not be run at all: nothing can be said about the command."""


@dataclass(frozen=True)
class VmResult:
    """What a run left behind.

    dir        results directory: stdout, stderr, dmesg.txt, console.txt, files/
    exit_code  of the command; None when the guest did not live to report it
    timed_out  the host stopped the machine
    boot_s     guest seconds from power-on to the command
    command_s  guest seconds the command took (virtual ones with the virtual clock)
    host_s     host seconds for all of it
    problems   what the kernel complained about, leaks of the module included
    notes      leaks in other parts of the kernel: shown, not counted
    """

    dir: Path
    exit_code: int | None
    timed_out: bool
    boot_s: float
    command_s: float
    host_s: float
    problems: list[klog.Problem] = field(default_factory=list)
    notes: list[klog.Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Tell whether the command succeeded and the kernel kept quiet."""
        return self.exit_code == 0 and not self.timed_out and not self.problems

    @property
    def files(self) -> Path:
        """Directory the command saw as $TQUIC_RESULTS."""
        return self.dir / "files"

    @property
    def stdout(self) -> str:
        """Standard output of the command."""
        return _text(self.dir / "stdout")

    @property
    def stderr(self) -> str:
        """Standard error of the command."""
        return _text(self.dir / "stderr")

    @property
    def dmesg(self) -> str:
        """Kernel log of the whole run."""
        return _text(self.dir / "dmesg.txt") or _text(self.dir / "console.txt")

    @property
    def ending(self) -> str:
        """How the command ended, in words."""
        if self.timed_out:
            return "timed out"
        if self.exit_code is None:
            return "the guest died before the command ended"
        return f"exit {self.exit_code}"

    def verdict(self) -> str:
        """Return one paragraph: what happened, and what the kernel said."""
        lines = [
            f"{self.ending}; boot {self.boot_s:.1f} s, command {self.command_s:.1f} s, "
            f"host {self.host_s:.1f} s; results in {self.dir}"
        ]
        if self.problems:
            lines += ["kernel complaints:", klog.brief(self.problems)]
        if self.notes:
            lines += ["leaks in other code (not counted):", klog.brief(self.notes)]
        return "\n".join(lines)

    def failure(self) -> str:
        """Return the verdict and the last lines the command wrote, for an error's text."""
        tail = "\n".join((self.stdout + self.stderr).splitlines()[-_TAIL_LINES:])
        return f"the guest failed: {self.verdict()}\n{tail}"


def slots() -> int:
    """How many machines of a user run at a time: $TQUIC_VM_SLOTS, or one.

    Each slows the others down, which only a virtual clock does not show.
    """
    return int(os.environ.get("TQUIC_VM_SLOTS", "1"))


def run(
    cmd: Sequence[str],
    *,
    kernel: kernels.Kind = "stock",
    clock: Clock = "real",
    cpus: int = 2,
    memory: str = "2G",
    timeout_s: float = DEFAULT_TIMEOUT_S,
    name: str = "run",
    module: Path | None = None,
    env: Mapping[str, str] | None = None,
    boot_args: Sequence[str] = (),
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> VmResult:
    """Boot @kernel, run @cmd in the source tree as root, and collect the results.

    @timeout_s counts host seconds from the boot. @module is inserted before the command, with
    what it depends on. The command finds $TQUIC_RESULTS (a directory that outlives the guest),
    $TQUIC_KERNEL, $TQUIC_CLOCK and the project's Python first in $PATH.
    :func:`slots` machines of a user run at a time. SIGTERM, SIGHUP and SIGINT end the machine
    first, then this program; in a thread @stop ends the machine when it is set.
    Raises VmError when the machine cannot be run or was stopped, proc.CommandError when a kernel
    is missing.
    """
    chosen = kernels.get(kernel, progress or print)
    folder = _new_run_dir(name)
    settings = {"TQUIC_KERNEL": kernel, "TQUIC_CLOCK": clock, **(env or {})}
    words = [str(_TASK), str(folder), str(paths.root()), str(module or ""), *cmd]
    task = _task(folder, settings, shlex.join(["bash", *words]))
    guest = machine.command(
        chosen, folder, task, clock=clock, cpus=cpus, memory=memory, boot_args=boot_args
    )

    def waiting(first: bool) -> None:
        _go_on(folder, stop)
        if first:
            (progress or print)(f"{folder.name}: waiting for another machine to end")

    with proc.unwinding(), proc.slot(paths.cache_dir() / "vm.lock", slots(), waiting):
        for _ in range(_STARTS):
            started = time.monotonic()
            timed_out = _supervise(guest, folder, timeout_s, progress, stop)
            result = _judge(folder, timed_out, time.monotonic() - started)
            if not _crashed(result):
                break
        return result


def shell(kernel: kernels.Kind = "stock", cpus: int = 2, memory: str = "2G") -> int:
    """Boot @kernel and give the terminal to a root shell in the guest; return QEMU's exit code."""
    chosen = kernels.get(kernel)
    folder = _new_run_dir("shell")
    login = f"cd {shlex.quote(str(paths.root()))}; setsid -c bash -i <>/dev/ttyS0 >&0 2>&0"
    task = _task(folder, {"TQUIC_KERNEL": kernel, "TERM": os.environ.get("TERM", "vt100")}, login)
    guest = machine.command(chosen, folder, task, cpus=cpus, memory=memory)
    guest[guest.index("stdio")] = "mon:stdio"
    return subprocess.run(guest, check=False).returncode


def _task(folder: Path, settings: Mapping[str, str], line: str) -> Path:
    """Write the script the guest runs: the environment, then one line."""
    values = {
        "HOME": str(Path.home()),
        "PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
        "TQUIC_RESULTS": str(folder / "files"),
        "TQUIC_ROOT": str(paths.root()),
        **settings,
    }
    exports = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in values.items())
    script = folder / "task"
    script.write_text(f"{exports}{line}\n")
    return script


def _supervise(
    command: Sequence[str],
    folder: Path,
    timeout_s: float,
    progress: Progress | None,
    stop: threading.Event | None,
) -> bool:
    """Run the machine to its end; return whether it had to be stopped.

    It has a session of its own and gets no signals of the terminal: it is ended with the block.
    """
    started = time.monotonic()
    guest: subprocess.Popen[bytes] | None = None
    try:
        with (folder / "console.txt").open("w") as console:
            guest = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while guest.poll() is None:
            spent = time.monotonic() - started
            if spent > timeout_s:
                return True
            _go_on(folder, stop)
            if progress:
                progress(f"{folder.name}: {spent:.0f} s  {_last_line(folder)}")
            time.sleep(_POLL_S)
        return False
    finally:
        if guest is not None:
            _stop(guest)


def _go_on(folder: Path, stop: threading.Event | None) -> None:
    """Raise VmError when the run is not wanted any more."""
    if stop and stop.is_set():
        raise VmError(f"{folder.name}: stopped")


def _crashed(result: VmResult) -> bool:
    """Tell whether QEMU failed itself before anything ran: emulating two CPUs, it does at times."""
    return (
        result.exit_code is None
        and not (result.dir / "boot_s").exists()
        and _QEMU_FAULT in _text(result.dir / "console.txt")
    )


def _stop(guest: subprocess.Popen[bytes]) -> None:
    """End the machine and what it started, politely first."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        if guest.poll() is not None:
            return
        os.killpg(guest.pid, sig)
        try:
            guest.wait(_KILL_GRACE_S)
        except subprocess.TimeoutExpired:
            continue


def _judge(folder: Path, timed_out: bool, host_s: float) -> VmResult:
    code = _text(folder / "exit").strip()
    log = _text(folder / "dmesg.txt") or _text(folder / "console.txt")
    ours, others = klog.leaks(_text(folder / "kmemleak.txt"))
    boot_s = _number(folder / "boot_s")
    end_s = _number(folder / "end_s")
    result = VmResult(
        dir=folder,
        exit_code=int(code) if code else None,
        timed_out=timed_out,
        boot_s=boot_s,
        command_s=max(0.0, end_s - boot_s),
        host_s=host_s,
        problems=klog.problems(log) + ours,
        notes=others,
    )
    (folder / "verdict.txt").write_text(result.verdict() + "\n")
    return result


def _new_run_dir(name: str) -> Path:
    """Make the next results directory, dropping the oldest ones."""
    top = paths.build() / "vm"
    top.mkdir(exist_ok=True)
    done = sorted((p for p in top.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    for old in done[: -_KEPT_RUNS or None]:
        shutil.rmtree(old, ignore_errors=True)
    safe = re.sub(r"[^\w.-]+", "-", name)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = top / f"{safe}-{stamp}-{os.getpid()}"
    (folder / "files").mkdir(parents=True)
    return folder


def _last_line(folder: Path) -> str:
    for source in ("stdout", "console.txt"):
        lines = _text(folder / source).rstrip().rsplit("\n", 1)
        if lines[-1]:
            return lines[-1][:100]
    return ""


def _number(path: Path) -> float:
    return float(_text(path) or 0)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
