# SPDX-License-Identifier: GPL-2.0
"""What a kernel module's file holds: sections, code by object, type information, exports."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from .errors import TquicError

__all__ = ["ModuleFile", "ModuleFileError", "installed", "read"]

_SHF_ALLOC: Final = 0x2
_BTF_HEAD: Final = struct.Struct("=HBBIIIII")
_BTF_MAGIC: Final = 0xEB9F
#: The kernel's own, which is no type of operations.
_STRUCT_OPS, _COMMON = "bpf_struct_ops_", "common_value"
#: The kernel's build links it into every module.
_COMMON_SOURCE: Final = "module-common.c"
_EXPORT: Final = "__ksymtab_"
_UNPACK: dict[str, Callable[[bytes], bytes]] = {".xz": lzma.decompress, ".gz": gzip.decompress}


class ModuleFileError(TquicError):
    """A file that cannot be read or is no module; the text says which and why."""


@dataclass(frozen=True)
class ModuleFile:
    """A module's file.

    sections    those that are loaded, with their bytes
    objects     bytes of code by source file; None without debug information
    btf_bytes   of its type information; 0: none
    struct_ops  types of operations that BPF programs can implement
    exports     symbols other modules can use, and whether only GPL ones can
    vermagic    what it was built for
    """

    path: Path
    name: str
    vermagic: str
    sections: tuple[tuple[str, int], ...]
    objects: tuple[tuple[str, int], ...] | None
    btf_bytes: int
    struct_ops: tuple[str, ...]
    exports: tuple[tuple[str, bool], ...]

    @property
    def release(self) -> str:
        """The kernel it was built for."""
        return self.vermagic.partition(" ")[0]


def installed(name: str, release: str, modules: Path = Path("/lib/modules")) -> Path:
    """The file that modprobe would load, the updates first. Raises ModuleFileError."""
    found = sorted((modules / release).glob(f"**/{name}.ko*"))
    if not found:
        raise ModuleFileError(
            f"no module {name} is installed for {release}: dkms install, or name a file"
        )
    updates = [path for path in found if "updates" in path.relative_to(modules).parts]
    return (updates or found)[0]


def read(path: Path) -> ModuleFile:
    """Read a module's file, also one that is compressed. Raises ModuleFileError."""
    data = _content(path)
    if data[:4] != b"\x7fELF":
        raise ModuleFileError(f"{path}: not a kernel module: no ELF file")
    try:
        return _module(path, ELFFile(io.BytesIO(data)))
    except (ELFError, struct.error, UnicodeDecodeError, ValueError) as error:
        raise ModuleFileError(f"{path}: damaged: {error or 'it ends too early'}") from error


def _content(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModuleFileError(f"{path}: {error.strerror}") from error
    if path.suffix == ".zst":
        raise ModuleFileError(f"{path}: unpack it first: unzstd {path}")
    if path.suffix not in _UNPACK:
        return data
    try:
        return _UNPACK[path.suffix](data)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise ModuleFileError(f"{path}: damaged: {error}") from error


def _module(path: Path, elf: Any) -> ModuleFile:
    info = elf.get_section_by_name(".modinfo")
    if info is None or elf["e_type"] != "ET_REL":
        raise ModuleFileError(f"{path}: not a kernel module: no .modinfo in it")
    tags = dict(item.partition("=")[::2] for item in info.data().decode().split("\0") if item)
    symbols = elf.get_section_by_name(".symtab")
    names = list(symbols.iter_symbols()) if symbols else []
    btf = elf.get_section_by_name(".BTF")
    return ModuleFile(
        path=path,
        name=tags.get("name", path.name.partition(".")[0]),
        vermagic=tags.get("vermagic", ""),
        sections=tuple(
            (section.name, section["sh_size"])
            for section in elf.iter_sections()
            if section["sh_flags"] & _SHF_ALLOC and section["sh_size"]
        ),
        objects=_objects(elf, names),
        btf_bytes=btf["sh_size"] if btf else 0,
        struct_ops=_struct_ops(btf.data()) if btf else (),
        exports=_exports(elf, names),
    )


def _exports(elf: Any, symbols: list[Any]) -> tuple[tuple[str, bool], ...]:
    found = []
    for symbol in symbols:
        index = symbol["st_shndx"]
        if symbol.name.startswith(_EXPORT) and isinstance(index, int):
            gpl = elf.get_section(index).name.startswith("__ksymtab_gpl")
            found.append((symbol.name.removeprefix(_EXPORT), gpl))
    return tuple(sorted(found))


def _objects(elf: Any, symbols: list[Any]) -> tuple[tuple[str, int], ...] | None:
    """Bytes of code by source file, the most first.

    The linker keeps the order of objects: each has one symbol of its source file and one set of
    address ranges. Symbols alone would not do, those that are not static belong to no file. What
    the kernel's build adds has no code and is linked last, wherever its symbols are.
    """
    ranges = elf.get_section_by_name(".debug_aranges")
    statics = _static_code(symbols)
    files = [name for name, _ in statics if name != _COMMON_SOURCE and not name.endswith(".mod.c")]
    lengths = _range_lengths(ranges.data()) if ranges else []
    if not files or len(files) > len(lengths) or any(lengths[len(files) :]):
        return None
    least = [size for name, size in statics if name in files]
    if any(length < size for length, size in zip(lengths, least, strict=False)):
        return None
    return tuple(sorted(zip(files, lengths, strict=False), key=lambda item: (-item[1], item[0])))


def _static_code(symbols: list[Any]) -> list[tuple[str, int]]:
    """Source files in the order of their symbols, and bytes of their static functions.

    A sanitizer's constructors do not count: debug information does not know them.
    """
    found: list[tuple[str, int]] = []
    for symbol in symbols:
        info = symbol["st_info"]
        if info["type"] == "STT_FILE":
            found.append((symbol.name, 0))
        elif symbol.name.startswith("_sub_"):
            continue
        elif found and (info["type"], info["bind"]) == ("STT_FUNC", "STB_LOCAL"):
            found[-1] = (found[-1][0], found[-1][1] + symbol["st_size"])
    return found


def _range_lengths(data: bytes) -> list[int]:
    """Bytes that each set of ranges covers (DWARF 5, 6.1.2); only the addresses are relocated."""
    lengths, at = [], 0
    while at < len(data):
        (rest,) = struct.unpack_from("=I", data, at)
        end = at + 4 + rest
        if not 12 <= rest <= len(data) - at - 4 or data[at + 10] != 8:
            raise ValueError("address ranges of another machine")
        pairs = struct.iter_unpack("=QQ", data[at + 16 : end - (end - at) % 16])
        lengths.append(sum(length for _address, length in pairs))
        at = end
    return lengths


def _struct_ops(data: bytes) -> tuple[str, ...]:
    """Names from the type information: the kernel finds the types by that of their wrapper."""
    magic, _version, _flags, head, _types, _types_len, at, length = _BTF_HEAD.unpack_from(data)
    if magic != _BTF_MAGIC or head + at + length > len(data):
        raise ValueError("type information is of another machine, or cut off")
    texts = data[head + at : head + at + length].decode().split("\0")
    found = {t.removeprefix(_STRUCT_OPS) for t in texts if t.startswith(_STRUCT_OPS)}
    return tuple(sorted(found - {_COMMON}))
