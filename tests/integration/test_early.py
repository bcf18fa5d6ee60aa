# SPDX-License-Identifier: GPL-2.0
"""Sessions that are resumed, and early data (0-RTT): taken, refused, lost, and with aioquic."""

from __future__ import annotations

import contextlib
import errno
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import LabMaker
from running import (
    ALPN,
    DATA,
    NAME,
    STALL_S,
    Certificates,
    RunningServer,
    Sender,
    counter,
    echo,
)
from test_aioquic import CollectProtocol, aioquic_server, configuration, run_client

from tquic.handshake import Handshake, Options, establish, new_socket
from tquic.lab import Link, TwoLinks
from tquic.mux import StreamMux
from tquic.record import Address
from tquic.sock import QUIC_VERSIONS, TquicSocket
from tquic.tls import Level, Role, SavedSession, Secret, TlsConfig
from tquic.uapi import EarlyState, RecvMask, SockOpt

pytestmark = [pytest.mark.usefixtures("module"), pytest.mark.timeout(300)]

REQUEST = DATA[:4000]


@pytest.fixture
def lab(make_lab: LabMaker) -> TwoLinks:
    return make_lab(Link(delay_ms=20), Link())


def server_tls(certificates: Certificates) -> TlsConfig:
    """A server's configuration that takes early data."""
    return certificates.server(early_data=True)


@contextlib.contextmanager
def serving(lab: TwoLinks, tls: TlsConfig, *, retry: bool = False) -> Iterator[RunningServer]:
    """An echo server; with a configuration it had before it knows its sessions again."""
    with RunningServer(lab, tls, echo, retry=retry) as server:
        yield server


def talk(
    lab: TwoLinks,
    address: Address,
    certificates: Certificates,
    saved: SavedSession | None = None,
    data: bytes = REQUEST,
    version: int = QUIC_VERSIONS["1"],
) -> tuple[SavedSession, EarlyState, bool]:
    """Have data echoed, early if it can be; what to resume, and what became of it."""
    sender = Sender(data)
    begun: list[StreamMux] = []

    def begin(sock: TquicSocket) -> StreamMux:
        mux = StreamMux(sock, server=False, peer="server")
        mux.open(sender)
        mux.write()
        begun.append(mux)
        return mux

    def early(sock: TquicSocket) -> None:
        assert sock.early == EarlyState.OFFERED
        begin(sock)

    options = Options(local=lab.client_address(0), saved=saved, version=version, timeout_s=STALL_S)
    tls = certificates.client(early_data=True)
    with lab.client.entered():
        sock, handshake = establish(address, tls, options, early)
    with sock:
        mux = begun[0] if begun else begin(sock)
        mux.on_crypto = handshake.take_ticket
        sock.recv_mask |= RecvMask.CRYPTO
        mux.run(lambda: sender.ended and handshake.save(version) is not None, stall_s=STALL_S)
        sender.check()
        found = handshake.save(version)
        assert found is not None
        assert bool(sock.info().verified)
        assert sock.info().bytes_sent == len(data)
        return found, sock.early, handshake.session.resumed


def test_taken(lab: TwoLinks, certificates: Certificates) -> None:
    with serving(lab, server_tls(certificates)) as server:
        saved, state, resumed = talk(lab, server.address, certificates)
        assert (state, resumed) == (EarlyState.NONE, False)
        before = counter(lab.server, "RxEarlyPackets")
        for _ in range(3):
            saved, state, resumed = talk(lab, server.address, certificates, saved)
            assert (state, resumed) == (EarlyState.ACCEPTED, True)
        assert counter(lab.server, "RxEarlyPackets") - before >= 3 * 4
        assert counter(lab.client, "EarlyDataAccepted") == 3
        assert counter(lab.server, "EarlyDataAccepted") == 3
        assert counter(lab.client, "EarlyDataRejected") == 0


def test_more_than_fits(lab: TwoLinks, certificates: Certificates) -> None:
    with serving(lab, server_tls(certificates)) as server:
        saved, _state, _resumed = talk(lab, server.address, certificates)
        _saved, state, _resumed = talk(lab, server.address, certificates, saved, DATA)
        assert state == EarlyState.ACCEPTED


def test_a_server_that_started_again_refuses(lab: TwoLinks, certificates: Certificates) -> None:
    with serving(lab, server_tls(certificates)) as server:
        saved, _state, _resumed = talk(lab, server.address, certificates)
    before = counter(lab.client, "EarlyDataRejected")
    with serving(lab, server_tls(certificates)) as server:
        _saved, state, resumed = talk(lab, server.address, certificates, saved, DATA[:100_000])
        assert (state, resumed) == (EarlyState.REJECTED, False)
        assert server.log == []
    assert counter(lab.client, "EarlyDataRejected") == before + 1


def test_a_server_that_takes_none(lab: TwoLinks, certificates: Certificates) -> None:
    with serving(lab, certificates.server()) as server:
        saved, _state, _resumed = talk(lab, server.address, certificates)
        assert not saved.early
        _saved, state, resumed = talk(lab, server.address, certificates, saved)
        assert (state, resumed) == (EarlyState.NONE, True)


def test_a_replayed_ticket_is_only_a_session(lab: TwoLinks, certificates: Certificates) -> None:
    """A client may use a ticket twice; its ClientHello is another one each time."""
    with serving(lab, server_tls(certificates)) as server:
        saved, _state, _resumed = talk(lab, server.address, certificates)
        for _ in range(2):
            _new, state, _resumed = talk(lab, server.address, certificates, saved)
            assert state == EarlyState.ACCEPTED


def test_after_a_retry(lab: TwoLinks, certificates: Certificates) -> None:
    with serving(lab, server_tls(certificates), retry=True) as server:
        saved, _state, _resumed = talk(lab, server.address, certificates)
        _saved, state, _resumed = talk(lab, server.address, certificates, saved)
        assert state == EarlyState.ACCEPTED


def test_version_2(lab: TwoLinks, certificates: Certificates) -> None:
    with serving(lab, server_tls(certificates)) as server:
        two = QUIC_VERSIONS["2"]
        saved, _state, _resumed = talk(lab, server.address, certificates, version=two)
        _saved, state, _resumed = talk(lab, server.address, certificates, saved, version=two)
        assert state == EarlyState.ACCEPTED
        # A ticket is of one version (RFC 9369 section 5).
        _saved, state, resumed = talk(lab, server.address, certificates, saved)
        assert (state, resumed) == (EarlyState.NONE, False)


def test_loss(make_lab: LabMaker, certificates: Certificates) -> None:
    lab = make_lab(Link(delay_ms=10, loss=15), Link())
    for keep in (True, False):
        tls = server_tls(certificates)
        with serving(lab, tls) as server:
            saved, _state, _resumed = talk(lab, server.address, certificates)
        with serving(lab, tls if keep else server_tls(certificates)) as server:
            for _ in range(4):
                _saved, state, _resumed = talk(
                    lab, server.address, certificates, saved, DATA[:30_000]
                )
                assert state == (EarlyState.ACCEPTED if keep else EarlyState.REJECTED)


def test_a_datagram(lab: TwoLinks, certificates: Certificates) -> None:
    tls = server_tls(certificates)
    with serving(lab, tls) as server:
        saved, _state, _resumed = talk(lab, server.address, certificates)
    got: list[bytes] = []
    with RunningServer(lab, tls, echo) as server:
        server.listener.recv_mask |= RecvMask.DATAGRAM
        server.server._datagram = lambda _sock, data: got.append(data)
        options = Options(local=lab.client_address(0), saved=saved, version=1, timeout_s=STALL_S)
        with lab.client.entered():
            sock, _handshake = establish(
                server.address,
                certificates.client(early_data=True),
                options,
                lambda sock: sock.send_datagram(b"early"),
            )
        with sock:
            assert sock.early == EarlyState.ACCEPTED
    assert got == [b"early"]


def test_our_client_with_aioquic(lab: TwoLinks, certificates: Certificates) -> None:
    tickets: dict[bytes, Any] = {}
    config = configuration(certificates, Role.SERVER)
    with aioquic_server(
        lab,
        config,
        session_ticket_handler=lambda ticket: tickets.update({ticket.ticket: ticket}),
        session_ticket_fetcher=lambda name: tickets.pop(name, None),
    ) as address:
        saved, state, _resumed = talk(lab, address, certificates)
        assert state == EarlyState.NONE
        again, state, resumed = talk(lab, address, certificates, saved)
        assert (state, resumed) == (EarlyState.ACCEPTED, True)
        # It knows every ticket once.
        _saved, state, resumed = talk(lab, address, certificates, saved)
        assert (state, resumed) == (EarlyState.REJECTED, False)
        _saved, state, _resumed = talk(lab, address, certificates, again)
        assert state == EarlyState.ACCEPTED


def test_our_server_with_aioquic(lab: TwoLinks, certificates: Certificates) -> None:
    tickets: list[Any] = []
    seen: list[tuple[bool, bool]] = []

    async def ask(client: CollectProtocol) -> None:
        stream = client.send(REQUEST)
        await client.all_finished({stream})
        assert client.received[stream] == REQUEST
        tls = client._quic.tls
        seen.append((tls.session_resumed, tls.early_data_accepted))

    with serving(lab, server_tls(certificates)) as server:
        for known in (False, True):
            before = counter(lab.server, "RxEarlyPackets")
            config = configuration(certificates, Role.CLIENT)
            if known:
                config.session_ticket = tickets[-1]
            run_client(
                lab,
                server.address,
                config,
                ask,
                session_ticket_handler=tickets.append,
                wait_connected=not known,
            )
            assert (counter(lab.server, "RxEarlyPackets") > before) == known
    assert seen == [(False, False), (True, True)]


def test_refusals(lab: TwoLinks, certificates: Certificates) -> None:
    with serving(lab, server_tls(certificates)) as server:
        saved, _state, _resumed = talk(lab, server.address, certificates)
        with lab.client.entered():
            sock = new_socket(server.address.family, Options(local=lab.client_address(0)))
        with sock, lab.client.entered():
            sock.settimeout(0)
            secret = Secret(Level.EARLY, True, 0x1301, bytes(32))

            def refused(step: Callable[[], None]) -> int | None:
                with pytest.raises(OSError) as caught:
                    step()
                return caught.value.errno

            def early_params(data: bytes) -> Callable[[], None]:
                return lambda: sock.set_early_params(data)

            assert refused(early_params(saved.params)) == errno.ENOTCONN
            with contextlib.suppress(BlockingIOError):
                sock.connect(server.address)
            assert refused(lambda: sock.set_secret(secret)) == errno.EINVAL
            assert refused(lambda: sock.set_secret(replace(secret, send=False))) == errno.EINVAL
            assert refused(sock.accept_early) == errno.EINVAL
            assert refused(early_params(b"")) == errno.EINVAL
            assert refused(early_params(b"\x04\x09\xff")) == errno.EPROTO
            assert refused(lambda: sock.send_new(b"x")) == errno.ENOTCONN
            sock.set_early_params(saved.params)
            assert refused(early_params(saved.params)) == errno.EALREADY
            sock.set_secret(secret)
            assert refused(lambda: sock.set_secret(secret)) == errno.EINVAL
            assert sock.early == EarlyState.OFFERED
            for state in (EarlyState.NONE, EarlyState.OFFERED, EarlyState.REJECTED, 9):
                tell = partial(sock._set_u32, SockOpt.EARLY_DATA, state)
                assert refused(tell) == errno.EINVAL
            sock.send_new(b"x")


def test_command_line(lab: TwoLinks, certificates: Certificates, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DATA[:50_000])
    python = [sys.executable, "-c", "from tquic.cli import main; main()"]
    address = lab.server_address(0, port=4433)
    leaf = certificates.good
    serve = [*python, "serve", str(tmp_path), "--listen", str(address)]
    serve += ["--cert", str(leaf.cert_file), "--key", str(leaf.key_file)]
    ask = [*python, "get", f"https://{address}/file", "--server-name", NAME, "--json"]
    ask += ["--ca", str(certificates.ca.file), "-o", str(tmp_path), "-O", "copy"]
    ask += ["--session", str(tmp_path / "session")]
    with lab.server.popen(serve, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            assert "serving" in server.stderr.readline()
            found = []
            for _ in range(2):
                done = lab.client.run(ask, capture_output=True, text=True, timeout=120)
                assert done.returncode == 0, done.stderr
                (result,) = json.loads(done.stdout)
                found.append((result["resumed"], result["early_data"]))
                assert (tmp_path / "copy").read_bytes() == DATA[:50_000]
            assert found == [(False, "none"), (True, "accepted")]
        finally:
            server.terminate()


def test_handshake_alone_needs_no_session(lab: TwoLinks, certificates: Certificates) -> None:
    """A session of another protocol is resumed by nobody."""
    with serving(lab, server_tls(certificates)) as server:
        saved, _state, _resumed = talk(lab, server.address, certificates)
        other = certificates.client(early_data=True, alpn=("other", ALPN))
        options = Options(local=lab.client_address(0), saved=saved, version=1)
        with lab.client.entered():
            sock, handshake = establish(server.address, other, options)
        with sock:
            assert isinstance(handshake, Handshake)
            assert handshake.session.alpn == ALPN
