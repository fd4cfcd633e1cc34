"""The ledger: whole lines from several writers, and readers that survive torn ones."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.clock import Clock, parse, stamp
from foundation.ledger import Ledger, Tail, parse_line


def test_a_record_has_its_time_and_kind_first(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "deep" / "ledger.ndjson")
    written = ledger.append("fault.applied", fault="f-1", target="post@east")
    (line,) = ledger.path.read_text().splitlines()
    assert json.loads(line) == written
    assert list(written)[:2] == ["at", "kind"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", written["at"])


def test_nothing_is_read_where_nothing_was_written(tmp_path: Path) -> None:
    assert list(Ledger(tmp_path / "none").read()) == []


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise(junk: bytes) -> None:
    record = parse_line(junk)
    assert record is None or isinstance(record["kind"], str)


@given(st.integers(0, 200), st.text(max_size=40))
def test_a_torn_line_hides_no_other(cut: int, text: str) -> None:
    torn = json.dumps({"at": "2026-01-01T00:00:00.000000Z", "kind": "torn", "text": text})[:cut]
    whole = json.dumps(
        {"at": "2026-01-01T00:00:00.000000Z", "kind": "whole", "text": text}, separators=(",", ":")
    )
    record = parse_line((torn + whole + "\n").encode())
    assert record is not None
    assert record["kind"] == "whole"


def test_torn_lines_are_skipped(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.ndjson")
    ledger.append("one")
    with ledger.path.open("ab") as file:
        file.write(b'{"at":"2026","kin')
    ledger.append("two")
    with ledger.path.open("ab") as file:
        file.write(b'\n\xff\xfe\n[1]\n{"at":"2026","kind":"cut o')
    assert [record["kind"] for record in ledger.read()] == ["one", "two"]


def test_a_tail_waits_for_the_end_of_a_line_and_starts_over_in_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.ndjson"
    tail = Tail(path)
    path.write_bytes(b'{"at":"x","kind":"a"}\n{"at":"x",')
    assert [record["kind"] for record in tail.new()] == ["a"]
    with path.open("ab") as file:
        file.write(b'"kind":"b"}\n')
    assert [record["kind"] for record in tail.new()] == ["b"]
    path.write_bytes(b'{"at":"x","kind":"c"}\n')
    assert [record["kind"] for record in tail.new()] == ["c"]


def test_following_yields_what_is_there_and_what_comes(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.ndjson")
    ledger.append("first")
    seen: list[str] = []
    for record in ledger.follow(stop=lambda: len(seen) == 3, poll=0.001):
        seen.append(record["kind"])
        if len(seen) < 3:
            ledger.append(f"after {record['kind']}")
    assert seen == ["first", "after first", "after after first"]


def _write(path: Path, name: str) -> None:
    ledger = Ledger(path)
    for number in range(300):
        ledger.append(name, number=number, padding="x" * (number % 200))


def test_lines_of_several_writers_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "ledger.ndjson"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(path, name)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for name in ("a", "b"):
        assert [record["number"] for record in records if record["kind"] == name] == list(range(300))


@given(st.floats(0, 4_000_000_000))
def test_a_stamp_keeps_its_microsecond(moment: float) -> None:
    assert abs(parse(stamp(moment)) - moment) < 2e-6


def test_the_clock_follows_a_lasting_step_only_when_asked(monkeypatch: object) -> None:
    clock = Clock()
    clock._offset -= 100.0  # as if the wall clock had been put forward
    before = clock.now()
    assert clock.now() - before < 1.0
    assert 99.0 < clock.settle() < 101.0
    assert clock.settle() == 0.0


def test_a_line_that_the_disk_took_half_of_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, content: write(file, content[:10]))
    ledger = Ledger(tmp_path / "ledger.ndjson")
    with pytest.raises(OSError, match="only 10 of"):
        ledger.append("one")
    assert list(ledger.read()) == []
    monkeypatch.undo()
    ledger.append("two")
    assert [record["kind"] for record in ledger.read()] == ["two"]


def test_the_latest_records_come_first_and_not_all_of_a_long_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(tmp_path / "ledger.ndjson")
    assert list(ledger.latest()) == []
    for number in range(10):
        ledger.append("tally", number=number)
    assert [record["number"] for record in ledger.latest()] == list(range(9, -1, -1))
    length = len(ledger.path.read_bytes().splitlines(keepends=True)[-1])
    monkeypatch.setattr("foundation.ledger.LOOK_BACK", 2 * length + length // 2)
    assert [record["number"] for record in ledger.latest()] == [9, 8]


def test_what_was_there_already_can_be_passed_over(tmp_path: Path) -> None:
    ledger, tail = Ledger(tmp_path / "ledger.ndjson"), Tail(tmp_path / "ledger.ndjson")
    tail.skip()
    ledger.append("tally", number=1)
    assert [record["number"] for record in tail.new()] == [1]
    ledger.append("tally", number=2)
    tail.skip()
    ledger.append("tally", number=3)
    assert [record["number"] for record in tail.new()] == [3]
