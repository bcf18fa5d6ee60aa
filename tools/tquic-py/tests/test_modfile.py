# SPDX-License-Identifier: GPL-2.0
"""`tquic module show`: a module that a compiler made, and files that are none."""

from __future__ import annotations

import gzip
import json
import lzma
import struct
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tquic import cmd_module, modfile
from tquic.modfile import ModuleFileError, installed, read
from tquic.modview import module_lines

RELEASE = "6.12.1-amd64"
SOURCES = {
    "big.c": """
int shared(int x);
int shared(int x) { int i, sum = 0; for (i = 0; i < x; i++) sum += i * x; return sum; }
static const char info[] __attribute__((section(".modinfo"), used)) =
    "name=tquic\\0vermagic=6.12.1-amd64 SMP preempt mod_unload ";
__asm__(".section __ksymtab_gpl,\\"a\\"; __ksymtab_shared: .long 0; .previous");
""",
    "data.c": "static int table[100] __attribute__((used)) = { 1 };",
    "module-common.c": "static int note __attribute__((used)) = 1;",
    "small.c": """
int tiny(void); int tiny(void) { return 1; }
__asm__(".section __ksymtab,\\"a\\"; __ksymtab_tiny: .long 0; .previous");
""",
}


def btf(*texts: str) -> bytes:
    strings = b"\0".join(text.encode() for text in ("", *texts)) + b"\0"
    return struct.pack("=HBBIIIII", 0xEB9F, 1, 0, 24, 0, 4, 4, len(strings)) + bytes(4) + strings


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file like a module, of three objects."""
    folder = tmp_path_factory.mktemp("module")
    for name, text in SOURCES.items():
        (folder / name).write_text(text)
    (folder / "btf").write_bytes(
        btf("unrelated", "bpf_struct_ops_tquic_sched_ops", "bpf_struct_ops_common_value")
    )
    # As in a kernel's build: code-less objects last. Symbols may come in another order.
    objects = ["big.o", "data.o", "small.o", "module-common.o"]
    for words in (
        ["gcc", "-g", "-O1", "-c", *SOURCES],
        ["ld", "-r", "-o", "joined.o", *objects],
        ["objcopy", "--add-section", ".BTF=btf", "joined.o", "tquic.ko"],
    ):
        subprocess.run(words, cwd=folder, check=True)
    return folder / "tquic.ko"


def run(*words: str) -> Result:
    return CliRunner().invoke(cmd_module.group, ["show", *words])


def test_what_a_module_holds(built: Path) -> None:
    module = read(built)
    assert (module.name, module.release) == ("tquic", RELEASE)
    assert module.exports == (("shared", True), ("tiny", False))
    assert module.struct_ops == ("tquic_sched_ops",)
    assert module.btf_bytes == (built.parent / "btf").stat().st_size
    assert dict(module.sections)[".data"] >= 400
    assert not {".debug_info", ".symtab", ".BTF"} & set(dict(module.sections))
    assert module.objects
    assert [name for name, _ in module.objects] == ["big.c", "small.c", "data.c"]
    sizes = dict(module.objects)
    tiny = subprocess.run(
        ["nm", "-S", built], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert sizes["small.c"] == next(
        int(line.split()[1], 16) for line in tiny if line.endswith(" tiny")
    )
    assert sizes["data.c"] == 0
    assert sizes["big.c"] + sizes["small.c"] <= dict(module.sections)[".text"]


@pytest.mark.parametrize(
    ("files", "ranges", "wanted"),
    [
        ([("a.c", 5), ("b.c", 0)], [9, 7], (("a.c", 9), ("b.c", 7))),
        ([("module-common.c", 0), ("a.c", 5), ("x.mod.c", 0)], [9, 0, 0], (("a.c", 9),)),
        ([("a.c", 10), ("b.c", 0)], [9, 7], None),
        ([("a.c", 5)], [9, 7], None),
        ([("a.c", 5), ("b.c", 0)], [9], None),
        ([], [], None),
    ],
)
def test_objects_are_told_only_when_they_are_sure(
    files: list[tuple[str, int]],
    ranges: list[int],
    wanted: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Elf:
        def get_section_by_name(self, _name: str) -> Elf:
            return self

        def data(self) -> bytes:
            return b""

    monkeypatch.setattr(modfile, "_static_code", lambda _symbols: files)
    monkeypatch.setattr(modfile, "_range_lengths", lambda _data: ranges)
    assert modfile._objects(Elf(), []) == wanted


def test_words(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cmd_module.platform, "release", lambda: RELEASE)
    done = run(str(built))
    assert done.exit_code == 0
    assert f"module      tquic, built for the running kernel {RELEASE}\n" in done.output
    assert "struct_ops  tquic_sched_ops\n" in done.output
    assert "\nEXPORTS\nshared (GPL)\ntiny\n" in done.output
    assert "it will not load" in "\n".join(module_lines(read(built), "6.12.2-amd64"))
    data = json.loads(run(str(built), "--json").output)
    assert data["fits_running_kernel"]
    assert data["objects"][0]["source"] == "big.c"
    monkeypatch.setattr(cmd_module.platform, "release", lambda: "6.12.2-amd64")
    assert not json.loads(run(str(built), "--json").output)["fits_running_kernel"]


def test_without_debug_information(built: Path, tmp_path: Path) -> None:
    plain = tmp_path / "tquic.ko"
    subprocess.run(["objcopy", "-g", "-R", ".BTF", built, plain], check=True)
    module = read(plain)
    assert (module.objects, module.btf_bytes, module.struct_ops) == (None, 0, ())
    assert [name for name, _ in module.exports] == ["shared", "tiny"]
    text = "\n".join(module_lines(module, RELEASE))
    assert "no debug information" in text
    assert "cannot be loaded" in text


def test_compressed(built: Path, tmp_path: Path) -> None:
    (tmp_path / "tquic.ko.xz").write_bytes(lzma.compress(built.read_bytes()))
    (tmp_path / "tquic.ko.gz").write_bytes(gzip.compress(built.read_bytes()))
    (tmp_path / "tquic.ko.zst").write_bytes(b"anything")
    for name in ("tquic.ko.xz", "tquic.ko.gz"):
        assert read(tmp_path / name).sections == read(built).sections
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:50])
        with pytest.raises(ModuleFileError, match="damaged"):
            read(tmp_path / name)
    with pytest.raises(ModuleFileError, match="unzstd"):
        read(tmp_path / "tquic.ko.zst")


def test_files_that_are_no_modules(built: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.ko"
    text.write_text("hello")
    cut = tmp_path / "cut.ko"
    cut.write_bytes(built.read_bytes()[:3000])
    for file, said in (
        (tmp_path / "none.ko", "No such file"),
        (tmp_path, "Is a directory"),
        (text, "not a kernel module: no ELF file"),
        (built.parent / "small.o", "not a kernel module: no .modinfo"),
        (cut, "damaged"),
    ):
        done = run(str(file))
        assert done.exit_code == 1
        assert done.output.startswith(f"tquic: {file}: ")
        assert said in done.output
        assert done.output.count("\n") == 1


@pytest.mark.parametrize(
    "data", [btf("x")[:-1], b"\xeb\x9f" + btf("x")[2:], btf("x")[:10], btf("x")[:23]]
)
def test_damaged_type_information(data: bytes) -> None:
    with pytest.raises((ValueError, struct.error)):
        modfile._struct_ops(data)


@pytest.mark.parametrize(
    "data", [b"\1", struct.pack("=I", 4), struct.pack("=I", 99) + bytes(20), bytes(32)]
)
def test_damaged_ranges(data: bytes) -> None:
    with pytest.raises((ValueError, struct.error)):
        modfile._range_lengths(data)


def test_the_installed_one(tmp_path: Path) -> None:
    with pytest.raises(ModuleFileError, match=r"no module tquic is installed for 6\.12\.1-amd64"):
        installed("tquic", RELEASE, tmp_path)
    for place in ("kernel/net/tquic/tquic.ko", "updates/dkms/tquic.ko.xz"):
        (tmp_path / RELEASE / place).parent.mkdir(parents=True)
        (tmp_path / RELEASE / place).touch()
    (tmp_path / RELEASE / "updates/dkms/tquic_diag.ko").touch()
    assert installed("tquic", RELEASE, tmp_path).name == "tquic.ko.xz"
    assert installed("tquic_diag", RELEASE, tmp_path).name == "tquic_diag.ko"
