# SPDX-License-Identifier: GPL-2.0
"""What is known of the socket's ABI and of the counters, as their specs say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

__all__ = [
    "TYPES",
    "CType",
    "Counter",
    "CounterSection",
    "Entry",
    "Field",
    "Group",
    "GroupKind",
    "Member",
    "Number",
    "SocketAbi",
    "Struct",
]

GroupKind = Literal["options", "messages", "define", "flags", "enum", "events"]
_C_UNSIGNED: Final = 0x8000_0000


@dataclass(frozen=True)
class CType:
    """A type of a field: in C, in Python, and what the alignment of every program asks for."""

    c: str
    size: int
    align: int
    python: str
    default: str


TYPES: Final = {
    "u8": CType("__u8", 1, 1, "U8", "0"),
    "u16": CType("__u16", 2, 2, "U16", "0"),
    "u32": CType("__u32", 4, 4, "U32", "0"),
    "u64": CType("__u64", 8, 8, "U64", "0"),
    "char": CType("char", 1, 1, "", ""),
    "sockaddr": CType("struct __kernel_sockaddr_storage", 128, 8, "Sockaddr", "None"),
}
_CODES: Final = {"u16": "H", "u32": "I", "u64": "Q"}


@dataclass(frozen=True)
class Number:
    """A constant of its own; ``guarded``: a header of the C library may have it already."""

    name: str
    value: int
    doc: str = ""
    comment: str = ""
    guarded: bool = False
    kind: Literal["number"] = "number"

    @property
    def c_value(self) -> str:
        """The value in the header."""
        return f"{self.value:#x}U" if self.value >= _C_UNSIGNED else str(self.value)

    @property
    def python_name(self) -> str:
        """The name without what all names of the header begin with."""
        return self.name.removeprefix("TQUIC_")

    @property
    def python_value(self) -> str:
        """The value in Python."""
        return f"0x{self.value:X}" if self.value >= _C_UNSIGNED else str(self.value)


@dataclass(frozen=True)
class Member:
    """A constant of a group; the last five are of options, control messages and events."""

    name: str
    value: int
    comment: str = ""
    text: str = ""
    can: str = ""
    type: str = ""
    id: str = ""
    code: str = ""

    @property
    def c_comment(self) -> str:
        """What the header says: of an option, what can be done with which type if nothing else."""
        if self.comment:
            return self.comment
        c_type = TYPES[self.type].c if self.type in TYPES else self.type
        return " ".join(word for word in (self.can, c_type) if word)

    @property
    def described(self) -> str:
        """The text of the documentation's table, with the type before it."""
        shown = f"``{TYPES[self.type].c if self.type in TYPES else self.type}``"
        return ": ".join(part for part in (shown if self.type else "", self.text) if part)


@dataclass(frozen=True)
class Group:
    """Constants with a prefix: #defines, or a C enum when it has a name."""

    kind: GroupKind
    prefix: str
    members: tuple[Member, ...]
    summary: str
    name: str = ""
    class_name: str = ""
    doc: str = ""

    @property
    def first(self) -> int:
        """The first member's value."""
        return self.members[0].value

    @property
    def python_base(self) -> str:
        """What the Python class is derived from."""
        return "IntFlag" if self.kind == "flags" else "IntEnum"

    def shown(self, member: Member, *, upper: bool = False) -> str:
        """A member's value: bits in hexadecimal, all of one width."""
        if self.kind != "flags":
            return str(member.value)
        need = max(len(f"{other.value:x}") for other in self.members)
        width = next(width for width in (1, 2, 4, 8) if width >= need)
        return f"0x{member.value:0{width}{'X' if upper else 'x'}}"


