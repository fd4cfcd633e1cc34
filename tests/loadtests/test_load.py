"""Real runs of Locust against a small HTTPS site with two edges."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from site_files import write_site

from foundation.ledger import Ledger
from services.platform import pki
from testbed.sitefile import SiteFile

FAILWHALE = [sys.executable, "-m", "failwhale"]


@pytest.fixture
def start(fake_site: Any) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a command of failwhale for the fake site; it is gone at the end, and so are its children."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*FAILWHALE, *arguments],
            env={**os.environ, "FAILWHALE_STATE": str(fake_site.state.path), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)


def run(start: Callable[..., subprocess.Popen[str]], *arguments: str) -> tuple[int, Any, str]:
    process = start(*arguments, "--json")
    output, errors = process.communicate(timeout=60)
    return process.returncode, json.loads(output) if output else None, errors


def wait_until(condition: Callable[[], Any], seconds: float = 15) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
    return value


def test_a_steady_load_uses_both_edges_and_all_it_gets_is_good(fake_site: Any, start: Any) -> None:
    code, result, errors = run(
        start, "load", "steady", "--people", "10", "--rate", "60", "--for", "3s", "--check"
    )
    assert code == 0, errors
    assert result["errors"] == {}
    assert result["good"] == result["completed"] == result["sent"] > 90
    assert result["offered"] >= result["sent"]
    assert result["latency"]["p50"] < 0.2
    assert Counter(edge for edge, _, _ in fake_site.requests)["west"] > 20
    operations = {row["operation"]: row for row in result["operations"]}
    assert operations["POST /sessions"]["count"] == 10
    # Mostly reads, as on any such site.
    writes = sum(row["count"] for name, row in operations.items() if not name.startswith("GET"))
    assert writes < 0.4 * result["sent"]
    assert operations["POST /posts"]["count"] > 0
    assert result["checker"]["holds"] is True, result["checker"]
    assert result["checker"]["acknowledged"] == operations["POST /posts"]["good"]
    kinds = [record["kind"] for record in Ledger(fake_site.state.ledger).read()]
    assert kinds == ["load.started", "load.finished"]


def test_when_one_edge_refuses_connections_the_other_serves_and_nothing_fails(
    fake_site: Any, start: Any
) -> None:
    edges = SiteFile.read(fake_site.state).edges
    with socket.socket() as taken:
        # Bound and not listening: whoever connects is refused.
        taken.bind(("127.0.0.1", 0))
        refusing = f"https://localhost:{taken.getsockname()[1]}"
        write_site(fake_site.state, edges={**edges, "east": refusing}, on="processes up")
        code, result, errors = run(start, "load", "steady", "--people", "4", "--rate", "40", "--for", "2s")
    assert code == 0, errors
    assert result["errors"] == {}
    assert result["good"] > 15
    assert {edge for edge, _, _ in fake_site.requests} == {"west"}


def test_the_stall_that_closed_users_hide_shows_in_the_open_loop(fake_site: Any, start: Any) -> None:
    process = start("load", "open-loop", "--people", "10", "--rate", "60", "--for", "4s", "--json")
    wait_until(lambda: len(fake_site.requests) > 60)
    fake_site.flowing.clear()
    opened = threading.Timer(1.2, fake_site.flowing.set)
    opened.start()
    output, errors = process.communicate(timeout=60)
    opened.join()
    assert process.returncode == 0, errors
    result = json.loads(output)
    # 1.2 s of 4 s stood still: three in ten arrivals waited, half of them for more than 0.6 s.
    assert result["latency"]["p90"] > 0.4
    assert result["latency"]["p99"] > 0.9
    assert result["latency"]["p50"] < 0.5
    assert result["errors"] == {}
    assert 180 < result["offered"] < 320
    assert result["completed"] == result["sent"] == result["offered"] - sum(result["not_sent"].values())


def test_a_refusal_with_retry_after_is_a_kind_of_its_own_and_the_polite_wait(
    fake_site: Any, start: Any
) -> None:
    fake_site.refusal = (503, "2")
    code, polite, _ = run(start, "load", "steady", "--people", "4", "--rate", "40", "--for", "2s")
    assert code == 0
    assert set(polite["errors"]) == {"shed"}
    assert polite["not_sent"]["backing-off"] > 10
    # A login and a request for each of them, and then they wait.
    assert polite["sent"] <= 12
    fake_site.refusal = (429, "2")
    _, impatient, _ = run(
        start, "load", "steady", "--people", "4", "--rate", "40", "--for", "2s", "--ignore-retry-after"
    )
    assert set(impatient["errors"]) == {"throttled"}
    assert impatient["sent"] > 16


def test_an_answer_with_the_wrong_content_is_not_good(fake_site: Any, start: Any) -> None:
    fake_site.empty_homes = True
    _, result, _ = run(start, "load", "steady", "--people", "4", "--rate", "40", "--for", "1s")
    homes = next(row for row in result["operations"] if row["operation"] == "GET /timelines/home")
    assert homes["good"] == 0
    assert result["errors"] == {"wrong-content": homes["count"]}


def test_a_certificate_of_another_authority_is_refused(
    fake_site: Any, start: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pki.install_authority(tmp_path, pki.new_authority())
    monkeypatch.setenv("FAILWHALE_CA", str(tmp_path / "ca.pem"))
    code, result, _ = run(start, "load", "steady", "--people", "2", "--for", "1s")
    assert code == 1
    assert set(result["errors"]) == {"handshake"}
    assert result["completed"] == 0


def test_nobody_is_trusted_but_the_site(fake_site: Any) -> None:
    look = """
