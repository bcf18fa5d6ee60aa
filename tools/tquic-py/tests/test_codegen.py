# SPDX-License-Identifier: GPL-2.0
"""Specs and what is made from them: the committed files are current, wrong specs are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tquic import cli, codegen, codegen_text, paths, sysctl_gen, uapi
from tquic.codegen import load_sysctls
from tquic.codegen_counters import COUNTER_SPEC, load_counters
from tquic.codegen_socket import SOCKET_SPEC, load_socket
from tquic.socket_spec import Struct
from tquic.spec import SpecError

ROOT = Path(__file__).resolve().parents[3]

GOOD = """
path: net/tquic
sysctls:
  - {name: a_ms, type: u32, unit: ms, min: 1, max: 9, default: 5, scope: live, summary: a time}
  - {name: b, type: bool, default: 1, scope: socket, summary: a switch}
  - {name: c, type: choice, choices: d, default: x, scope: connection, summary: a name}
  - {name: d, type: names, scope: namespace, summary: names}
"""

SOCKET = """
doc: |
  Of a socket.

  More of it.
entries:
  - {kind: number, name: SOL_T, value: 9, guarded: true}
  - {kind: number, name: TQUIC_LONG, value: 3, comment: of an array}
  - kind: options
    prefix: TQUIC_OPT_
    class: Opt
    summary: options
    members:
      - {name: A, value: 1, can: get/set, type: u32, text: a number}
      - {name: B, value: 4, can: set, comment: "set: a name", text: name}
      - {name: C, value: 5, can: get, type: struct tquic_one}
  - kind: messages
    prefix: TQUIC_CMSG_
    summary: messages
    members:
      - {name: M, value: 1, type: struct tquic_one, text: one}
      - {name: N, value: 2, comment: no payload}
  - kind: flags
    doc: Bits
    prefix: TQUIC_BIT_
    class: Bit
    summary: bits
    members:
      - {name: LOW, value: 0x1}
      - {name: HIGH, value: 0x2, comment: the other}
      - {name: ALL, value: 0x3}
  - kind: enum
    prefix: TQUIC_WAY_
    name: tquic_way
    summary: ways
    members: [{name: IN, value: 0}, {name: OUT, value: 1}]
  - {kind: number, name: TQUIC_WAYS, counts: tquic_way}
  - kind: struct
    name: tquic_one
    class: One
    summary: one
    mask: Bit
    fields:
      - {name: mask, type: u32}
      - {name: short, type: u8, bit: LOW, comment: see TQUIC_BIT_*}
      - {name: text, type: char, length: TQUIC_LONG}
      - {name: wide, type: u64, bit: HIGH, text: what is wide, default: 7}
      - {name: last, type: u32}
      - {name: reserved, type: u32}
  - kind: events
    prefix: TQUIC_EVENT_
    name: tquic_events
    summary: events
    members: [{name: X, value: 1, id: path, code: why}, {name: Y, value: 2}]
