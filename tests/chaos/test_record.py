"""What the ledger is told about faults, also when the disk was full meanwhile."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chaos.journal import Entry, Order, PartProgress
from chaos.record import FaultRecorder
from foundation.clock import parse, stamp
from foundation.patient_ledger import PatientLedger

ORDER = Order("kill-1", "kill", "post:all", ("post@east",), {"n": 1}, 10.0, 1000.0, 1010.0, 7)
ENTRY = Entry(ORDER, {"post@east": PartProgress()})


def no_room(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_controllers_log_tells_what_was_done(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="chaos")
    recorder = FaultRecorder(PatientLedger(tmp_path / "ledger.ndjson"))
    asked = Entry(replace(ORDER, asked_by="anna", reason="game day"), ENTRY.progress)
    recorder.tell("requested", asked, "post@east", hurts=[])
    recorder.tell("applied", ENTRY, "post@east")
    recorder.tell("verified", ENTRY, "post@east", verified=None, evidence="nobody answers")
    recorder.tell("failed", ENTRY, "post@east", why="no such part")
    recorder.tell("reverting", ENTRY, "post@east", ended_by="limit")
    assert [record.getMessage() for record in caplog.records] == [
        "kill-1: kill on post@east requested for 10s by anna: game day",
        "kill-1: kill on post@east applied",
        "kill-1: kill on post@east not verified: nobody answers",
        "kill-1: kill on post@east failed: no such part",
        "kill-1: kill on post@east ended by limit",
    ]


def test_a_line_says_which_fault_on_which_part_and_what_happened(tmp_path: Path) -> None:
    ledger = PatientLedger(tmp_path / "ledger.ndjson")
    FaultRecorder(ledger).tell("verified", ENTRY, "post@east", verified=True, evidence="it is gone")
    (line,) = ledger.read()
    assert {line.pop("at"), line.pop("up"), line.pop("boot")}
    assert line == {
        "kind": "fault.verified",
        "fault": "kill-1",
        "name": "kill",
        "target": "post@east",
        "parameters": {"n": 1},
        "until": "1970-01-01T00:16:50.000000Z",
        "verified": True,
        "evidence": "it is gone",
    }


def test_what_there_was_no_room_for_is_told_later_in_order_and_with_its_own_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = PatientLedger(tmp_path / "ledger.ndjson")
    record = FaultRecorder(ledger)
    record.tell("applied", ENTRY, "post@east")
    monkeypatch.setattr("time.time", lambda: 2000.0)
    with monkeypatch.context() as full:
        full.setattr(os, "write", no_room)
        record.tell("reverting", ENTRY, "post@east", ended_by="limit")
        record.tell("reverted", ENTRY, "post@east", evidence="ready")
        assert not record.catch_up()
    monkeypatch.setattr("time.time", lambda: 3000.0)
    assert record.catch_up()
    record.tell("requested", ENTRY, "post@east")
    assert [one["kind"] for one in ledger.read()] == [
        "fault.applied",
        "fault.reverting",
        "fault.reverted",
        "fault.requested",
    ]
    told = [parse(one["at"]) for one in ledger.read()]
    assert told[1:] == pytest.approx([2000.0, 2000.0, 3000.0], abs=0.01)


def test_a_line_that_was_cut_short_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk `write` takes what fits and calls that a success."""
    ledger = PatientLedger(tmp_path / "ledger.ndjson")
    record = FaultRecorder(ledger)
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, content: write(file, content[:30]))
        record.tell("applied", ENTRY, "post@east")
    assert list(ledger.read()) == []
    assert record.catch_up()
    assert [one["kind"] for one in ledger.read()] == ["fault.applied"]


