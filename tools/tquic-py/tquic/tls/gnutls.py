# SPDX-License-Identifier: GPL-2.0
"""cffi ABI binding to libgnutls (>= 3.7.2): declarations, constants and the C callbacks.

Callbacks never raise into C. Each finds its :class:`Sink` through the handle stored with
``gnutls_session_set_ptr`` and records what happened there; the Python side reads the sink after
the C call has returned. The sink holds no reference to the TLS session, so nothing here makes a
reference cycle and ``gnutls_deinit`` runs as soon as the last reference goes away.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import cffi

__all__ = [
    "Replays",
    "Sink",
    "check",
    "ffi",
    "lib",
    "new_anti_replay",
    "new_credentials",
    "new_session",
    "strerror",
]

_F = TypeVar("_F", bound=Callable[..., int])

_CDEF = """
typedef struct gnutls_session_int *gnutls_session_t;
typedef struct gnutls_certificate_credentials_st *gnutls_certificate_credentials_t;
typedef struct gnutls_psk_server_credentials_st *gnutls_psk_server_credentials_t;
typedef struct gnutls_psk_client_credentials_st *gnutls_psk_client_credentials_t;
typedef struct gnutls_anti_replay_st *gnutls_anti_replay_t;
typedef void *gnutls_buffer_t;
typedef long time_t;
typedef struct { unsigned char *data; unsigned int size; } gnutls_datum_t;
typedef struct { int type; unsigned char *data; unsigned int size; } gnutls_typed_vdata_st;

typedef int (*tq_read_func)(gnutls_session_t, int level, int htype, const void *data, size_t len);
typedef int (*tq_secret_func)(gnutls_session_t, int level, const void *rx, const void *tx,
                              size_t len);
typedef int (*tq_alert_func)(gnutls_session_t, int level, int severity, int alert);
typedef int (*tq_ext_recv_func)(gnutls_session_t, const unsigned char *data, size_t len);
typedef int (*tq_ext_send_func)(gnutls_session_t, gnutls_buffer_t out);
typedef int (*tq_keylog_func)(gnutls_session_t, const char *label, const gnutls_datum_t *secret);
typedef int (*tq_verify_func)(gnutls_session_t);
typedef int (*tq_db_add_func)(void *ptr, time_t expires, const gnutls_datum_t *key,
                              const gnutls_datum_t *data);
typedef int (*tq_psk_func)(gnutls_session_t, const gnutls_datum_t *identity, gnutls_datum_t *key);

extern void *(*gnutls_malloc)(size_t);
extern void (*gnutls_free)(void *);

const char *gnutls_check_version(const char *required);
const char *gnutls_strerror(int error);
int gnutls_error_is_fatal(int error);
int gnutls_error_to_alert(int error, int *level);
const char *gnutls_alert_get_strname(int alert);

int gnutls_init(gnutls_session_t *session, unsigned int flags);
void gnutls_deinit(gnutls_session_t session);
void gnutls_session_set_ptr(gnutls_session_t session, void *ptr);
void *gnutls_session_get_ptr(gnutls_session_t session);
int gnutls_priority_set_direct(gnutls_session_t session, const char *prio, const char **err_pos);
int gnutls_credentials_set(gnutls_session_t session, int type, void *cred);
int gnutls_server_name_set(gnutls_session_t session, int type, const void *name, size_t len);
int gnutls_alpn_set_protocols(gnutls_session_t session, const gnutls_datum_t *protocols,
                              unsigned size, unsigned flags);
int gnutls_alpn_get_selected_protocol(gnutls_session_t session, gnutls_datum_t *protocol);
int gnutls_cipher_get(gnutls_session_t session);
int gnutls_early_cipher_get(gnutls_session_t session);
void gnutls_session_get_random(gnutls_session_t session, gnutls_datum_t *client,
                               gnutls_datum_t *server);
const gnutls_datum_t *gnutls_certificate_get_peers(gnutls_session_t session, unsigned int *size);

