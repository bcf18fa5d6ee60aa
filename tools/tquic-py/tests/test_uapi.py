# SPDX-License-Identifier: GPL-2.0
"""tquic.uapi against the header itself, as 64 and 32 bit compilers read it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tquic import paths, uapi
from tquic.codegen_socket import SOCKET_SPEC, load_socket
from tquic.tls import Level

HEADER = paths.root() / "include/uapi/linux/tquic.h"
RECORDS = uapi.Record.__subclasses__()
ABI = load_socket((paths.root() / SOCKET_SPEC).read_text())
#: Groups whose Python class is not in tquic.uapi.
ELSEWHERE = {"TQUIC_ENC_": Level}


def values() -> dict[str, int]:
    """Every name of the header that this package knows, with its value."""
    out: dict[str, int] = {n.name: getattr(uapi, n.python_name) for n in ABI.numbers}
    for group in ABI.groups:
        known = ELSEWHERE.get(group.prefix) or getattr(uapi, group.class_name)
        members = known.__members__.items()
        out |= {f"{group.prefix}{member}": int(value) for member, value in members}
    return out


def assertions() -> str:
    """A C file that compiles only if all values, sizes and offsets agree."""
    lines = ["#include <linux/tquic.h>"]
    lines += [f'_Static_assert({name} == {v}u, "{name}");' for name, v in values().items()]
    for record in RECORDS:
        kind = f"struct {record.C_NAME}"
        lines.append(f'_Static_assert(sizeof({kind}) == {record.size()}, "{record.C_NAME}");')
        for name, (at, size) in record.offsets().items():
            where = f"__builtin_offsetof({kind}, {name}) == {at}"
            much = f"sizeof((({kind} *)0)->{name}) == {size}"
            lines.append(f'_Static_assert({where} && {much}, "{record.C_NAME}.{name}");')
    return "\n".join(lines) + "\n"


def compiler(bits: int) -> list[str]:
    """The compiler's command line, or skip."""
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("no gcc")
    line = [gcc, f"-m{bits}", "-fsyntax-only", "-x", "c", "-Wall", "-Werror"]
    line += ["-I", str(HEADER.parents[1]), "-idirafter", "/usr/include/x86_64-linux-gnu", "-"]
    probe = subprocess.run(line, input="#include <linux/types.h>\n", text=True, check=False)
    if probe.returncode:
        pytest.skip(f"gcc cannot compile for {bits} bits here")
    return line


@pytest.mark.parametrize("bits", [64, 32])
def test_header_agrees(bits: int) -> None:
    line = compiler(bits)
    done = subprocess.run(line, input=assertions(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("record", RECORDS)
def test_a_wrong_offset_would_be_seen(record: type[uapi.Record]) -> None:
    line = compiler(64)
    text = assertions().replace(f"sizeof(struct {record.C_NAME}) == {record.size()}", "0")
    done = subprocess.run(line, input=text, capture_output=True, text=True, check=False)
    assert done.returncode != 0


def test_nothing_is_missing() -> None:
    text = HEADER.read_text()
    names = set(re.findall(r"^#define\s+(\w+)", text, re.MULTILINE)) - {"_UAPI_LINUX_TQUIC_H"}
    for body in re.findall(r"^enum \w+ \{(.*?)^\};", text, re.MULTILINE | re.DOTALL):
        names |= set(re.findall(r"^\t(TQUIC_\w+)", body, re.MULTILINE))
    assert names == set(values())
    structs = set(re.findall(r"^struct (\w+) \{", text, re.MULTILINE))
    assert structs == {record.C_NAME for record in RECORDS}


def test_fields_are_the_headers_fields() -> None:
    text = HEADER.read_text()
    for record in RECORDS:
        found = re.search(rf"^struct {record.C_NAME} \{{(.*?)^\}};", text, re.M | re.S)
        assert found
        names = re.findall(r"^\t[^/*;]*?(\w+)(?:\[\w+\])?;", found[1], re.MULTILINE)
        assert [n for n in names if n != "reserved"] == list(record.offsets()), record.C_NAME


@pytest.mark.parametrize("record", RECORDS)
def test_round_trip(record: type[uapi.Record]) -> None:
    data = bytes(range(1, 250)) * 3
    zero = record.unpack(b"")
    assert zero.pack() == bytes(record.size())
    assert record.unpack(zero.pack() + data) == zero  # a newer kernel's fields are left out


def test_values_survive() -> None:
    info = uapi.StreamInfo(2**62 - 1, 7, 0x5)
    assert uapi.StreamInfo.unpack(info.pack()) == info
    config = uapi.Config.of(max_path_id=uapi.NO_MULTIPATH, idle_timeout_ms=30000)
    assert config.mask == uapi.ConfigMask.MAX_PATH_ID | uapi.ConfigMask.IDLE_TIMEOUT
    assert uapi.Config.unpack(config.pack()) == config
    bond = uapi.Info(bond_state=3, bond_time_ns=(1, 2, 3, 2**40), bond_entered=(4, 5, 6, 7))
    assert uapi.Info.unpack(bond.pack()) == bond
    path = uapi.PathAddr(uapi.Address("192.0.2.1", 4433), uapi.Address("fe80::1", 9, 3), 2, 1)
    assert uapi.PathAddr.unpack(path.pack()) == path
    assert uapi.PathInfo.unpack(bytes(uapi.PathInfo.size())).local is None
    secret = uapi.SecretRecord.of(Level.APP, True, 0x1302, b"k" * 48)
    assert uapi.SecretRecord.unpack(secret.pack()) == secret
    assert "k" not in repr(secret).partition("SecretRecord")[2]


def test_values_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="secret"):
        uapi.SecretRecord.of(Level.APP, True, 0x1302, b"k" * 49).pack()
    with pytest.raises(ValueError, match="tquic_stream_info"):
        uapi.StreamInfo(2**64).pack()
    with pytest.raises(ValueError, match="tquic_stream_info"):
        uapi.StreamInfo(-1).pack()


def test_close_reason() -> None:
    close = uapi.CloseInfo.of(3, app=True, reason="ü" * 100)
    assert close.reason_len == 64
    assert uapi.CloseInfo.unpack(close.pack()).text == "ü" * 32
    odd = uapi.CloseInfo(0, 0, 0, 2**32 - 1, b"\x1b[31mred\xff".ljust(64, b"!"))
    assert "\x1b" not in odd.text


def test_address() -> None:
    assert str(uapi.Address("::1", 443)) == "[::1]:443"
    assert uapi.Address("192.0.2.1", 5).sockaddr == ("192.0.2.1", 5)
    assert uapi.Address("fe80::1", 5, 2).sockaddr == ("fe80::1", 5, 0, 2)
    with pytest.raises(OSError, match="illegal IP"):
        uapi.PathAddr(uapi.Address("not an address")).pack()


def test_header_is_where_it_should_be() -> None:
    assert Path(HEADER).is_file()


def test_every_counter_counts() -> None:
    """No name in /proc/sys/net/tquic/snmp that nothing adds to."""
    net = paths.root() / "net/tquic"
    code = "".join(path.read_text() for path in net.glob("*.c"))
    names = re.findall(r"^\tX\((\w+),", (net / "tquic-mib-gen.h").read_text(), re.MULTILINE)
    assert len(names) > 50
    idle = [n for n in names if not re.search(rf"(ADD|INC)\([^;]*\b{n}\b|MIB_{n}\b", code)]
    assert idle == []
