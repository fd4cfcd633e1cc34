"""`failwhale status` when there is no room for the record."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from site_files import write_site

from chaos.journal import Journal, Order
from failwhale.status import _spell_journeys, configuration_now, status
from foundation.console import run
from foundation.disk import is_full
from foundation.state import State
from services.platform.genesis import make_certificates
from testbed import instruments as where
from testbed.certificates import Flaw, give
from testbed.runtimes.processes.client import Processes

FULL = {"waiting": 12, "dropped": 0, "problem": "No space left on device"}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_site(tmp_path)
    monkeypatch.setattr(Processes, "status_with_supervisor", lambda self: ([], None))
    return tmp_path


def call(state: Path, *words: str) -> int:
    import typer

    app = typer.Typer()
    app.command()(status)
    return run(app, "failwhale status", ["--state", str(state), *words])


@pytest.mark.parametrize(("record", "said"), [(FULL, True), ({**FULL, "waiting": 0, "problem": None}, False)])
def test_status_says_whether_records_wait_for_room(
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    record: dict[str, Any],
    said: bool,
) -> None:
    monkeypatch.setattr(where, "prober_now", lambda state: {"journeys": {}, "record": record})
    assert call(state) == 0
    words = "the record: 12 records wait in memory (No space left on device)"
    assert (words in capsys.readouterr().out) == said
    assert call(state, "--json") == 0
    assert json.loads(capsys.readouterr().out)["record"] == record


@pytest.mark.parametrize("full", [True, False])
def test_status_says_that_no_fault_begins_where_no_room_is_left(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], full: bool
) -> None:
    monkeypatch.setattr(where, "prober_now", lambda state: {})
    monkeypatch.setattr("foundation.disk.os.statvfs", lambda folder: Disk(4096, 63 if full else 64))
    assert call(state) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert ("no fault begins, what is in force ends all the same" in said) == full
    assert call(state, "--json") == 0
    assert json.loads(capsys.readouterr().out)["full"] is full


@dataclass
class Disk:
    f_frsize: int
    f_bavail: int
    f_files: int = 0
    f_favail: int = 0


@pytest.mark.parametrize(
    ("disk", "full"),
    [
        (Disk(4096, 1000), False),
        (Disk(4096, 0), True),
        (Disk(4096, 1000, f_files=10, f_favail=0), True),
        (Disk(4096, 1000, f_files=10, f_favail=1), False),
    ],
)
def test_a_disk_is_full_without_bytes_or_without_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Disk, full: bool
) -> None:
    monkeypatch.setattr("foundation.disk.os.statvfs", lambda folder: disk)
    assert is_full(tmp_path) is full


def test_a_folder_that_is_not_there_is_not_full(tmp_path: Path) -> None:
    assert not is_full(tmp_path / "none")


def test_status_says_how_users_fare_what_is_blocked_and_which_protections_are_off(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {"post": {"state": "down"}, "login": {"state": "slow"}, "page": {"state": "green"}}
    monkeypatch.setattr(where, "prober_now", lambda state: {"journeys": rows})
    infos = {"post@east": {"protections": {"retries": False}, "configuration": 7}}
    monkeypatch.setattr("failwhale.protections.say_of_themselves", lambda site, parts: infos)
    journal = Journal.open(State(state).journal)
    until = time.time() + 60
    journal.begin(Order("kill-1", "kill", "post@east", ("post@east",), {}, 60.0, time.time(), until, 7))
    journal.note("blocked")
    journal.close()
    assert call(state) == 0
    said = capsys.readouterr().out
    assert "users: post down, login slow; 1 of 3 journeys green\n" in said
    assert "blocked: no fault begins until failwhale chaos unblock\n" in said
    assert "active faults: kill-1" in said
    assert "retries: off on post@east" in said
    assert "configuration: version 7 (failwhale config show)\n" in said
    assert call(state, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["blocked"], told["active_faults"]) == (True, ["kill-1"])
    assert (told["protections_off"], told["journeys"]) == ({"retries": ["post@east"]}, rows)
    assert told["configuration"] == {"version": 7, "others": {}}


def test_status_names_who_goes_by_another_version_of_the_configuration() -> None:
    infos = {"post@east": {"configuration": 7}, "post@west": {"configuration": 6}, "auth@east": {}}
    assert configuration_now({**infos, "auth@west": {"configuration": 7}}) == {
        "version": 7,
        "others": {"post@west": 6},
    }
    assert configuration_now({"auth@east": {}}) == {"version": None, "others": {}}


@pytest.mark.parametrize(
    ("journeys", "said"),
    [({}, "no data, the prober does not answer"), ({"post": {"state": "green"}}, "all 1 journeys green")],
)
def test_status_of_a_site_that_is_well_says_nothing_else(
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    journeys: dict[str, Any],
    said: str,
) -> None:
    monkeypatch.setattr(where, "prober_now", lambda state: {"journeys": journeys})
    assert call(state) == 0
    out = capsys.readouterr().out
    assert f"users: {said}\n" in out
    assert not any(word in out for word in ("blocked", "active", "off"))


@pytest.mark.parametrize("flaw", [Flaw.EXPIRED, None])
def test_status_says_why_nobody_answers_once_certificates_have_expired(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flaw: Flaw | None
) -> None:
    shutil.rmtree(state / "pki", ignore_errors=True)
    make_certificates(state / "pki", [], ["client"])
    if flaw is not None:
        give(state / "pki", "client", flaw)
    monkeypatch.setattr(where, "prober_now", lambda state: {})
    assert call(state) == 0
    said = "failwhale certificates renew all" in capsys.readouterr().out
    assert said == (flaw is Flaw.EXPIRED)


def test_journeys_without_data_are_told_as_everywhere_and_many_by_their_number() -> None:
    rows: Any = {name: {"state": "unknown"} for name in ("page", "login", "post", "retweet")}
    assert _spell_journeys(rows) == "4 no data; 0 of 4 journeys green"
    rows["page"]["state"] = "green"
    assert _spell_journeys(rows) == "login, post, retweet no data; 1 of 4 journeys green"