int gnutls_handshake(gnutls_session_t session);
int gnutls_handshake_write(gnutls_session_t session, int level, const void *data, size_t len);
void gnutls_handshake_set_read_function(gnutls_session_t session, tq_read_func func);
void gnutls_handshake_set_secret_function(gnutls_session_t session, tq_secret_func func);
void gnutls_alert_set_read_function(gnutls_session_t session, tq_alert_func func);
void gnutls_session_set_keylog_function(gnutls_session_t session, tq_keylog_func func);
int gnutls_session_ext_register(gnutls_session_t session, const char *name, int type,
                                int parse_point, tq_ext_recv_func recv, tq_ext_send_func send,
                                void *deinit, void *pack, void *unpack, unsigned flags);
int gnutls_buffer_append_data(gnutls_buffer_t buffer, const void *data, size_t len);

int gnutls_certificate_allocate_credentials(gnutls_certificate_credentials_t *cred);
void gnutls_certificate_free_credentials(gnutls_certificate_credentials_t cred);
int gnutls_certificate_set_x509_system_trust(gnutls_certificate_credentials_t cred);
int gnutls_certificate_set_x509_trust_mem(gnutls_certificate_credentials_t cred,
                                          const gnutls_datum_t *ca, int format);
int gnutls_certificate_set_x509_key_mem2(gnutls_certificate_credentials_t cred,
                                         const gnutls_datum_t *cert, const gnutls_datum_t *key,
                                         int format, const char *pass, unsigned flags);
void gnutls_certificate_server_set_request(gnutls_session_t session, int request);
void gnutls_session_set_verify_function(gnutls_session_t session, tq_verify_func func);
int gnutls_certificate_verify_peers(gnutls_session_t session, gnutls_typed_vdata_st *data,
                                    unsigned elements, unsigned *status);
int gnutls_certificate_verification_status_print(unsigned status, int type, gnutls_datum_t *out,
                                                 unsigned flags);

unsigned gnutls_session_get_flags(gnutls_session_t session);
int gnutls_session_is_resumed(gnutls_session_t session);
int gnutls_session_set_data(gnutls_session_t session, const void *data, size_t size);
int gnutls_session_get_data2(gnutls_session_t session, gnutls_datum_t *data);
int gnutls_session_ticket_enable_server(gnutls_session_t session, const gnutls_datum_t *key);
int gnutls_session_ticket_send(gnutls_session_t session, unsigned nr, unsigned flags);
int gnutls_record_set_max_early_data_size(gnutls_session_t session, size_t size);
int gnutls_anti_replay_init(gnutls_anti_replay_t *anti_replay);
void gnutls_anti_replay_deinit(gnutls_anti_replay_t anti_replay);
void gnutls_anti_replay_set_window(gnutls_anti_replay_t anti_replay, unsigned int ms);
void gnutls_anti_replay_set_add_function(gnutls_anti_replay_t anti_replay, tq_db_add_func add);
void gnutls_anti_replay_set_ptr(gnutls_anti_replay_t anti_replay, void *ptr);
void gnutls_anti_replay_enable(gnutls_session_t session, gnutls_anti_replay_t anti_replay);

int gnutls_psk_allocate_client_credentials(gnutls_psk_client_credentials_t *cred);
void gnutls_psk_free_client_credentials(gnutls_psk_client_credentials_t cred);
int gnutls_psk_set_client_credentials2(gnutls_psk_client_credentials_t cred,
                                       const gnutls_datum_t *identity, const gnutls_datum_t *key,
                                       int flags);
int gnutls_psk_allocate_server_credentials(gnutls_psk_server_credentials_t *cred);
void gnutls_psk_free_server_credentials(gnutls_psk_server_credentials_t cred);
void gnutls_psk_set_server_credentials_function2(gnutls_psk_server_credentials_t cred,
                                                 tq_psk_func func);
