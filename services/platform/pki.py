"""The site's own certificate authority, and the certificates that it gives to the parts.

A part `post@east` has `post-east.pem` and `post-east.key` in the PKI folder, and trusts `ca.pem`. The same
certificate serves both sides of a connection: parts are servers to some and clients to others.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from services.platform.files import write_atomically

AUTHORITY_LIFETIME = datetime.timedelta(days=3650)
CERTIFICATE_LIFETIME = datetime.timedelta(days=397)

BACKDATED = datetime.timedelta(minutes=5)
"""Certificates are valid from a little before now, because clocks differ."""

RENEW_BEFORE = datetime.timedelta(days=1)
"""A certificate with less time than this left counts as used up."""

_SECRET = 0o600


@dataclass(frozen=True)
class Authority:
    """Who signs: a CA certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes

    def install(self, folder: Path, name: str) -> None:
        """Write NAME.key and NAME.pem, each at once; a part that runs picks them up within about a second.

        For the moment between the two files they do not match; who reads them must check that they do.
        """
        write_atomically(folder / f"{name}.key", self.key, _SECRET)
        write_atomically(folder / f"{name}.pem", self.certificate)


def new_authority(common_name: str = "failwhale local CA") -> Authority:
    """A new CA, on no disk yet. Another one than the site's makes certificates that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = _now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def load_authority(folder: Path) -> Authority:
    """The site's CA from its files. Raises OSError when they are absent, ValueError when they are no CA."""
    certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    key = load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError(f"{folder / 'ca.key'} is not the key of {folder / 'ca.pem'}")
    return Authority(certificate, key)


def install_authority(folder: Path, authority: Authority) -> None:
    """Write ca.key and ca.pem."""
    write_atomically(folder / "ca.key", _pem_of_key(authority.key), _SECRET)
    write_atomically(folder / "ca.pem", authority.certificate.public_bytes(Encoding.PEM))


def issue(
    name: str,
    not_before: datetime.datetime | None = None,
    not_after: datetime.datetime | None = None,
    ca: Authority | None = None,
    *,
    also: Sequence[str] = ("localhost", "127.0.0.1"),
) -> Certificate:
    """A new certificate for the part `name`, signed by `ca`; without one, by an authority that nobody knows.

    Valid from `not_before` (default: five minutes ago) to `not_after` (default: 397 days), both with a time
    zone; a `not_after` in the past makes an expired certificate. `also` are the further names and addresses
    it is for. Raises ValueError when it would end before it begins.
    """
    ca = ca or new_authority("some other CA")
    now = _now()
    begins = not_before or (min(now, not_after) if not_after else now) - BACKDATED
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(ca.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(not_after or now + CERTIFICATE_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(
            x509.SubjectAlternativeName([_alternative_name(item) for item in (name, *also)]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False
        )
        .sign(ca.key, hashes.SHA256())
    )
    return Certificate(certificate.public_bytes(Encoding.PEM), _pem_of_key(key))


def is_good(folder: Path, name: str, ca: Authority) -> bool:
    """Whether the files of `name` are there, match, are signed by `ca` and have more than a day left."""
    try:
        certificate = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
        key = load_pem_private_key((folder / f"{name}.key").read_bytes(), password=None)
        certificate.verify_directly_issued_by(ca.certificate)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    now = _now()
    return (
        key.public_key() == certificate.public_key()
        and certificate.not_valid_before_utc <= now
        and certificate.not_valid_after_utc > now + RENEW_BEFORE
    )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _alternative_name(item: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(item))
    except ValueError:
        return x509.DNSName(item)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