"""

COUNTERS = """
sections:
  - title: first ones
    counters:
      - {id: RX_A, name: RxAll, counts: what came}
      - {id: TX_A, name: TxAll, counts: what went}
  - title: last ones
    counters:
      - {id: DROP, name: Drops, counts: what was dropped}
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


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("doc: |\n  Of", "other: |\n  Of", "doc and entries are wanted"),
        ("entries:\n", "entries: []\nother:\n", "doc and entries are wanted"),
        ("More of it.", "More */ of it.", "doc would end the comment"),
        ("kind: messages", "kind: letters", "TQUIC_CMSG_: kind is one of number, struct"),
        # numbers
        ("value: 9,", "", "SOL_T: value missing"),
        ("value: 9,", "value: yes,", "SOL_T: value is a whole number"),
        ("value: 9,", "value: 4294967296,", "SOL_T: value is a whole number"),
        ("value: 9, guarded: true", "value: 9, guarded: 1", "SOL_T: guarded is true or false"),
        ("value: 9, guarded", "value: 9, guarde", "SOL_T: guarde means nothing here"),
        ("name: SOL_T,", "name: sol_t,", "sol_t is no name"),
        ("counts: tquic_way", "counts: tquic_one", "TQUIC_WAYS: no enum tquic_one before it"),
        # options and messages
        ("name: B, value: 4", "name: B, value: 1", "TQUIC_OPT_: A and B: numbers do not ascend"),
        ("name: B, value: 4", "name: B, value: 9", "B and C: numbers do not ascend"),
        ("name: C, value: 5", "name: B, value: 5", "constant TQUIC_OPT_B is there twice"),
        ("can: get/set", "can: set/get", "TQUIC_OPT_: A: can is one of get, set, get/set"),
        ("can: set,", "can: get,", "B: can is get, the comment says otherwise"),
        ('comment: "set: a name", ', "", "B: an option without a type has a comment"),
        (", text: name}", "}", "B: an option without a type has a text"),
        ("can: get, type", "type", "TQUIC_OPT_: C: can missing"),
        ("can: get, type: struct tquic_one", "can: get, type: u64", "C: u64 is no type of a value"),
        ("type: struct tquic_one, text", "type: struct x, text", "M: struct x is no type"),
        ("name: N, value: 2", "name: N, value: 3", "TQUIC_CMSG_: N is not 2"),
        (", comment: no payload", "", "N: a message without a type has a comment"),
        ("{name: M, value: 1", "{name: M, can: get, value: 1", "M: can means nothing here"),
        # flags and enums
        ("value: 0x2", "value: 0x4", "TQUIC_BIT_: HIGH is not 0x2, the next bit"),
        ("value: 0x3", "value: 0x7", "TQUIC_BIT_: ALL is the last one, and 0x3"),
        ("name: OUT, value: 1", "name: OUT, value: 2", "tquic_way: OUT is not 1"),
        ("name: OUT, value: 1", "name: IN, value: 1", "constant TQUIC_WAY_IN is there twice"),
        (
            "members: [{name: IN, value: 0}, {name: OUT, value: 1}]",
            "members: []",
            "members is a list",
        ),
        ("name: tquic_way\n", "name: way\n", "way is no name"),
        ("name: tquic_events", "name: tquic_way", "struct or enum tquic_way is there twice"),
        ("summary: bits", "summary: ''", "TQUIC_BIT_: summary is a text"),
        ("name: IN, value: 0", "name: on, value: 0", "True is no name"),
        ("class: Opt", "class: One", "class One is there twice"),
        # structs
        ("name: mask, type: u32", "name: mask, type: u16", "tquic_one: wide is at 6: 2 reserved"),
        ("name: last, type: u32", "name: last, type: u16", "reserved is at 18: 2 reserved bytes"),
        ("      - {name: reserved, type: u32}\n", "", "20 bytes: 4 reserved bytes wanted"),
        ("name: mask, type: u32", "name: reserved, type: u32", "begins with a field that is not"),
        ("name: last, type", "name: wide, type", "tquic_one: wide is there twice"),
        ("name: last, type: u32", "name: last, type: s32", "tquic_one.last: type is one of u8"),
        ("name: last, type: u32", "name: Last, type: u32", "Last is no name"),
        ("length: TQUIC_LONG", "length: TQUIC_WIDE", "tquic_one.text: TQUIC_WIDE is no length"),
        ("length: TQUIC_LONG", "length: 0", "tquic_one.text: 0 is no length"),
        (", length: TQUIC_LONG", "", "text: a char has a length"),
        ("default: 7", "default: x", "wide: default is a whole number"),
        ("bit: HIGH", "bit: MIDDLE", "tquic_one.wide: the mask has no bit MIDDLE"),
        ("bit: HIGH", "bit: LOW", "tquic_one: bit LOW is there twice"),
        ("bit: HIGH, text: what is wide, ", "", "tquic_one: no field for HIGH"),
        ("bit: HIGH, text", "text", "wide: a text is for a field with a bit"),
        ("mask: Bit", "mask: Opt", "tquic_one: no flags Opt before it"),
        ("id: path", "path: id", "X: path means nothing here"),
    ],
)
def test_wrong_socket_specs(old: str, new: str, said: str) -> None:
    assert SOCKET.count(old) == 1
    with pytest.raises(SpecError) as caught:
        load_socket(SOCKET.replace(old, new), "file.yaml")
    assert str(caught.value).startswith("file.yaml: ")
    assert said in str(caught.value)


def test_good_socket_spec() -> None:
    abi = load_socket(SOCKET)
    assert [number.value for number in abi.numbers] == [9, 3, 2]
    (struct,) = abi.structs
    assert struct.size == 24
    assert [field.count for field in struct.fields] == [1, 1, 3, 1, 1, 1]
    assert struct.record == [
        ("mask", "U32", "0"),
        ("short", "U8", "0"),
        ("text", "Annotated[str, text(3)]", '""'),
        ("wide", "U64", "7"),
        ("last", "Annotated[U32, Pad(4)]", "0"),
    ]
    a, b, c = abi.groups[0].members
    assert (a.c_comment, b.c_comment, c.c_comment) == (
        "get/set __u32",
        "set: a name",
        "get struct tquic_one",
    )
    assert (a.described, b.described, c.described) == (
        "``__u32``: a number",
        "name",
        "``struct tquic_one``",
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("sections:\n", "section:\n", "sections are wanted"),
        ("title: last ones", "name: last", "a section without a title"),
        ("counts: what came", "count: 1", "first ones: RX_A: counts missing"),
        ("id: TX_A", "id: RX_A", "counter RX_A is there twice"),
        ("name: Drops", "name: RxAll", "name RxAll is there twice"),
        ("id: TX_A", "id: tx_a", "tx_a is no name"),
        ("name: TxAll", "name: Tx-All", "Tx-All is no name"),
        ("name: TxAll", f"name: T{'x' * 31}", "at most 31 characters"),
        ("counts: what came", "counts: What came.", "no full stop"),
        ("counts: what came", f"counts: {'x' * 81}", "one line of 80 characters"),
        ("counts: what came", "counts: 7", "RX_A: counts is a text"),
    ],
)
def test_wrong_counter_specs(old: str, new: str, said: str) -> None:
    assert COUNTERS.count(old) == 1
    with pytest.raises(SpecError) as caught:
        load_counters(COUNTERS.replace(old, new), "file.yaml")
    assert str(caught.value).startswith("file.yaml: ")
    assert said in str(caught.value)