"""

# gnutls/gnutls.h: error codes (negative) and the enumerations used here.
E_AGAIN = -28
E_INTERRUPTED = -52
E_INTERNAL_ERROR = -59
E_CERTIFICATE_VERIFICATION_ERROR = -348
E_DB_ENTRY_EXISTS = -428

INIT_SERVER = 1 << 0
INIT_CLIENT = 1 << 1
INIT_NONBLOCK = 1 << 3
INIT_ENABLE_EARLY_DATA = 1 << 20
INIT_NO_AUTO_SEND_TICKET = 1 << 21
INIT_NO_END_OF_EARLY_DATA = 1 << 22

SFLAGS_SESSION_TICKET = 1 << 7
SFLAGS_EARLY_DATA = 1 << 10

CRD_CERTIFICATE = 1
CRD_PSK = 4
X509_FMT_PEM = 1
NAME_DNS = 1
CERT_REQUEST = 1
CERT_REQUIRE = 2
CRT_X509 = 1
DT_DNS_HOSTNAME = 1
DT_KEY_PURPOSE_OID = 2
HANDSHAKE_CERTIFICATE = 11
_HANDSHAKE_CHANGE_CIPHER_SPEC = 254
ALPN_MANDATORY = 1 << 0
ALPN_SERVER_PRECEDENCE = 1 << 1
PSK_KEY_RAW = 0

CERT_REVOKED = 1 << 5
CERT_SIGNER_NOT_FOUND = 1 << 6
CERT_NOT_ACTIVATED = 1 << 9
CERT_EXPIRED = 1 << 10
CERT_PURPOSE_MISMATCH = 1 << 18

EXT_TYPE_QUIC_TRANSPORT_PARAMETERS = 0x39  # RFC 9001 8.2
_EXT_PARSE_TLS = 2
_EXT_FLAGS = (1 << 1) | (1 << 4) | (1 << 7)  # ClientHello, EncryptedExtensions, TLS

_LEVEL_EARLY = 1

# gnutls_cipher_algorithm_t -> TLS 1.3 cipher suite (RFC 8446 B.4)
CIPHER_SUITES = {10: 0x1301, 11: 0x1302, 23: 0x1303}

_MIN_VERSION = b"3.7.2"  # the first with GNUTLS_NO_END_OF_EARLY_DATA

ffi: Any = cffi.FFI()
ffi.cdef(_CDEF)
lib: Any = ffi.dlopen("libgnutls.so.30")
if lib.gnutls_check_version(_MIN_VERSION) == ffi.NULL:
    raise ImportError(f"libgnutls is older than {_MIN_VERSION.decode()}")


@dataclass
class Sink:
    """What the C callbacks of one session record, and the input they need.

    ``demands`` is what a peer's certificate must satisfy: (GNUTLS_DT_* kind, text) pairs.
    """

    transport_params: bytes
    demands: list[tuple[int, bytes]] = field(default_factory=list)
    certificate_optional: bool = False
    certificates_used: bool = False
    peer_verified: bool = False
    verify_status: int = 0
    psk_lookup: Callable[[bytes], bytes | None] | None = None
    on_params: Callable[[bytes], bytes] | None = None
    peer_transport_params: bytes | None = None
    crypto: list[tuple[int, bytes]] = field(default_factory=list)
    secrets: list[tuple[int, bool, int, bytes]] = field(default_factory=list)
    keylog: list[tuple[str, bytes]] = field(default_factory=list)
    alert: int | None = None
    fault: BaseException | None = None


class Replays(Protocol):
    """What remembers the ClientHellos that offered early data."""

    def add(self, key: bytes, expires_s: int) -> bool:
        """Remember ``key`` until a time; False: it was there, or there is no room."""
        ...


def strerror(error: int) -> str:
    """GnuTLS's text for a (negative) error code."""
    text: bytes = ffi.string(lib.gnutls_strerror(error))
    return text.decode()


def check(result: int, what: str) -> None:
    """Raise ValueError when a configuration call failed."""
    if result < 0:
        raise ValueError(f"{what}: {strerror(result)}")


def _sink(session: Any) -> Sink:
    sink: Sink = ffi.from_handle(lib.gnutls_session_get_ptr(session))
    return sink


