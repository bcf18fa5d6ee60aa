# SPDX-License-Identifier: GPL-2.0
"""Specs and what is made from them: the committed files are current, wrong specs are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tquic import cli, codegen, paths, sysctl_gen
from tquic.codegen import SpecError, load_sysctls

ROOT = Path(__file__).resolve().parents[3]

GOOD = """
path: net/tquic
sysctls:
  - {name: a_ms, type: u32, unit: ms, min: 1, max: 9, default: 5, scope: live, summary: a time}
  - {name: b, type: bool, default: 1, scope: socket, summary: a switch}
  - {name: c, type: choice, choices: d, default: x, scope: connection, summary: a name}
  - {name: d, type: names, scope: namespace, summary: names}
"""


def test_committed_files_are_as_the_specs_say() -> None:
    assert codegen.drift(ROOT) == []


def test_the_package_knows_what_the_spec_says() -> None:
    table = load_sysctls((ROOT / codegen.SYSCTL_SPEC).read_text())
    assert table.path == sysctl_gen.PATH
    assert len(table.sysctls) == len(sysctl_gen.SYSCTLS)
    for spec, known in zip(table.sysctls, sysctl_gen.SYSCTLS, strict=True):
        for field in ("name", "type", "scope", "summary", "unit", "min", "max", "choices"):
            assert getattr(spec, field) == getattr(known, field)
        if spec.writable:
            assert spec.default == known.default


def test_good_spec() -> None:
    number, switch, choice, names = load_sysctls(GOOD).sysctls
    assert (number.values, switch.values) == ("1 to 9", "0 or 1")
    assert (choice.values, names.values) == ("one of d", "read only")
    assert (switch.min, switch.max, switch.numeric, choice.numeric) == (0, 1, True, False)
    assert (choice.writable, names.writable) == (True, False)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("path: net/tquic", "other: x", "path and sysctls are wanted"),
        ("path: net/tquic", "path: [", "while parsing"),
        ("type: bool", "type: flag", "b: type is one of u32, bool"),
        ("unit: ms, ", "", "a_ms: unit missing"),
        ("type: bool,", "type: bool, min: 0,", "b: min means nothing for type bool"),
        ("scope: live", "scope: soon", "a_ms: scope is one of"),
        ("default: 5", "default: 10", "min <= default <= max"),
        ("default: 5", "default: 0", "min <= default <= max"),
        ("max: 9", "max: 4294967296", "< 2^32"),
        ("min: 1", "min: -1", "0 <= min"),
        ("default: 5", "default: yes", "whole numbers"),
        ("default: 5", "default: five", "whole numbers"),
        ("unit: ms", "unit: s", "its name says ms, its unit s"),
        ("name: b,", "name: B,", "small letters"),
        ("name: b,", "name: e,", "not sorted"),
        ("name: d,", "name: c,", "not sorted"),
        ("choices: d", "choices: b", "no list b to choose from"),
        ("summary: a time", "summary: A time.", "no full stop"),
        ("summary: a time", f"summary: {'x' * 81}", "at most 80 characters"),
    ],
)
def test_wrong_specs(old: str, new: str, said: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(SpecError) as caught:
        load_sysctls(GOOD.replace(old, new), "file.yaml")
    assert str(caught.value).startswith("file.yaml: ")
    assert said in str(caught.value)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree with nothing but the small spec."""
    for path in (codegen.SYSCTL_SPEC, *codegen.OUTPUTS.values()):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / codegen.SYSCTL_SPEC).write_text(GOOD)
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    return tmp_path


def test_command(tree: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli.root, ["codegen", *words])
        return done.exit_code, done.output

    code, text = run("--check")
    assert code == 1
    assert "make gen" in text
    assert not (tree / codegen.SYSCTL_OUTPUTS["sysctl.c"]).exists()
    code, text = run()
    assert (code, set(text.split())) == (0, {str(p) for p in codegen.OUTPUTS.values()})
    assert run("--check") == (0, "")
    assert run() == (0, "")
    header = tree / codegen.SYSCTL_OUTPUTS["sysctl.h"]
    header.write_text(header.read_text().replace("u32 a_ms;", "u64 a_ms;"))
    code, text = run("--check")
    assert code == 1
    assert "-\tu64 a_ms;" in text
    assert "+\tu32 a_ms;" in text
    assert run() == (0, f"{codegen.SYSCTL_OUTPUTS['sysctl.h']}\n")


def test_what_is_made(tree: Path) -> None:
    codegen.write(tree)
    source = (tree / codegen.SYSCTL_OUTPUTS["sysctl.c"]).read_text()
    assert "\t.a_ms\t\t\t\t= 5,\n" in source
    assert '\t.c\t\t\t\t= "x",\n' in source
    assert source.count("proc_douintvec_minmax") == 2
    assert source.count("0444") == 1
    header = (tree / codegen.SYSCTL_OUTPUTS["sysctl.h"]).read_text()
    assert "#define TQUIC_SYSCTL_COUNT\t4\n" in header
    assert "\tchar c[TQUIC_SYSCTL_NAME_MAX];\n" in header
    assert "int tquic_sysctl_d(const struct ctl_table *table, int write" in header
    assert max(len(line.expandtabs()) for line in header.splitlines()) <= 100
    assert (
        "A switch.\n\n:Values: 0 or 1\n"
        in (tree / codegen.SYSCTL_OUTPUTS["sysctl.rst"]).read_text()
    )
