# SPDX-License-Identifier: GPL-2.0
"""Packet schedulers in BPF: load them, list them, take them away. All of it needs root."""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .errors import TquicError

__all__ = ["BpfError", "Loaded", "load", "loaded", "unload"]

#: The first libbpf that finds struct_ops types in modules.
_VERSION: Final = (1, 4)
_STRUCT_OPS: Final = 26  # BPF_MAP_TYPE_STRUCT_OPS
_IN_USE: Final = 1  # BPF_STRUCT_OPS_STATE_INUSE
_WARN: Final = 0  # LIBBPF_WARN
#: struct bpf_map_info up to the BTF the value's type is in.
_MAP_INFO = struct.Struct("=6I16sIIQQIIII")
#: struct bpf_btf_info: its name is at an address of ours.
_BTF_INFO = struct.Struct("=QIIQII")
#: A value begins with a reference count and a state; the program's part is aligned.
_STATE_AT, _NAME_AT, _NAME_BYTES = 4, 64, 16

_PRINT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class BpfError(TquicError):
    """What the kernel or libbpf refused, and why."""


@dataclass(frozen=True)
class Loaded:
    """A scheduler that programs can choose: its name, and the BPF map it lives in."""

    name: str
    map_id: int


class _Libbpf:
    """The functions of libbpf used here; they set errno and return NULL or a negative number."""

    def __init__(self, lib: Any = None) -> None:
        name = ctypes.util.find_library("bpf")
        if lib is None and name is None:
            raise BpfError("libbpf is missing: apt install libbpf-dev")
        self.lib: Any = lib or ctypes.CDLL(name, use_errno=True)
        version = (self.lib.libbpf_major_version(), self.lib.libbpf_minor_version())
        if version < _VERSION:
            raise BpfError(
                f"libbpf {version[0]}.{version[1]} finds no types in modules, 1.4 does: "
                "apt install -t bookworm-backports libbpf-dev"
            )
        self._libc = ctypes.CDLL(None)
        self.said: list[str] = []
        self._print = _PRINT(self._note)
        self.lib.libbpf_set_print(self._print)
        for function in (
            "bpf_object__open_file",
            "bpf_object__next_map",
            "bpf_map__attach_struct_ops",
            "bpf_map__name",
        ):
            getattr(self.lib, function).restype = ctypes.c_void_p

    def _note(self, level: int, text: bytes, values: int) -> int:
        if level > _WARN:
            return 0
        buffer = ctypes.create_string_buffer(65536)
        self._libc.vsnprintf(buffer, len(buffer), text, ctypes.c_void_p(values))
        self.said.append(buffer.value.decode(errors="replace"))
        return 0

    def refusal(self) -> str:
        """The last thing the verifier said, or libbpf, or else what errno means."""
        code = ctypes.get_errno()
        lines = [line for text in self.said for line in text.splitlines()]
        ends = [at for at, line in enumerate(lines) if line.startswith("processed ")]
        if ends and ends[-1]:
            return lines[ends[-1] - 1]
        return lines[-1].removeprefix("libbpf: ") if lines else os.strerror(code)


def _info(bpf: _Libbpf, fd: int, form: struct.Struct, given: bytes = b"") -> tuple[Any, ...]:
    buffer = ctypes.create_string_buffer(given, form.size)
    size = ctypes.c_uint32(form.size)
    if bpf.lib.bpf_obj_get_info_by_fd(fd, buffer, ctypes.byref(size)):
        raise BpfError(f"no word of a BPF object: {os.strerror(ctypes.get_errno())}")
    return form.unpack(buffer.raw)


@contextmanager
def _opened(fd: int) -> Iterator[int]:
    if fd < 0:
        code = ctypes.get_errno()
        if code in (errno.EPERM, errno.EACCES):
            raise BpfError("BPF programs are for root: use sudo")
        raise BpfError(f"no such BPF object: {os.strerror(code)}")
    try:
        yield fd
    finally:
        os.close(fd)


def _is_ours(bpf: _Libbpf, btf_id: int) -> bool:
    """Is a type of the module meant?"""
    name = ctypes.create_string_buffer(64)
    wanted = _BTF_INFO.pack(0, 0, 0, ctypes.addressof(name), len(name), 0)
    with _opened(bpf.lib.bpf_btf_get_fd_by_id(btf_id)) as fd:
        _info(bpf, fd, _BTF_INFO, wanted)
    return name.value == b"tquic"


