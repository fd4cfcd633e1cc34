"""Half-sent requests at both edges, more than either has places for requests at work: nobody notices."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from site_under_test import Site, wait_until

HALF_BODY = (
    b"POST /api/v1/sessions HTTP/1.1\r\nhost: localhost\r\n"
    b"content-type: application/json\r\ncontent-length: 20\r\n\r\n{"
)
MANY = 300
"""A front end works at 256 requests at a time."""


@contextmanager
def half_requests(site: Site, place: str) -> Iterator[list[ssl.SSLSocket]]:
    """Connections to an edge that send a part of a request and hold it, as long as they are let."""
    tls = ssl.create_default_context(cafile=str(site.state / "pki" / "ca.pem"))
    with ExitStack() as held:
        connections = []
        for _ in range(MANY):
            plain = socket.create_connection(("localhost", site.ports[place]), timeout=10)
            connection = held.enter_context(tls.wrap_socket(plain, server_hostname="localhost"))
            connection.sendall(HALF_BODY)
            connections.append(connection)
        yield connections


def test_half_requests_close_no_edge(site: Site) -> None:
    before = failed_attempts(site)
    with half_requests(site, "east") as east, half_requests(site, "west") as west:
        for place in ("east", "west"):
            with site.client(place) as somebody:
                assert somebody.get("/").status_code == 200
        # They are given ten seconds: time for every journey to be tried some twenty times.
        wait_until(lambda: all(map(is_closed, (*east, *west))), 40, "the end of every half request")
        assert site.is_green()
    assert failed_attempts(site) == before


def failed_attempts(site: Site) -> list[dict[str, Any]]:
    return [row for row in site.ledger() if row["kind"] == "attempt.failed"]


def is_closed(connection: ssl.SSLSocket) -> bool:
    """Whether the site has closed its end."""
    connection.setblocking(False)
    try:
        while connection.recv(4096):
            pass
    except ssl.SSLWantReadError:
        return False
    except OSError:
        pass
    return True
