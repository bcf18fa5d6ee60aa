# SPDX-License-Identifier: GPL-2.0
"""TLS configuration of an endpoint, and the GnuTLS credentials made from it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

from . import gnutls
from .gnutls import check, ffi, lib
from .resume import Tickets

__all__ = ["CIPHERS", "Credentials", "Role", "TlsConfig"]

#: TLS 1.3 suites a caller may choose: suite number -> GnuTLS priority keyword.
CIPHERS = {0x1301: "AES-128-GCM", 0x1302: "AES-256-GCM", 0x1303: "CHACHA20-POLY1305"}
GROUPS = ("X25519", "SECP256R1", "SECP384R1", "SECP521R1")
_SHA256_SUITES = (0x1301, 0x1303)


class Role(Enum):
    """Which end of the handshake a session is."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, kw_only=True)
class TlsConfig:
    """What an endpoint offers and demands. Files are PEM and are read once, at first use.

    Client: ``server_name`` (DNS name or IP address the certificate must carry) is required unless
    ``verify`` is turned off or ``psk`` replaces certificates; trust comes from ``ca_file`` and
    ``ca_data``, or from the system when neither is given; ``cert_file``/``key_file`` answer a
    server that asks for a certificate. Server: ``cert_file``/``key_file`` and/or ``psk_lookup``;
    ``client_ca_file`` makes it ask for and verify client certificates, ``require_client_cert``
    refuses clients without one (a pre-shared key stands in for it).

    ``psk`` is (identity, key): the client then authenticates with the key alone and accepts no
    certificate instead. ``psk_lookup`` returns the key of an identity, or None.
    A server that knows its clients by nothing gives them session tickets; with ``early_data`` it
    takes data that comes before the handshake is complete, which an attacker can send once more:
    only for requests that do no harm twice, and with one ``alpn``. A client with ``early_data``
    offers it when it resumes a session.
    ``keylog`` is a file to which secrets are appended in NSS key log format; None leaves GnuTLS's
    default, which is to honour the SSLKEYLOGFILE environment variable.
    """

    alpn: tuple[str, ...]
    server_name: str | None = None
    verify: bool = True
    ca_file: Path | str | None = None
    ca_data: bytes | None = None
    cert_file: Path | str | None = None
    key_file: Path | str | None = None
    client_ca_file: Path | str | None = None
    require_client_cert: bool = False
    psk: tuple[bytes, bytes] | None = field(default=None, repr=False)
    psk_lookup: Callable[[bytes], bytes | None] | None = None
    early_data: bool = False
    ciphers: tuple[int, ...] = tuple(CIPHERS)
    groups: tuple[str, ...] = GROUPS[:3]
    keylog: Path | str | None = None
    _cache: dict[Role, Credentials] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def credentials(self, role: Role) -> Credentials:
        """The credentials for ``role``, made once and shared by all sessions.

        Raises ValueError for a configuration that cannot work or is unsafe by omission, OSError
        for an unreadable file.
        """
        if role not in self._cache:
            self._check(role)
            self._cache[role] = Credentials(self, role)
        return self._cache[role]

    def for_peer(self, role: Role, *, alpn: tuple[str, ...], server_name: str | None) -> TlsConfig:
        """The same with other names. The credentials do not depend on them and are shared.

        Raises as :meth:`credentials` does.
        """
        out = replace(self, alpn=alpn, server_name=server_name)
        out._check(role)
        if role not in self._cache:
            self._cache[role] = Credentials(out, role)
        out._cache[role] = self._cache[role]
        return out

    def _check(self, role: Role) -> None:
        if not self.alpn or any(not 0 < len(p.encode()) < 256 for p in self.alpn):
            raise ValueError("alpn: QUIC needs at least one protocol of 1 to 255 bytes")
        if not self.ciphers or any(c not in CIPHERS for c in self.ciphers):
            raise ValueError("ciphers: a non-empty choice of 0x1301, 0x1302 and 0x1303")
        if not self.groups or any(g not in GROUPS for g in self.groups):
            raise ValueError(f"groups: a non-empty choice of {', '.join(GROUPS)}")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together")
        if (self.psk or self.psk_lookup) and not set(self.ciphers) & set(_SHA256_SUITES):
            raise ValueError("a pre-shared key needs a SHA-256 suite (0x1301 or 0x1303)")
        if role is Role.CLIENT:
            self._check_client()
        else:
            self._check_server()

    def _check_client(self) -> None:
        if self.psk is not None and not all(self.psk):
            raise ValueError("psk: identity and key may not be empty")
        name = self.server_name
        if name is None:
            if self.verify and self.psk is None:
                raise ValueError("server_name: needed to verify the peer")
        elif not name.rstrip(".") or "\0" in name or len(name) > 255:
            raise ValueError("server_name: not a DNS name or IP address")

    def _check_server(self) -> None:
        if self.cert_file is None and self.psk_lookup is None:
            raise ValueError("a server needs cert_file and key_file, or psk_lookup")
        if self.require_client_cert and self.client_ca_file is None:
            raise ValueError("require_client_cert needs client_ca_file")
        if self.early_data and (not self.gives_tickets or len(self.alpn) > 1):
            raise ValueError(
                "early_data needs cert_file, one alpn and no client_ca_file, psk_lookup"
            )

    @property
    def gives_tickets(self) -> bool:
        """Whether a server's clients may resume sessions: who they are is then not known."""
        return self.client_ca_file is None and self.psk_lookup is None

    @property
    def dns_name(self) -> str | None:
        """The name for the SNI extension: None for IP addresses (RFC 6066 3)."""
        if self.server_name is None:
            return None
        try:
            ipaddress.ip_address(self.server_name)
        except ValueError:
            return self.server_name.rstrip(".")
        return None

    def uses_certificates(self, role: Role) -> bool:
        """Whether the server proves itself with a certificate."""
        return self.psk is None if role is Role.CLIENT else self.cert_file is not None

    def verifies_certificates(self, role: Role) -> bool:
        """Whether a peer's certificate is verified if it presents one."""
        return self.verify if role is Role.CLIENT else self.client_ca_file is not None

    def priority(self, role: Role) -> bytes:
        """The GnuTLS priority string: TLS 1.3 with this configuration's suites and groups."""
        exchanges = []
        if self.psk_lookup is not None if role is Role.SERVER else self.psk is not None:
            exchanges.append("ECDHE-PSK")
        if self.uses_certificates(role):
            exchanges += ["ECDHE-RSA", "ECDHE-ECDSA"]
        parts = ["NORMAL", "-VERS-ALL", "+VERS-TLS1.3", "-CIPHER-ALL"]
        parts += [f"+{CIPHERS[c]}" for c in dict.fromkeys(self.ciphers)]
        parts += ["-GROUP-ALL"] + [f"+GROUP-{g}" for g in dict.fromkeys(self.groups)]
        parts += ["-KX-ALL"] + [f"+{x}" for x in exchanges]
        parts += ["%DISABLE_TLS13_COMPAT_MODE"]
        if role is Role.SERVER:
            parts += ["%SERVER_PRECEDENCE"]
        return ":".join(parts).encode("ascii")


