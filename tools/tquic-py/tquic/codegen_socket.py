# SPDX-License-Identifier: GPL-2.0
"""The spec of the socket's ABI: what it may say."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from .socket_spec import (
    TYPES,
    Entry,
    Field,
    Group,
    GroupKind,
    Member,
    Number,
    SocketAbi,
    Struct,
)
from .spec import (
    SpecError,
    check_flags,
    check_form,
    check_keys,
    check_list,
    check_text,
    check_unique,
    read_spec,
)

__all__ = ["SOCKET_SPEC", "load_socket"]

SOCKET_SPEC: Final = Path("Documentation/networking/specs/tquic-socket.yaml")

_U32_MAX = 2**32 - 1
_CAN = ("get", "set", "get/set")
#: What an address is aligned to for a 32 bit program is less than for a 64 bit one.
_ALIGN = 8
_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*")
_TAG = re.compile(r"tquic_[a-z0-9_]+")
_FIELD = re.compile(r"[a-z][a-z0-9_]*")
_CLASS = re.compile(r"[A-Z][A-Za-z0-9]*")

_MEMBER: Final = frozenset({"name", "value"})
#: What a member of a kind of group may have besides a name, a value and a comment.
_MEMBER_KEYS: Final[dict[GroupKind, frozenset[str]]] = {
    "options": frozenset({"can", "type", "text"}),
    "messages": frozenset({"type", "text"}),
    "define": frozenset(),
    "flags": frozenset(),
    "enum": frozenset(),
    "events": frozenset({"id", "code"}),
}
_NAMED = ("enum", "events")


def load_socket(text: str, origin: str = str(SOCKET_SPEC)) -> SocketAbi:
    """Read a spec of the socket's ABI. Raises SpecError."""
    data = read_spec(text, origin, ("doc", "entries"))
    check_text(data, origin, ("doc",))
    check_list(data, origin, "entries")
    known: dict[str, int] = {}
    entries: list[Entry] = []
    for item in data["entries"]:
        entries.append(_entry(item, origin, known, entries))
    abi = SocketAbi(data["doc"], tuple(entries))
    _check_names(abi, origin)
    for group in abi.groups:
        _check_types(group, abi, origin)
    return abi


def _entry(item: Any, origin: str, known: dict[str, int], before: Sequence[Entry]) -> Entry:
    """One entry; ``known`` has the numbers that lengths of arrays may name, and gets more."""
    kind = item.get("kind") if isinstance(item, dict) else None
    kinds = ("number", "struct", *get_args(GroupKind))
    if kind not in kinds:
        raise SpecError(f"{origin}: {_called(item)}: kind is one of {', '.join(kinds)}")
    where = f"{origin}: {_called(item)}"
    if kind == "number":
        number = _number(item, where, before)
        known[number.name] = number.value
        return number
    if kind == "struct":
        return _struct(item, where, known, before)
    return _group(item, where)


def _called(item: Any) -> str:
    """What to call an entry that may be wrong."""
    name = item.get("name") or item.get("prefix") if isinstance(item, dict) else None
    return str(name or "an entry without a name")


