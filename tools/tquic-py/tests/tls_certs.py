# SPDX-License-Identifier: GPL-2.0
"""Certificates for tests, made on the spot: a CA, and leaves of any key type, name and age."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
DAY = datetime.timedelta(days=1)


def make_key(kind: str) -> Key:
    """A private key: kind is "ecdsa", "rsa" or "ed25519"."""
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1())


def pem_key(key: Key) -> bytes:
    """The key as unencrypted PKCS #8."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@dataclass
class Leaf:
    """A certificate and its key, also as PEM files."""

    certificate: x509.Certificate
    key: Key
    cert_file: Path
    key_file: Path

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alt_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


class Authority:
    """A self-signed CA that keeps its files below ``folder``."""

    def __init__(self, folder: Path, title: str = "test CA") -> None:
        self.folder = folder
        self.key = make_key("ecdsa")
        self.name = _name(title)
        now = datetime.datetime.now(datetime.UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 400 * DAY)
            .not_valid_after(now + 400 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        self.file = folder / f"{title.replace(' ', '-')}.pem"
        self.file.write_bytes(self.pem)

    def issue(
        self,
        *names: str,
        kind: str = "ecdsa",
        starts_days: int = -1,
        ends_days: int = 30,
        purpose: ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
    ) -> Leaf:
        """A certificate for ``names`` (DNS or IP), valid between two offsets from now in days."""
        key = make_key(kind)
        now = datetime.datetime.now(datetime.UTC)
        serial = x509.random_serial_number()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(names[0]))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(serial)
            .not_valid_before(now + starts_days * DAY)
            .not_valid_after(now + ends_days * DAY)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([_alt_name(n) for n in names]), False)
            .add_extension(x509.ExtendedKeyUsage([purpose]), False)
            .sign(self.key, hashes.SHA256())
        )
        cert_file = self.folder / f"{serial:x}.crt"
        key_file = self.folder / f"{serial:x}.key"
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(pem_key(key))
        return Leaf(certificate, key, cert_file, key_file)

    def issue_client(self, name: str, *, starts_days: int = -1, ends_days: int = 30) -> Leaf:
        """A client certificate."""
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH
        return self.issue(name, starts_days=starts_days, ends_days=ends_days, purpose=purpose)
