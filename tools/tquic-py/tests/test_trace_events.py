# SPDX-License-Identifier: GPL-2.0
"""The Python of the tracepoints says what the kernel's headers say; records decode."""

from __future__ import annotations

import re
import struct
from enum import IntEnum

import pytest

from tquic import paths, trace_bcc
from tquic.errors import UnavailableError
from tquic.trace_bcc import find_bcc, program
from tquic.trace_events import (
    EVENTS,
    PACKET_THRESHOLD,
    WORDS_MAX,
    CcUpdate,
    Drop,
    Event,
    Level,
    PacketLost,
    SchedDecision,
    SentFlag,
    Step,
    Why,
    conn_name,
    decode,
    field_names,
    frame_name,
    token,
)

_HEADER = (paths.root() / "include/trace/events/tquic.h").read_text()
_EVENT = re.compile(r"^TRACE_EVENT\((\w+),.*?TP_STRUCT__entry\((.*?)\n\t\),", re.M | re.S)
_FIELD = re.compile(r"__field\((\w+), (\w+)\)")


_DOC = (paths.root() / "Documentation/networking/tquic-trace.rst").read_text()


def core(name: str) -> str:
    return (paths.root() / "net/tquic/core" / name).read_text()


def in_kernel() -> dict[str, list[tuple[str, str]]]:
    """Name of each tracepoint -> its fields as (type, name)."""
    return {name: _FIELD.findall(body) for name, body in _EVENT.findall(_HEADER)}


def test_every_tracepoint_is_known() -> None:
    assert [kind.NAME for kind in EVENTS] == list(in_kernel())


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.NAME)
def test_fields_are_those_of_the_kernel(kind: type[Event]) -> None:
    fields = in_kernel()[kind.NAME]
    assert [name.rstrip("_") for name in field_names(kind)] == [name for _, name in fields]
    assert {name for c_type, name in fields if c_type.startswith("s")} == kind.SIGNED


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.NAME)
def test_documentation_tells_of_every_field(kind: type[Event]) -> None:
    everywhere, _, rest = _DOC.partition(f"``{kind.NAME}``\n")
    own = re.split(r"^``|^Reports", rest, maxsplit=1, flags=re.MULTILINE)[0]
    common = everywhere.partition("``tquic_conn_state``\n")[0]
    for name in field_names(kind):
        assert f"``{name.rstrip('_')}``" in common + own, name


@pytest.mark.parametrize(("enum", "prefix"), [(Step, "TQUIC_STEP_"), (Drop, "TQUIC_DROP_")])
def test_numbered_enums(enum: type[IntEnum], prefix: str) -> None:
    names = re.findall(rf"^\t{prefix}(\w+),$", core("trace.h"), re.MULTILINE)
    assert names == [member.name for member in enum]
    assert [member.value for member in enum] == list(range(len(names)))
    for name in names:
        assert f'{{ {prefix}{name}, "{name.lower()}" }}' in _HEADER


def test_valued_enums() -> None:
    whys = re.findall(r"^\tTQUIC_WHY_(\w+) = (\d+),$", core("trace.h"), re.MULTILINE)
    assert {name: int(value) for name, value in whys} == {why.name: why.value for why in Why}
    flags = re.findall(r"#define TQUIC_SENT_F_(\w+)\s+(0x\w+)", core("sent.h"))
    assert {name: int(value, 16) for name, value in flags} == {
        str(flag.name): flag.value for flag in SentFlag
    }
    levels = re.findall(r"^\tTQUIC_LEVEL_(\w+),$", core("proto.h"), re.MULTILINE)
    assert levels[: len(Level)] == [level.name for level in Level]
    assert f"#define TQUIC_LOSS_PKT_THRESHOLD\t{PACKET_THRESHOLD}\n" in core("space.h")


def test_frame_names() -> None:
    types = re.findall(r"^\tTQUIC_FRAME_(\w+)\s*= (0x\w+),", core("proto.h"), re.MULTILINE)
    assert len(types) > 30
    for name, value in types:
        assert frame_name(int(value, 16)) != "unknown", name
    assert frame_name(0x0F) == "stream"
    assert frame_name(0x20) == "unknown"


def record(kind: type[Event], *words: int) -> bytes:
    data = struct.pack("<QQ", 77, EVENTS.index(kind))
    data += b"".join(struct.pack("<Q", word & (1 << 64) - 1) for word in words)
    return data.ljust(16 + 8 * WORDS_MAX, b"\xaa")


def test_decode_keeps_signs_apart() -> None:
    lost = decode(record(PacketLost, 1, 2, 3, -1, 4, 5, 3, 8))
    assert lost == PacketLost(
        ns=77, conn=1, pn=2, age_ns=3, largest_acked=-1, path=4, bytes=5, level=3, flags=8
    )
    assert decode(record(SchedDecision, 1, -1, 8)) == SchedDecision(ns=77, conn=1, path=-1, why=8)
    update = decode(record(CcUpdate, *range(1, 3), -1, *range(4, 14)))
    assert isinstance(update, CcUpdate)
    assert update.ssthresh_bytes == (1 << 64) - 1


def test_decode_refuses_what_is_no_record() -> None:
    with pytest.raises(ValueError, match="3 bytes"):
        decode(b"abc")
    with pytest.raises(ValueError, match="number 99"):
        decode(struct.pack("<QQ", 1, 99))
    with pytest.raises(ValueError, match="tquic_packet_lost"):
        decode(record(PacketLost, 1)[:24])


def test_names_of_connections() -> None:
    conn = 4026531840 << 32 | 12
    assert token(conn) == 12
    assert conn_name(conn) == "4026531840:12"


def test_program_has_a_probe_per_event_and_fits_the_decoder() -> None:
    text = program([SchedDecision, PacketLost])
    assert text.count("TRACEPOINT_PROBE") == 2
    assert "TRACEPOINT_PROBE(tquic, tquic_sched_decision)" in text
    assert f"r->number = {EVENTS.index(PacketLost)};" in text
    assert f"u64 word[{WORDS_MAX}];" in text
    assert "r->word[2] = args->why;" in text
    assert "(u32)args->conn" not in text
    assert "from_" not in program(EVENTS)


def test_program_can_filter() -> None:
    assert "if ((u32)args->conn != 5)" in program([PacketLost], token=5)
    assert "if ((u32)args->conn != 0)" in program([PacketLost], token=0)


def test_missing_bcc_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> None:
        raise ImportError("No module named 'bcc'")

    monkeypatch.setattr(trace_bcc.importlib, "import_module", missing)
    before = list(trace_bcc.sys.path)
    with pytest.raises(UnavailableError, match="python3-bpfcc"):
        find_bcc()
    assert trace_bcc.sys.path == before


def test_no_tracepoints_names_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_bcc.os, "geteuid", lambda: 0)
    monkeypatch.setattr(trace_bcc, "_TRACEFS", ())
    with pytest.raises(UnavailableError, match="modprobe tquic"):
        trace_bcc.Tracer([PacketLost])
    monkeypatch.setattr(trace_bcc.os, "geteuid", lambda: 1000)
    with pytest.raises(UnavailableError, match="root"):
        trace_bcc.Tracer([PacketLost])
