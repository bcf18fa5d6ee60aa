# SPDX-License-Identifier: GPL-2.0
"""The two kernels of the tests, fetched or built once and kept in the cache.

stock   Debian's own 6.12 image and headers, unpacked beside the system, never installed on it
debug   the same release built from linux-source-6.12 with tests/kunit/debug.config
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from . import initramfs, paths, proc

Kind = Literal["stock", "debug"]
KINDS: tuple[Kind, ...] = ("stock", "debug")

SOURCE_PACKAGE = "linux-source-6.12"
_SOURCE_TARBALL = Path(f"/usr/src/{SOURCE_PACKAGE}.tar.xz")
_IMAGE_RE = re.compile(r"^linux-image-(6\.12\.\S+-amd64)$", re.MULTILINE)
_DONE = ".complete"
_INITRAMFS = "initramfs.gz"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Kernel:
    """A bootable kernel.

    kind       stock or debug
    release    what `uname -r` prints in the guest
    image      the bzImage
    build      directory for `make -C <build> M=...`
    modules    what /lib/modules/<release> shall be in the guest; None when all is built in
    initramfs  None when the kernel can mount the host's files by itself
    """

    kind: Kind
    release: str
    image: Path
    build: Path
    modules: Path | None = None
    initramfs: Path | None = None


def get(kind: Kind, say: Say = print) -> Kernel:
    """Return a kernel, fetching or building it first if the cache does not hold it.

    Raises proc.CommandError when a package is missing or the build fails.
    """
    with proc.locked(paths.cache_dir() / f"{kind}.lock"):
        return _stock(say) if kind == "stock" else _debug(say)


def source_tree(say: Say = print) -> Path:
    """Return the unpacked kernel source, unpacking it first if the cache does not hold it."""
    with proc.locked(paths.cache_dir() / "src.lock"):
        target = paths.cache_dir() / "src" / f"linux-{_source_version()}"
        if not (target / _DONE).exists():
            say(f"unpacking {_SOURCE_TARBALL} into {target}")
            _renew(target)
            proc.output(["tar", "-xf", _SOURCE_TARBALL, "-C", target, "--strip-components=1"])
            (target / _DONE).touch()
        return target


def _stock(say: Say) -> Kernel:
    release = _stock_release()
    target = paths.cache_dir() / f"stock-{release}"
    if not (target / _DONE).exists():
        say(f"fetching Debian's kernel {release} into {target}")
        _renew(target)
        _fetch_packages(release, target)
        _relocate_headers(release, target)
        proc.output(["depmod", "-b", target, release])
        initramfs.build(target / _INITRAMFS, release, target)
        (target / _DONE).write_text(_source_version())
    return Kernel(
        kind="stock",
        release=release,
        image=target / f"boot/vmlinuz-{release}",
        build=target / f"usr/src/linux-headers-{release}",
        modules=target / f"lib/modules/{release}",
        initramfs=target / _INITRAMFS,
    )


def _stock_release() -> str:
    """Pick the image whose version is that of the kernel source, so that both kernels agree."""
    wanted = _source_version()
    for done in paths.cache_dir().glob(f"stock-6.12.*/{_DONE}"):
        if done.read_text() == wanted:
            return done.parent.name.removeprefix("stock-")
    known = proc.output(["apt-cache", "pkgnames", "linux-image-6.12."])
    names: list[str] = _IMAGE_RE.findall(known)
    for release in (n for n in names if "-cloud-" not in n and "-rt-" not in n):
        if f"Version: {wanted}\n" in proc.output(["apt-cache", "show", f"linux-image-{release}"]):
            return release
    raise proc.CommandError(
        f"no linux-image-6.12 of version {wanted}: run apt-get update, then scripts/setup.sh"
    )


def _fetch_packages(release: str, target: Path) -> None:
    abi = release.removesuffix("-amd64")
    wanted = (
        f"linux-image-{release}",
        f"linux-headers-{release}",
        f"linux-headers-{abi}-common",
        f"linux-kbuild-{abi}",
    )
    folder = target / "deb"
    folder.mkdir()
    proc.logged(
        ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *wanted],
        target / "download.log",
        cwd=folder,
    )
    for package in sorted(folder.glob("*.deb")):
        proc.output(["dpkg", "-x", package, target])
    shutil.rmtree(folder)


def _relocate_headers(release: str, target: Path) -> None:
    """Make the headers work from the cache: Debian's point to /usr/src by absolute path."""
    headers = target / f"usr/src/linux-headers-{release}"
    common = f"linux-headers-{release.removesuffix('-amd64')}-common"
    makefile = headers / "Makefile"
    makefile.write_text(makefile.read_text().replace("/usr/src/", f"{target}/usr/src/"))
    modules = target / f"lib/modules/{release}"
    for link, name in (("build", headers.name), ("source", common)):
        (modules / link).unlink(missing_ok=True)
        (modules / link).symlink_to(f"../../../usr/src/{name}")


def _debug(say: Say) -> Kernel:
    config = paths.root() / "tests/kunit/debug.config"
    target = paths.cache_dir() / _debug_name(config.read_bytes())
    image = target / "arch/x86/boot/bzImage"
    if not (target / _DONE).exists():
        source = source_tree(say)
        say(f"building the debug kernel in {target} (about 20 minutes on 2 cores)")
        target.mkdir(parents=True, exist_ok=True)
        make: list[str | Path] = ["nice", "-n", "5", "make", "-C", source, f"O={target}"]
        make += ["KBUILD_BUILD_USER=tquic", "KBUILD_BUILD_HOST=tquic"]
        proc.output([*make, "-s", f"KCONFIG_ALLCONFIG={config}", "allnoconfig"])
        _check_config(config, target / ".config")
        proc.logged([*make, f"-j{os.cpu_count()}", "bzImage", "modules"], target / "build.log")
        (target / _DONE).touch()
    release = (target / "include/config/kernel.release").read_text().strip()
    return Kernel(kind="debug", release=release, image=image, build=target)


def _debug_name(config: bytes) -> str:
    version = _source_version()
    digest = hashlib.sha256(version.encode() + b"\n" + config).hexdigest()[:12]
    return f"debug-{version}-{digest}"


def _check_config(asked: Path, got: Path) -> None:
    """Fail when Kconfig dropped a line of the fragment (a missing dependency)."""
    have = set(got.read_text().splitlines())
    lost = [
        line
        for line in asked.read_text().splitlines()
        if line.startswith("CONFIG_") and line not in have
    ]
    if lost:
        raise proc.CommandError(f"{asked}: dropped by Kconfig: {', '.join(lost)}")


def _source_version() -> str:
    return proc.output(["dpkg-query", "-W", "-f", "${Version}", SOURCE_PACKAGE]).strip()


def _renew(target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
