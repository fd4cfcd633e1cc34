"""The certificates of a site: what lies in its PKI folder, and what its endpoints really present.

A folder is below that of the authority, `STATE/pki`; a name is a certificate's, `post-east`. What cannot be
read or written there is a Failure.
"""

from __future__ import annotations

import datetime
import fcntl
import os
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from foundation.failure import Failure
from services.platform import pki

EXPIRED_FOR = BEGINS_IN = datetime.timedelta(hours=1)
SOMEBODY_ELSE = "somebody-else"
TIMEOUT = 1.0
"""Seconds for a handshake."""


class Flaw(StrEnum):
    """Why a certificate is refused."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    WRONG_NAME = "wrong name"
    UNKNOWN_CA = "unknown CA"


_BY_CODE = {
    9: Flaw.NOT_YET_VALID,
    10: Flaw.EXPIRED,
    18: Flaw.UNKNOWN_CA,  # signed by itself
    19: Flaw.UNKNOWN_CA,  # by an authority that was sent along
    20: Flaw.UNKNOWN_CA,
    21: Flaw.UNKNOWN_CA,
    62: Flaw.WRONG_NAME,
    64: Flaw.WRONG_NAME,  # an address
}
"""OpenSSL's numbers of what a client finds wrong."""


@dataclass(frozen=True)
class Presented:
    """What a fresh handshake got. `flaw` is why who trusts the site's CA refuses it; None: it is good."""

    certificate: x509.Certificate
    flaw: Flaw | None


# --- in the handshake ---


Caller = tuple[Path, Path]
"""The files of the certificate, and of the key, that are shown to who asks for one."""