def _on_error(_type: Any, exc: Any, traceback: Any) -> int:
    """Keep an exception out of C: park it in the innermost sink and fail the handshake."""
    frame = traceback.tb_frame if traceback is not None else None
    sink = frame.f_locals.get("sink") if frame is not None else None
    if isinstance(sink, Sink) and sink.fault is None:
        sink.fault = exc
    return E_INTERNAL_ERROR


def _callback(signature: str) -> Callable[[_F], _F]:
    """Make a C function of a Python one; the module's own name keeps it alive."""
    make: Callable[[_F], _F] = ffi.callback(signature, error=E_INTERNAL_ERROR, onerror=_on_error)
    return make


@_callback("tq_read_func")
def _handshake_read(session: Any, level: int, htype: int, data: Any, size: int) -> int:
    """GnuTLS hands out one handshake message to be sent at ``level``."""
    sink = _sink(session)
    if htype == HANDSHAKE_CERTIFICATE:
        sink.certificates_used = True
    if htype != _HANDSHAKE_CHANGE_CIPHER_SPEC:  # of middlebox mode, not part of QUIC
        sink.crypto.append((level, bytes(ffi.buffer(data, size))))
    return 0


@_callback("tq_secret_func")
def _secret(session: Any, level: int, receive: Any, send: Any, size: int) -> int:
    """GnuTLS derived the traffic secrets of ``level``; either direction may be NULL."""
    sink = _sink(session)
    early = level == _LEVEL_EARLY
    cipher = lib.gnutls_early_cipher_get(session) if early else lib.gnutls_cipher_get(session)
    suite = CIPHER_SUITES[cipher]
    if receive != ffi.NULL:
        sink.secrets.append((level, False, suite, bytes(ffi.buffer(receive, size))))
    if send != ffi.NULL:
        sink.secrets.append((level, True, suite, bytes(ffi.buffer(send, size))))
    return 0


@_callback("tq_alert_func")
def _alert(session: Any, _level: int, _severity: int, alert: int) -> int:
    """GnuTLS wants to send an alert."""
    sink = _sink(session)
    if sink.alert is None:
        sink.alert = alert
    return 0


@_callback("tq_ext_recv_func")
def _params_recv(session: Any, data: Any, size: int) -> int:
    """The peer's quic_transport_parameters, opaque here."""
    sink = _sink(session)
    sink.peer_transport_params = bytes(ffi.buffer(data, size)) if size else b""
    if sink.on_params is not None:
        sink.transport_params = sink.on_params(sink.peer_transport_params)
    return 0


@_callback("tq_ext_send_func")
def _params_send(session: Any, out: Any) -> int:
    """Append our quic_transport_parameters to ClientHello or EncryptedExtensions."""
    sink = _sink(session)
    params = sink.transport_params
    return int(lib.gnutls_buffer_append_data(out, params, len(params)))


@_callback("tq_keylog_func")
def _keylog(session: Any, label: Any, secret: Any) -> int:
    """One line for the key log."""
    sink = _sink(session)
    text = ffi.string(label).decode("ascii")
    sink.keylog.append((text, bytes(ffi.buffer(secret.data, secret.size))))
    return 0


@_callback("tq_verify_func")
def _verify(session: Any) -> int:
    """Verify the peer's chain, name, purpose and validity; the status stays in the sink."""
    sink = _sink(session)
    size = ffi.new("unsigned int *")
    if lib.gnutls_certificate_get_peers(session, size) == ffi.NULL and sink.certificate_optional:
        return 0
    texts = [ffi.new("unsigned char[]", text) for _, text in sink.demands]
    data = ffi.new(
        "gnutls_typed_vdata_st[]",
        [{"type": d[0], "data": t} for d, t in zip(sink.demands, texts, strict=True)],
    )
    status = ffi.new("unsigned int *")
    result = int(lib.gnutls_certificate_verify_peers(session, data, len(texts), status))
    if result < 0:
        return result
    sink.verify_status = status[0]
    sink.peer_verified = status[0] == 0
    return E_CERTIFICATE_VERIFICATION_ERROR if status[0] else 0


