# SPDX-License-Identifier: GPL-2.0
"""Netlink messages that no program would send, while there is what they could do harm to.

Some thousands by default. For a million, write them down first, outside of the machine::

    make netlink-fuzz MESSAGES=1000000

which is ``tests/integration/netlink_fuzz.py FILE`` and then, with the debug kernel, ``tquic vm test
--kernel debug --timeout 7200 -- tests/integration/test_netlink_fuzz.py --fuzz-file FILE``. The run
fails if the kernel complains, if a refusal of the family is not explained, and if afterwards a
connection that is not closed does not carry data.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import itertools
import os
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from conftest import LabMaker
from libc import LIBC, Iovec, Mmsghdr
from netlink_fuzz import PATCH, Batch, batches, read
from running import (
    DATA,
    STALL_S,
    Certificates,
    RunningServer,
    Sender,
    dial,
    echo,
    exchange,
    opened,
    wait_active,
    wait_confirmed,
)
from test_agent import plain

from tquic.genl import Family, decode
from tquic.handshake import Options
from tquic.lab import Link, Namespace, TwoLinks
from tquic.netlink import (
    HANDSHAKE,
    Command,
    HandshakeQueue,
    NetlinkError,
    TquicNetlink,
)
from tquic.sock import TquicSocket
from tquic.uapi import NO_MULTIPATH, Config, State

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(7200)]

PLAIN: Final = Link()
#: Messages between two looks at the connections.
_ROUND: Final = 5000
#: Until a connection without a way ends: both sides' idle timeouts and some.
_GONE_S: Final = 100.0
_SLOTS, _BYTES = 32, 32 * 1024
_SOL_NETLINK, _CAP_ACK, _EXT_ACK, _GET_STRICT = 270, 10, 11, 12
_ERROR, _DONE = 2, 3
_ACK_TLVS = 0x200
_HEAD = struct.Struct("=IHHII")
#: What netlink itself answers without words: no such operation, or a dump of this socket's is
#: under way.
_WORDLESS = {errno.EOPNOTSUPP, errno.EBUSY}
#: It has none either for a message that is shorter than its headers.
_HEADERS_BYTES = 20


class Mailbox:
    """Receives many datagrams in one call."""

    def __init__(self) -> None:
        self._buffers = [bytearray(_BYTES) for _ in range(_SLOTS)]
        self._slots = (Mmsghdr * _SLOTS)()
        self._iovecs = (Iovec * _SLOTS)()
        for slot, iovec, buffer in zip(self._slots, self._iovecs, self._buffers, strict=True):
            held = (ctypes.c_char * _BYTES).from_buffer(buffer)
            iovec.base, iovec.size = ctypes.addressof(held), _BYTES
            slot.head.iov, slot.head.iovlen = ctypes.pointer(iovec), 1

    def take(self, fd: int) -> Iterator[memoryview]:
        """What there is now; nothing when nothing is."""
        got = LIBC.recvmmsg(fd, self._slots, _SLOTS, socket.MSG_DONTWAIT, None)
        if got < 0:
            code = ctypes.get_errno()
            if code in (errno.EAGAIN, errno.EINTR):
                return
            raise OSError(code, os.strerror(code))
        for index in range(got):
            yield memoryview(self._buffers[index])[: self._slots[index].size]


class Firing:
    """A netlink socket of one namespace, and the answers it got."""

    def __init__(self, space: Namespace, mailbox: Mailbox) -> None:
        with space.entered():
            self._raw = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
            with Family("tquic") as family:
                self._family = family._id
        self._raw.bind((0, 0))
        for option in (_CAP_ACK, _EXT_ACK, _GET_STRICT):
            self._raw.setsockopt(_SOL_NETLINK, option, 1)
        self._raw.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
        self._mailbox = mailbox
        self.answers: Counter[str] = Counter()
        self.unexplained: Counter[str] = Counter()

    def close(self) -> None:
        """Give the socket back."""
        self._raw.close()

    def fire(self, batch: Batch, tokens: list[int]) -> None:
        """Send a datagram and take in all its answers."""
        data = bytearray(batch.data)
        for at, token_at, which in PATCH.iter_unpack(batch.patches):
            struct.pack_into("=H", data, at + 4, self._family)
            if token_at:
                struct.pack_into("=I", data, token_at, tokens[which % len(tokens)])
        self._raw.send(data)
        while True:
            some = False
            for answer in self._mailbox.take(self._raw.fileno()):
                some = True
                self._count(answer)
            if not some:
                return

    def _count(self, answer: memoryview) -> None:
        at = 0
        while at + 16 <= len(answer):
            size, kind, flags, _, _ = _HEAD.unpack_from(answer, at)
            if kind in (_ERROR, _DONE):
                code = -struct.unpack_from("=i", answer, at + 16)[0]
                name = errno.errorcode.get(code, str(code)) if code else "OK"
                self.answers[name] += 1
                quoted = 16 if kind == _ERROR else 0
                told = flags & _ACK_TLVS and answer[at + 22 + quoted] == 1
                short = kind == _ERROR and _HEAD.unpack_from(answer, at + 20)[0] < _HEADERS_BYTES
                if code and not told and not short and code not in _WORDLESS:
                    self.unexplained[name] += 1
            else:
                self.answers["replies"] += 1
                if kind == self._family and answer[at + 16] == Command.HANDSHAKE_ACCEPT:
                    values = decode(bytes(answer[at + 20 : at + size]), HANDSHAKE)
                    os.close(values["fd"])
                    self.answers["handshakes"] += 1
            at += (size + 3) & ~3 if size >= 16 else len(answer)


class Targets:
    """Connections that the messages are about, and one that nobody names."""

    def __init__(self, lab: TwoLinks, server: RunningServer, certificates: Certificates) -> None:
        self._lab, self._server, self._certificates = lab, server, certificates
        self.closed: Counter[str] = Counter()
        self.control = self._dial(1, keepalive_ms=1000, own_paths=1)
        self._kinds: list[tuple[int, dict[str, int]]] = [
            *([(2, {})] * 2),
            *([(1, {})] * 2),
            (1, {"max_path_id": NO_MULTIPATH}),
        ]
        self.socks = [self._target(index) for index in range(len(self._kinds))]

    def _dial(self, paths: int, **config: int) -> TquicSocket:
        options = Options(config=Config.of(**config), local=self._lab.client_address(0))
        tls = self._certificates.client()
        return dial(self._lab, self._server.address, tls, paths=paths, options=options)

    def _target(self, index: int) -> TquicSocket:
        paths, config = self._kinds[index]
        return self._dial(paths, keepalive_ms=1000, **config)

    def close(self) -> None:
        """Give all back."""
        for sock in (self.control, *self.socks):
            sock.close()

    def tokens(self) -> list[int]:
        """Those of the client's side, and one of nobody."""
        return [sock.info().token for sock in self.socks] + [2**31 - 2]

    def tend(self, sides: tuple[TquicNetlink, TquicNetlink]) -> None:
        """The one no client's message names works; a target that was closed has a successor.

        At the server it may be named: a limit of its rate, for example, is taken back first.
        """
        for side in sides:
            calm(side)
        exchange(self.control, [Sender(DATA[:2000])])
        for index, sock in enumerate(self.socks):
            if sock.info().state != State.ESTABLISHED:
                self._bury(index)

    def _bury(self, index: int) -> None:
        told = self.socks[index].close_info()
        self.closed[f"{told.error_code:#x}/{told.flags}"] += 1
        self.socks[index].close()
        self.socks[index] = self._target(index)

    def check(self, sides: tuple[TquicNetlink, TquicNetlink]) -> None:
        """What is still there carries data once it is allowed to."""
        for side in sides:
            calm(side)
        for sock in self.socks:
            try:
                exchange(sock, [Sender(DATA[:20_000])], _GONE_S)
            except Exception:
                # Its last way led nowhere, as a message had wanted it.
                if sock.info().state == State.ESTABLISHED:
                    held = [str(path) for side in sides for path in side.paths()]
                    pytest.fail("\n".join([str(sock.info()), *held]))
                self.closed["at the end"] += 1


def calm(netlink: TquicNetlink) -> None:
    """Take back what may keep paths from carrying data, and what opens new ones."""
    netlink.flush_endpoints()
    netlink.set_limits(extra_paths=4, endpoints=8)
    for conn in netlink.connections():
        with contextlib.suppress(NetlinkError):  # closed meanwhile, or it listens
            netlink.set_connection(conn.token, scheduler="minrtt", congestion="cubic")
            for path in netlink.paths(conn.token):
                netlink.set_path(conn.token, path.path_id, weight=0, rate_cap=0)
                if conn.paths > 1:
                    netlink.set_path(conn.token, path.path_id, backup=False, metered=False)


def rounds(items: Iterator[Batch]) -> Iterator[list[Batch]]:
    """Datagrams of some thousands of messages."""
    for first in items:
        part, count = [first], first.count
        while count < _ROUND and (item := next(items, None)) is not None:
            part.append(item)
            count += item.count
        yield part


def everything(request: pytest.FixtureRequest) -> Iterator[Batch]:
    """The messages of this run."""
    file = request.config.getoption("--fuzz-file")
    if file is None:
        yield from batches(request.config.getoption("--messages"))
        return
    with Path(file).open("rb") as source:
        yield from read(source)


def test_messages_no_program_would_send(
    make_lab: LabMaker, certificates: Certificates, request: pytest.FixtureRequest
) -> None:
    lab = make_lab(PLAIN, PLAIN)
    mailbox, sent = Mailbox(), 0
    started = time.monotonic()
    with contextlib.ExitStack() as held:
        server = held.enter_context(RunningServer(lab, certificates.server(), echo))
        near, far = (held.enter_context(opened(space)) for space in (lab.client, lab.server))
        with lab.client.entered():
            queue = held.enter_context(HandshakeQueue())
        queue.serve()
        targets = held.enter_context(contextlib.closing(Targets(lab, server, certificates)))
        guns = [
            held.enter_context(contextlib.closing(Firing(space, mailbox)))
            for space in (lab.client, lab.server)
        ]
        for part in rounds(everything(request)):
            # Something for an agent, who is there and does nothing.
            with plain(lab.client) as waiting:
                waiting.setblocking(False)
                waiting.connect_ex(lab.server_address(0, port=4573).sockaddr)
                here = [*targets.tokens(), TquicSocket(waiting).info().token]
                there = [conn.token for conn in far.connections()]
                for batch, at_server in zip(part, itertools.cycle((0, 0, 0, 1)), strict=False):
                    guns[at_server].fire(batch, there if at_server else here)
                    sent += batch.count
            queue.drain()
            targets.tend((near, far))
            print(f"{sent} messages after {time.monotonic() - started:.0f} s", flush=True)
        took_s = time.monotonic() - started
        targets.check((near, far))
        with dial(lab, server.address, certificates.client()) as fresh:
            wait_confirmed(near, fresh.info().token)
            near.add_path(fresh.info().token, lab.client_address(1))
            wait_active(fresh, 2)
            exchange(fresh, [Sender(DATA[:100_000])])
        exchange(targets.control, [Sender(DATA[:100_000])], STALL_S)
        answers = guns[0].answers + guns[1].answers
        closed = dict(targets.closed)
    print(f"{sent} messages, {took_s:.0f} s: {sent / took_s:.0f}/s; {dict(answers.most_common())}")
    print(f"connections closed: {closed}")
    unexplained = guns[0].unexplained + guns[1].unexplained
    assert not unexplained, f"refused without a word: {dict(unexplained)}"
    assert answers["OK"] > sent // 50, "next to nothing got through"
    assert answers["handshakes"], "no handshake was taken"
    for name in ("EINVAL", "ERANGE", "ENOENT", "ENODEV", "EADDRNOTAVAIL", "EEXIST"):
        assert answers[name], f"nothing was refused with {name}"
