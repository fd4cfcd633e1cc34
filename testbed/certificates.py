"""The certificates of the parts, as chaos meddles with them: in the PKI folder, and in the handshake."""

from __future__ import annotations

import datetime
import socket
import ssl
from pathlib import Path

from cryptography import x509

from foundation.failure import Failure
from foundation.verdict import Verdict
from services.platform import pki

EXPIRED_FOR = datetime.timedelta(hours=1)
TIMEOUT = 1.0
"""Seconds for a handshake."""
_HAS_EXPIRED = 10
"""OpenSSL's number for a certificate whose time is over."""


def expire(folder: Path, name: str) -> None:
    """Give the part a certificate of the site's CA whose time is over. Raises Failure when that cannot be."""
    _issue(folder, name, datetime.datetime.now(datetime.UTC) - EXPIRED_FOR)


def renew(folder: Path, name: str) -> None:
    """Give the part a new certificate, as at the beginning. Raises Failure when that cannot be."""
    _issue(folder, name, None)


def is_expired(folder: Path, name: str) -> bool:
    """Whether the certificate that lies there for the part has had its time. False where there is none."""
    try:
        certificate = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
    except (OSError, ValueError):
        return False
    return certificate.not_valid_after_utc < datetime.datetime.now(datetime.UTC)


def shows_expired(address: tuple[str, int], authority: Path) -> Verdict:
    """Whether who trusts the site's CA is refused a new connection because the certificate has expired. None
    when nobody answers."""
    tls = ssl.create_default_context(cafile=str(authority))
    tls.check_hostname = False  # a part is asked by its address, which its certificate does not name
    try:
        with (
            socket.create_connection(address, TIMEOUT) as connection,
            tls.wrap_socket(connection),
        ):
            return False
    except ssl.SSLCertVerificationError as error:
        return error.verify_code == _HAS_EXPIRED
    except OSError:
        return None


def _issue(folder: Path, name: str, not_after: datetime.datetime | None) -> None:
    try:
        pki.issue(name, not_after=not_after, ca=pki.load_authority(folder)).install(folder, name)
    except (OSError, ValueError) as error:
        raise Failure(f"{name} cannot be given a certificate: {error}", "look at the PKI folder") from None