def _look(bpf: _Libbpf, map_id: int, fd: int) -> Loaded | None:
    """The scheduler in a map, if one is there and in use."""
    info = _info(bpf, fd, _MAP_INFO)
    kind, value_bytes, btf_id = info[0], info[3], info[-1]
    if kind != _STRUCT_OPS or not _is_ours(bpf, btf_id):
        return None
    value, key = ctypes.create_string_buffer(value_bytes), ctypes.c_uint32(0)
    if bpf.lib.bpf_map_lookup_elem(fd, ctypes.byref(key), value):
        return None
    if struct.unpack_from("=I", value.raw, _STATE_AT)[0] != _IN_USE:
        return None
    name = value.raw[_NAME_AT : _NAME_AT + _NAME_BYTES].split(b"\0", 1)[0]
    return Loaded(name.decode(errors="replace"), map_id)


def _walk(bpf: _Libbpf, found: Callable[[Loaded, int], None]) -> None:
    map_id = ctypes.c_uint32(0)
    while not bpf.lib.bpf_map_get_next_id(map_id, ctypes.byref(map_id)):
        with _opened(bpf.lib.bpf_map_get_fd_by_id(map_id)) as fd:
            item = _look(bpf, map_id.value, fd)
            if item is not None:
                found(item, fd)
    if ctypes.get_errno() in (errno.EPERM, errno.EACCES):
        raise BpfError("BPF programs are for root: use sudo")


def loaded() -> list[Loaded]:
    """The schedulers in BPF that can be chosen now."""
    out: list[Loaded] = []
    _walk(_Libbpf(), lambda item, _fd: out.append(item))
    return out


def load(path: Path) -> None:
    """Load all schedulers of an object file that clang made; they stay when this process ends.

    Raises BpfError when the file, the verifier or the module refuses.
    """
    bpf = _Libbpf()
    opened = bpf.lib.bpf_object__open_file(os.fsencode(path), None)
    if not opened:
        raise BpfError(f"{path}: {bpf.refusal()}")
    program = ctypes.c_void_p(opened)
    try:
        if bpf.lib.bpf_object__load(program):
            raise BpfError(f"{path}: the kernel does not take it: {bpf.refusal()}")
        _attach(bpf, program, path)
    finally:
        bpf.lib.bpf_object__close(program)


def _attach(bpf: _Libbpf, program: ctypes.c_void_p, path: Path) -> None:
    count = 0
    at = bpf.lib.bpf_object__next_map(program, None)
    while at:
        part = ctypes.c_void_p(at)
        if bpf.lib.bpf_map__type(part) == _STRUCT_OPS:
            link = bpf.lib.bpf_map__attach_struct_ops(part)
            if not link:
                raise BpfError(f"{path}: {_attach_refusal(ctypes.get_errno())}")
            bpf.lib.bpf_link__disconnect(ctypes.c_void_p(link))
            bpf.lib.bpf_link__destroy(ctypes.c_void_p(link))
            count += 1
        at = bpf.lib.bpf_object__next_map(program, part)
    if not count:
        raise BpfError(f"{path}: no struct tquic_sched_ops in section .struct_ops")


def _attach_refusal(code: int) -> str:
    if code == errno.EEXIST:
        return "a scheduler of that name is there already: `tquic sched show` lists them"
    return f"the module does not take it: {os.strerror(code)}"


def unload(name: str) -> None:
    """Take a scheduler away; its connections go on as with minrtt.

    Raises BpfError when none of that name was loaded.
    """
    bpf = _Libbpf()
    gone: list[int] = []

    def take(item: Loaded, fd: int) -> None:
        key = ctypes.c_uint32(0)
        if item.name == name and not bpf.lib.bpf_map_delete_elem(fd, ctypes.byref(key)):
            gone.append(item.map_id)

    _walk(bpf, take)
    if not gone:
        names = ", ".join(item.name for item in loaded()) or "none"
        raise BpfError(f"no BPF scheduler {name}; loaded: {names}")
