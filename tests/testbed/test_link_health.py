"""Whether a line lives, told by what it does with a connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from chaos.fault import PARTS
from chaos.journeys import journeys_through
from testbed import endpoints as module
from testbed.inventory import Part
from testbed.site import Site


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Accepts in the kernel and does nothing, as a frozen link does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def line(listener: socket.socket) -> Part:
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    return Part("link@east", "link", "east", "link-east", "6379", {"6379": address}, "link")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(module, "HEALTH_TIMEOUT", 0.2)
    return object.__new__(Site)


def accept(listener: socket.socket, then: Callable[[socket.socket], object]) -> threading.Thread:
    def once() -> None:
        with listener.accept()[0] as connection:
            then(connection)

    thread = threading.Thread(target=once)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(lambda connection: connection.sendall(b"+PONG\r\n"), id="relays"),
        pytest.param(lambda connection: connection.shutdown(socket.SHUT_RDWR), id="closes"),
        pytest.param(
            lambda connection: connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
            ),
            id="resets",
        ),
    ],
)
def test_a_line_that_does_something_lives(site, listener, line, then):
    thread = accept(listener, then)
    assert site.answers(line)
    thread.join()


def test_a_frozen_line_accepts_and_does_nothing(site, line):
    assert site.accepts_connections(line)
    assert not site.answers(line)
    assert not site.ready(line)


def test_a_dead_line_refuses(site, listener, line):
    listener.close()
    assert not site.answers(line)


def test_a_line_can_be_broken_and_hurts_no_handshake():
    assert "link" in PARTS
    journeys = journeys_through("link", "east")
    assert "post" in journeys
    assert not [journey for journey in journeys if journey.startswith("handshake")]
