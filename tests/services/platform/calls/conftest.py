"""TLS for tests of calls."""

from __future__ import annotations

import ssl

import pytest

from services.platform import pki
from services.platform.tls import Credentials


@pytest.fixture(scope="session")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    """A part with a certificate of a CA of its own."""
    folder = tmp_path_factory.mktemp("pki")
    authority = pki.new_authority()
    pki.install_authority(folder, authority)
    pki.issue("part", ca=authority).install(folder, "part")
    return Credentials(folder, "part")


@pytest.fixture
def client_tls(credentials: Credentials) -> ssl.SSLContext:
    return credentials.client