import sys
from pathlib import Path
from locust.contrib.fasthttp import FastHttpSession
from loadtests.browser import trust_only
factory = trust_only(Path(sys.argv[1]))
session = FastHttpSession("", None, None, insecure=False, ssl_context_factory=factory)
pool = session.client.clientpool.get_client("https://localhost:1")._connection_pool
assert pool.ssl_context is factory()
print(len(pool.ssl_context.get_ca_certs()), pool.ssl_context.check_hostname)
"""
    done = subprocess.run(
        [sys.executable, "-c", look, fake_site.state.ca], capture_output=True, text=True, timeout=30
    )
    assert done.stdout.split() == ["1", "True"], done.stderr


def test_ctrl_c_ends_it_with_a_result_and_leaves_nothing(fake_site: Any, start: Any) -> None:
    process = start("load", "all-time-high", "--people", "4", "--for", "60s", "--json")
    wait_until(lambda: len(fake_site.requests) > 10)
    (generator,) = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=15)
    assert process.returncode == 130
    assert json.loads(output)["good"] > 0
    assert re.search(r"^failwhale: interrupted after \d+ of 60 s$", errors, re.MULTILINE), errors
    assert "Traceback" not in errors
    assert not generator.is_running()


def test_what_is_not_whole_seconds_is_said_to_be_rounded(fake_site: Any, start: Any) -> None:
    code, result, errors = run(start, "load", "steady", "--people", "2", "--for", "500ms")
    assert code == 0, errors
    assert result["seconds"] == 1
    assert "1 s instead of 500ms" in errors


def test_killed_outright_it_still_leaves_no_orphan(fake_site: Any, start: Any) -> None:
    process = start("load", "steady", "--people", "4", "--for", "60s")
    wait_until(lambda: len(fake_site.requests) > 10)
    (generator,) = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    wait_until(lambda: not generator.is_running(), 10)


def test_locusts_own_command_line(fake_site: Any) -> None:
    locustfile = Path(__file__).parents[2] / "loadtests" / "locustfile.py"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "locust",
            "-f",
            locustfile,
            "--headless",
            "-u",
            "4",
            "-r",
            "10",
            "-t",
            "5s",
            "--json",
        ],
        env={
            **os.environ,
            "FAILWHALE_EAST": f"https://localhost:{fake_site.ports['east']}",
            "FAILWHALE_WEST": f"https://127.0.0.1:{fake_site.ports['west']}/",
            "FAILWHALE_CA": str(fake_site.state.ca),
            "FAILWHALE_POPULATION": str(fake_site.state.path / "population.json"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert sum(row["num_requests"] for row in rows) > 8
    assert sum(row["num_failures"] for row in rows) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "names"),
    [
        (["load", "flood"], 2, "open-loop"),
        (["load", "steady", "--for", "2h"], 2, "--for"),
        (["load", "steady", "--for", "-1s"], 2, "--for"),
        (["load", "steady", "--people", "0"], 2, "--people"),
        (["load", "open-loop", "--rate", "99999"], 2, "--rate"),
        (["load", "open-loop", "--rate", "much"], 2, "'much' is not a number"),
        (["populate", "--people", "1"], 2, "1 is not within 2 and 1,000,000"),
    ],
)
def test_nonsense_is_refused_by_name(start: Any, arguments: list[str], code: int, names: str) -> None:
    process = start(*arguments)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert names in errors
    for foreign in ("Traceback", "Value error", "Input should"):
        assert foreign not in errors


def test_another_machine_is_never_flooded(fake_site: Any, start: Any) -> None:
    write_site(fake_site.state, edges={"east": "https://example.com"}, on="processes up")
    process = start("load", "steady")
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "not on this machine" in errors
