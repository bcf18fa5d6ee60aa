# SPDX-License-Identifier: GPL-2.0
"""Plain programs and the agent: TCP's calls work, and what cannot work fails as documented."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import LabMaker
from leftovers import lines, sockets
from running import DATA, NOBODY, Certificates, as_nobody, wait_for
from test_sysctl import tuned

from tquic.agent import Agent, AgentSocket, Policy
from tquic.handshake import Options, new_socket
from tquic.lab import Link, Namespace, TwoLinks
from tquic.netlink import HandshakeQueue, HandshakeRequest
from tquic.record import Address
from tquic.sock import TquicSocket
from tquic.tls import Role, TlsConfig
from tquic.uapi import IPPROTO_TQUIC, SOL_TQUIC, HandshakeMode, SockOpt, State

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

ALPN = ("tquic",)
WAIT_S = 60.0


@pytest.fixture
def lab(make_lab: LabMaker) -> TwoLinks:
    return make_lab(Link(), Link())


def plain(space: Namespace, kind: int = socket.SOCK_STREAM, v6: bool = False) -> socket.socket:
    """What any program would make, but for the protocol number."""
    with space.entered():
        return socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, kind, IPPROTO_TQUIC)


def listening(space: Namespace, address: Address) -> socket.socket:
    sock = plain(space, v6=":" in address.host)
    sock.bind(address.sockaddr)
    sock.listen(64)
    sock.settimeout(WAIT_S)
    return sock


@contextlib.contextmanager
def agent(space: Namespace, policy: Policy) -> Iterator[Agent]:
    """An agent of a namespace, in a thread."""
    with space.entered():
        queue = HandshakeQueue()
    made = Agent(queue, policy)
    ready = threading.Event()
    thread = threading.Thread(target=made.run, args=(ready.set,), daemon=True)
    thread.start()
    try:
        assert ready.wait(20)
        yield made
    finally:
        made.stop()
        thread.join(20)
        queue.close()
        assert not thread.is_alive()


class Policies:
    """Agents' policies; the good server's certificate is for its address on link 0."""

    def __init__(self, certificates: Certificates, lab: TwoLinks) -> None:
        self._certificates = certificates
        self._names = [lab.server_address(0, v6=v6).host for v6 in (False, True)]

    def client(self) -> Policy:
        tls = TlsConfig(alpn=ALPN, ca_file=self._certificates.ca.file)
        return Policy(client=tls, server=None, alpn=ALPN)

    def server(self, leaf: Any = None, **changes: Any) -> Policy:
        leaf = leaf or self._certificates.ca.issue(*self._names)
        tls = TlsConfig(alpn=ALPN, cert_file=leaf.cert_file, key_file=leaf.key_file)
        return Policy(client=None, server=tls, alpn=ALPN, **changes)


@pytest.fixture
def policies(certificates: Certificates, lab: TwoLinks) -> Policies:
    return Policies(certificates, lab)


def serve_echo(listener: socket.socket, count: int = 1) -> threading.Thread:
    """Accept and echo as any TCP server does."""

    def work() -> None:
        for _ in range(count):
            child, _peer = listener.accept()
            with child:
                child.settimeout(WAIT_S)
                while data := child.recv(65536):
                    child.sendall(data)
                child.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def ask_echo(sock: socket.socket, data: bytes) -> None:
    """Send, finish, and check that the same comes back."""
    sock.settimeout(WAIT_S)
    back = bytearray()

    def read() -> None:
        while piece := sock.recv(65536):
            back.extend(piece)

    thread = threading.Thread(target=read)
    thread.start()
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
    thread.join(WAIT_S)
    assert not thread.is_alive()
    assert bytes(back) == data


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_plain_sockets_work_as_with_tcp(lab: TwoLinks, policies: Policies, v6: bool) -> None:
    address = lab.server_address(0, v6=v6, port=4500)
    with (
        agent(lab.client, policies.client()) as here,
        agent(lab.server, policies.server()) as there,
        listening(lab.server, address) as listener,
    ):
        thread = serve_echo(listener)
        with plain(lab.client, v6=v6) as sock:
            sock.connect(address.sockaddr)
            tquic = TquicSocket(sock)
            info = tquic.info()
            assert (info.state, info.verified) == (State.ESTABLISHED, 1)
            assert tquic.alpn == ALPN
            with pytest.raises(OSError) as caught:
                sock.connect(address.sockaddr)
            assert caught.value.errno == errno.EISCONN
            ask_echo(sock, DATA)
        thread.join(WAIT_S)
    assert here.stats.established == there.stats.established == 1


def test_names_and_protocols_of_the_programs(
    lab: TwoLinks, policies: Policies, certificates: Certificates
) -> None:
    address = lab.server_address(0, port=4501)
    with (
        agent(lab.client, policies.client()),
        agent(lab.server, policies.server(certificates.good)),
        listening(lab.server, address) as listener,
        plain(lab.client) as sock,
    ):
        TquicSocket(listener).alpn = ("b", "c")
        tquic = TquicSocket(sock)
        tquic.server_name = "server.test"
        tquic.alpn = ("a", "c")
        thread = serve_echo(listener)
        sock.connect(address.sockaddr)
        assert tquic.alpn == ("c",)
        ask_echo(sock, b"hello")
        thread.join(WAIT_S)


def test_many_at_once(lab: TwoLinks, policies: Policies) -> None:
    address = lab.server_address(0, port=4502)
    count = 10
    faults: list[BaseException] = []

    def one() -> None:
        try:
            with plain(lab.client) as sock:
                sock.connect(address.sockaddr)
                ask_echo(sock, DATA[:1000])
        except BaseException as error:
            faults.append(error)

    with (
        agent(lab.client, policies.client()) as here,
        agent(lab.server, policies.server()),
        listening(lab.server, address) as listener,
    ):
        server = serve_echo(listener, count)
        threads = [threading.Thread(target=one) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)
        server.join(WAIT_S)
        assert not server.is_alive()
    assert faults == []
    assert here.stats.established == count


def refuse_connect(lab: TwoLinks) -> None:
    """A connect() that fails at once."""
    with plain(lab.client) as sock, pytest.raises(OSError) as caught:
        sock.connect(lab.server_address(0, port=4503).sockaddr)
    assert caught.value.errno == errno.EPROTONOSUPPORT


def test_without_an_agent(lab: TwoLinks) -> None:
    refuse_connect(lab)
    with plain(lab.server) as sock:
        sock.bind(lab.server_address(0, port=4503).sockaddr)
        with pytest.raises(OSError) as caught:
            sock.listen()
    assert caught.value.errno == errno.EPROTONOSUPPORT


def test_an_agent_of_another_namespace_does_not_count(lab: TwoLinks, policies: Policies) -> None:
    with agent(lab.server, policies.server()):
        refuse_connect(lab)


def test_the_time_of_no_agent_does_not_count(lab: TwoLinks) -> None:
    """Who finds none and does TLS itself has the time that is usual, not what is left of its."""
    address = lab.server_address(0, port=4503)
    with (
        tuned(lab.client, agent_timeout_ms=100),
        lab.client.entered(),
        new_socket(socket.AF_INET, Options()) as sock,
    ):
        sock.settimeout(0)
        sock.handshake_mode = HandshakeMode.AGENT
        with pytest.raises(OSError) as caught:
            sock.connect(address)
        assert caught.value.errno == errno.EPROTONOSUPPORT
        sock.handshake_mode = HandshakeMode.SELF
        with contextlib.suppress(BlockingIOError):
            sock.connect(address)
        time.sleep(0.5)
        assert sock.info().state == State.HANDSHAKE


@pytest.mark.parametrize("leaf", ["wrong_name", "expired", "unknown_ca"])
def test_wrong_certificates_are_refused(
    lab: TwoLinks, policies: Policies, certificates: Certificates, leaf: str
) -> None:
    address = lab.server_address(0, port=4504)
    with (
        agent(lab.client, policies.client()) as here,
        agent(lab.server, policies.server(getattr(certificates, leaf))),
        listening(lab.server, address) as listener,
        plain(lab.client) as sock,
    ):
        TquicSocket(sock).server_name = "server.test"
        with pytest.raises(OSError) as caught:
            sock.connect(address.sockaddr)
        assert caught.value.errno == errno.EPROTO
        listener.settimeout(1)
        with pytest.raises(TimeoutError):
            listener.accept()
    assert here.stats.failed == 1


def test_without_blocking(lab: TwoLinks, policies: Policies) -> None:
    address = lab.server_address(0, port=4505)
    with (
        agent(lab.client, policies.client()),
        agent(lab.server, policies.server()),
        listening(lab.server, address) as listener,
        plain(lab.client) as sock,
    ):
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
        sock.setblocking(False)
        assert sock.connect_ex(address.sockaddr) == errno.EINPROGRESS
        assert select.select([], [sock], [], WAIT_S)[1] == [sock]
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        assert sock.connect_ex(address.sockaddr) == 0
        assert sock.connect_ex(address.sockaddr) == errno.EISCONN
        assert select.select([listener], [], [], WAIT_S)[0] == [listener]
        child, peer = listener.accept()
        with child:
            assert peer == sock.getsockname()
            assert TquicSocket(child).info().state == State.ESTABLISHED
            child.setblocking(False)
            with pytest.raises(BlockingIOError):
                child.recv(1)


def handshake(queue: HandshakeQueue, wait_s: float = 20) -> HandshakeRequest:
    """The next handshake for an agent this test plays."""
    deadline = time.monotonic() + wait_s
    while True:
        request = queue.accept()
        if request is not None:
            return request
        left_s = deadline - time.monotonic()
        assert left_s > 0
        select.select([queue], [], [], min(left_s, 0.2))


@contextlib.contextmanager
def playing(space: Namespace) -> Iterator[HandshakeQueue]:
    """Be an agent by hand."""
    with space.entered():
        queue = HandshakeQueue()
    with queue:
        queue.serve()
        yield queue


@contextlib.contextmanager
def connecting(space: Namespace, address: Address) -> Iterator[tuple[socket.socket, list[int]]]:
    """A program that connects in a thread; the list gets its errno."""
    result: list[int] = []
    sock = plain(space)
    thread = threading.Thread(
        target=lambda: result.append(sock.connect_ex(address.sockaddr)), daemon=True
    )
    with sock:
        thread.start()
        yield sock, result
        thread.join(WAIT_S)
        assert not thread.is_alive()


def test_what_an_agent_is_told(lab: TwoLinks) -> None:
    address = lab.server_address(0, port=4506)
    with playing(lab.client) as queue:
        assert queue.accept() is None
        with connecting(lab.client, address) as (sock, _result):
            request = handshake(queue)
            assert request.role is Role.CLIENT
            assert (request.peer, request.server_name, request.alpn) == (
                address,
                "",
                "",
            )
            assert request.local == Address.of(sock.getsockname())
            assert request.uid == os.getuid()
            assert 5000 < request.timeout_ms <= 10_000
            assert request.token == TquicSocket(sock).info().token
            assert not os.get_inheritable(request.fd)
            os.close(request.fd)


def test_the_agents_socket_can_do_tls_and_nothing_else(lab: TwoLinks) -> None:
    with (
        playing(lab.client) as queue,
        connecting(lab.client, lab.server_address(0, port=4507)),
    ):
        fd = handshake(queue).fd
        with AgentSocket.of(fd) as tquic:
            assert len(tquic.local_params) > 10
            assert tquic.info().state == State.HANDSHAKE
            raw = tquic.raw
            assert isinstance(raw, socket.socket)
            attempts: list[Callable[[], object]] = [
                lambda: raw.send(b"data"),
                lambda: tquic.send_stream(0, b"data"),
                lambda: tquic.send_datagram(b"data"),
                lambda: raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1),
                lambda: raw.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 1),
                lambda: raw.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1),
                lambda: tquic.add_path(lab.client_address(1)),
                lambda: setattr(tquic, "server_name", "x"),
                lambda: raw.setsockopt(SOL_TQUIC, SockOpt.RECV_MASK, 7),
                tquic.open_stream,
                lambda: raw.bind(("0.0.0.0", 0)),
                raw.listen,
                lambda: raw.shutdown(socket.SHUT_RDWR),
                lambda: raw.connect(("127.0.0.1", 1)),
            ]
            for attempt in attempts:
                with pytest.raises(OSError) as caught:
                    attempt()
                assert caught.value.errno in (errno.EOPNOTSUPP, errno.ENOPROTOOPT)
            with pytest.raises(OSError):
                tquic.end_handshake(verified=True)
            with pytest.raises(BlockingIOError):
                tquic.recv_message()
            poller = select.poll()
            poller.register(tquic.fileno(), select.POLLIN | select.POLLOUT)
            assert poller.poll(0) == [(fd, select.POLLOUT)]


def test_an_agent_that_dies(lab: TwoLinks) -> None:
    address = lab.server_address(0, port=4508)
    with (
        playing(lab.client) as queue,
        connecting(lab.client, address) as (_sock, result),
    ):
        os.close(handshake(queue).fd)
        deadline = time.monotonic() + 5
        while not result:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert result == [errno.ECONNREFUSED]


def test_an_agent_that_dies_at_the_server(lab: TwoLinks, policies: Policies) -> None:
    address = lab.server_address(0, port=4509)
    with agent(lab.client, policies.client()):
        with playing(lab.server) as queue:
            listener = listening(lab.server, address)
            with connecting(lab.client, address) as (_sock, result):
                request = handshake(queue)
                assert request.role is Role.SERVER
                assert request.local == address
                os.close(request.fd)
            assert result == [errno.ECONNREFUSED]
        with listener:  # whose agent is gone altogether now
            with connecting(lab.client, address) as (_sock, result):
                pass
            assert result == [errno.ECONNREFUSED]
            listener.settimeout(0)
            with pytest.raises(BlockingIOError):
                listener.accept()


def test_a_listener_that_closes(lab: TwoLinks, policies: Policies) -> None:
    address = lab.server_address(0, port=4518)
    with agent(lab.client, policies.client()), playing(lab.server) as queue:
        listener = listening(lab.server, address)
        with contextlib.ExitStack() as held:
            ends = [held.enter_context(connecting(lab.client, address)) for _ in range(4)]
            fds = [handshake(queue).fd for _ in range(2)]
            time.sleep(0.5)
            listener.close()
            for fd in fds:
                with AgentSocket.of(fd) as tquic:
                    assert tquic.recv_message() is not None  # what came before
                    with pytest.raises(OSError) as caught:
                        tquic.end_handshake(verified=False)
                    assert caught.value.errno == errno.ENOTCONN
        assert [result for _sock, result in ends] == [[errno.ECONNREFUSED]] * 4
        assert queue.accept() is None


def test_who_has_said_all_before_accept(lab: TwoLinks, policies: Policies) -> None:
    """A connection that is over waits for accept() all the same, with every byte."""
    address = lab.server_address(0, port=4519)
    with (
        agent(lab.client, policies.client()),
        agent(lab.server, policies.server()),
        listening(lab.server, address) as listener,
    ):
        for _ in range(2):
            with plain(lab.client) as sock:
                sock.connect(address.sockaddr)
                sock.sendall(DATA[:50_000])
        wait_for(lambda: lines(lab) == 0)
        accepted, peer = listener.accept()
        with accepted:
            assert peer[0] == lab.client_address(0).host
            got = bytearray()
            while more := accepted.recv(65536):
                got += more
            assert got == DATA[:50_000]
            with pytest.raises(OSError):
                accepted.send(b"x")
        # The other one is let go with its listener.
    wait_for(lambda: sockets() == 0)


def test_shutdown_ends_who_waits(lab: TwoLinks, policies: Policies) -> None:
    """In accept() and in connect(), as with TCP; the listener takes nobody any more."""
    address = lab.server_address(0, port=4520)
    failed: list[int | None] = []

    def accept() -> None:
        with pytest.raises(OSError) as caught:
            listener.accept()
        failed.append(caught.value.errno)

    with (
        agent(lab.server, policies.server()),
        playing(lab.client) as queue,
        listening(lab.server, address) as listener,
    ):
        listener.settimeout(None)
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        with connecting(lab.client, address) as (sock, result):
            request = handshake(queue)
            sock.shutdown(socket.SHUT_RDWR)
            os.close(request.fd)
        assert result == [errno.ECONNABORTED]
        listener.shutdown(socket.SHUT_WR)
        assert thread.is_alive()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(WAIT_S)
        assert failed == [errno.EINVAL]
        poller = select.poll()
        poller.register(listener, select.POLLIN)
        assert poller.poll(0) == [(listener.fileno(), select.POLLHUP)]
        listener.shutdown(socket.SHUT_RD)


@pytest.mark.parametrize("taken", [False, True], ids=["waiting", "taken"])
def test_an_agent_that_sleeps(lab: TwoLinks, taken: bool) -> None:
    address = lab.server_address(0, port=4510)
    with playing(lab.client) as queue:
        started = time.monotonic()
        with connecting(lab.client, address) as (_sock, result):
            fd = handshake(queue).fd if taken else -1
        assert result == [errno.ETIMEDOUT]
        assert 9 < time.monotonic() - started < 15
        if taken:
            with AgentSocket.of(fd) as tquic:
                assert tquic.recv_message() is None
                with pytest.raises(OSError) as caught:
                    tquic.end_handshake(verified=True)
                assert caught.value.errno == errno.ENOTCONN
        assert queue.accept() is None


def test_a_send_timeout_ends_the_waiting_only(lab: TwoLinks) -> None:
    address = lab.server_address(0, port=4511)
    with playing(lab.client) as queue, plain(lab.client) as sock:
        seconds = (1).to_bytes(8, sys.byteorder) + bytes(8)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, seconds)
        assert sock.connect_ex(address.sockaddr) == errno.EINPROGRESS
        sock.setblocking(False)
        assert sock.connect_ex(address.sockaddr) == errno.EALREADY
        os.close(handshake(queue).fd)
        assert select.select([], [sock], [], 20)[1] == [sock]
        assert sock.connect_ex(address.sockaddr) == errno.ECONNREFUSED


def test_a_program_that_gives_up(lab: TwoLinks) -> None:
    address = lab.server_address(0, port=4512)
    with playing(lab.client) as queue:
        sock = plain(lab.client)
        sock.setblocking(False)
        assert sock.connect_ex(address.sockaddr) == errno.EINPROGRESS
        fd = handshake(queue).fd
        sock.close()
        with AgentSocket.of(fd) as tquic:
            assert select.select([tquic], [], [], 5)[0]
            assert tquic.recv_message() is None
        sock = plain(lab.client)
        sock.setblocking(False)
        assert sock.connect_ex(address.sockaddr) == errno.EINPROGRESS
        sock.close()
        deadline = time.monotonic() + 5
        while (request := queue.accept()) is not None:
            os.close(request.fd)
            assert time.monotonic() < deadline


def test_an_agent_that_comes_back_finds_what_waits(lab: TwoLinks, policies: Policies) -> None:
    address = lab.server_address(0, port=4513)
    with (
        agent(lab.server, policies.server()),
        listening(lab.server, address) as listener,
    ):
        thread = serve_echo(listener)
        with plain(lab.client) as sock:
            with playing(lab.client):
                sock.setblocking(False)
                assert sock.connect_ex(address.sockaddr) == errno.EINPROGRESS
            with agent(lab.client, policies.client()):
                assert select.select([], [sock], [], WAIT_S)[1] == [sock]
                assert sock.connect_ex(address.sockaddr) == 0
                ask_echo(sock, b"after all")
        thread.join(WAIT_S)


def test_no_descriptor_left(lab: TwoLinks) -> None:
    address = lab.server_address(0, port=4514)
    with playing(lab.client) as queue, plain(lab.client) as sock:
        sock.setblocking(False)
        assert sock.connect_ex(address.sockaddr) == errno.EINPROGRESS
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        probe = os.dup(0)
        os.close(probe)
        resource.setrlimit(resource.RLIMIT_NOFILE, (probe, limits[1]))
        try:
            with pytest.raises(OSError) as caught:
                queue.accept()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert caught.value.errno == errno.EMFILE
        os.close(handshake(queue).fd)


def test_who_may_serve_and_who_may_connect(lab: TwoLinks, policies: Policies) -> None:
    address = lab.server_address(0, port=4515)
    connect = as_nobody(
        "import socket, sys\n"
        f"s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, {IPPROTO_TQUIC})\n"
        f"sys.exit(s.connect_ex({address.sockaddr!r}))\n"
    )
    serve = as_nobody(
        "import socket, time\n"
        f"s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, {IPPROTO_TQUIC})\n"
        f"s.bind({address.sockaddr!r}); s.listen(); print(flush=True); time.sleep(100)\n"
    )

    def connected() -> int:
        return lab.client.run(connect, timeout=60).returncode

    with agent(lab.client, policies.client()):
        with agent(lab.server, policies.server()), listening(lab.server, address):
            assert connected() == 0
        for users, expected in (
            (frozenset((0,)), errno.ECONNRESET),
            (frozenset((NOBODY,)), 0),
        ):
            with (
                agent(lab.server, policies.server(server_users=users)),
                lab.server.popen(serve, stdout=subprocess.PIPE) as server,
            ):
                assert server.stdout is not None
                server.stdout.readline()
                try:
                    assert connected() == expected
                finally:
                    server.kill()


def test_it_takes_an_administrator_to_be_an_agent(lab: TwoLinks) -> None:
    script = as_nobody(
        "import errno\n"
        "from tquic.netlink import HandshakeQueue\n"
        "queue = HandshakeQueue()\n"
        "for call in (queue.serve, queue.accept):\n"
        "    try:\n"
        "        call()\n"
        "    except OSError as error:\n"
        "        assert error.errno == errno.EPERM, error\n"
        "    else:\n"
        "        raise SystemExit('allowed')\n"
    )
    done = lab.client.run(script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout


def test_programs_that_do_their_own_tls_need_no_agent(lab: TwoLinks) -> None:
    with (
        playing(lab.client) as queue,
        lab.client.entered(),
        new_socket(socket.AF_INET, Options()) as tquic,
    ):
        tquic.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            tquic.connect(lab.server_address(0, port=4516))
        time.sleep(0.2)
        assert queue.accept() is None


def test_command_line(lab: TwoLinks, certificates: Certificates) -> None:
    address = lab.server_address(0, port=4517)
    leaf = certificates.ca.issue(address.host)
    program = [sys.executable, "-c", "from tquic.cmd_agent import main; main()"]
    client = [*program, "--ca", str(certificates.ca.file)]
    server = [*program, "--cert", str(leaf.cert_file), "--key", str(leaf.key_file)]
    options: dict[str, Any] = {"stderr": subprocess.PIPE, "text": True}
    with (
        lab.client.popen(client, **options) as one,
        lab.server.popen(server, **options) as two,
    ):
        try:
            for process in (one, two):
                assert process.stderr is not None
                assert process.stderr.readline() == "agent: ready\n"
            with listening(lab.server, address) as listener, plain(lab.client) as sock:
                thread = serve_echo(listener)
                sock.connect(address.sockaddr)
                ask_echo(sock, DATA[:100_000])
                thread.join(WAIT_S)
            for process in (one, two):
                process.terminate()
                assert process.wait(20) == 0
        finally:
            one.kill()
            two.kill()