@_callback("tq_psk_func")
def _psk(session: Any, identity: Any, key: Any) -> int:
    """Look up a pre-shared key; an unknown identity fails just as a wrong key does."""
    sink = _sink(session)
    found = None
    if sink.psk_lookup is not None:
        found = sink.psk_lookup(bytes(ffi.buffer(identity.data, identity.size)))
    if not found:
        found = os.urandom(32)
    memory = lib.gnutls_malloc(len(found))
    if memory == ffi.NULL:
        raise MemoryError
    ffi.memmove(memory, found, len(found))
    key.data = ffi.cast("unsigned char *", memory)
    key.size = len(found)
    return 0


@_callback("tq_db_add_func")
def _seen(pointer: Any, expires: int, key: Any, _data: Any) -> int:
    """Whether a ClientHello that offers early data came before."""
    replays: Replays = ffi.from_handle(pointer)
    fresh = replays.add(bytes(ffi.buffer(key.data, key.size)), expires)
    return 0 if fresh else E_DB_ENTRY_EXISTS


def new_anti_replay(replays: Replays, window_ms: int) -> tuple[Any, Any]:
    """A gnutls_anti_replay_t that asks ``replays``, and the handle it points to.

    The caller keeps both alive as long as any session uses them. Raises ValueError.
    """
    out = ffi.new("gnutls_anti_replay_t *")
    check(lib.gnutls_anti_replay_init(out), "gnutls_anti_replay_init")
    anti_replay = ffi.gc(out[0], lib.gnutls_anti_replay_deinit)
    handle = ffi.new_handle(replays)
    lib.gnutls_anti_replay_set_window(anti_replay, window_ms)
    lib.gnutls_anti_replay_set_add_function(anti_replay, _seen)
    lib.gnutls_anti_replay_set_ptr(anti_replay, handle)
    return anti_replay, handle


def new_session(flags: int, sink: Sink, keylog: bool) -> tuple[Any, Any]:
    """A gnutls_session_t with every QUIC hook installed, and the handle it points to.

    The caller keeps the handle alive as long as the session. Raises ValueError or MemoryError.
    """
    out = ffi.new("gnutls_session_t *")
    check(lib.gnutls_init(out, flags), "gnutls_init")
    session = ffi.gc(out[0], lib.gnutls_deinit, 32768)
    handle = ffi.new_handle(sink)
    lib.gnutls_session_set_ptr(session, handle)
    lib.gnutls_handshake_set_read_function(session, _handshake_read)
    lib.gnutls_handshake_set_secret_function(session, _secret)
    lib.gnutls_alert_set_read_function(session, _alert)
    if sink.demands:
        lib.gnutls_session_set_verify_function(session, _verify)
    if keylog:
        lib.gnutls_session_set_keylog_function(session, _keylog)
    result = lib.gnutls_session_ext_register(
        session, b"QUIC Transport Parameters", EXT_TYPE_QUIC_TRANSPORT_PARAMETERS, _EXT_PARSE_TLS,
        _params_recv, _params_send, ffi.NULL, ffi.NULL, ffi.NULL, _EXT_FLAGS,
    )  # fmt: skip
    check(result, "gnutls_session_ext_register")
    return session, handle


def new_credentials(kind: str) -> Any:
    """Allocate credentials: kind is "certificate", "psk_client" or "psk_server"."""
    out = ffi.new(f"gnutls_{kind}_credentials_t *")
    prefix, _, side = kind.partition("_")
    tail = f"{side}_credentials" if side else "credentials"
    check(getattr(lib, f"gnutls_{prefix}_allocate_{tail}")(out), "allocate credentials")
    cred = ffi.gc(out[0], getattr(lib, f"gnutls_{prefix}_free_{tail}"), 8192)
    if kind == "psk_server":
        lib.gnutls_psk_set_server_credentials_function2(cred, _psk)
    return cred
