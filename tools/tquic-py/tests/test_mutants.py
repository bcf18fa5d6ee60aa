# SPDX-License-Identifier: GPL-2.0
"""Small faults in C: each operator's text, what is left alone, and how outcomes are counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tquic import mutants, mutants_job, mutants_report, mutants_run, paths
from tquic.mutants_run import BROKEN, HUNG, KILLED, SAME, SURVIVED, Outcome


def _found(body: str) -> set[tuple[str, str]]:
    """The change and the text of each fault in the body of a function."""
    source = f"int f(int a, int b)\n{{\n{body}\n}}\n".encode()
    found = mutants.find("x.c", source)
    head, tail = source[: source.index(b"{") + 2], b"\n}\n"
    return {
        (m.change, m.apply(source).removeprefix(head).removesuffix(tail).decode()) for m in found
    }


@pytest.mark.parametrize(
    ("body", "change", "text"),
    [
        ("return a < b;", "< -> <=", "return a <= b;"),
        ("return a >= b;", ">= -> >", "return a > b;"),
        ("return a == b;", "== -> !=", "return a != b;"),
        ("return a + b;", "+ -> -", "return a - b;"),
        ("return a % b;", "% -> /", "return a / b;"),
        ("return a && b;", "&& -> ||", "return a || b;"),
        ("return a & b;", "& -> |", "return a | b;"),
        ("return a << b;", "<< -> >>", "return a >> b;"),
        ("a |= b;", "|= -> &=", "a &= b;"),
        ("a++;", "++ -> --", "a--;"),
        ("return 0;", "0 -> 1", "return 1;"),
        ("return 1;", "1 -> 0", "return 0;"),
        ("return 1;", "1 -> 2", "return 2;"),
        ("return 10ULL;", "10ULL -> 0", "return 0;"),
        ("return 10ULL;", "10ULL -> (10ULL + 1)", "return (10ULL + 1);"),
        ("return 0x10;", "0x10 -> (0x10 - 1)", "return (0x10 - 1);"),
        ("return true;", "true -> false", "return false;"),
        ("if (a)\n\treturn b;", "negated", "if (!(a))\n\treturn b;"),
        ("return a ? a : b;", "negated", "return !(a) ? a : b;"),
        ("for (; (a) && (b); )\n\tg();", "negated", "for (; !((a) && (b)); )\n\tg();"),
        ("for (; a; )\n\tg();", "negated", "for (; !(a); )\n\tg();"),
        ("g(a);", "call dropped", ";"),
        ("a = b;", "statement dropped", ";"),
        ("for (;;)\n\tbreak;", "break; dropped", "for (;;)\n\t;"),
    ],
)
def test_operators(body: str, change: str, text: str) -> None:
    """Each kind of fault makes the text it should."""
    assert (change, text) in _found(body)


@pytest.mark.parametrize(
    "body",
    [
        "trace_tquic_lost(a + 1);",
        "lockdep_assert_held(&a);",
        "BUILD_BUG_ON(a > 1);",
        "/* a + 1 */",
        "static const int t[] = { 1, 2 };",
        "int t[] = { 1, 2 };",
        "#define G(a) ((a) + 1)\n",
        "if (trace_tquic_frame_enabled())\n\t;",
    ],
)
def test_left_alone(body: str) -> None:
    """Nothing a test cannot see, nothing that is not code."""
    assert not _found(body)


def test_case_values() -> None:
    """A case's value is no constant to change, what it does is."""
    changes = {change for change, _ in _found("switch (a) {\ncase 7:\n\treturn b + a;\n}")}
    assert changes == {"+ -> -"}


def test_macros() -> None:
    """A loop made by a macro is no call to drop; its body has faults. Types as arguments: none."""
    changes = {change for change, _ in _found("list_for_each(a, b) {\n\tg();\n}")}
    assert changes == {"call dropped"}
    assert not _found("return rb_entry(a, struct x, y);")


def test_other_functions() -> None:
    """Only functions are looked into, and not those that only feed tracepoints."""
    assert not mutants.find("x.c", b"int a = 1;\n#define B 2\nstruct s { int c : 3; };\n")
    assert not mutants.find("x.c", b"static void x_trace_y(int a)\n{\n\ta++;\n}\n")


def test_not_c() -> None:
    """What is not C is refused by the name of its place."""
    with pytest.raises(mutants.ParseError, match=r"x\.c:2: not understood"):
        mutants.find("x.c", b"int a;\n)) what (( {{{\n")


def test_fingerprint() -> None:
    """It stays when lines move, differs between equal places, files and changes."""
    source = b"int f(int a)\n{\n\ta = a + 2;\n\ta = a + 2;\n\treturn a;\n}\n"
    before = mutants.find("x.c", source)
    moved = mutants.find("x.c", b"\n\nint b;\n" + source)
    assert [m.id for m in before] == [m.id for m in moved]
    assert [m.line + 3 for m in before] == [m.line for m in moved]
    assert len({m.id for m in before}) == len(before)
    assert not {m.id for m in before} & {m.id for m in mutants.find("y.c", source)}


