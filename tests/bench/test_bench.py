"""The bench's own tools: its client counts right, and its table says what was measured."""

from __future__ import annotations

import io
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table
from site_files import write_site

from bench import __main__ as bench_command
from bench.__main__ import Measured, rows
from bench.load import Job, Result
from bench.printing import carry_out
from bench.reads import TIMELINE, Read, _bare_route, _play
from bench.rest import SUPERVISOR, Look, Processes, Rest, table
from bench.site import BenchError, Site
from foundation.clock import stamp
from foundation.failure import INTERRUPTED
from foundation.ledger import Ledger

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
    measured = Measured(15_000, reads, 4.0, 500_000_000, 0.3, 0.2, 0.02)
    good = {row.what: row.good for row in rows(measured)}
    assert good == {
        "reads, 1 at once": True,
        "reads, 128 at once": False,
        "p99/p50, 128 at once": False,
        "start until green": True,
        "from a kill to its effect": False,
        "memory at rest": False,
        "CPU at rest": True,
        "the same, no prober": False,
    }


@pytest.mark.parametrize("columns", ["40", ""])
def test_no_number_is_cut_where_the_table_does_not_fit(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    each = Result(123_456, 0.00065, 0.0039, 1234)
    measured = Measured(15_000, [Read(128, each, each, 1.0)], 4.0, 500_000_000, 0.3, 0.2, 0.02)
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(bench_command, "measure", lambda *_: measured)
    monkeypatch.setattr(sys, "argv", ["bench"])
    assert bench_command.main() == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    one = "123,456/s, 0.65/3.9 ms, 1234 failed"
    assert f"reads, 128 at once {one} {one} ✓ 1.00 (≥ 0.15)" in lines


class SiteOfOne:
    """A site of one part, which has a process of its own below it; its supervisor is this process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def parts(self) -> list[dict[str, object]]:
        return [{"name": "post@east", "pid": self._pid}, {"name": "retweet@east", "pid": None}]


def test_a_measurement_that_is_asked_to_end_ends_what_it_started(capsys: pytest.CaptureFixture[str]) -> None:
    """SIGTERM is as good as Ctrl-C: otherwise the site that it measures would stay."""
    ended = []

    def measure() -> Measured:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            ended.append("site")
        raise AssertionError("SIGTERM was ignored")

    assert carry_out(measure, lambda measured: Table(), as_json=False) == INTERRUPTED
    assert ended == ["site"]


def test_what_a_part_started_counts_as_its_own_and_nothing_counts_twice() -> None:
    words = [sys.executable, "-c", "import subprocess as s; s.run(['sh', '-c', 'echo up; read line'])"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as part:
        assert part.stdout is not None
        assert part.stdout.readline() == b"up\n"  # all that it starts is there
        processes = Processes(SiteOfOne(part.pid))  # type: ignore[arg-type]
        found = processes.memory_by_part()
        assert found.keys() == {"post@east", SUPERVISOR}
        assert len(processes._parts["post@east"]) == 2
        assert all(size > 0 for size in found.values())
        with processes.without("post@east"):
            assert processes.memory() > found["post@east"]
        part.communicate(b"\n", timeout=10)


def test_a_rest_is_told_by_part_with_what_users_felt() -> None:
    looks = [
        Look(0, {"post@east": 20_000_000, "prober": 10_000_000}),
        Look(3600, {"post@east": 501_000_000}),
    ]
    said = io.StringIO()
    Console(file=said, width=100).print(table(Rest(looks, [], {"up-only": 2, "journeys": 0})))
    text = said.getvalue()
    assert [line.split() for line in text.splitlines() if "@" in line] == [
        ["post@east", "20.0", "501.0", "+481.0"]
    ]
    assert ["prober", "10.0", "0.0", "-10.0"] in [line.split() for line in text.splitlines()]
    assert ["all", "30.0", "501.0", "+471.0"] in [line.split() for line in text.splitlines()]
    assert "after 1h" in text
    said_below = " ".join(text.split())
    assert "✗ ≤ 460 MB at the end; no outage. Alerts that meant nothing: up-only 2, journeys 0." in said_below


def test_a_rest_is_quiet_where_nobody_felt_an_outage_and_nobody_was_paged() -> None:
    assert Rest([], [], {"up-only": 2, "journeys": 0}).is_quiet
    assert not Rest([], [], {"up-only": 0, "journeys": 1}).is_quiet
    assert not Rest([], [], {"burn-rates": 1}).is_quiet
    assert not Rest([], [{"journey": "post"}], {}).is_quiet


def test_a_time_that_is_none_is_refused_in_words() -> None:
    words = [sys.executable, "-m", "bench.rest", "--for", "soon"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "'soon' is not a duration" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_users_felt_is_read_from_the_record(tmp_path: Path) -> None:
    write_site(tmp_path)
    ledger = Ledger(tmp_path / "record" / "ledger.ndjson")
    site = Site(tmp_path, "https://localhost:1", 1.0)
    ledger.append("prober.started", journeys=["post"])
    assert site.outages() == []
    felt = {"journey": "post", "type": "down", "start": stamp(time.time()), "end": None}
    ledger.append("outage.opened", **felt, attempts=1, failed=1, error="refused")
    (row,) = site.outages()
    assert row["journey"] == "post"
