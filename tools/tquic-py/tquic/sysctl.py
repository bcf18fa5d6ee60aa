# SPDX-License-Identifier: GPL-2.0
"""The sysctls of this network namespace: read, set, put back to their defaults."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .sysctl_gen import PATH, SYSCTLS
from .sysctl_spec import SysctlSpec

__all__ = ["Setting", "SysctlError", "Sysctls", "default_of"]

_BY_NAME = {sysctl.name: sysctl for sysctl in SYSCTLS}


def default_of(name: str) -> str:
    """What a sysctl of the module is while nobody has set it. Raises KeyError."""
    return str(_BY_NAME[name].default)


class SysctlError(RuntimeError):
    """A sysctl could not be read or set; the text names it and says what to do."""


@dataclass(frozen=True)
class Setting:
    """A sysctl and its value now."""

    spec: SysctlSpec
    value: int | str

    @property
    def changed(self) -> bool:
        """Whether it is not the default."""
        return self.spec.writable and self.value != self.spec.default

    def as_dict(self) -> dict[str, Any]:
        """For JSON; a list of names is one, and what has no range has none."""
        spec = self.spec
        value = self.value if spec.writable else str(self.value).split()
        out: dict[str, Any] = {"name": spec.name, "value": value, "type": spec.type}
        if spec.writable:
            out["default"] = spec.default
        if spec.numeric:
            out |= {"min": spec.min, "max": spec.max, "unit": spec.unit or None}
        return {**out, "scope": spec.scope, "summary": spec.summary}


class Sysctls:
    """The files below ``root``, which tests have elsewhere. Everything raises SysctlError."""

    def __init__(self, root: Path = Path("/proc/sys")) -> None:
        self._folder = root / PATH

    def specs(self, names: Iterable[str] = ()) -> list[SysctlSpec]:
        """The sysctls of these names, all without any."""
        return [self._spec(name) for name in names] or list(SYSCTLS)

    def get(self, name: str) -> Setting:
        """A sysctl and its value."""
        spec = self._spec(name)
        try:
            text = (self._folder / spec.name).read_text().strip()
        except OSError as error:
            raise self._explain(spec, error) from error
        return Setting(spec, int(text) if spec.numeric else text)

    def set(self, name: str, value: str) -> None:
        """Set a sysctl; what it takes is the kernel's to say."""
        spec = self._spec(name)
        if not spec.writable:
            raise SysctlError(f"{spec.name} can only be read")
        try:
            (self._folder / spec.name).write_text(f"{value}\n")
        except OSError as error:
            raise self._explain(spec, error, value) from error

    def reset(self, name: str) -> None:
        """Put a sysctl back to its default."""
        self.set(name, str(self._spec(name).default))

    def _spec(self, name: str) -> SysctlSpec:
        found = _BY_NAME.get(name.removeprefix(PATH.replace("/", ".") + "."))
        if found is None:
            raise SysctlError(f"no sysctl {name}: see `tquic sysctl show`")
        return found

    def _explain(self, spec: SysctlSpec, error: OSError, value: str = "") -> SysctlError:
        if isinstance(error, FileNotFoundError) and not self._folder.is_dir():
            return SysctlError("this kernel has no sysctls of TQUIC: modprobe tquic")
        if isinstance(error, PermissionError):
            return SysctlError(f"{spec.name}: needs CAP_NET_ADMIN in this network namespace")
        if value and error.errno == errno.ENOENT and spec.choices and self._is_file(spec):
            known = ", ".join(str(self.get(spec.choices).value).split())
            return SysctlError(f"{spec.name}: there is no {value}, only {known}")
        if value and error.errno == errno.EINVAL:
            unit = f" ({spec.unit})" if spec.unit else ""
            return SysctlError(f"{spec.name}: {value} is refused, it takes {spec.values}{unit}")
        return SysctlError(f"{spec.name}: {error.strerror or error}")

    def _is_file(self, spec: SysctlSpec) -> bool:
        return (self._folder / spec.name).is_file()
