# SPDX-License-Identifier: GPL-2.0
"""What is installed: the wheel works without the source tree, and what goes to /etc is sound."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

import tquic
from tquic import cli

HERE = Path(__file__).resolve().parents[1]
TREE = HERE.parents[1]
UNIT = HERE / "systemd/tquicd.service"
MODPROBE = HERE / "modprobe.d/tquic.conf"


def run(*words: str | Path, cwd: Path, code: int = 0) -> str:
    """What a command printed."""
    quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONPATH": ""}
    done = subprocess.run(words, cwd=cwd, env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: builds leave things in the source."""
    folder = tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns("*.egg-info", "build", "tests", "__pycache__", ".*_cache")
    shutil.copytree(HERE, folder / "source", ignore=ignored)
    options = ("--no-index", "--no-deps", "--no-build-isolation", "-q", "-w", folder)
    run(sys.executable, "-m", "pip", "wheel", *options, folder / "source", cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def venv(wheel: Path) -> Path:
    """An environment with nothing but the wheel; its dependencies are those of this one."""
    folder = wheel.parent / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=wheel.parent)
    (packages,) = folder.glob("lib/python3*/site-packages")
    # Packages that are installed in place have .pth files, which are not read from there.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin/python")
    run(*pip, "install", "-q", "--no-index", "--no-deps", wheel, cwd=wheel.parent)
    return folder


def test_the_wheel_has_all_files(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    package = HERE / "tquic"
    wanted = {
        str(path.relative_to(HERE))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted <= names
    assert not {name for name in names if name.startswith("tests/")}
    assert any(name.endswith("/data/share/man/man8/tquic.8") for name in names)


@pytest.mark.timeout(120)
def test_what_is_installed_works(venv: Path, tmp_path: Path) -> None:
    command = venv / "bin/tquic"
    text = run(command, "--help", cwd=tmp_path)
    assert all(f"  {name} " in text for name in cli.COMMANDS)
    where = run(venv / "bin/python", "-c", "import tquic; print(tquic.__file__)", cwd=tmp_path)
    assert Path(where).is_relative_to(venv)
    assert tquic.__version__ in run(command, "--version", cwd=tmp_path)
    assert "_TQUIC_COMPLETE" in run(command, "completion", "bash", cwd=tmp_path)
    assert "Usage: tquicd" in run(venv / "bin/tquicd", "--help", cwd=tmp_path)
    script = (
        "from click.testing import CliRunner; from tquic import cli\n"
        "for name in cli.COMMANDS:\n"
        "    done = CliRunner().invoke(cli.root, [name, '--help'])\n"
        "    assert done.exit_code == 0, (name, done.exception)\n"
    )
    run(venv / "bin/python", "-c", script, cwd=tmp_path)
    assert (venv / "share/man/man8/tquic.8").is_file()


def test_what_needs_the_source_tree_says_so(venv: Path, tmp_path: Path) -> None:
    command = venv / "bin/tquic"
    assert "no source tree around" in run(command, "codegen", cwd=tmp_path, code=1)


# --- what goes to /etc and /usr/lib


def test_one_version() -> None:
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    assert project["version"] == tquic.__version__
    assert f"dkms install tquic/{tquic.__version__}\n" in (TREE / "README.md").read_text()


def test_dkms() -> None:
    script = (
        "set -eu; kernel_source_dir=/k; dkms_tree=/d; . ./dkms.conf; "
        'printf "%s\\n" "$PACKAGE_NAME" "$PACKAGE_VERSION" "${MAKE[0]}" "$CLEAN"; '
        'for i in ${!BUILT_MODULE_NAME[@]}; do echo "${BUILT_MODULE_LOCATION[i]} '
        '${BUILT_MODULE_NAME[i]} ${DEST_MODULE_LOCATION[i]}"; done'
    )
    name, version, make, clean, *modules = run("bash", "-c", script, cwd=TREE).splitlines()
    assert (name, version) == ("tquic", tquic.__version__)
    copy = f"M=/d/tquic/{version}/build/net/tquic"
    assert make.split()[:4] == ["make", "-C", "/k", copy]
    assert clean.split()[:4] == ["make", "-C", "/k", copy]
    assert modules == ["net/tquic tquic /updates/dkms", "net/tquic/diag tquic_diag /updates/dkms"]
    assert "tquic.o" in (TREE / "net/tquic/Makefile").read_text()
    assert "diag/tquic_diag.o" in (TREE / "net/tquic/Makefile").read_text()


def unit_values(name: str) -> list[str]:
    lines = UNIT.read_text().splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]


def test_unit() -> None:
    scripts = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]["scripts"]
    (command,) = unit_values("ExecStart")
    assert Path(command.split()[0]).name in scripts
    (pages,) = unit_values("Documentation")
    for page in pages.split():
        name, section = page.removeprefix("man:").rstrip(")").split("(")
        assert (
            list(HERE.glob(f"man/{name}.{section}"))
            or (TREE / f"Documentation/man{section}/{name}.{section}").exists()
        )
    assert unit_values("CapabilityBoundingSet") == ["CAP_NET_ADMIN"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    agent = Path(sys.executable).with_name("tquicd")
    copy.write_text(UNIT.read_text().replace("/usr/bin/tquicd", str(agent)))
    assert run("systemd-analyze", "verify", "--man=no", copy, cwd=tmp_path) == ""


def test_modprobe_takes_its_file(tmp_path: Path) -> None:
    shutil.copy(MODPROBE, tmp_path)
    text = run("/sbin/modprobe", "-C", tmp_path, "--showconfig", cwd=tmp_path)
    (line,) = (line for line in text.splitlines() if line.startswith("install tquic "))
    load, _, settings = line.partition(" && ")
    assert load == "install tquic /sbin/modprobe --ignore-install tquic"
    assert settings == "/sbin/sysctl -q --system --pattern '^net/tquic/'"