def _check_value(value: Any, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _U32_MAX:
        raise SpecError(f"{where}: value is a whole number, 0 to 2^32 - 1")


def _number(item: dict[str, Any], where: str, before: Sequence[Entry]) -> Number:
    size = "counts" if "counts" in item else "value"
    check_keys(item, where, ("kind", "name", size), ("comment", "doc", "guarded"))
    check_text(item, where, ("comment", "doc"))
    check_flags(item, where, ("guarded",))
    check_form(_CONSTANT, item["name"], where)
    if size == "counts":
        enums = {e.name: e for e in before if isinstance(e, Group) and e.kind == "enum"}
        if item["counts"] not in enums:
            raise SpecError(f"{where}: no enum {item['counts']} before it to count")
        item = {**item, "value": len(enums[item["counts"]].members)}
        del item["counts"]
    _check_value(item["value"], where)
    return Number(**item)


def _group(item: dict[str, Any], where: str) -> Group:
    kind: GroupKind = item["kind"]
    wanted = {"kind", "prefix", "summary", "members"} | ({"name"} if kind in _NAMED else set())
    check_keys(item, where, wanted, ("class", "doc"))
    check_text(item, where, ("prefix", "summary", "doc"))
    check_form(_CONSTANT, item["prefix"], where)
    if kind in _NAMED:
        check_form(_TAG, item["name"], where)
    if "class" in item:
        check_form(_CLASS, item["class"], where)
    check_list(item, where, "members")
    given = {key: value for key, value in item.items() if key not in ("class", "members")}
    members = tuple(_member(member, kind, where) for member in item["members"])
    group = Group(**given, class_name=item.get("class", ""), members=members)
    if fault := _CHECKS[kind](group):
        raise SpecError(f"{where}: {fault}")
    return group


def _member(item: Any, kind: GroupKind, group: str) -> Member:
    where = f"{group}: {_called(item)}"
    wanted = _MEMBER | ({"can"} if kind == "options" else set())
    check_keys(item, where, wanted, _MEMBER_KEYS[kind] | {"comment"})
    check_text(item, where, set(item) - {"name", "value"})
    check_form(_CONSTANT, item["name"], where)
    _check_value(item["value"], where)
    member = Member(**item)
    if kind == "options":
        _check_option(member, where)
    if kind == "messages" and not member.c_comment:
        raise SpecError(f"{where}: a message without a type has a comment")
    return member


def _check_option(option: Member, where: str) -> None:
    if option.can not in _CAN:
        raise SpecError(f"{where}: can is one of {', '.join(_CAN)}")
    if not (option.type or option.text):
        raise SpecError(f"{where}: an option without a type has a text")
    if not option.type and not option.comment:
        raise SpecError(f"{where}: an option without a type has a comment")
    said = set(re.findall(r"\b(get|set)\b", option.c_comment))
    if said != set(option.can.split("/")):
        raise SpecError(f"{where}: can is {option.can}, the comment says otherwise")


def _ascending(group: Group) -> str | None:
    for one, other in zip(group.members, group.members[1:], strict=False):
        if one.value >= other.value:
            return f"{one.name} and {other.name}: numbers do not ascend"
    return None


def _consecutive(group: Group) -> str | None:
    for index, member in enumerate(group.members):
        if member.value != group.first + index:
            return f"{member.name} is not {group.first + index}, and numbers have no gaps"
    return None


def _bits(group: Group) -> str | None:
    """Bit after bit, and ALL at the end if it is there."""
    single = [member for member in group.members if member.name != "ALL"]
    for index, member in enumerate(single):
        if member.value != 1 << index:
            return f"{member.name} is not {1 << index:#x}, the next bit"
    union = (1 << len(single)) - 1
    for last in group.members[len(single) :]:
        if last.name != "ALL" or last.value != union:
            return f"ALL is the last one, and {union:#x}"
    return None


_CHECKS: Final[dict[GroupKind, Callable[[Group], str | None]]] = {
    "options": _ascending,
    "messages": _consecutive,
    "define": _consecutive,
    "flags": _bits,
    "enum": _consecutive,
    "events": _consecutive,
}


def _struct(
    item: dict[str, Any], where: str, known: dict[str, int], before: Sequence[Entry]
) -> Struct:
    optional = ("doc", "helpers", "repr", "mask")
    check_keys(item, where, ("kind", "name", "class", "summary", "fields"), optional)
    check_text(item, where, ("summary", "doc"))
    check_flags(item, where, ("helpers", "repr"))
    check_list(item, where, "fields")
    check_form(_TAG, item["name"], where)
    check_form(_CLASS, item["class"], where)
    bits = _bits_of(item.get("mask"), where, before)
    given = {key: value for key, value in item.items() if key not in ("class", "fields")}
    fields = tuple(_field(field, where, known, bits) for field in item["fields"])
    struct = Struct(**given, class_name=item["class"], fields=fields)
    if fault := _layout_fault(struct):
        raise SpecError(f"{where}: {fault}")
    used = [field.bit for field in fields if field.bit]
    check_unique(used, where, "bit")
    if lost := bits - set(used) - {"ALL"}:
        raise SpecError(f"{where}: no field for {', '.join(sorted(lost))}")
    return struct


def _bits_of(mask: str | None, where: str, before: Sequence[Entry]) -> set[str]:
    """The names of the flags that say which fields are meant."""
    if mask is None:
        return set()
    for group in before:
        if isinstance(group, Group) and group.kind == "flags" and group.class_name == mask:
            return {member.name for member in group.members}
    raise SpecError(f"{where}: no flags {mask} before it")


def _field(item: Any, struct: str, known: dict[str, int], bits: set[str]) -> Field:
    where = f"{struct}.{_called(item)}"
    check_keys(item, where, ("name", "type"), ("length", "comment", "text", "bit", "default"))
    check_text(item, where, ("type", "comment", "text", "bit"))
    check_form(_FIELD, item["name"], where)
    if item["type"] not in TYPES:
        raise SpecError(f"{where}: type is one of {', '.join(TYPES)}")
    if "bit" in item and item["bit"] not in bits:
        raise SpecError(f"{where}: the mask has no bit {item['bit']}")
    if "text" in item and "bit" not in item:
        raise SpecError(f"{where}: a text is for a field with a bit")
    length = item.get("length")
    count = known.get(length) if isinstance(length, str) else length
    if "length" in item and (type(count) is not int or count < 1):
        raise SpecError(f"{where}: {length} is no length")
    if (item["type"] == "char" and count is None) or (item["type"] == "sockaddr" and count):
        raise SpecError(f"{where}: a char has a length, a sockaddr none")
    default = item.get("default", 0)
    if type(default) is not int or (default and count):
        raise SpecError(f"{where}: default is a whole number, of a field that is no array")
    return Field(
        name=item["name"],
        type=item["type"],
        length=str(length or ""),
        count=count or 1,
        comment=item.get("comment", ""),
        text=item.get("text", ""),
        bit=item.get("bit", ""),
        default=str(default or ""),
    )


def _layout_fault(struct: Struct) -> str | None:
    """What would make a compiler put padding somewhere, or two compilers differ."""
    if struct.fields[0].reserved:
        return "it begins with a field that is not reserved"
    offset = 0
    for field in struct.fields:
        align = TYPES[field.type].align
        if offset % align:
            return f"{field.name} is at {offset}: {align - offset % align} reserved bytes wanted"
        offset += field.size
    if offset % _ALIGN:
        return f"{offset} bytes: {_ALIGN - offset % _ALIGN} reserved bytes wanted at its end"
    names = [field.name for field in struct.fields]
    twice = {name for name in names if names.count(name) > 1}
    return f"{', '.join(sorted(twice))} is there twice" if twice else None


def _check_names(abi: SocketAbi, origin: str) -> None:
    """No name is there twice, in C or in Python."""
    constants = [number.name for number in abi.numbers]
    for group in abi.groups:
        constants += [group.prefix + member.name for member in group.members]
    check_unique(constants, origin, "constant")
    tags = [group.name for group in abi.groups if group.name]
    check_unique(tags + [struct.name for struct in abi.structs], origin, "struct or enum")
    classes = [group.class_name for group in abi.groups if group.class_name]
    classes += [struct.class_name for struct in abi.structs]
    check_unique(classes, origin, "class")


def _check_types(group: Group, abi: SocketAbi, origin: str) -> None:
    """An option or a message carries what the spec describes."""
    types = {f"struct {struct.name}" for struct in abi.structs}
    if group.kind == "options":
        types.add("u32")
    for member in group.members:
        if member.type and member.type not in types:
            where = f"{origin}: {group.prefix}: {member.name}"
            raise SpecError(f"{where}: {member.type} is no type of a value")
