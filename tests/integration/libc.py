# SPDX-License-Identifier: GPL-2.0
"""The C library, for calls that Python does not make, or not with what is wrong."""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import struct

__all__ = ["LIBC", "AbsentPage", "Iovec", "Mmsghdr", "Msghdr", "called", "read_only_page"]

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


class AbsentPage:
    """A page that whoever touches it waits for, until it is closed."""

    _SYS_USERFAULTFD = 323  # x86-64
    _API, _UFFDIO_API, _UFFDIO_REGISTER, _MODE_MISSING = 0xAA, 0xC018AA3F, 0xC020AA00, 1

    def __init__(self) -> None:
        self._fd = called(LIBC.syscall(self._SYS_USERFAULTFD, os.O_CLOEXEC))
        fcntl.ioctl(self._fd, self._UFFDIO_API, struct.pack("=QQQ", self._API, 0, 0))
        self.address = read_only_page()
        rows = (self.address, mmap.PAGESIZE, self._MODE_MISSING, 0)
        fcntl.ioctl(self._fd, self._UFFDIO_REGISTER, struct.pack("=QQQQ", *rows))

    def wait(self) -> None:
        """Until somebody waits for it."""
        os.read(self._fd, 32)

    def close(self) -> None:
        """Who waits finds zeros. May be called again."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def read_only_page() -> int:
    """The address of a page of zeros that can be read, and stays mapped."""
    LIBC.mmap.restype = ctypes.c_void_p
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    return int(LIBC.mmap(None, mmap.PAGESIZE, mmap.PROT_READ, flags, -1, 0))


def called(answer: int) -> int:
    """What a system call gave. Raises OSError when it failed."""
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer
