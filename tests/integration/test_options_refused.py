# SPDX-License-Identifier: GPL-2.0
"""What socket options refuse: wrong values, wrong states, wrong ways to ask. See test_options.py.

An option without a row here fails the tests, and so does an error of the manual page that no row
has.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from libc import LIBC, read_only_page
from running import wait_for
from test_options import REMEMBERED, WAYS, Stage, add_path, stage

from tquic.record import Address
from tquic.sock import TquicSocket
from tquic.tls import Level, Secret
from tquic.uapi import (
    SOL_TQUIC,
    CloseInfo,
    Config,
    ConfigMask,
    HandshakeEnd,
    MsgFlag,
    PathAddr,
    PathInfo,
    PathMove,
    PathRef,
    Preferred,
    Record,
    SecretRecord,
    SockOpt,
    StreamAbort,
    StreamFd,
    StreamInfo,
    StreamPriority,
    StreamResetAt,
)

__all__ = ["stage"]

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

_MAN = (Path(__file__).resolve().parents[2] / "Documentation/man7/tquic.7").read_text()
_HERE, _THERE = Address("10.66.1.1"), Address("10.66.1.2", 4433)
_ANY, _NOWHERE = Address("0.0.0.0"), Address("203.0.113.9", 9)
_BIG = 1 << 62
#: Options whose value is a struct or a number, and its size.
SIZES = {
    **dict.fromkeys(
        (
            *(SockOpt.HANDSHAKE_MODE, SockOpt.RECV_MASK, SockOpt.RETRY, SockOpt.VERSION),
            SockOpt.EARLY_DATA,
        ),
        4,
    ),
    SockOpt.CONFIG: Config.size(),
    SockOpt.SECRET: SecretRecord.size(),
    SockOpt.HANDSHAKE_END: HandshakeEnd.size(),
    SockOpt.STREAM_RESET: StreamAbort.size(),
    SockOpt.STREAM_STOP: StreamAbort.size(),
    SockOpt.STREAM_PRIORITY: StreamPriority.size(),
    SockOpt.STREAM_RESET_AT: StreamResetAt.size(),
    SockOpt.CLOSE: CloseInfo.size(),
    SockOpt.PATH_ADD: PathAddr.size(),
    SockOpt.PATH_DEL: PathRef.size(),
    SockOpt.PATH_STATUS: PathRef.size(),
    SockOpt.PATH_MOVE: PathMove.size(),
    SockOpt.PREFERRED: Preferred.size(),
}


class Refusal(NamedTuple):
    """What is done to which socket, and the error."""

    option: SockOpt
    way: Literal["set", "get"]
    where: str
    value: bytes | Record | int
    code: int


def _set(option: SockOpt, where: str, value: bytes | Record | int, *codes: int) -> list[Refusal]:
    return [Refusal(option, "set", where, value, code) for code in codes]


def _get(option: SockOpt, where: str, value: bytes | Record | int, code: int) -> list[Refusal]:
    return [Refusal(option, "get", where, value, code)]


def _config(code: int, where: str = "new", **values: int) -> list[Refusal]:
    return _set(SockOpt.CONFIG, where, Config.of(**values), code)


_SECRET = SecretRecord.of(2, True, 0x1301, bytes(32))

REFUSALS: list[Refusal] = [
    *_set(SockOpt.CONFIG, "new", Config(int(ConfigMask.ALL) + 1), errno.EINVAL),
    *_config(errno.EINVAL, own_paths=2),
    *_config(errno.EINVAL, no_migration=2),
    *_config(errno.ERANGE, idle_timeout_ms=24 * 3600 * 1000 + 1),
    *_config(errno.ERANGE, max_data=(1 << 30) + 1),
    *_config(errno.ERANGE, max_stream_data=(1 << 30) + 1),
    *_config(errno.ERANGE, max_streams_bidi=65537),
    *_config(errno.ERANGE, max_streams_uni=65537),
    *_config(errno.ERANGE, max_datagram_bytes=65536),
    *_config(errno.ERANGE, max_path_id=16),
    *_config(errno.ERANGE, max_ack_delay_ms=1 << 14),
    *_config(errno.EISCONN, "begun", max_data=1),
    *_config(errno.EISCONN, "listener", max_data=1),
    *_set(SockOpt.HANDSHAKE_MODE, "new", 2, errno.EINVAL),
    *_set(SockOpt.HANDSHAKE_MODE, "begun", 0, errno.EISCONN),
    *_get(SockOpt.LOCAL_PARAMS, "new", bytes(1024), errno.ENOTCONN),
    *_get(SockOpt.LOCAL_PARAMS, "client", bytes(1024), errno.ENOTCONN),
    *_set(SockOpt.PEER_PARAMS, "new", REMEMBERED, errno.ENOTCONN),
    *_set(SockOpt.PEER_PARAMS, "client", REMEMBERED, errno.ENOTCONN),
    *_set(SockOpt.PEER_PARAMS, "begun", b"", errno.EINVAL),
    *_set(SockOpt.PEER_PARAMS, "begun", b"\x04\x09\xff", errno.EPROTO),
    *_set(SockOpt.EARLY_PARAMS, "new", REMEMBERED, errno.ENOTCONN),
    *_set(SockOpt.EARLY_PARAMS, "begun", b"", errno.EINVAL),
    *_set(SockOpt.EARLY_PARAMS, "begun", b"\x04\x09\xff", errno.EPROTO),
    *_set(SockOpt.EARLY_PARAMS, "remembering", REMEMBERED, errno.EALREADY),
    *_set(SockOpt.EARLY_DATA, "begun", 2, errno.EINVAL),
    *_set(SockOpt.EARLY_DATA, "remembering", 3, errno.EINVAL),
    *_set(SockOpt.SECRET, "new", _SECRET, errno.ENOTCONN),
    *_set(SockOpt.SECRET, "client", _SECRET, errno.ENOTCONN),
    *_set(SockOpt.SECRET, "begun", SecretRecord.of(0, True, 0x1301, bytes(32)), errno.EINVAL),
    *_set(SockOpt.SECRET, "begun", SecretRecord.of(4, True, 0x1301, bytes(32)), errno.EINVAL),
    *_set(SockOpt.SECRET, "begun", SecretRecord.of(1, True, 0x1301, bytes(32)), errno.EINVAL),
    *_set(SockOpt.SECRET, "begun", SecretRecord.of(2, True, 0x1301, bytes(31)), errno.EINVAL),
    *_set(SockOpt.SECRET, "begun", SecretRecord(2, 2, 0x1301, 32, bytes(32)), errno.EINVAL),
    *_set(SockOpt.SECRET, "begun", SecretRecord(2, 1, 0x1301, 49, bytes(48)), errno.EINVAL),
    *_set(SockOpt.SECRET, "begun", SecretRecord.of(2, True, 0x1399, bytes(32)), errno.EOPNOTSUPP),
    *_set(SockOpt.SECRET, "keyed", _SECRET, errno.EEXIST),
    *_set(SockOpt.HANDSHAKE_END, "new", HandshakeEnd(1, 40), errno.ENOTCONN),
    *_set(SockOpt.HANDSHAKE_END, "client", HandshakeEnd(1, 40), errno.ENOTCONN),
    *_set(SockOpt.HANDSHAKE_END, "begun", HandshakeEnd(0, 0, 1), errno.EINVAL),
    *_set(SockOpt.HANDSHAKE_END, "begun", HandshakeEnd(2, 0), errno.EINVAL),
    *_set(SockOpt.HANDSHAKE_END, "begun", HandshakeEnd(1, 256), errno.EINVAL),
    *_set(SockOpt.HANDSHAKE_END, "begun", HandshakeEnd(1, 0, 2), errno.EINVAL),
    *_set(SockOpt.RECV_MASK, "new", 8, errno.EINVAL),
    *_set(SockOpt.ALPN, "new", b"", errno.EINVAL),
    *_set(SockOpt.ALPN, "new", b"x" * 4096, errno.EINVAL),
    *_set(SockOpt.SERVER_NAME, "new", b"", errno.EINVAL),
    *_set(SockOpt.SERVER_NAME, "new", b"x" * 4096, errno.EINVAL),
    *_get(SockOpt.STREAM_OPEN, "client", bytes(StreamInfo.size() - 1), errno.EINVAL),
    *_get(SockOpt.STREAM_OPEN, "client", StreamInfo(flags=int(MsgFlag.FIN)), errno.EINVAL),
    *_get(SockOpt.STREAM_OPEN, "new", StreamInfo(), errno.ENOTCONN),
    *_get(SockOpt.STREAM_OPEN, "begun", StreamInfo(), errno.ENOTCONN),
    *_get(SockOpt.STREAM_OPEN, "exhausted", StreamInfo(flags=int(MsgFlag.UNI)), errno.EAGAIN),
    *_set(SockOpt.STREAM_RESET, "new", StreamAbort(0, 1), errno.ENOTCONN),
    *_set(SockOpt.STREAM_RESET, "client", StreamAbort(4000, 1), errno.ENOENT),
    *_set(SockOpt.STREAM_RESET, "client", StreamAbort(0, _BIG), errno.ERANGE),
    *_set(SockOpt.STREAM_RESET, "receiving", StreamAbort(2, 1), errno.EPIPE),
    *_set(SockOpt.STREAM_STOP, "new", StreamAbort(0, 1), errno.ENOTCONN),
    *_set(SockOpt.STREAM_STOP, "client", StreamAbort(4000, 1), errno.ENOENT),
    *_set(SockOpt.STREAM_STOP, "client", StreamAbort(0, _BIG), errno.ERANGE),
    *_set(SockOpt.STREAM_STOP, "sending", StreamAbort(2, 1), errno.EPIPE),
    *_set(SockOpt.STREAM_RESET_AT, "new", StreamResetAt(0, 1, 0), errno.ENOTCONN),
    *_set(SockOpt.STREAM_RESET_AT, "client", StreamResetAt(4000, 1, 0), errno.ENOENT),
    *_set(SockOpt.STREAM_RESET_AT, "client", StreamResetAt(0, _BIG, 0), errno.ERANGE),
    *_set(SockOpt.STREAM_RESET_AT, "sending", StreamResetAt(2, 1, 2), errno.EINVAL),
    *_set(SockOpt.STREAM_RESET_AT, "receiving", StreamResetAt(2, 1, 0), errno.EPIPE),
    *_get(SockOpt.STREAM_FD, "new", StreamFd(0), errno.ENOTCONN),
    *_get(SockOpt.STREAM_FD, "client", StreamFd(4000), errno.ENOENT),
    *_get(SockOpt.STREAM_FD, "client", StreamFd(0, 4), errno.EINVAL),
    *_get(SockOpt.STREAM_FD, "client", bytes(StreamFd.size() - 1), errno.EINVAL),
    *_set(SockOpt.STREAM_PRIORITY, "new", StreamPriority(0), errno.ENOTCONN),
    *_set(SockOpt.STREAM_PRIORITY, "client", StreamPriority(4000), errno.ENOENT),
    *_set(SockOpt.STREAM_PRIORITY, "client", StreamPriority(0, 8), errno.ERANGE),
    *_set(SockOpt.STREAM_PRIORITY, "client", StreamPriority(0, 3, 2), errno.EINVAL),
    *_set(SockOpt.STREAM_PRIORITY, "receiving", StreamPriority(2), errno.EPIPE),
    *_get(SockOpt.STREAM_PRIORITY, "client", StreamPriority(4000), errno.ENOENT),
    *_get(SockOpt.STREAM_PRIORITY, "client", bytes(8), errno.EINVAL),
    *_set(SockOpt.CLOSE, "new", CloseInfo(1), errno.ENOTCONN),
    *_set(SockOpt.CLOSE, "listener", CloseInfo(1), errno.ENOTCONN),
    *_set(SockOpt.CLOSE, "client", CloseInfo(_BIG), errno.EINVAL),
    *_set(SockOpt.CLOSE, "client", CloseInfo(1, 1), errno.EINVAL),
    *_set(SockOpt.CLOSE, "client", CloseInfo(1, 0, 2), errno.EINVAL),
    *_set(SockOpt.CLOSE, "client", CloseInfo(1, 0, 0, 65), errno.EINVAL),
    *_get(SockOpt.CLOSE, "client", CloseInfo(), errno.ENOTCONN),
    *_set(SockOpt.PATH_ADD, "client", PathAddr(_HERE, None, 0, 4), errno.EINVAL),
    *_set(SockOpt.PATH_ADD, "client", PathAddr(_HERE, None, 1 << 31), errno.EINVAL),
    *_set(SockOpt.PATH_ADD, "client", PathAddr(None), errno.EAFNOSUPPORT),
    *_set(SockOpt.PATH_ADD, "client", PathAddr(_HERE, Address("::1", 9)), errno.EAFNOSUPPORT),
    *_set(SockOpt.PATH_ADD, "client", PathAddr(Address("192.0.2.99")), errno.EADDRNOTAVAIL),
    *_set(SockOpt.PATH_ADD, "client", PathAddr(_HERE, None, 4711), errno.ENODEV),
    *_set(SockOpt.PATH_ADD, "client", PathAddr(_ANY, _NOWHERE), errno.ENETUNREACH),
    *_set(SockOpt.PATH_ADD, "server", PathAddr(Address("10.66.1.2")), errno.EOPNOTSUPP),
    *_set(SockOpt.PATH_ADD, "begun", PathAddr(_HERE), errno.ENOTCONN),
    *_set(SockOpt.PATH_MOVE, "client", PathMove(_HERE, None, 9), errno.ENOENT),
    *_set(SockOpt.PATH_MOVE, "client", PathMove(_HERE, None, 0, 1 << 31), errno.EINVAL),
    *_set(SockOpt.PATH_MOVE, "client", PathMove(None), errno.EAFNOSUPPORT),
    *_set(SockOpt.PATH_MOVE, "begun", PathMove(_HERE), errno.ENOTCONN),
    *_set(SockOpt.PATH_MOVE, "server", PathMove(Address("10.66.1.2")), errno.EOPNOTSUPP),
    *_set(SockOpt.PATH_DEL, "client", PathRef(0), errno.EBUSY),
    *_set(SockOpt.PATH_DEL, "client", PathRef(99), errno.ENOENT),
    *_set(SockOpt.PATH_DEL, "client", PathRef(0, 4), errno.EINVAL),
    *_set(SockOpt.PATH_DEL, "client", PathRef(0, 0, _BIG), errno.EINVAL),
    *_set(SockOpt.PATH_DEL, "begun", PathRef(0), errno.ENOTCONN),
    *_set(SockOpt.PATH_STATUS, "client", PathRef(99), errno.ENOENT),
    *_set(SockOpt.PATH_STATUS, "client", PathRef(0, 4), errno.EINVAL),
    *_set(SockOpt.PATH_STATUS, "begun", PathRef(0), errno.ENOTCONN),
    *_set(SockOpt.PATH_STATUS, "abandoned", PathRef(1), errno.EALREADY),
    *_get(SockOpt.PATH_INFO, "client", PathInfo(path_id=99), errno.ENOENT),
    *_get(SockOpt.PATH_INFO, "client", b"\0\0", errno.EINVAL),
    *_set(SockOpt.KEY_UPDATE, "new", b"", errno.ENOTCONN),
    *_set(SockOpt.KEY_UPDATE, "begun", b"", errno.ENOTCONN),
    *_set(SockOpt.CONGESTION, "new", b"", errno.EINVAL),
    *_set(SockOpt.CONGESTION, "new", b"x" * 16, errno.EINVAL),
    *_set(SockOpt.CONGESTION, "client", b"none", errno.ENOENT),
    *_set(SockOpt.SCHEDULER, "new", b"", errno.EINVAL),
    *_set(SockOpt.SCHEDULER, "new", b"x" * 16, errno.EINVAL),
    *_set(SockOpt.SCHEDULER, "client", b"none", errno.ENOENT),
    *_set(SockOpt.INFO, "client", bytes(8), errno.ENOPROTOOPT),
    *_set(SockOpt.RETRY, "listener", 2, errno.EINVAL),
    *_set(SockOpt.TOKEN, "new", bytes(513), errno.EMSGSIZE),
    *_set(SockOpt.TOKEN, "begun", b"x", errno.EISCONN),
    *_get(SockOpt.TOKEN, "new", bytes(512), errno.ENOTCONN),
    *_get(SockOpt.TOKEN, "server", bytes(512), errno.ENOTCONN),
    *_set(SockOpt.VERSION, "new", 0x0A0A_0A0A, errno.EPROTOTYPE),
    *_set(SockOpt.VERSION, "begun", 1, errno.EISCONN),
    *_set(SockOpt.PREFERRED, "listener", Preferred(), errno.EISCONN),
    *_set(SockOpt.PREFERRED, "new", Preferred(v4=Address("::1", 9)), errno.EINVAL),
    *_set(SockOpt.PREFERRED, "new", Preferred(v6=Address("192.0.2.1", 9)), errno.EINVAL),
]


def plain(value: bytes | Record | int) -> bytes:
    """A value as the kernel takes it."""
    if isinstance(value, int):
        return value.to_bytes(4, "little")
    return value if isinstance(value, bytes) else value.pack()


def ask(sock: TquicSocket, way: str, option: int, value: bytes | None, size: int) -> int:
    """The system call itself, and its errno. A value that is None is a bad pointer."""
    buffer = ctypes.create_string_buffer(value) if value is not None else None
    where = ctypes.c_void_p(8) if buffer is None else buffer
    if way == "set":
        done = LIBC.setsockopt(sock.fileno(), SOL_TQUIC, option, where, size)
    else:
        length = ctypes.c_int(size)
        done = LIBC.getsockopt(sock.fileno(), SOL_TQUIC, option, where, ctypes.byref(length))
    return ctypes.get_errno() if done else 0


def _label(row: Refusal) -> str:
    return f"{row.way}-{row.option.name}-{row.where}-{errno.errorcode[row.code]}"


@contextlib.contextmanager
def prepared(stage: Stage, where: str) -> Iterator[TquicSocket]:
    """A socket in one of the stage's states, or in one that some more steps lead to."""
    if where in ("remembering", "keyed"):
        with stage.socket("begun") as sock:
            if where == "keyed":
                sock.set_secret(Secret(Level.HANDSHAKE, True, 0x1301, bytes(32)))
            else:
                sock.set_early_params(REMEMBERED)
            yield sock
    elif where in ("exhausted", "sending", "receiving"):
        with stage.bench.joined() as ends:
            if where == "exhausted":
                with contextlib.suppress(BlockingIOError):
                    while True:
                        ends.client.open_stream(uni=True)
            else:
                ends.client.send_new(b"x", uni=True)
                wait_for(lambda: ends.server.info().bytes_received > 0)
            yield ends.server if where == "receiving" else ends.client
    elif where == "abandoned":
        with stage.bench.joined() as ends:
            assert add_path(ends.client, stage.bench.lab.client_address(1)) == 1
            ends.client.del_path(1)
            yield ends.client
    else:
        with stage.socket(where) as sock:
            yield sock


def test_every_option_is_refused_something() -> None:
    assert {row.option for row in REFUSALS} == set(SockOpt)


@pytest.mark.parametrize("row", REFUSALS, ids=_label)
def test_it_is_refused(stage: Stage, row: Refusal) -> None:
    value = plain(row.value)
    with prepared(stage, row.where) as sock:
        assert (
            errno.errorcode.get(ask(sock, row.way, row.option, value, len(value)))
            == (errno.errorcode[row.code])
        )
    info = stage.ends.client.info()
    assert (info.paths, info.scheduler, info.congestion) == (1, "ecf", "cubic")


def test_every_documented_error_has_a_row() -> None:
    section = _MAN.split(".SS setsockopt(2)")[1].split(".SH FILES")[0]
    heads = re.findall(r"^\.TP\n\.BR? (.+)$", section, re.MULTILINE)
    named = {getattr(errno, name) for head in heads for name in re.findall(r"\bE[A-Z]+\b", head)}
    # EPERM: test_migrate.py, test_forbidden.py. Those behind it are as for bind() and connect().
    # EFAULT: below.
    elsewhere = {errno.EPERM, errno.EADDRINUSE, errno.EACCES, errno.EHOSTUNREACH, errno.EFAULT}
    # What there may not be enough of, whatever is asked.
    elsewhere |= {errno.ENOMEM, errno.EMFILE, errno.ENFILE}
    assert {row.code for row in REFUSALS} == named - elsewhere


@pytest.mark.parametrize("option", list(SockOpt), ids=lambda option: option.name)
def test_wrong_ways_to_ask(stage: Stage, option: SockOpt) -> None:
    size = SIZES.get(option, 64)
    zeroes = bytes(size + 1)
    with stage.socket("new") as sock:
        for way in ("set", "get"):
            if way[0] not in WAYS[option]:
                assert ask(sock, way, option, zeroes, size) == errno.ENOPROTOOPT
        if "s" in WAYS[option] and option in SIZES:
            for wrong in (0, size - 1, size + 1):
                assert ask(sock, "set", option, zeroes, wrong) == errno.EINVAL
            assert ask(sock, "set", option, None, size) == errno.EFAULT
        if "g" in WAYS[option]:
            assert ask(sock, "get", option, zeroes, -1) == errno.EINVAL


def test_options_there_are_none_of(stage: Stage) -> None:
    for number in (0, 22, 29, max(SockOpt) + 1, 1 << 30, -1):
        for where in ("new", "client"):
            with stage.socket(where) as sock:
                assert ask(sock, "set", number, bytes(8), 8) == errno.ENOPROTOOPT
                assert ask(sock, "get", number, bytes(8), 8) == errno.ENOPROTOOPT


def test_results_that_cannot_be_written(stage: Stage) -> None:
    for option in (SockOpt.INFO, SockOpt.CONFIG, SockOpt.CONGESTION, SockOpt.PATH_INFO):
        assert ask(stage.ends.client, "get", option, None, 4096) == errno.EFAULT
    ends = stage.ends
    first = ends.client.open_stream()
    length = ctypes.c_int(StreamInfo.size())
    where = (ctypes.c_void_p(read_only_page()), ctypes.byref(length))
    assert LIBC.getsockopt(ends.client.fileno(), SOL_TQUIC, SockOpt.STREAM_OPEN, *where) == -1
    assert ctypes.get_errno() == errno.EFAULT
    # Nobody knows of a stream that was opened for that: there is none.
    assert ends.client.open_stream() == first + 4
