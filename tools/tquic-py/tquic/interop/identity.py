# SPDX-License-Identifier: GPL-2.0
"""Certificates of a server: an authority, and a chain as long as a case wants it."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from ..certbuild import builder, common_name
from ..demo_content import Identity, make_identity

__all__ = ["make"]


def make(folder: Path, name: str, certificates: int) -> Identity:
    """Make an authority and a chain of so many certificates for a DNS name, good for a day.

    A longer chain is of RSA keys, so that it is large as well.
    """
    if certificates == 1:
        return make_identity(folder, name)
    folder.mkdir(parents=True)
    made = Identity(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    key = rsa.generate_private_key(65537, 2048)
    issuer = common_name("TQUIC interop authority")
    authority = _authority(issuer, issuer, key.public_key(), key)
    chain: list[x509.Certificate] = []
    for number in range(1, certificates):
        below = rsa.generate_private_key(65537, 2048)
        subject = common_name(f"TQUIC interop intermediate {number}")
        chain.append(_authority(subject, issuer, below.public_key(), key))
        issuer, key = subject, below
    leaf_key = rsa.generate_private_key(65537, 2048)
    chain.append(
        builder(common_name(name), issuer, leaf_key.public_key(), days=1)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    made.ca.write_bytes(authority.public_bytes(pem))
    made.certificate.write_bytes(b"".join(item.public_bytes(pem) for item in reversed(chain)))
    made.key.touch(mode=0o600)
    made.key.write_bytes(
        leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


def _authority(
    subject: x509.Name, issuer: x509.Name, public: rsa.RSAPublicKey, key: rsa.RSAPrivateKey
) -> x509.Certificate:
    return (
        builder(subject, issuer, public, days=1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
