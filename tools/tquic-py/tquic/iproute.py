# SPDX-License-Identifier: GPL-2.0
"""Debian's ss with the patch of tools/iproute2, which knows TQUIC sockets.

The source package is fetched once and kept in the cache, beside the kernels.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

from . import paths, proc

_DONE = ".complete"
_HEADERS = ("tquic.h", "tquic_diag.h")
_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
_MIRROR = "http://deb.debian.org/debian"
# The release whose iproute2 the patch is made for, whatever this machine runs.
_SUITE = "bookworm"

Say = Callable[[str], None]


def binary() -> Path:
    """Where build() leaves ss; nothing is there when its source was not fetched."""
    return _folder() / "source/misc/ss"


def build(say: Say = print) -> None:
    """Build the patched ss from the source in the cache, unless it is there already.

    Without that source no ss is left. Raises proc.CommandError when the patch does not apply,
    or the compiler fails or warns of it.
    """
    folder, source = _folder(), _source()
    with proc.locked(folder.with_suffix(".lock")):
        if not (source / _DONE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            return
        (description,) = source.glob("*.dsc")
        changes = sorted((paths.root() / "tools/iproute2").glob("*.patch"))
        headers = [paths.root() / "include/uapi/linux" / name for name in _HEADERS]
        inputs = [Path(__file__), description, *changes, *headers]
        digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in inputs)).hexdigest()
        done = folder / _DONE
        if not done.exists() or done.read_text() != digest:
            say("building ss with tools/iproute2")
            shutil.rmtree(folder, ignore_errors=True)
            _make(description, changes, headers)
            done.write_text(digest)


def _make(description: Path, changes: list[Path], headers: list[Path]) -> None:
    folder, tree = _folder(), binary().parents[1]
    folder.mkdir(parents=True)
    proc.logged(["dpkg-source", "--no-check", "-x", description, tree], folder / "unpack.log")
    for header in headers:
        shutil.copy(header, tree / "include/uapi/linux")
    for change in changes:
        proc.logged(["patch", "-d", tree, "-p1", "-F0", "-i", change], folder / "patch.log")
    # Without the libraries this machine may happen to have: ss needs none of them.
    bare = {**os.environ, "PKG_CONFIG": "false"}
    proc.logged(["sh", "./configure"], folder / "configure.log", cwd=tree, env=bare)
    # TARGETS is what misc builds; lib has none.
    make: list[str | Path] = ["make", "-C", tree, "SUBDIRS=lib misc", "TARGETS=ss"]
    text = proc.logged(make, folder / "make.log")
    if "tquic_" in text:
        raise proc.CommandError(f"the patch of ss compiles with warnings:\n{text}")


def fetch(say: Say = print) -> Path | None:
    """Return the folder with the source package, from the cache or a mirror.

    None, after saying why, when no mirror has it: only the tests of ss need it.
    """
    target = _source()
    with proc.locked(target.with_suffix(".lock")):
        if not (target / _DONE).exists():
            say(f"fetching Debian's source of iproute2 into {target}")
            shutil.rmtree(target, ignore_errors=True)
            try:
                _download(target)
            except proc.CommandError as err:
                say(f"no source of iproute2, its tests will be skipped: {err}")
                return None
            (target / _DONE).touch()
    return target


def _download(target: Path) -> None:
    """Ask apt with lists of its own: the machine's may have no sources, and are not ours."""
    lists = target / "lists"
    (lists / "partial").mkdir(parents=True)
    sources = target / "apt.sources"
    sources.write_text(
        f"Types: deb-src\nURIs: {_mirror()}\nSuites: {_SUITE}\n"
        f"Components: main\nSigned-By: {_KEYS}\n"
    )
    apt = ["apt-get", "-q"]
    for option in (
        "APT::Sandbox::User=root",
        f"Dir::Etc::sourcelist={sources}",
        "Dir::Etc::sourceparts=/dev/null",
        f"Dir::State::lists={lists}",
        "Dir::Cache::pkgcache=",
        "Dir::Cache::srcpkgcache=",
    ):
        apt += ["-o", option]
    proc.logged([*apt, "--error-on=any", "update"], target / "update.log")
    wanted = ["source", "--download-only", "iproute2"]
    proc.logged([*apt, *wanted], target / "source.log", cwd=target)
    shutil.rmtree(lists)


def _folder() -> Path:
    return paths.build() / "iproute2"


def _source() -> Path:
    return paths.cache_dir() / f"iproute2-{_SUITE}"


def _mirror() -> str:
    """The mirror that the machine's packages come from."""
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]
    ask = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    found = proc.output([*ask, "Created-By: Packages", f"Codename: {release}"]).split()
    return found[0] if found else _MIRROR