@dataclass(frozen=True)
class Field:
    """A field of a struct; ``length`` is how an array's length is written, ``count`` what it is."""

    name: str
    type: str
    length: str = ""
    count: int = 1
    comment: str = ""
    text: str = ""
    bit: str = ""
    default: str = ""

    @property
    def size(self) -> int:
        """Bytes of the field."""
        return TYPES[self.type].size * self.count

    @property
    def reserved(self) -> bool:
        """Whether it is there for the layout only."""
        return self.name == "reserved"

    @property
    def declaration(self) -> str:
        """The field in C."""
        array = f"[{self.length}]" if self.length else ""
        blank = " " if self.type == "sockaddr" else "\t"
        return f"{TYPES[self.type].c}{blank}{self.name}{array};"

    @property
    def c_type(self) -> str:
        """The type for the documentation."""
        return TYPES[self.type].c + (f" [{self.length}]" if self.length else "")

    @property
    def annotation(self) -> str:
        """What the record's field is annotated with."""
        if not self.length:
            return TYPES[self.type].python
        if self.type == "char":
            return f"Annotated[str, text({self.count})]"
        if self.type == "u8":
            return f"Annotated[bytes, raw({self.count})]"
        return f'Annotated[tuple[int, ...], array("{self.count}{_CODES[self.type]}")]'

    @property
    def python_default(self) -> str:
        """The default of the record's field."""
        if self.default or not self.length:
            return self.default or TYPES[self.type].default
        if self.type in ("char", "u8"):
            return '""' if self.type == "char" else 'b""'
        return f"({', '.join(['0'] * self.count)})"


@dataclass(frozen=True)
class Struct:
    """A struct; ``helpers``: uapi.py derives the class that programs use from the record."""

    name: str
    class_name: str
    summary: str
    fields: tuple[Field, ...]
    doc: str = ""
    helpers: bool = False
    repr: bool = True
    mask: str = ""
    kind: Literal["struct"] = "struct"

    @property
    def size(self) -> int:
        """Bytes of the struct."""
        return sum(field.size for field in self.fields)

    @property
    def record(self) -> list[tuple[str, str, str]]:
        """Name, annotation and default of each field in Python; reserved ones are padding."""
        out: list[tuple[str, str, str]] = []
        for field in self.fields:
            if field.reserved:
                name, annotation, default = out.pop()
                out.append((name, f"Annotated[{annotation}, Pad({field.size})]", default))
            else:
                out.append((field.name, field.annotation, field.python_default))
        return out


Entry = Number | Group | Struct


@dataclass(frozen=True)
class SocketAbi:
    """All of the header, in its order."""

    doc: str
    entries: tuple[Entry, ...]

    @property
    def numbers(self) -> list[Number]:
        """The constants of their own."""
        return [entry for entry in self.entries if isinstance(entry, Number)]

    @property
    def groups(self) -> list[Group]:
        """The groups of constants."""
        return [entry for entry in self.entries if isinstance(entry, Group)]

    @property
    def structs(self) -> list[Struct]:
        """The structs."""
        return [entry for entry in self.entries if isinstance(entry, Struct)]

    def prefix_of(self, class_name: str) -> str:
        """The prefix of the group with a Python class of that name."""
        return next(group.prefix for group in self.groups if group.class_name == class_name)

    @property
    def python_names(self) -> list[str]:
        """What the Python module exports: constants, then classes."""
        classes = [group.class_name for group in self.groups if group.class_name]
        classes += [struct.class_name for struct in self.structs if not struct.helpers]
        return sorted(number.python_name for number in self.numbers) + sorted(classes)

    @property
    def record_names(self) -> list[str]:
        """What the Python module needs of the record module."""
        text = " ".join(
            part for struct in self.structs for field in struct.record for part in field
        )
        used = set(re.findall(r"\w+", text))
        known = {"Pad", "array", "raw", "text"} | {known.python for known in TYPES.values()}
        kinds = (str.isupper, lambda name: name[0].isupper() and not name.isupper(), str.islower)
        names = (used & known) | {"Record"}
        return [name for kind in kinds for name in sorted(names, key=_natural) if kind(name)]


def _natural(name: str) -> tuple[str, int]:
    """Order of names that end with a number."""
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or 0)


@dataclass(frozen=True)
class Counter:
    """A counter: its constant without prefix, what users know it by, and what it counts."""

    id: str
    name: str
    counts: str


@dataclass(frozen=True)
class CounterSection:
    """Counters of one area, in the order they are shown."""

    title: str
    counters: tuple[Counter, ...]
