# SPDX-License-Identifier: GPL-2.0
"""The C library, for calls that Python does not make, or not with what is wrong."""

from __future__ import annotations

import ctypes
import os

__all__ = ["LIBC", "Iovec", "Mmsghdr", "Msghdr", "called"]

LIBC = ctypes.CDLL(None, use_errno=True)


class Iovec(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class Msghdr(ctypes.Structure):
    """struct msghdr."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint32),
        ("iov", ctypes.POINTER(Iovec)),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class Mmsghdr(ctypes.Structure):
    """struct mmsghdr."""

    _fields_ = (("head", Msghdr), ("size", ctypes.c_uint))


def called(answer: int) -> int:
    """What a system call gave. Raises OSError when it failed."""
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer
