# SPDX-License-Identifier: GPL-2.0
"""The TLS 1.3 handshake of one QUIC connection, without I/O (RFC 9001 4)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NoReturn

from . import gnutls
from .config import Role, TlsConfig
from .gnutls import check, ffi, lib
from .resume import SavedSession, chosen_version, early_data_allowed

__all__ = ["Level", "Secret", "TlsAlert", "TlsSession"]

#: Bytes of one handshake message, and of unread data at one level, that are held at most.
MAX_MESSAGE_BYTES = 65536
#: Bytes of a transport parameters extension (RFC 8446 4.2).
MAX_PARAMS_BYTES = 65535

_EARLY_DATA_BYTES = 0xFFFFFFFF  # RFC 9001 4.6.1
_CRYPTO_ERROR = 0x0100  # RFC 9001 4.8
_PROTOCOL_VIOLATION = 0x0A  # RFC 9000 20.1
_CRYPTO_BUFFER_EXCEEDED = 0x0D

_MSG_CLIENT_HELLO = 1
_MSG_NEW_SESSION_TICKET = 4
_MSG_CERTIFICATE_REQUEST = 13

_UNEXPECTED_MESSAGE = 10
_BAD_CERTIFICATE = 42
_UNSUPPORTED_CERTIFICATE = 43
_CERTIFICATE_REVOKED = 44
_CERTIFICATE_EXPIRED = 45
_ILLEGAL_PARAMETER = 47
_UNKNOWN_CA = 48
_INTERNAL_ERROR = 80
_MISSING_EXTENSION = 109
_NO_APPLICATION_PROTOCOL = 120

# What a failed verification is called on the wire: the first matching status bit decides.
_VERIFY_ALERTS = (
    (gnutls.CERT_REVOKED, _CERTIFICATE_REVOKED),
    (gnutls.CERT_SIGNER_NOT_FOUND, _UNKNOWN_CA),
    (gnutls.CERT_EXPIRED | gnutls.CERT_NOT_ACTIVATED, _CERTIFICATE_EXPIRED),
    (gnutls.CERT_PURPOSE_MISMATCH, _UNSUPPORTED_CERTIFICATE),
)

_KEY_PURPOSE = {  # what the peer's certificate must be good for (RFC 5280 4.2.1.12)
    Role.CLIENT: b"1.3.6.1.5.5.7.3.1",
    Role.SERVER: b"1.3.6.1.5.5.7.3.2",
}


class Level(IntEnum):
    """Encryption level of CRYPTO data and secrets."""

    INITIAL = 0
    EARLY = 1
    HANDSHAKE = 2
    APP = 3


@dataclass(frozen=True)
class Secret:
    """A traffic secret: ``send`` is this endpoint's direction, ``cipher`` 0x1301 to 0x1303."""

    level: Level
    send: bool
    cipher: int
    secret: bytes = field(repr=False)


class TlsAlert(Exception):  # noqa: N818 - it carries an alert, and is named after it
    """The handshake failed: close the connection with ``quic_error``.

    ``alert`` is the TLS alert number; ``quic_error`` is 0x0100 + alert (RFC 9001 4.8), or the
    transport error where RFC 9001 names one instead.
    """

    def __init__(self, alert: int, text: str, quic_error: int | None = None) -> None:
        super().__init__(text)
        self.alert = alert
        self.text = text
        self.quic_error = _CRYPTO_ERROR + alert if quic_error is None else quic_error

    def __str__(self) -> str:
        name = lib.gnutls_alert_get_strname(self.alert)
        label = "alert" if name == ffi.NULL else ffi.string(name).decode()
        return f"{label} ({self.alert}): {self.text}"


