"""A real Alertmanager, configured as the site's, tells the prober of pages, unless they are silenced."""

from __future__ import annotations

import http.server
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from over_tls import standing_in

from foundation.clock import stamp
from foundation.failure import Failure
from outages.pages import NOTIFICATIONS, Pages
from testbed.alertmanager import Alertmanager
from testbed.control import Control, Unreachable, mutual_tls
from testbed.inventory import Part

CONFIG = Path(__file__).parents[2] / "dashboards" / "alertmanager"
PAGE = {"alertname": "JourneyDown", "severity": "page", "journey": "post"}


@dataclass
class Receiver:
    """Takes what a webhook tells as the prober does, who may have left."""

    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    is_gone: bool = False
    asked: int = 0

    def __post_init__(self) -> None:
        self.pages = Pages(lambda kind, **fields: self.told.append((kind, fields)))

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.told]


@dataclass
class Running:
    """One Alertmanager that is started as the site's, and whom it tells."""

    address: str
    certificates: Path
    environment: dict[str, str]
    receiver: Receiver
    process: subprocess.Popen[bytes]

    @property
    def control(self) -> Control:
        """It as Prometheus speaks to it."""
        host, _, port = self.address.rpartition(":")
        return Control(host, int(port), mutual_tls(self.certificates, "prometheus"))

    @property
    def ours(self) -> Alertmanager:
        part = Part("alertmanager", "alertmanager", None, "alertmanager", "9093", {"9093": self.address})
        return Alertmanager(part, mutual_tls(self.certificates, "prometheus"))

    def report(self, labels: dict[str, str], ends: float = 240.0, began: float = -1.0) -> None:
        """As Prometheus reports an alert; times are seconds from now."""
        now = time.time()
        alert = {"labels": labels, "startsAt": stamp(now + began), "endsAt": stamp(now + ends)}
        assert self.control.ask("POST", "/api/v2/alerts", [alert]).status == 200

    def is_ready(self, *first_on_path: str) -> bool:
        """By the health check of the compose file."""
        path = os.pathsep.join([*first_on_path, self.environment["PATH"]])
        script = ["sh", str(CONFIG / "ready.sh")]
        return (
            subprocess.run(script, env={**self.environment, "PATH": path}, capture_output=True).returncode
            == 0
        )


