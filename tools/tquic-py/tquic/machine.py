# SPDX-License-Identifier: GPL-2.0
"""The virtual machine itself: QEMU's command line and the kernel's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from . import kernels, kvm

Clock = Literal["real", "virtual"]
CLOCKS: tuple[Clock, ...] = ("real", "virtual")

_INIT = Path(__file__).parent / "guest/init.sh"
_9P = "trans=virtio,version=9p2000.L,cache=loose,msize=512000"


def command(
    kernel: kernels.Kernel,
    results: Path,
    task: Path,
    *,
    clock: Clock = "real",
    cpus: int = 2,
    memory: str = "2G",
    boot_args: Sequence[str] = (),
) -> list[str]:
    """Return the command that boots @kernel and runs the script @task as root.

    The guest sees the host's root read-only under a copy-on-write layer, and @results writable.
    The console is QEMU's standard input and output. The virtual clock has one CPU on which an
    instruction takes one nanosecond and idling takes no time. @boot_args go to the kernel.
    """
    words = ["qemu-system-x86_64", "-machine", "q35", "-m", memory, "-no-reboot", "-nodefaults"]
    words += ["-display", "none", "-serial", "stdio", *_accelerator(kernel, clock, cpus)]
    words += _shared("hostroot", Path("/"), "readonly=on,multidevs=remap,")
    words += _shared("results", results, "multidevs=remap,")
    words += ["-device", "virtio-rng-pci", "-kernel", str(kernel.image)]
    if kernel.initramfs:
        words += ["-initrd", str(kernel.initramfs)]
    return [*words, "-append", _boot_line(kernel, results, task, clock, boot_args)]


def _accelerator(kernel: kernels.Kernel, clock: Clock, cpus: int) -> list[str]:
    if clock == "virtual":
        return ["-accel", "tcg", "-cpu", "max", "-smp", "1", "-icount", "shift=0,sleep=off"]
    if kvm.usable(kernel.image):
        return ["-accel", "kvm", "-cpu", "host", "-smp", str(cpus)]
    return ["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", str(cpus)]


def _shared(tag: str, folder: Path, options: str) -> list[str]:
    backend = f"local,id={tag},{options}security_model=none,path={folder}"
    return ["-fsdev", backend, "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]


def _boot_line(
    kernel: kernels.Kernel, results: Path, task: Path, clock: Clock, boot_args: Sequence[str]
) -> str:
    """Without initramfs the kernel mounts the root itself, by its tag."""
    words = ["console=ttyS0", "loglevel=6", "panic=-1", "random.trust_cpu=on", *boot_args]
    init = ["/bin/bash", str(_INIT), str(results), str(kernel.modules or "-"), str(task)]
    if clock == "virtual":
        # The decompressor reads it there too; before "--" the kernel would hand it to switch_root.
        init.append("nokaslr")
    if kernel.initramfs:
        return " ".join([*words, "--", *init])
    words += ["ro", "root=hostroot", "rootfstype=9p", f"rootflags={_9P}", f"init={init[0]}"]
    return " ".join([*words, "--", *init[1:]])
