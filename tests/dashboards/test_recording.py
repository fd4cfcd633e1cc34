"""A real Prometheus, configured as the site's, records an outage, pages for it, and the score finds it."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from over_tls import standing_in

from foundation.failure import Failure
from outages.metrics import ProberMetrics
from outages.model import Felt
from outages.prometheus import Prometheus
from outages.rule_sets import is_about, watched_by
from outages.score import score
from testbed.alert_rules import AlertRules

CONFIG = Path(__file__).parents[2] / "dashboards" / "prometheus"
JOURNEY = "post"
DEAD = "post@east"
"""A part that nobody can scrape."""


@dataclass
class Prober:
    """Counts attempts at one journey, five a second, and shows its metrics as the real one does."""

    metrics: ProberMetrics = field(default_factory=ProberMetrics)
    outcome: str = "good"
    pages: set[str] = field(default_factory=set)
    """The names of the alerts that it was told of."""
    ended: threading.Event = field(default_factory=threading.Event)

    def attempt(self) -> None:
        while not self.ended.wait(0.2):
            self.metrics.observe(JOURNEY, self.outcome, 0.01)


@pytest.fixture
def prober() -> Iterator[Prober]:
    prober = Prober()
    attempts = threading.Thread(target=prober.attempt)
    attempts.start()
    yield prober
    prober.ended.set()
    attempts.join()


@contextmanager
def shown(prober: Prober, certificates: Path) -> Iterator[str]:
    """The address at which the prober's metrics are scraped."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = prober.metrics.expose()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            alerts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prober.pages |= {alert["labels"]["alertname"] for alert in alerts}
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with standing_in("prober", Handler, certificates) as address:
        yield address


@contextmanager
def started(
    program: Path, data: Path, certificates: Path, target: str
) -> Iterator[tuple[Prometheus, subprocess.Popen[bytes]]]:
    """The site's own start script, with this Prometheus first on PATH."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment = {
        "PATH": f"{program}{os.pathsep}{os.environ['PATH']}",
        "LISTEN": address,
        "DATA": str(data),
        "RULES": str(data / "rules"),
        "CONFIG": str(CONFIG),
        "PKI": str(certificates),
        "TARGETS": f"prober={target} {DEAD}=127.0.0.1:1 alertmanager=127.0.0.1:1",
        "ALERTMANAGER": "127.0.0.1:1",
        "PROBER": target,
        "LEFT_OUT": "alertmanager grafana",
    }
    with (
        data.with_suffix(".log").open("w+") as log,
        subprocess.Popen(
            ["sh", str(CONFIG / "start.sh")], env=environment, stdout=log, stderr=log
        ) as process,
    ):
        try:
            yield Prometheus(address), process
        finally:
            process.terminate()
            process.wait(10)
            print(log.seek(0) or log.read())


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            if condition():
                return
        except Failure:
            pass  # it is starting
        assert time.monotonic() < end, f"not within a minute: {what}"
        time.sleep(0.1)


def test_what_was_counted_is_recorded_alerted_and_scored(
    prometheus: Path, prober: Prober, certificates: Path, tmp_path: Path
) -> None:
    began = time.time()

    def seen(series: str, value: float) -> bool:
        found = monitor.samples(f'{series}{{journey="{JOURNEY}"}}', began, time.time())
        return bool(found) and found[0][1][-1][1] == value

    with (
        shown(prober, certificates) as target,
        started(prometheus, tmp_path / "data", certificates, target) as (monitor, process),
    ):
        until(lambda: seen("journey:down", 0), "the journey seen as good")
        until(lambda: monitor.now('ALERTS{alertname="PartDown",alertstate="firing"}'), "a part seen as down")
        AlertRules(tmp_path / "data" / "rules").add([{"alert": "Added", "expr": "vector(1)"}])
        process.send_signal(signal.SIGHUP)
        felt = Felt(JOURNEY, "down", time.time())
        prober.outcome = "bad"
        until(lambda: monitor.firing("down", began, time.time()).get(JOURNEY), "the alert fires")
        until(lambda: prober.pages >= {"JourneyDown", "Added"}, "it pages")
        felt.end = time.time()
        prober.outcome = "good"
        until(lambda: seen("journey:down", 0), "the end seen")
        now = time.time()
        recorded = monitor.outages(began, now)
        watched = watched_by(monitor, began, now)
    assert [(outage.journey, outage.kind) for outage in recorded] == [(JOURNEY, "down")]
    assert recorded[0].detected
    result = score([felt], recorded, now)
    assert (result["detected"], result["missed"], result["false_positives"]) == (1, 0, 0)
    # One rule set pages, and what belongs to none, although alerts of another fire as well.
    # And of a part that there is not nobody says that it is down.
    assert [one.alert for one in watched.of("up-only")] == ["PartDown"]
    assert "PartDown" not in prober.pages
    (down,) = [one for one in watched.of("journeys") if one.alert == "JourneyDown"]
    assert is_about(down, felt, now)
    assert watched.saw_all_of(felt.start, felt.end)
