"""With a full disk the prober goes on, says so, and loses nothing in silence."""

from __future__ import annotations

import errno
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fake_site import FakeSite, Problem
from prober_under_test import Running, until
from site_files import write_site

from foundation.clock import parse
from foundation.ledger import Ledger
from foundation.patient_ledger import PatientLedger
from foundation.state import State
from outages import prober, sources, watch
from outages.history import read
from outages.model import Felt
from outages.wording import record_problem


def no_room(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def broken() -> None:
    raise Problem(500)


def kinds(ledger: Ledger) -> list[str]:
    return [record["kind"] for record in ledger.read()]


# --- the ledger ---


def test_records_wait_for_room_in_order_and_with_their_own_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = PatientLedger(tmp_path / "deep" / "ledger.ndjson")
    ledger.append("one")
    with monkeypatch.context() as full:
        full.setattr(os, "write", no_room)
        made = [ledger.append(kind) for kind in ("two", "three")]
        assert not ledger.catch_up()
        assert (ledger.waiting, ledger.problem) == (2, "No space left on device")
    assert kinds(ledger) == ["one"]
    assert ledger.catch_up()
    assert (ledger.waiting, ledger.dropped, ledger.problem) == (0, 0, "")
    ledger.append("four")
    assert kinds(ledger) == ["one", "two", "three", "four"]
    assert list(ledger.read())[1:3] == made


def test_a_folder_that_cannot_be_made_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "record").write_text("in the way")
    ledger = PatientLedger(tmp_path / "record" / "ledger.ndjson")
    ledger.append("one")
    assert (ledger.waiting, ledger.problem) == (1, "File exists")
    (tmp_path / "record").unlink()
    ledger.append("two")
    assert kinds(ledger) == ["one", "two"]


def test_a_line_that_was_cut_short_is_written_again_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, write = PatientLedger(tmp_path / "ledger.ndjson"), os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, line: write(file, line[:20]))
        ledger.append("one")
        ledger.append("two")
    assert kinds(ledger) == []
    assert ledger.catch_up()
    assert kinds(ledger) == ["one", "two"]


def test_what_is_given_up_is_the_oldest_detail_and_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = PatientLedger(tmp_path / "ledger.ndjson", most=6)
    with monkeypatch.context() as full:
        full.setattr(os, "write", no_room)
        ledger.append("outage.opened")
        for number in range(5):
            ledger.append("attempt.slow" if number % 2 else "attempt.failed", number=number)
        assert (ledger.waiting, ledger.dropped) == (6, 0)
        ledger.append("outage.closed")
        assert (ledger.waiting, ledger.dropped) == (4, 3)
        for _ in range(4):
            ledger.append("tally")
        assert (ledger.waiting, ledger.dropped) == (
            6,
            5,
        )  # and what cannot be spared waits, however much it is
        ledger.append("tally")
        assert (ledger.waiting, ledger.dropped) == (7, 5)
    assert ledger.catch_up()
    written = list(ledger.read())
    assert [row["kind"] for row in written] == [
        "outage.opened",
        "outage.closed",
        *["tally"] * 5,
        "records.dropped",
    ]
    assert written[-1]["count"] == 5
    assert ledger.catch_up()
    assert kinds(ledger).count("records.dropped") == 1
    assert ledger.dropped == 5


def test_the_newer_details_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = PatientLedger(tmp_path / "ledger.ndjson", most=4)
    with monkeypatch.context() as full:
        full.setattr(os, "write", no_room)
        for number in range(5):
            ledger.append("attempt.failed", number=number)
    assert ledger.catch_up()
    assert [row.get("number") for row in ledger.read()] == [3, 4, None]


# --- the prober ---


async def test_a_prober_on_a_full_disk_goes_on_and_writes_all_of_it_down_later(
    site: FakeSite, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prober, "CATCH_UP_EVERY", 0.05)
    ledger = running.prober.ledger
    before = kinds(ledger)
    scratch = running.prober.cast.path.with_suffix(".new")
    with monkeypatch.context() as full:
        full.setattr(os, "write", no_room)
        scratch.mkdir()  # in the way
        running.prober.cast.save()
        with site.fault("GET /", broken):
            await until(lambda: "page" in running.down(), "the page to go down")
            await running.everybody_tries_again()
            metrics = running.prober.expose().decode()
            bad = int(running.prober.probes["page"].counts["bad"])
            assert bad > 0
            assert 'journey_up{journey="page"} 0.0' in metrics
            assert "prober_record_waiting 0.0" not in metrics
            assert "prober_record_waiting " in metrics
            assert "prober_record_dropped 0.0" in metrics
            said = running.prober.record_state()
            assert said["waiting"] >= bad
            assert (said["dropped"], said["problem"]) == (0, "No space left on device")
        await running.everybody_tries_again(3)
        assert kinds(ledger) == before
        assert not running.prober.cast.saved
        assert not running.task.done()
    scratch.rmdir()
    await until(lambda: not ledger.waiting and running.prober.cast.saved, "everything to be written")
    assert json.loads(running.prober.cast.path.read_text())["assembled"]

    def outages() -> list[Felt]:
        return [row for row in read(ledger.path).outages if (row.journey, row.kind) == ("page", "down")]

    await until(lambda: [row.end for row in outages()] not in ([], [None]), "the outage closed")
    (outage,) = outages()
    records = list(ledger.read())
    failed = [row for row in records if (row["kind"], row.get("journey")) == ("attempt.failed", "page")]
    assert len(failed) == outage.failed == running.prober.probes["page"].failed
    assert all(parse(row["at"]) < outage.start + outage.duration(0) + 5 for row in failed)
    assert running.prober.record_state() == {"waiting": 0, "dropped": 0, "problem": None}


async def test_a_prober_that_is_stopped_on_a_full_disk_says_what_is_lost(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as full:
        full.setattr(os, "write", no_room)
        await running.stop()
    assert f"{running.prober.ledger.waiting} records could not be written and are lost" in caplog.text


async def test_a_prober_starts_on_a_full_disk(
    site: FakeSite, quick: None, make_running: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "record" / "cast.new").mkdir(parents=True)  # in the way
    with monkeypatch.context() as full:
        full.setattr(os, "write", no_room)
        running = make_running()
        await running.everybody_tries_again()
        counted = Counter(dict(running.prober.probes["page"].counts))
        assert counted["good"] > 0
        assert running.prober.ledger.waiting > 0


# --- who is told ---


def test_it_is_said_in_words() -> None:
    assert record_problem({}) == ""
    assert record_problem({"waiting": 0, "dropped": 0, "problem": None}) == ""
    full = {"waiting": 1234, "dropped": 0, "problem": "No space left on device"}
    assert record_problem(full) == "1,234 records wait in memory (No space left on device)"
    dropped = {"waiting": 0, "dropped": 5000, "problem": None}
    assert record_problem(dropped) == "5,000 details of attempts were given up"
    both = {"waiting": 7, "dropped": 5, "problem": "Read-only file system"}
    assert record_problem(both) == (
        "7 records wait in memory, 5 details of attempts were given up (Read-only file system)"
    )


def test_the_live_view_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    said = {"journeys": {}, "record": {"waiting": 12, "dropped": 0, "problem": "No space left on device"}}
    monkeypatch.setattr(sources, "prober_now", lambda state: said)
    console = Console(width=80, record=True)
    write_site(tmp_path, on="processes up")
    console.print(watch.Live(State(tmp_path)).renderable())
    assert "the record  12 records wait in memory (No space left on device)" in console.export_text()
