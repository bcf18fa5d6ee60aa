# SPDX-License-Identifier: GPL-2.0
"""The kernel's own netlink program, tools/net/ynl/cli.py, on the spec of this family."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tquic import kernels, paths
from tquic.lab import Namespace

SPEC = paths.root() / "Documentation/netlink/specs/tquic.yaml"


def schema(folder: Path) -> Path:
    """Linux 6.12's schema, with the one word that later ones know and this spec needs."""
    text = (kernels.source_tree() / "Documentation/netlink/genetlink.yaml").read_text()
    file = folder / "genetlink.yaml"
    file.write_text(text.replace("[ admin-perm ]", "[ admin-perm, uns-admin-perm ]"))
    return file


def command(*words: str, checked: Path | None = None) -> list[str]:
    """The program's command line; the spec is checked against a schema if one is given."""
    program = kernels.source_tree() / "tools/net/ynl/cli.py"
    if not program.exists():
        pytest.skip("no kernel source in the cache: `tquic vm prepare` unpacks it")
    check = ["--schema", str(checked)] if checked else ["--no-schema"]
    return [sys.executable, str(program), "--spec", str(SPEC), *check, "--output-json", *words]


def ynl(space: Namespace, *words: str, checked: Path | None = None) -> Any:
    """What the program answers. Fails when it does."""
    done = space.run(command(*words, checked=checked), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout) if done.stdout else None


def refused(space: Namespace, *words: str) -> str:
    """What the program says of a refusal."""
    done: subprocess.CompletedProcess[str] = space.run(
        command(*words), capture_output=True, text=True
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def fields(**values: Any) -> list[str]:
    """Attributes of a request, named with underscores."""
    return ["--json", json.dumps({name.replace("_", "-"): value for name, value in values.items()})]
