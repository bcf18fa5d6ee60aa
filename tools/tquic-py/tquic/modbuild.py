# SPDX-License-Identifier: GPL-2.0
"""Build the modules out of tree against a test kernel; any compiler or kernel-doc warning fails."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from . import kernels, paths, proc

_WARNING = re.compile(r"warning:|^Skipping BTF generation", re.IGNORECASE)
_HARMLESS = re.compile(r"the compiler differs from the one used to build the kernel")
_SOURCES = ("*.[ch]", "Makefile", "*.mk")
_TREES = ("net", "include", "compat")

#: Built beside tquic.ko, in the same directory.
DIAG = "tquic_diag.ko"


def build(
    kernel: kernels.Kernel, kunit: bool = False, sparse: bool = False, defines: Sequence[str] = ()
) -> Path:
    """Build the modules for @kernel and return the path of tquic.ko; DIAG lies beside it.

    The sources are copied to build/module/<release>[-kunit]/src, so that objects of different
    kernels never mix. @kunit links the test suites in. @sparse runs sparse over every file
    instead of only compiling it, and counts its warnings too. @defines are set for all files.
    Raises proc.CommandError with the compiler's words on any error or warning.
    """
    folder = paths.build() / "module" / _variant(kernel, kunit, sparse, defines)
    with proc.locked(folder.with_suffix(folder.suffix + ".lock")):
        copy_sources(folder / "src")
        text = proc.logged(
            _make(kernel, folder / "src/net/tquic", kunit, sparse, defines), folder / "build.log"
        )
        warnings = [
            line
            for line in text.splitlines()
            if _WARNING.search(line) and not _HARMLESS.search(line)
        ]
        if warnings:
            raise proc.CommandError(
                f"{len(warnings)} warnings, log in {folder / 'build.log'}:\n" + "\n".join(warnings)
            )
        built = folder / "src/net/tquic"
        shutil.copyfile(built / "tquic.ko", folder / "tquic.ko")
        shutil.copyfile(built / "diag" / DIAG, folder / DIAG)
    return folder / "tquic.ko"


def _variant(kernel: kernels.Kernel, kunit: bool, sparse: bool, defines: Sequence[str]) -> str:
    words = ["kunit"] * kunit + ["sparse"] * sparse + [name.lower() for name in defines]
    return "-".join([kernel.release, *words])


def copy_sources(target: Path) -> None:
    """Bring the copy up to date; unchanged files keep their times, objects stay.

    What has changed is as new as the copy: with the time of the edit, a file edited while its
    object was compiled from an earlier copy would count as compiled.
    """
    root = paths.root()
    target.mkdir(parents=True, exist_ok=True)
    trees = [root / name for name in _TREES if (root / name).is_dir()]
    wanted = [f"--include={pattern}" for pattern in ("*/", *_SOURCES)]
    filters = ["--exclude=*.mod.c", *wanted, "--exclude=*"]
    proc.output(["rsync", "-rl", "--checksum", "--delete", *filters, *trees, target])


def _make(
    kernel: kernels.Kernel, source: Path, kunit: bool, sparse: bool, defines: Sequence[str]
) -> list[str | Path]:
    flags = " ".join(["-Werror", *(f"-D{name}" for name in defines)])
    words: list[str | Path] = ["make", "-C", kernel.build, f"M={source}", "W=1"]
    words += [f"-j{os.cpu_count()}", "-k", "CONFIG_TQUIC=m", f"KCFLAGS={flags}"]
    if kunit:
        words.append("CONFIG_TQUIC_KUNIT_TEST=y")
    if sparse:
        words += ["C=2", "CF=-Wno-shadow"]
    return [*words, "modules"]
