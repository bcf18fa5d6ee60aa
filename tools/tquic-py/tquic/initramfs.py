# SPDX-License-Identifier: GPL-2.0
"""A first root file system for kernels whose virtio and 9p drivers are modules."""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import proc

_BUSYBOX = Path("/bin/busybox")
_INIT = Path(__file__).parent / "guest/initramfs.sh"
_DRIVERS = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
_APPLETS = ("sh", "mount", "umount", "insmod", "switch_root")
_FOLDERS = ("bin", "dev", "modules", "newroot", "proc")


def build(target: Path, release: str, top: Path) -> None:
    """Write an initramfs to @target with the drivers of kernel @release unpacked below @top.

    Raises proc.CommandError when busybox-static or cpio is missing.
    """
    if not _BUSYBOX.exists():
        raise proc.CommandError("busybox-static is not installed: run scripts/setup.sh")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for folder in _FOLDERS:
            (root / folder).mkdir()
        shutil.copy(_BUSYBOX, root / "bin/busybox")
        for applet in _APPLETS:
            (root / "bin" / applet).symlink_to("busybox")
        shutil.copy(_INIT, root / "init")
        (root / "init").chmod(0o755)
        _copy_drivers(root / "modules", release, top)
        _pack(root, target)


def _copy_drivers(folder: Path, release: str, top: Path) -> None:
    """Copy the drivers and what they need, unpacked, with the order to load them in."""
    order: list[str] = []
    for driver in _DRIVERS:
        words = ["modprobe", "-d", str(top), "-S", release, "--show-depends", driver]
        for line in proc.output(words).splitlines():
            kind, *rest = line.split()
            source = Path(rest[0])
            name = source.name.removesuffix(".xz")
            if kind == "insmod" and name not in order:
                order.append(name)
                data = source.read_bytes()
                unpacked = lzma.decompress(data) if source.suffix == ".xz" else data
                (folder / name).write_bytes(unpacked)
    (folder / "order").write_text("".join(f"{name}\n" for name in order))


def _pack(root: Path, target: Path) -> None:
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    done = subprocess.run(
        ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"],
        input="\n".join(names).encode(),
        stdout=subprocess.PIPE,
        cwd=root,
        check=True,
    )
    scratch = target.with_suffix(f".{os.getpid()}")
    scratch.write_bytes(gzip.compress(done.stdout, 1))
    scratch.rename(target)
