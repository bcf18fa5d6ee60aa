# SPDX-License-Identifier: GPL-2.0
"""The file the demo sends, a real one from a Debian package, and the certificates for it."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from . import kernels
from .certbuild import builder, common_name

_SOURCES = Path("/usr/src")
_PROBE_BYTES = 1 << 20
_MIN_RATIO = 0.98


class ContentError(RuntimeError):
    """There is nothing fit to send."""


def find(min_bytes: int, folder: Path = _SOURCES) -> Path:
    """Return the kernel source tarball of Debian's package: real, and compressed already.

    Raises ContentError when it is missing or smaller than @min_bytes.
    """
    path = folder / f"{kernels.SOURCE_PACKAGE}.tar.xz"
    if not path.is_file():
        raise ContentError(f"{path} is missing: apt-get install {kernels.SOURCE_PACKAGE}")
    check(path, min_bytes)
    return path


def check(path: Path, min_bytes: int) -> None:
    """Raise ContentError when a file is too small, or so regular that shortcuts could help."""
    size = path.stat().st_size
    if size < min_bytes:
        raise ContentError(f"{path} has {size} bytes; the demo sends at least {min_bytes}")
    with path.open("rb") as source:
        for at in (size // 4, size // 2, size * 3 // 4):
            source.seek(at)
            probe = source.read(_PROBE_BYTES)
            if probe and len(zlib.compress(probe, 1)) < _MIN_RATIO * len(probe):
                raise ContentError(f"{path} can be compressed: it would make the links look faster")


def sha256(path: Path, size_bytes: int) -> str:
    """Return the SHA-256 of the first bytes of a file, in hexadecimal."""
    digest = hashlib.sha256()
    left = size_bytes
    with path.open("rb") as source:
        while left and (block := source.read(min(_PROBE_BYTES, left))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


@dataclass(frozen=True)
class Identity:
    """PEM files: the authority the client trusts, the server's certificate and its key."""

    ca: Path
    certificate: Path
    key: Path


def make_identity(folder: Path, name: str) -> Identity:
    """Make an authority and a certificate for the DNS name @name, good for a week."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Identity(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    ca_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    authority = common_name("TQUIC demo authority")
    ca = (
        builder(authority, authority, ca_key.public_key(), days=7)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    leaf = (
        builder(common_name(name), authority, server_key.public_key(), days=7)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(purpose, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    made.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    made.certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    made.key.touch(mode=0o600)
    made.key.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made