@pytest.mark.parametrize("struct", load_socket((ROOT / SOCKET_SPEC).read_text()).structs)
def test_records_are_laid_out_as_the_spec_says(struct: Struct) -> None:
    record: type[uapi.Record] = getattr(uapi, struct.class_name)
    at, offsets = 0, {}
    for field in struct.fields:
        offsets[field.name] = (at, field.size)
        at += field.size
    offsets.pop("reserved", None)
    assert (record.C_NAME, record.size(), record.offsets()) == (struct.name, struct.size, offsets)


def test_text() -> None:
    assert codegen_text.comment("one\n") == "/* one */"
    assert codegen_text.comment("one\n\ntwo") == "/*\n * one\n *\n * two\n */"
    assert codegen_text.tabs("\tu8\tx;", 40) == "\tu8\tx;\t\t\t"
    assert codegen_text.tabs("x" * 41, 40) == "x" * 41 + "\t"
    marked = codegen_text.marked("TQUIC_PATH_* of struct tquic_info, @fd and send(): see RFC 9000")
    assert (
        marked == "``TQUIC_PATH_*`` of ``struct tquic_info``, ``fd`` and ``send()``: see RFC 9000"
    )
    shown = codegen_text.table([["a", ""], ["bcde", "f"]], ["x", "y"])
    assert shown == "====  ===\nx     y\n====  ===\na\nbcde  f\n====  ==="


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree with nothing but the small specs."""
    specs = {codegen.SYSCTL_SPEC: GOOD, SOCKET_SPEC: SOCKET, COUNTER_SPEC: COUNTERS}
    for path in (*specs, *codegen.OUTPUTS.values()):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    for path, text in specs.items():
        (tmp_path / path).write_text(text)
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


def test_what_is_made_of_the_socket(tree: Path) -> None:
    codegen.write(tree)
    header = (tree / codegen.SOCKET_OUTPUTS["uapi.h"]).read_text()
    assert "/*\n * Of a socket.\n *\n * More of it.\n */\n#ifndef _UAPI" in header
    assert "#ifndef SOL_T\n#define SOL_T\t\t\t\t9\n#endif\n" in header
    assert "#define TQUIC_OPT_A\t\t\t1\t/* get/set __u32 */\n" in header
    assert "/* Bits */\n#define TQUIC_BIT_LOW\t\t\t0x1\n" in header
    assert "enum tquic_way {\n\tTQUIC_WAY_IN,\n\tTQUIC_WAY_OUT,\n};\n" in header
    assert "enum tquic_events {\n\tTQUIC_EVENT_X = 1,\n\tTQUIC_EVENT_Y,\n};\n" in header
    assert "\t__u8\tshort;\t\t\t/* see TQUIC_BIT_* */\n\tchar\ttext[TQUIC_LONG];\n" in header
    module = (tree / codegen.SOCKET_OUTPUTS["uapi.py"]).read_text()
    assert '__all__ = [\n    "LONG",\n    "SOL_T",\n    "WAYS",\n    "Bit",' in module
    assert '    BITS: ClassVar[dict[str, Bit]] = {\n        "short": Bit.LOW,\n' in module
    page = (tree / codegen.SOCKET_OUTPUTS["uapi.rst"]).read_text()
    assert "``TQUIC_OPT_B``  s    name\n" in page
    assert "``TQUIC_OPT_C``    g  ``struct tquic_one``\n" in page
    assert "``TQUIC_EVENT_X``  path  why\n" in page
    assert "``short``  ``TQUIC_BIT_LOW``   see ``TQUIC_BIT_*``\n" in page
    assert "``wide``   ``TQUIC_BIT_HIGH``  what is wide\n" in page


def test_what_is_made_of_the_counters(tree: Path) -> None:
    codegen.write(tree)
    header = (tree / codegen.COUNTER_OUTPUTS["mib.h"]).read_text()
    assert '\tX(RX_A, "RxAll")\t\t\t\t\t\t\\\n' in header
    assert '\tX(DROP, "Drops")\n\n#endif' in header
    page = (tree / codegen.COUNTER_OUTPUTS["counters.rst"]).read_text()
    assert "\nLast ones\n=========\n" in page
    assert "``TxAll``  what went\n" in page