def _datum(data: bytes) -> tuple[Any, Any]:
    """A gnutls_datum_t and the memory it points to; both must be kept."""
    memory = ffi.from_buffer("unsigned char[]", data)
    return ffi.new("gnutls_datum_t *", {"data": memory, "size": len(data)}), memory


class Credentials:
    """GnuTLS credentials of one configuration in one role."""

    def __init__(self, config: TlsConfig, role: Role) -> None:
        self.items: list[tuple[int, Any]] = []
        self.tickets: Tickets | None = None
        if role is Role.SERVER and config.gives_tickets:
            self.tickets = Tickets()
        if config.uses_certificates(role):
            self.items.append((gnutls.CRD_CERTIFICATE, self._certificates(config, role)))
        if role is Role.CLIENT and config.psk is not None:
            self.items.append((gnutls.CRD_PSK, self._client_psk(*config.psk)))
        if role is Role.SERVER and config.psk_lookup is not None:
            self.items.append((gnutls.CRD_PSK, gnutls.new_credentials("psk_server")))

    @staticmethod
    def _certificates(config: TlsConfig, role: Role) -> Any:
        cred = gnutls.new_credentials("certificate")
        for text in _trust_anchors(config, role):
            datum, _memory = _datum(text)
            count = lib.gnutls_certificate_set_x509_trust_mem(cred, datum, gnutls.X509_FMT_PEM)
            check(count, "CA certificates")
            if count == 0:
                raise ValueError("CA certificates: none found")
        if role is Role.CLIENT and config.verify and not (config.ca_file or config.ca_data):
            check(lib.gnutls_certificate_set_x509_system_trust(cred), "system trust")
        if config.cert_file is not None and config.key_file is not None:
            cert, _cert_memory = _datum(Path(config.cert_file).read_bytes())
            key, _key_memory = _datum(Path(config.key_file).read_bytes())
            result = lib.gnutls_certificate_set_x509_key_mem2(
                cred, cert, key, gnutls.X509_FMT_PEM, ffi.NULL, 0
            )
            check(result, "certificate and key")
        return cred

    @staticmethod
    def _client_psk(identity: bytes, key: bytes) -> Any:
        cred = gnutls.new_credentials("psk_client")
        name, _name_memory = _datum(identity)
        secret, _secret_memory = _datum(key)
        result = lib.gnutls_psk_set_client_credentials2(cred, name, secret, gnutls.PSK_KEY_RAW)
        check(result, "pre-shared key")
        return cred


def _trust_anchors(config: TlsConfig, role: Role) -> list[bytes]:
    if role is Role.SERVER:
        return [Path(config.client_ca_file).read_bytes()] if config.client_ca_file else []
    anchors = [Path(config.ca_file).read_bytes()] if config.ca_file else []
    return anchors + ([config.ca_data] if config.ca_data else [])