def test_sample() -> None:
    """The same seed, the same faults, in the order of the source."""
    found = mutants.find("x.c", b"int f(int a)\n{\n\treturn a * 3 + a * 4 + a * 5;\n}\n")
    one = mutants.sample(found, 4, 7)
    assert one == mutants.sample(found, 4, 7)
    assert len(one) == 4
    assert [found.index(m) for m in one] == sorted(found.index(m) for m in one)
    assert mutants.sample(found, 99, 7) == found
    assert any(mutants.sample(found, 4, seed) != one for seed in range(8, 12))


def test_report() -> None:
    """Hung is killed; what did not compile, changed nothing or is listed counts for nothing."""
    found = mutants.find("x.c", b"int f(int a)\n{\n\treturn a * 3 + a * 4;\n}\n")
    statuses = (KILLED, HUNG, SURVIVED, BROKEN, SAME, mutants_report.EQUIVALENT)
    outcomes = [Outcome(m, s) for m, s in zip(found, statuses, strict=False)]
    report = mutants_report.as_dict(outcomes, {found[5].id: "because"}, 3)
    assert (report["killed"], report["survived"], report["killed_percent"]) == (2, 1, 66.7)
    assert report["files"] == {"x.c": {"killed": 2, "survived": 1}}
    assert (report["hung"], report["not_compiled"], report["same_object"]) == (1, 1, 1)
    assert [(s["id"], s["line"]) for s in report["survivors"]] == [(found[2].id, 3)]
    assert [e["reason"] for e in report["equivalent"]] == ["because"]
    assert mutants_report.total([]).percent == 100


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("- {id: aa}", "needs `id` and `reason`"),
        ("- {id: aa, reason: x}\n- {id: aa, reason: y}", "aa is there twice"),
    ],
)
def test_list_refused(tmp_path: Path, text: str, error: str) -> None:
    """An entry without a reason, and one that is there twice."""
    path = tmp_path / "list.yaml"
    path.write_text(text)
    with pytest.raises(mutants_report.ListError, match=error):
        mutants_report.load(path)


def test_list_of_the_tree() -> None:
    """Every entry is of a fault the sources still have; one of none is refused."""
    path = paths.root() / mutants_report.LIST
    every = [
        m for f in mutants_run.sources() for m in mutants.find(f, (paths.root() / f).read_bytes())
    ]
    mutants_report.check(path, mutants_report.load(path), every)
    with pytest.raises(mutants_report.ListError, match="no such fault any more, remove: beef"):
        mutants_report.check(path, {"beef": "x"}, every)


_ENGINE = """int tquic_twice(int a)
{
	while (a < 0)
		a++;
	if (a == 77)
		return 154;
	return a * 2;
}
"""
_TESTS = """#include <stdio.h>
int tquic_twice(int a);
int main(void)
{
	int bad = tquic_twice(3) != 6 || tquic_twice(-1) != 0;

	printf("    %s twice\\n", bad ? "not ok" : "ok");
	fflush(stdout);
	return bad;
}
"""
_MAKEFILE = """OBJS := $(OUT)/net/tquic/core/twice.o $(OUT)/tests/user/main.o
SAN := -fsanitize=address
all: $(OUT)/tquic-user-tests
$(OUT)/tquic-user-tests: $(OBJS)
	cc -o $@ $(OBJS)
$(OUT)/%.o: ../../%.c
	mkdir -p $(@D)
	cc $(SAN) -O1 -c -o $@ $<
flags:
	@echo cc $(SAN) -O1
clean:
	rm -rf $(OUT)
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree of one file with one test."""
    for name, text in (
        ("net/tquic/core/twice.c", _ENGINE),
        ("tests/user/main.c", _TESTS),
        ("tests/user/Makefile", _MAKEFILE),
        (mutants_report.LIST, "[]"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    monkeypatch.setattr(mutants_run, "_CPU_LEAST_S", 1)
    return tmp_path


def test_run(tree: Path) -> None:
    """Faults are compiled and tried: seen, not seen, endless, and none at all."""
    said: list[str] = []
    result = mutants_job.run(["core/twice.c"], 0, 1, 2, said.append)
    status = {(o.mutant.line, o.mutant.change): o.status for o in result.outcomes}
    assert status[7, "* -> /"] == KILLED
    assert status[5, "== -> !="] == KILLED
    assert status[6, "154 -> 0"] == SURVIVED
    assert status[4, "statement dropped"] == HUNG
    assert {o.by for o in result.outcomes if o.status == KILLED} == {"twice"}
    assert "twice.c:6" in "".join(said)
    assert result.report == tree / "build/mutants/report.json"


def test_run_refused(tree: Path) -> None:
    """A file that is not one of those, and tests that fail by themselves."""
    with pytest.raises(mutants_job.FileError, match=r"core/thrice\.c: not a file of core"):
        mutants_job.run(["core/thrice.c"], 0, 1, 1, str)
    source = tree / "net/tquic/core/twice.c"
    source.write_text(_ENGINE.replace("a * 2", "a * 3"))
    with pytest.raises(mutants_run.SuiteError, match="fail without a fault"):
        mutants_job.run([], 0, 1, 1, str)