def presented(
    address: tuple[str, int], authority: Path, name: str, caller: Caller | None = None
) -> Presented | None:
    """What is presented at an address to somebody who trusts these authorities and wants this name. None when
    nobody answers. What is presented is seen without a `caller`, too, but some log whoever shows nothing."""
    trusting = _showing(caller, ssl.create_default_context(cafile=str(authority)))
    flaw = None
    try:
        try:
            shown = _shake_hands(address, trusting, name)
        except ssl.SSLCertVerificationError as refusal:
            flaw = _BY_CODE.get(refusal.verify_code)
            if flaw is None:
                return None
            seeing = _showing(caller, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
            seeing.check_hostname, seeing.verify_mode = False, ssl.CERT_NONE
            shown = _shake_hands(address, seeing, name)
    except OSError:
        return None
    return Presented(x509.load_der_x509_certificate(shown), flaw)


def _showing(caller: Caller | None, tls: ssl.SSLContext) -> ssl.SSLContext:
    if caller is not None:
        with suppress(OSError):  # what is presented can be seen without
            tls.load_cert_chain(*caller)
    return tls


def _shake_hands(address: tuple[str, int], tls: ssl.SSLContext, name: str) -> bytes:
    with (
        socket.create_connection(address, TIMEOUT) as connection,
        tls.wrap_socket(connection, server_hostname=name) as secured,
    ):
        shown = secured.getpeercert(binary_form=True)
        assert shown is not None
        return shown


# --- in the folder ---


def lying(root: Path, name: str) -> x509.Certificate | None:
    """The certificate that lies there. None: there is none that can be read."""
    try:
        return pki.read_certificate(pki.folder_of(root, name), name)
    except (OSError, ValueError):
        return None


def flaw_of(root: Path, name: str) -> Flaw | None:
    """What is wrong with the certificate that lies there. None: nothing, or there is none."""
    try:
        certificate = pki.read_certificate(pki.folder_of(root, name), name)
        authorities = pki.trusted(root)
    except (OSError, ValueError):
        return None
    if not any(_is_issued_by(certificate, authority) for authority in authorities):
        return Flaw.UNKNOWN_CA
    now = datetime.datetime.now(datetime.UTC)
    if certificate.not_valid_after_utc < now:
        return Flaw.EXPIRED
    if certificate.not_valid_before_utc > now:
        return Flaw.NOT_YET_VALID
    return None if name in _names_of(certificate) else Flaw.WRONG_NAME


def give(root: Path, name: str, flaw: Flaw) -> None:
    """Give the part a real certificate with this flaw, and no other."""
    now = datetime.datetime.now(datetime.UTC)

    def issue() -> pki.Certificate:
        authority, lab = pki.load_authority(root), pki.lab_time(root)
        match flaw:
            case Flaw.EXPIRED:
                return pki.issue(name, not_after=now - EXPIRED_FOR, ca=authority)
            case Flaw.NOT_YET_VALID:
                begins = now + BEGINS_IN
                ends = begins + datetime.timedelta(seconds=lab.seconds(pki.LIFETIME_DAYS))
                return pki.issue(name, begins, ends, authority)
            case Flaw.WRONG_NAME:
                return pki.issue(SOMEBODY_ELSE, ca=authority, also=(), lab=lab)
            case Flaw.UNKNOWN_CA:
                return pki.issue(name, lab=lab)

    _change(name, lambda: issue().install(pki.folder_of(root, name), name))


def renew(root: Path, name: str) -> None:
    """Give the part a new certificate, as at the beginning, and have nobody trust an authority any longer
    that is not the site's and has issued nothing."""
    _change(name, lambda: pki.renew(root, name))
    with _alone(root):
        _change(name, lambda: _distrust_strangers(root))


def half_rotate(root: Path, name: str, trusting: Iterable[str]) -> None:
    """Give the part a certificate of a new authority, which only these other parts have been told to trust.
    Done already, it stays as it is."""
    if trusts(root, name, trusting):
        return
    fresh = pki.new_authority("failwhale local CA, the next")

    def rotate() -> None:
        for other in trusting:
            folder = pki.folder_of(root, other)
            pki.trust(folder, [*pki.trusted(folder), fresh.certificate])
        pki.issue(name, ca=fresh, lab=pki.lab_time(root)).install(pki.folder_of(root, name), name)

    with _alone(root):
        _change(name, rotate)


def trusts(root: Path, name: str, others: Iterable[str]) -> bool:
    """Whether the certificate that lies there is of an authority that the site as a whole does not know and
    these parts do."""
    try:
        certificate = pki.read_certificate(pki.folder_of(root, name), name)
        known = [pki.trusted(folder) for folder in (root, *(pki.folder_of(root, other) for other in others))]
    except (OSError, ValueError):
        return False
    site, *each = ([_is_issued_by(certificate, one) for one in authorities] for authorities in known)
    return not any(site) and all(map(any, each))


def _distrust_strangers(root: Path) -> None:
    names = pki.names_in(root)
    site, issued = pki.trusted(root), []
    for name in names:
        with suppress(OSError, ValueError):
            issued.append(pki.read_certificate(pki.folder_of(root, name), name))
    for folder in {pki.folder_of(root, name) for name in names} - {root}:
        kept = (one for one in pki.trusted(folder) if any(_is_issued_by(leaf, one) for leaf in issued))
        pki.trust(folder, dict.fromkeys((*site, *kept)))


def _is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _names_of(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.DNSName)


def _change(name: str, act: Callable[[], None]) -> None:
    try:
        act()
    except (OSError, ValueError) as error:
        raise Failure(f"{name} cannot be given a certificate: {error}", "look at the PKI folder") from None


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Nobody else changes meanwhile whom the parts trust."""
    try:
        folder = os.open(root, os.O_RDONLY)
    except OSError as error:
        raise Failure(f"the PKI folder cannot be used: {error}", "start the site: failwhale up") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


# --- without a key ---


def hide_key(root: Path, name: str) -> None:
    """Let the file of a private key have another name. Raises Failure."""
    if not lacks_key(root, name):
        _rename(_key(root, name), _hidden(root, name))


def restore_key(root: Path, name: str) -> None:
    """Let it have its own again. One that was made meanwhile stays, and the old one goes. Raises Failure."""
    if lacks_key(root, name):
        _rename(_hidden(root, name), _key(root, name))
    else:
        _hidden(root, name).unlink(missing_ok=True)


def lacks_key(root: Path, name: str) -> bool:
    return _hidden(root, name).exists() and not _key(root, name).exists()


def _key(root: Path, name: str) -> Path:
    return pki.folder_of(root, name) / f"{name}.key"


def _hidden(root: Path, name: str) -> Path:
    return _key(root, name).with_suffix(".key-hidden")


def _rename(file: Path, fresh: Path) -> None:
    try:
        file.rename(fresh)
    except OSError as error:
        raise Failure(f"the key {file} cannot be moved: {error.strerror}") from None
