"""Certificates that expire and are renewed under a server that goes on, as a client sees them."""

from __future__ import annotations

import asyncio
import datetime
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.failure import Failure
from services.platform import pki as issuing
from services.platform.genesis import make_certificates
from services.platform.tls import Credentials
from testbed import certificates
from testbed.certificates import Flaw


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    make_certificates(tmp_path / "pki", [], ["post-east"])
    return tmp_path / "pki"


@pytest.fixture
def credentials(pki: Path) -> Credentials:
    return Credentials(pki / "post-east", "post-east")


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


@pytest.mark.parametrize("flaw", Flaw)
def test_a_flaw_is_presented_as_such_and_renewed_without_a_restart(
    pki: Path, credentials: Credentials, address: tuple[str, int], flaw: Flaw
) -> None:
    def shown() -> certificates.Presented:
        found = certificates.presented(address, pki / "ca.pem", "post-east")
        assert found is not None
        return found

    before = shown()
    assert (before.flaw, certificates.flaw_of(pki, "post-east")) == (None, None)
    certificates.give(pki, "post-east", flaw)
    assert certificates.flaw_of(pki, "post-east") is flaw
    assert credentials.refresh()
    after = shown()
    assert after.flaw is flaw
    assert after.certificate.serial_number != before.certificate.serial_number
    certificates.renew(pki, "post-east")
    assert certificates.flaw_of(pki, "post-east") is None
    assert credentials.refresh()
    assert shown().flaw is None


@pytest.mark.parametrize("flaw", [flaw for flaw in Flaw if flaw is not Flaw.UNKNOWN_CA])
def test_a_certificate_has_one_flaw_and_no_other(pki: Path, flaw: Flaw) -> None:
    certificates.give(pki, "post-east", flaw)
    made = issuing.read_certificate(pki / "post-east", "post-east")
    made.verify_directly_issued_by(*issuing.trusted(pki))
    now = datetime.datetime.now(datetime.UTC)
    assert (made.not_valid_before_utc <= now <= made.not_valid_after_utc) is (flaw is Flaw.WRONG_NAME)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
        pki / "post-east" / "post-east.pem", pki / "post-east" / "post-east.key"
    )


def test_a_new_authority_is_trusted_by_those_who_were_told_until_all_is_renewed(pki: Path) -> None:
    folders = {name: pki / name for name in ("post-west", "frontend-west", "frontend-east")}
    make_certificates(pki, [], ["post-east", *folders])
    before = {name: (folder / "ca.pem").read_bytes() for name, folder in folders.items()}
    for name in ("post-east", "post-west"):
        certificates.half_rotate(pki, name, ["frontend-west"])
        assert certificates.flaw_of(pki, name) is Flaw.UNKNOWN_CA
        assert certificates.trusts(pki, name, ["frontend-west"])
        assert not certificates.trusts(pki, name, ["frontend-east"])
    assert len(issuing.trusted(pki / "frontend-west")) == 3
    certificates.renew(pki, "post-east")
    assert certificates.trusts(pki, "post-west", ["frontend-west"]), "the other one stays as it is"
    assert len(issuing.trusted(pki / "frontend-west")) == 2
    certificates.renew(pki, "post-west")
    assert {name: (folder / "ca.pem").read_bytes() for name, folder in folders.items()} == before


def test_nobody_there_shows_nothing(pki: Path) -> None:
    assert certificates.presented(("127.0.0.1", 1), pki / "ca.pem", "post-east") is None
    assert certificates.flaw_of(pki, "nobody") is None
    with pytest.raises(Failure, match="cannot be given a certificate"):
        certificates.give(pki / "nowhere", "post-east", Flaw.EXPIRED)


def test_a_key_that_was_taken_away_is_put_back_and_a_new_one_stays(pki: Path) -> None:
    key = pki / "post-east" / "post-east.key"
    first = key.read_bytes()
    for _ in range(2):
        certificates.hide_key(pki, "post-east")
        assert certificates.lacks_key(pki, "post-east")
        assert not key.exists()
    for _ in range(2):
        certificates.restore_key(pki, "post-east")
        assert not certificates.lacks_key(pki, "post-east")
        assert key.read_bytes() == first
    certificates.hide_key(pki, "post-east")
    certificates.renew(pki, "post-east")
    assert not certificates.lacks_key(pki, "post-east")
    certificates.restore_key(pki, "post-east")
    assert key.read_bytes() != first
    assert [path.name for path in key.parent.iterdir() if "hidden" in path.name] == []
