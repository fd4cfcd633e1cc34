"""Mutual TLS between the parts, TLS for the public, and certificates that change without a restart."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path

from services.platform.settings import Settings

logger = logging.getLogger(__name__)

_Stamp = tuple[tuple[int, int, int] | None, ...]


class Credentials:
    """The certificate of one part and whom it trusts, in every TLS context that the part uses.

    `refresh` reads changed files into new contexts, and the next handshake is made by these; whom they no
    longer name is no longer trusted. Connections that are open go on as they are.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.authority = folder / "ca.pem"
        self.certificate = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"
        self._now: dict[Callable[[], ssl.SSLContext], ssl.SSLContext] = {}
        """The contexts of now, by what makes them."""
        self._seen = self._stamp()

    @cached_property
    def internal(self) -> ssl.SSLContext:
        """For the internal listener: only peers with a certificate of the site's CA get in."""
        return self._listener(self._internal)

    @cached_property
    def public(self) -> ssl.SSLContext:
        """For the public listener: clients need no certificate."""
        return self._listener(self._public)

    @property
    def client(self) -> ssl.SSLContext:
        """For calls to other parts: shows our certificate, trusts the site's CA alone. To be asked for each
        connection."""
        return self._current(self._client)

    def refresh(self) -> bool:
        """Load the files again when they have changed; True when that was done. Three `stat` calls otherwise.

        Files that do not load or do not belong together are left alone, with a line in the log: the part
        goes on with what it had, and looks again when they change again.
        """
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        try:
            fresh = {make: make() for make in self._now}
        except OSError as error:
            logger.warning("%s", error)
            return False
        self._now = fresh
        logger.info("certificate loaded again from %s", self.certificate)
        return True

    def _listener(self, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        """A context that a listener keeps: each handshake goes on in the one of now."""
        self._current(make)

        def turn_to_current(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            connection.context = self._current(make)

        kept = make()
        kept.sni_callback = turn_to_current  # called for clients that name no server, too
        return kept

    def _current(self, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        if make not in self._now:
            self._now[make] = make()
        return self._now[make]

    def _internal(self) -> ssl.SSLContext:
        context = self._public()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.authority)
        return context

    def _public(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        # Without tickets nobody resumes a session, so that every new connection sees the certificate of now.
        context.num_tickets = 0
        context.set_alpn_protocols(["http/1.1"])
        return self._with_certificate(context)

    def _client(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(self.authority)
        return self._with_certificate(context)

    def _with_certificate(self, context: ssl.SSLContext) -> ssl.SSLContext:
        try:
            context.load_cert_chain(self.certificate, self.key)
        except OSError as error:  # which does not say what it could not read
            raise OSError(f"no certificate in {self.certificate} with its key beside it: {error}") from None
        return context

    def _stamp(self) -> _Stamp:
        return tuple(map(_stamp_of, (self.certificate, self.key, self.authority)))


@cache
def credentials(folder: Path, name: str) -> Credentials:
    """The one set of contexts that this process has for this certificate, whoever asks."""
    return Credentials(folder, name)


def credentials_of(settings: Settings) -> Credentials:
    """The credentials of the part that these settings describe."""
    return credentials(settings.pki, settings.certificate_name)


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