class TlsSession:
    """One side of a handshake: bytes in by :meth:`receive`, bytes and secrets out by ``take_*``.

    Secrets must be installed before the CRYPTO data taken with them is sent. After a
    :class:`TlsAlert` nothing more comes out and every call raises it again.
    ``saved`` is a client's session to be resumed, if the server knows it still. ``on_params`` is
    given the peer's transport parameters as soon as they are known, and tells ours anew: a server's
    may depend on its client's.
    Raises ValueError or OSError at construction for a configuration that cannot be used.
    """

    def __init__(
        self,
        config: TlsConfig,
        role: Role,
        transport_params: bytes,
        saved: SavedSession | None = None,
        on_params: Callable[[bytes], bytes] | None = None,
    ) -> None:
        if not 0 < len(transport_params) <= MAX_PARAMS_BYTES:
            raise ValueError("transport_params: 1 to 65535 bytes, as a TLS extension holds")
        self.config = config
        self.role = role
        self.complete = False
        self._receive_level = Level.INITIAL
        self._inbox = {level: bytearray() for level in Level}
        self._failure: TlsAlert | None = None
        self._early_allowed = False
        self._first_params = bytes(transport_params)
        self._saved = saved if role is Role.CLIENT else None
        self._credentials = config.credentials(role)
        lookup = config.psk_lookup if role is Role.SERVER else None
        self._sink = gnutls.Sink(
            transport_params=bytes(transport_params),
            demands=self._demands(),
            certificate_optional=role is Role.SERVER and not config.require_client_cert,
            psk_lookup=lookup,
            on_params=on_params,
        )
        self._session, self._handle = self._open()

    def _open(self) -> tuple[Any, Any]:
        flags = gnutls.INIT_CLIENT if self.role is Role.CLIENT else gnutls.INIT_SERVER
        flags |= gnutls.INIT_NONBLOCK | gnutls.INIT_NO_AUTO_SEND_TICKET
        flags |= gnutls.INIT_NO_END_OF_EARLY_DATA
        early = self.role is Role.SERVER or (self._saved is not None and self._saved.early)
        if self.config.early_data and early:
            flags |= gnutls.INIT_ENABLE_EARLY_DATA
        keylog = self.config.keylog is not None
        if keylog:
            self._write_keylog()  # an unwritable file is reported before anything happens
        session, handle = gnutls.new_session(flags, self._sink, keylog)
        priority = self.config.priority(self.role)
        check(lib.gnutls_priority_set_direct(session, priority, ffi.NULL), "priority")
        for kind, credential in self._credentials.items:
            check(lib.gnutls_credentials_set(session, kind, credential), "credentials")
        self._set_alpn(session)
        name = self.config.dns_name
        if self.role is Role.CLIENT and name is not None:
            raw = name.encode()
            result = lib.gnutls_server_name_set(session, gnutls.NAME_DNS, raw, len(raw))
            check(result, "server_name")
        if self._saved is not None:
            ticket = self._saved.ticket
            # One of another library version is of no use, and no obstacle.
            lib.gnutls_session_set_data(session, ticket, len(ticket))
        if self._credentials.tickets is not None:
            self._enable_tickets(session)
        if self.role is Role.SERVER and self.config.client_ca_file is not None:
            required = self.config.require_client_cert
            request = gnutls.CERT_REQUIRE if required else gnutls.CERT_REQUEST
            lib.gnutls_certificate_server_set_request(session, request)
        return session, handle

    def _enable_tickets(self, session: Any) -> None:
        tickets = self._credentials.tickets
        assert tickets is not None
        key = tickets.key(self._sink.transport_params, self.config.alpn)
        memory = ffi.from_buffer("unsigned char[]", key)
        datum = ffi.new("gnutls_datum_t *", {"data": memory, "size": len(key)})
        check(lib.gnutls_session_ticket_enable_server(session, datum), "session tickets")
        if self.config.early_data:
            lib.gnutls_record_set_max_early_data_size(session, _EARLY_DATA_BYTES)
            lib.gnutls_anti_replay_enable(session, tickets.anti_replay)

    def _set_alpn(self, session: Any) -> None:
        names = [ffi.new("unsigned char[]", p.encode()) for p in self.config.alpn]
        protocols = ffi.new("gnutls_datum_t[]", [{"data": n, "size": len(n) - 1} for n in names])
        flags = gnutls.ALPN_MANDATORY
        if self.role is Role.SERVER:
            flags |= gnutls.ALPN_SERVER_PRECEDENCE
        check(lib.gnutls_alpn_set_protocols(session, protocols, len(names), flags), "alpn")

    def _demands(self) -> list[tuple[int, bytes]]:
        """What the peer's certificate must satisfy; empty when none is verified."""
        config = self.config
        if not (config.uses_certificates(self.role) and config.verifies_certificates(self.role)):
            return []
        demands = [(gnutls.DT_KEY_PURPOSE_OID, _KEY_PURPOSE[self.role])]
        if self.role is Role.CLIENT and config.server_name is not None:
            name = config.dns_name or config.server_name
            demands.append((gnutls.DT_DNS_HOSTNAME, name.encode()))
        return demands

    @property
    def verified(self) -> bool:
        """Whether the peer has proved who it is: by a verified certificate or a shared key.

        A server that knows the session again is who it was then; its client is still nobody.
        """
        if self.resumed:
            return self._saved is not None and self._saved.verified
        return self.complete and (self._sink.peer_verified or not self._sink.certificates_used)

    @property
    def resumed(self) -> bool:
        """Whether the session is an earlier one; known once ``complete``."""
        return self.complete and bool(lib.gnutls_session_is_resumed(self._session))

    @property
    def early_accepted(self) -> bool:
        """Whether the server takes early data; known with the peer's transport parameters."""
        return bool(lib.gnutls_session_get_flags(self._session) & gnutls.SFLAGS_EARLY_DATA)

    def save(self, version: int) -> SavedSession | None:
        """What a client needs to resume the session over that version of QUIC.

        None until the server has sent a ticket. Every ticket is good for one connection.
        """
        flags = lib.gnutls_session_get_flags(self._session)
        params = self.peer_transport_params
        if not flags & gnutls.SFLAGS_SESSION_TICKET or params is None or self.alpn is None:
            return None
        out = ffi.new("gnutls_datum_t *")
        if lib.gnutls_session_get_data2(self._session, out) < 0:
            return None
        try:
            ticket = bytes(ffi.buffer(out.data, out.size))
        finally:
            lib.gnutls_free(out.data)
        server = self.config.server_name
        return SavedSession(
            ticket, params, version, self.alpn, server, self.verified, self._early_allowed
        )

    @property
    def peer_transport_params(self) -> bytes | None:
        """The peer's quic_transport_parameters; authenticated once ``complete``."""
        return self._sink.peer_transport_params

    @property
    def alpn(self) -> str | None:
        """The protocol agreed on."""
        datum = ffi.new("gnutls_datum_t *")
        if lib.gnutls_alpn_get_selected_protocol(self._session, datum) < 0:
            return None
        return bytes(ffi.buffer(datum.data, datum.size)).decode()

    @property
    def peer_certificate(self) -> bytes | None:
        """The peer's end-entity certificate in DER."""
        size = ffi.new("unsigned int *")
        chain = lib.gnutls_certificate_get_peers(self._session, size)
        if chain == ffi.NULL or size[0] == 0:
            return None
        return bytes(ffi.buffer(chain[0].data, chain[0].size))

    def start(self) -> None:
        """Begin: a client's ClientHello becomes available. A server just waits for data."""
        if self.role is Role.CLIENT:
            self._advance()

    def receive(self, level: Level, data: bytes) -> None:
        """Take in-order CRYPTO bytes of ``level``, cut anywhere. Raises TlsAlert."""
        if self._failure is not None:
            raise self._failure
        if not data:
            return
        if level < self._receive_level or level == Level.EARLY:
            self._fail(_UNEXPECTED_MESSAGE, f"new data at level {level.name}", _PROTOCOL_VIOLATION)
        inbox = self._inbox[level]
        if len(inbox) + len(data) > MAX_MESSAGE_BYTES:
            self._fail(_INTERNAL_ERROR, "too much handshake data", _CRYPTO_BUFFER_EXCEEDED)
        inbox += data
        while (message := self._next_message()) is not None:
            before = self._receive_level
            self._process(message)
            if self._receive_level != before and self._inbox[before]:
                self._fail(_UNEXPECTED_MESSAGE, "handshake data across a key change")

    def take_crypto(self) -> list[tuple[Level, bytes]]:
        """CRYPTO data to send, in order."""
        out = [(Level(level), data) for level, data in self._sink.crypto]
        self._sink.crypto.clear()
        return out

    def take_secrets(self) -> list[Secret]:
        """Traffic secrets to install, in the order in which they come into use."""
        out = [Secret(Level(lv), send, suite, key) for lv, send, suite, key in self._sink.secrets]
        self._sink.secrets.clear()
        return out

    def _next_message(self) -> bytes | None:
        """Cut one whole handshake message (RFC 8446 4) off the current level's data."""
        inbox = self._inbox[self._receive_level]
        if len(inbox) < 4:
            return None
        size = 4 + int.from_bytes(inbox[1:4], "big")
        if size > MAX_MESSAGE_BYTES:
            self._fail(_INTERNAL_ERROR, "handshake message too long", _CRYPTO_BUFFER_EXCEEDED)
        if len(inbox) < size:
            return None
        message = bytes(inbox[:size])
        del inbox[:size]
        return message

    def _process(self, message: bytes) -> None:
        if self.complete:
            self._check_post_handshake(message)
        elif message[0] == _MSG_CLIENT_HELLO and message[38:39] > b"\0":
            # A legacy_session_id is the mark of middlebox compatibility mode (RFC 9001 8.4).
            self._fail(_UNEXPECTED_MESSAGE, "compatibility mode", _PROTOCOL_VIOLATION)
        elif message[0] == gnutls.HANDSHAKE_CERTIFICATE:
            self._sink.certificates_used = True
        level = int(self._receive_level)
        result = lib.gnutls_handshake_write(self._session, level, message, len(message))
        if result < 0 and lib.gnutls_error_is_fatal(result):
            self._fail_gnutls(result)
        if not self.complete:
            self._advance()

    def _check_post_handshake(self, message: bytes) -> None:
        kind = message[0]
        if kind == _MSG_CERTIFICATE_REQUEST:  # RFC 9001 4.4
            self._fail(_UNEXPECTED_MESSAGE, "post-handshake authentication", _PROTOCOL_VIOLATION)
        if self.role is Role.SERVER or kind != _MSG_NEW_SESSION_TICKET:  # RFC 9001 6
            self._fail(_UNEXPECTED_MESSAGE, f"handshake message {kind} after the handshake")
        allowed = early_data_allowed(message)
        if allowed not in (None, _EARLY_DATA_BYTES):
            self._fail(_ILLEGAL_PARAMETER, "limit of early data", _PROTOCOL_VIOLATION)
        self._early_allowed = allowed is not None

    def _advance(self) -> None:
        """Run GnuTLS as far as its input allows and note what came of it."""
        if self._failure is not None:
            raise self._failure
        result = gnutls.E_INTERRUPTED
        while result == gnutls.E_INTERRUPTED:
            result = lib.gnutls_handshake(self._session)
        if result < 0 and lib.gnutls_error_is_fatal(result):
            self._fail_gnutls(result)
        if self._sink.alert is not None:
            self._fail(self._sink.alert, "handshake refused")
        if any(lv == Level.HANDSHAKE and not send for lv, send, *_ in self._sink.secrets):
            self._receive_level = Level.HANDSHAKE
        self._check_negotiated(done=result == 0)
        if result == 0:
            self.complete = True
            self._receive_level = Level.APP
            if self._credentials.tickets is not None and not self._upgraded():
                check(lib.gnutls_session_ticket_send(self._session, 1, 0), "session ticket")
        if self._sink.keylog:
            self._write_keylog()

    def _upgraded(self) -> bool:
        """Whether the connection is of another version than its tickets would be (RFC 9369 5)."""
        return chosen_version(self._sink.transport_params) != chosen_version(self._first_params)

    def _check_negotiated(self, *, done: bool) -> None:
        """RFC 9001 8.1 and 8.2: ALPN and transport parameters are not optional."""
        hello_done = self.role is Role.SERVER and self._receive_level > Level.INITIAL
        if not (done or hello_done):
            return
        if self.alpn is None:
            self._fail(_NO_APPLICATION_PROTOCOL, "no application protocol agreed on")
        if self._sink.peer_transport_params is None:
            self._fail(_MISSING_EXTENSION, "no QUIC transport parameters")

    def _fail_gnutls(self, error: int) -> NoReturn:
        """Turn a GnuTLS error into the alert to send."""
        if self._sink.fault is not None:
            self._fail(_INTERNAL_ERROR, "internal error", cause=self._sink.fault)
        if error == gnutls.E_CERTIFICATE_VERIFICATION_ERROR:
            status = self._sink.verify_status
            alert = next((a for bits, a in _VERIFY_ALERTS if status & bits), _BAD_CERTIFICATE)
            self._fail(alert, _status_text(status))
        if self._sink.alert is not None:
            alert = self._sink.alert
        else:
            alert = lib.gnutls_error_to_alert(error, ffi.new("int *"))
        self._fail(alert if alert >= 0 else _INTERNAL_ERROR, gnutls.strerror(error))

    def _fail(
        self,
        alert: int,
        text: str,
        quic_error: int | None = None,
        cause: BaseException | None = None,
    ) -> NoReturn:
        self._failure = TlsAlert(alert, text, quic_error)
        self._sink.crypto.clear()
        self._sink.secrets.clear()
        self._inbox = {level: bytearray() for level in Level}
        raise self._failure from cause

    def _write_keylog(self) -> None:
        """Append pending lines in NSS key log format; the file is private to its owner."""
        client_random = ffi.new("gnutls_datum_t *")
        lines = b""
        if self._sink.keylog:
            lib.gnutls_session_get_random(self._session, client_random, ffi.NULL)
            tag = bytes(ffi.buffer(client_random.data, client_random.size)).hex()
            entries = [f"{label} {tag} {key.hex()}\n" for label, key in self._sink.keylog]
            lines = "".join(entries).encode("ascii")
            self._sink.keylog.clear()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        fd = os.open(os.fspath(self.config.keylog or ""), flags, 0o600)
        try:
            os.write(fd, lines)
        finally:
            os.close(fd)


def _status_text(status: int) -> str:
    """GnuTLS's words for certificate status bits."""
    out = ffi.new("gnutls_datum_t *")
    if lib.gnutls_certificate_verification_status_print(status, gnutls.CRT_X509, out, 0) < 0:
        return f"certificate status {status:#x}"
    try:
        return bytes(ffi.buffer(out.data, out.size)).decode(errors="replace").strip()
    finally:
        lib.gnutls_free(out.data)
