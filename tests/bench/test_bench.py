"""The bench's own tools: its client counts right, and its table says what was measured."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.__main__ import Measured, rows
from bench.load import Job, Result
from bench.reads import TIMELINE, Read, _bare_route, _play
from bench.site import BenchError

BODY = b'{"items":[]}' * 2000


def test_the_client_counts_whole_answers_of_the_bare_route() -> None:
    with _bare_route(BODY) as url:
        result = _play(Job(url + TIMELINE, ["a", "b"], in_flight=4, seconds=0.4, warm_up=0.1))
    assert result.failed == 0
    assert 0 < result.p50 <= result.p99
    # Closed loop: with four in flight, the rate and the time that each takes belong together.
    assert result.per_second * result.p50 == pytest.approx(4, rel=0.9)


@contextmanager
def refusing() -> Iterator[str]:
    """A server that answers every request with 503."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            while True:
                connection, _ = listener.accept()
                with connection:
                    while connection.recv(4096):
                        connection.sendall(b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno")
        except OSError:
            return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_refusals_are_no_answers() -> None:
    with refusing() as url, pytest.raises(BenchError, match="0 good answers"):
        _play(Job(url + "/", [], in_flight=1, seconds=0.1, warm_up=0.05))


def test_each_line_stands_beside_its_promise() -> None:
    slow, quick = Result(100, 0.01, 0.2, 0), Result(1000, 0.001, 0.002, 0)
    reads = [Read(1, quick, quick, 0.2), Read(128, slow, quick, 0.1)]
    measured = Measured(15_000, reads, 4.0, 500_000_000, 0.3, 0.2)
    good = {row.what: row.good for row in rows(measured)}
    assert good == {
        "reads, 1 at once": True,
        "reads, 128 at once": False,
        "p99/p50, 128 at once": False,
        "start until green": True,
        "memory at rest": False,
        "CPU at rest": True,
        "the same, no prober": False,
    }
