# SPDX-License-Identifier: GPL-2.0
"""The socket ABI of include/uapi/linux/tquic.h: numbers, and structs as records.

They come from Documentation/networking/specs/tquic-socket.yaml; some records get helpers here. A
test compares every value, size and offset with what a C compiler makes of the header.
"""

from __future__ import annotations

from . import uapi_gen
from .record import Address, Record
from .uapi_gen import *  # noqa: F403

__all__ = ["Address", "CloseInfo", "Config", "Deadline", "Record", "SecretRecord"]
__all__ += uapi_gen.__all__


class Deadline(uapi_gen.Deadline):
    """When what is sent has to be at the peer."""

    @classmethod
    def of(cls, after_s: float, *, drop: bool = False, code: int = 0) -> Deadline:
        """Due in ``after_s`` seconds; with ``drop``, what would be late is not sent."""
        return cls(int(after_s * 1e9), code, int(uapi_gen.DeadlineFlag.DROP) if drop else 0)


class SecretRecord(uapi_gen.SecretRecord):
    """A traffic secret of one level and direction."""

    @classmethod
    def of(cls, level: int, send: bool, cipher: int, secret: bytes) -> SecretRecord:
        """The record for a secret of 32 or 48 bytes."""
        return cls(level, int(send), cipher, len(secret), secret)


class Config(uapi_gen.Config):
    """Limits and timers; ``mask`` says which fields are meant."""

    @classmethod
    def of(cls, **values: int) -> Config:
        """A configuration that changes just the fields given."""
        mask = uapi_gen.ConfigMask(0)
        for name in values:
            mask |= cls.BITS[name]
        return cls(mask=int(mask), **values)


class CloseInfo(uapi_gen.CloseInfo):
    """A close to send, or why the connection closed."""

    @classmethod
    def of(cls, error_code: int, *, app: bool, reason: str = "") -> CloseInfo:
        """A close with a code; a reason longer than 64 bytes of UTF-8 is cut."""
        text = reason.encode()[: uapi_gen.REASON_MAX]
        flags = int(uapi_gen.CloseFlag.APP) if app else 0
        return cls(error_code, 0, flags, len(text), text)

    @property
    def text(self) -> str:
        """The reason, printable; what a peer put there is not to be trusted with a terminal."""
        raw = self.reason[: min(self.reason_len, uapi_gen.REASON_MAX)].decode(errors="replace")
        return "".join(c if c.isprintable() else "?" for c in raw)
