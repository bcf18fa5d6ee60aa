# SPDX-License-Identifier: GPL-2.0
"""TLS 1.3 for QUIC over GnuTLS: configuration and handshake without I/O."""

from .config import CIPHERS, Role, TlsConfig
from .resume import SavedSession
from .session import Level, Secret, TlsAlert, TlsSession

__all__ = [
    "CIPHERS",
    "Level",
    "Role",
    "SavedSession",
    "Secret",
    "TlsAlert",
    "TlsConfig",
    "TlsSession",
]