@contextmanager
def listening(receiver: Receiver, certificates: Path) -> Iterator[str]:
    """The receiver's address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.asked += 1
            if self.path == NOTIFICATIONS and not receiver.is_gone:
                receiver.pages.take_notification(body)
                self.send_response(200)
            else:
                self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with standing_in("prober", Handler, certificates) as address:
        yield address


@contextmanager
def started(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The site's own start script."""
    with (
        Path(environment["DATA"]).with_suffix(".log").open("a+") as log,
        subprocess.Popen(
            ["sh", str(CONFIG / "start.sh")], env=environment, stdout=log, stderr=log
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()
            print(log.seek(0) or log.read())


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            if condition():
                return
        except (Failure, Unreachable):
            pass  # it is starting
        assert time.monotonic() < end, f"not within half a minute: {what}"
        time.sleep(0.05)


@pytest.fixture
def running(alertmanager: Path, certificates: Path, tmp_path: Path) -> Iterator[Running]:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "alertmanager").symlink_to(alertmanager)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    receiver = Receiver()
    with listening(receiver, certificates) as told_at:
        environment = {
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "LISTEN": address,
            "DATA": str(tmp_path / "data"),
            "CONFIG": str(CONFIG),
            "PKI": str(certificates),
            "RECEIVER": told_at,
        }
        with started(environment) as process:
            running = Running(address, certificates, environment, receiver, process)
            until(lambda: running.control.ask("GET", "/-/ready").status == 200, "it is ready")
            yield running


def test_a_page_is_told_and_so_is_its_end(running: Running) -> None:
    running.report({**PAGE, "severity": "ticket"})
    running.report(PAGE)
    until(lambda: running.receiver.kinds() == ["page.opened"], "the page")
    running.report(PAGE, ends=-0.1)
    until(lambda: running.receiver.kinds() == ["page.opened", "page.closed"], "its end")
    assert [fields["labels"] for _, fields in running.receiver.told] == [PAGE, PAGE]
    assert running.is_ready()
    running.process.kill()
    running.process.wait()
    assert not running.is_ready()


def test_who_has_no_certificate_can_neither_tell_nor_silence(running: Running) -> None:
    host, _, port = running.address.rpartition(":")
    nobody = ssl.create_default_context(cafile=str(running.certificates / "ca.pem"))
    nobody.check_hostname = False
    for tls in (nobody, None):
        stranger = Control(host, int(port), tls, timeout=2.0)
        try:
            assert stranger.ask("GET", "/-/ready").status == 400  # plain HTTP where TLS is spoken
        except Unreachable:
            pass


def test_a_silence_holds_a_page_back_and_one_that_came_is_acknowledged(running: Running) -> None:
    until(lambda: running.ours.silence("JourneyDown", 60.0, "anna", "on it"), "a silence")
    (silence,) = running.ours.silences()
    assert (silence.alert, silence.by) == ("JourneyDown", "anna")
    running.report(PAGE)
    running.report({**PAGE, "alertname": "NobodyLooks"})
    until(lambda: running.receiver.told, "another page, after which that of the first would have come")
    time.sleep(1.5)
    assert [fields["alert"] for _, fields in running.receiver.told] == ["NobodyLooks"]
    running.ours.end(silence)
    assert running.ours.silences() == []
    until(lambda: len(running.receiver.told) == 2, "the page that was held back")
    again = running.ours.silence("JourneyDown", 60.0, "anna", "on it")
    listed: list[dict[str, Any]] = []

    def is_silenced() -> bool:
        listed[:] = running.control.ask("GET", "/api/v2/alerts").json()
        return any(one["status"]["silencedBy"] == [again] for one in listed)

    until(is_silenced, "the alert is listed as silenced")
    by = running.control.ask("GET", f"/api/v2/silence/{again}").json()
    running.receiver.pages.compare(listed, {again: by})
    kind, fields = running.receiver.told[-1]
    assert (kind, fields["alert"], fields["by"]) == ("page.acknowledged", "JourneyDown", "anna")


def test_a_receiver_that_comes_back_is_told_what_goes_on(running: Running) -> None:
    running.receiver.is_gone = True
    running.report(PAGE)
    until(lambda: running.receiver.asked >= 2, "it tries again")
    assert running.receiver.told == []
    running.receiver.is_gone = False
    until(lambda: running.receiver.kinds() == ["page.opened"], "the page")


def test_what_cannot_be_said_to_it_is_refused_with_the_next_step(running: Running) -> None:
    with pytest.raises(Failure, match="alertmanager refuses") as refused:
        running.ours.silence("JourneyDown", -60.0, "anna", "on it")
    assert refused.value.next_step == "see: failwhale logs alertmanager"


def test_a_silence_outlives_a_kill(running: Running) -> None:
    made = running.ours.silence("JourneyDown", 60.0, "anna", "on it")
    kept = Path(running.environment["DATA"], "state", "silences")
    until(lambda: kept.exists() and made.encode() in kept.read_bytes(), "it is written down")
    running.process.kill()
    running.process.wait()
    with started(running.environment):
        until(lambda: [one.id for one in running.ours.silences()] == [made], "it is in force")


def test_one_that_does_not_answer_is_said_to_be_down(certificates: Path) -> None:
    part = Part("alertmanager", "alertmanager", None, "alertmanager", "9093", {"9093": "127.0.0.1:1"})
    with pytest.raises(Failure, match="alertmanager does not answer") as refused:
        Alertmanager(part, mutual_tls(certificates, "prometheus")).silences()
    assert refused.value.next_step == "failwhale ops restart alertmanager"