def test_a_full_disk_keeps_no_fault_in_force(
    laboratory: Any, settle: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chaos.injector import Request
    from chaos.journal import read
    from foundation.failure import Failure

    injector = laboratory.controller()
    for fault in ("kill", "pause", "latency"):
        place = "west" if fault == "pause" else "east"
        injector.order(Request(fault, f"{'auth' if fault == 'latency' else 'post'}@{place}", 0.3, id=fault))
    wait_until(
        lambda: all(all(p.verified for p in e.progress.values()) for e in injector.entries()), "verified"
    )
    with monkeypatch.context() as full:
        full.setattr(os, "write", no_room)
        settle(injector)
        assert all(entry.over for entry in injector.entries())
        assert laboratory.site.harm() == []
        with pytest.raises(Failure, match="cannot be written down") as failure:
            injector.order(Request("kill", "post@east", 0.1))
        assert "make room" in failure.value.next_step
        assert laboratory.site.harm() == []
    injector.catch_up()
    assert all(entry.over for entry in read(laboratory.folder / "chaos" / "journal.ndjson").entries.values())
    gone = [line["fault"] for line in laboratory.ledger.read() if line["kind"] == "fault.reverted"]
    assert sorted(gone) == ["kill", "latency", "pause"]
    injector.order(Request("kill", "post@east", 0.05))
    settle(injector)
    assert laboratory.site.harm() == []


def test_what_is_undone_is_gone_although_a_full_disk_keeps_the_part_from_being_ready(
    laboratory: Any, settle: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis takes no write then, and answers no PING: so nobody is ready, whatever chaos has undone."""
    import chaos.execution
    from chaos.injector import Request

    monkeypatch.setattr(chaos.execution, "REVERT_LIMIT", 0.3)
    monkeypatch.setattr(laboratory.site, "ready", lambda part: False)
    injector = laboratory.controller()
    for identifier, full in (("roomy", False), ("full", True)):
        injector.order(Request("kill", "post@east", 0.1, id=identifier))
        with monkeypatch.context() as disk:
            disk.setattr("chaos.journal.is_full", lambda folder, full=full: full)
            settle(injector)
        assert injector.entry(identifier).progress["post@east"].phase.is_over is full
        laboratory.site.runtime.revive("post@east")
        if not full:
            with monkeypatch.context() as well:
                well.setattr(laboratory.site, "ready", lambda part: True)
                injector.end_all("heal")


OPERATION = {
    "id": "o-1",
    "operation": "restart",
    "target": "post:all",
    "parts": ["post@east"],
    "asked_by": "a",
}
DONE = {"said": "restarted", "seconds": 1.0}
CHANGED = {"by": "anna"}
RELEASE = {
    "roll_out": "r-1",
    "part": "post@east",
    "release": "1.1",
    "former": "1.0",
    "good": True,
    "hurts": [],
}


@pytest.mark.parametrize(
    ("records", "target", "expected"),
    [
        ([], "post@east", False),
        ([("operation.begun", 1099, OPERATION)], "post@east", True),
        ([("operation.begun", 1099, OPERATION)], "post@west", False),
        ([("operation.begun", 1099, OPERATION)], "site", True),
        ([("operation.begun", 1101, OPERATION)], "post@east", False),  # it had ceased by then
        ([("operation.begun", 999, OPERATION)], "post@east", False),  # before the fault
        ([("operation.begun", 1010, OPERATION)], "post@east", True),  # and goes on
        (
            [("operation.begun", 1080, OPERATION), ("operation.done", 1095, OPERATION | DONE)],
            "post@east",
            True,
        ),
        (
            [("operation.begun", 1010, OPERATION), ("operation.done", 1020, OPERATION | DONE)],
            "post@east",
            False,
        ),
        (
            [
                ("operation.begun", 1010, OPERATION),
                ("operation.refused", 1011, OPERATION | {"why": "no", "seconds": 1}),
            ],
            "post@east",
            False,
        ),
        (
            [("operation.begun", 1099, {**OPERATION, "parts": "post@east"})],
            "post@east",
            False,
        ),  # no such record
        ([("release.changed", 1099, RELEASE)], "post@east", True),
        ([("release.changed", 1099, RELEASE)], "auth@east", False),
        ([("configuration.begun", 1099, CHANGED)], "site", True),
        ([("configuration.begun", 1099, CHANGED)], "post@east", False),
        ([("configuration.begun", 1080, CHANGED)], "site", False),
    ],
)
def test_who_was_at_work_on_a_target_is_read_in_the_ledger(
    tmp_path: Path, records: list[tuple[str, float, dict[str, Any]]], target: str, expected: bool
) -> None:
    """A fault that was applied at 1000 has ceased at 1100."""
    ledger = PatientLedger(tmp_path / "ledger.ndjson")
    for kind, at, fields in records:
        ledger.append(kind, at=stamp(at), **fields)
    assert FaultRecorder(ledger).was_operated(target, 1000.0, 1100.0) is expected
