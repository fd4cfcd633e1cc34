"""Certificates that expire and are renewed under a server that goes on, as a client sees them."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.failure import Failure
from services.platform.genesis import make_certificates
from services.platform.tls import Credentials
from testbed import certificates


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    make_certificates(tmp_path / "pki", ["post-east"])
    return tmp_path / "pki"


@pytest.fixture
def credentials(pki: Path) -> Credentials:
    return Credentials(pki, "post-east")


@pytest.fixture
def address(credentials: Credentials) -> Iterator[tuple[str, int]]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def serve() -> asyncio.Server:
        return await asyncio.start_server(
            lambda reader, writer: None, "127.0.0.1", 0, ssl=credentials.internal
        )

    server = asyncio.run_coroutine_threadsafe(serve(), loop).result(10)
    yield "127.0.0.1", server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_expired_and_renewed_without_a_restart(
    pki: Path, credentials: Credentials, address: tuple[str, int]
) -> None:
    assert certificates.shows_expired(address, pki / "ca.pem") is False
    certificates.expire(pki, "post-east")
    assert certificates.is_expired(pki, "post-east")
    assert credentials.refresh()
    assert certificates.shows_expired(address, pki / "ca.pem") is True
    certificates.renew(pki, "post-east")
    assert not certificates.is_expired(pki, "post-east")
    assert credentials.refresh()
    assert certificates.shows_expired(address, pki / "ca.pem") is False


def test_it_is_the_sites_own_ca_that_signed_what_has_expired(pki: Path) -> None:
    certificates.expire(pki, "post-east")
    from cryptography import x509

    authority = x509.load_pem_x509_certificate((pki / "ca.pem").read_bytes())
    expired = x509.load_pem_x509_certificate((pki / "post-east.pem").read_bytes())
    expired.verify_directly_issued_by(authority)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pki / "post-east.pem", pki / "post-east.key")


def test_nobody_there_shows_nothing(pki: Path) -> None:
    assert certificates.shows_expired(("127.0.0.1", 1), pki / "ca.pem") is None
    assert not certificates.is_expired(pki, "nobody")
    with pytest.raises(Failure, match="cannot be given a certificate"):
        certificates.expire(pki / "nowhere", "post-east")
