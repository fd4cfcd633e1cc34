"""The site's own certificate authority, and the certificates that it gives to the parts.

A part `post@east` has a folder of its own below the authority's, `post-east`: in it its `post-east.pem` and
`post-east.key`, and in `ca.pem` whom it trusts. The same certificate serves both sides of a connection: parts
are servers to some and clients to others. Beside the authority's key lie the certificates of those only who
may read that.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable, Sequence
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
from services.platform.lab_time import LabTime

AUTHORITY_LIFETIME = datetime.timedelta(days=3650)

LIFETIME_DAYS = 90.0
"""Lab days for which a certificate is good."""

RENEWED_WITH_LEFT = LIFETIME_DAYS / 3
"""Lab days: one with less time than this left is due for renewal."""

BACKDATED = datetime.timedelta(minutes=5)
"""Certificates are valid from a little before now, because clocks differ."""

REAL_DAYS = LabTime()

_SECRET = 0o600

_OF_AUTHORITIES = ("ca",)


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


def load_authority(folder: Path, key_file: str = "ca.key") -> Authority:
    """The site's CA from its files: of those that ca.pem names, the one whose key this is. Raises OSError
    when they are absent, ValueError when they are no CA."""
    key = load_pem_private_key((folder / key_file).read_bytes(), password=None)
    for certificate in trusted(folder):
        if isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == certificate.public_key():
            return Authority(certificate, key)
    raise ValueError(f"{folder / key_file} is the key of none that {folder / 'ca.pem'} names")


def install_authority(folder: Path, authority: Authority) -> None:
    """Write ca.key and ca.pem."""
    install_key(folder, authority)
    trust(folder, [authority.certificate])


def install_key(folder: Path, authority: Authority, key_file: str = "ca.key") -> None:
    """Write the key with which an authority signs."""
    write_atomically(folder / key_file, _pem_of_key(authority.key), _SECRET)


def trusted(folder: Path) -> list[x509.Certificate]:
    """The authorities that are trusted by whoever reads this folder. Raises OSError, and ValueError."""
    return x509.load_pem_x509_certificates((folder / "ca.pem").read_bytes())


def trust(folder: Path, authorities: Iterable[x509.Certificate]) -> None:
    """Trust these authorities and nobody else, in this folder."""
    bundle = b"".join(one.public_bytes(Encoding.PEM) for one in authorities)
    if not (folder / "ca.pem").exists() or (folder / "ca.pem").read_bytes() != bundle:
        write_atomically(folder / "ca.pem", bundle)


def folder_of(root: Path, name: str) -> Path:
    """Where the certificate of this name lies: in a folder of its own, or beside the authority's key."""
    own = root / name
    return own if own.is_dir() else root


def names_in(root: Path) -> list[str]:
    """The names of all certificates below the authority's folder, but for those of authorities."""
    beside = (path.stem for path in root.glob("*.pem") if path.stem not in _OF_AUTHORITIES)
    own = (path.stem for path in root.glob("*/*.pem") if path.stem == path.parent.name)
    return sorted({*beside, *own})


def keep_lab_time(root: Path, lab: LabTime) -> None:
    """Write down how long a day is, beside the authority's key: whoever issues a certificate goes by that."""
    write_atomically(root / "lab-day", f"{lab.day_seconds:g}".encode())


def lab_time(root: Path) -> LabTime:
    """How long a day is by that; a real one where nothing is written down."""
    try:
        return LabTime(float((root / "lab-day").read_text()))
    except (OSError, ValueError):
        return REAL_DAYS


def renew(root: Path, name: str) -> None:
    """Give the part a new certificate, whatever it has. Raises OSError, and ValueError, where the authority
    cannot be read or the part's folder cannot be written."""
    issue(name, ca=load_authority(root), lab=lab_time(root)).install(folder_of(root, name), name)


def renew_due(root: Path, names: Iterable[str] | None = None) -> list[str]:
    """Renew what is due, or no good, of these certificates (None: of all); returns the names. Raises as
    `renew` does."""
    ca, lab = load_authority(root), lab_time(root)
    wanted = names_in(root) if names is None else dict.fromkeys(names)
    due = [name for name in wanted if not is_good(folder_of(root, name), name, ca, lab)]
    for name in due:
        renew(root, name)
    return due


def read_certificate(folder: Path, name: str) -> x509.Certificate:
    """The certificate that lies there for this name. Raises OSError, and ValueError when it is none."""
    return x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())


def issue(
    name: str,
    not_before: datetime.datetime | None = None,
    not_after: datetime.datetime | None = None,
    ca: Authority | None = None,
    *,
    also: Sequence[str] = ("localhost", "127.0.0.1"),
    lab: LabTime = REAL_DAYS,
) -> Certificate:
    """A new certificate for the part `name`, signed by `ca`; without one, by an authority that nobody knows.

    Valid from `not_before` (default: five minutes ago) to `not_after` (default: 90 days of `lab`), both with
    a time zone; a `not_after` in the past makes an expired certificate. `also` are the further names and
    addresses it is for. Raises ValueError when it would end before it begins.
    """
    ca = ca or new_authority("some other CA")
    now = _now()
    lifetime = datetime.timedelta(seconds=lab.seconds(LIFETIME_DAYS))
    begins = not_before or (min(now, not_after) if not_after else now) - BACKDATED
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(ca.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(not_after or now + lifetime)
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


def is_good(folder: Path, name: str, ca: Authority, lab: LabTime = REAL_DAYS) -> bool:
    """Whether the files of `name` are there, match, are signed by `ca` and are not due for renewal."""
    left = datetime.timedelta(seconds=lab.seconds(RENEWED_WITH_LEFT))
    try:
        certificate = read_certificate(folder, name)
        key = load_pem_private_key((folder / f"{name}.key").read_bytes(), password=None)
        certificate.verify_directly_issued_by(ca.certificate)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    now = _now()
    return (
        key.public_key() == certificate.public_key()
        and certificate.not_valid_before_utc <= now
        and certificate.not_valid_after_utc > now + left
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
