"""The record: one whole line for each promise, in a form that is read again, whoever else writes."""

from __future__ import annotations

import fcntl
import json
import os
import re
from pathlib import Path

import pytest

from loadtests.acknowledged import Acknowledged, Record, TornRecord, read, read_all


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "er" / "record"


def test_a_line_says_everything(path: Path) -> None:
    record = Record(path, "one")
    record.add("1", "ann", 'with "quotes"\nand lines', True)
    record.add("2", "bob", "", None, kind="like")
    record.close()
    first, second = path.read_text().splitlines()
    content = json.loads(first)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", content.pop("at"))
    assert content == {
        "id": "1",
        "author": "ann",
        "text": 'with "quotes"\nand lines',
        "replicated": True,
        "load": "one",
        "kind": "post",
    }
    assert ": " not in second
    assert ", " not in second
    assert [json.loads(second)[name] for name in ("kind", "replicated")] == ["like", None]


def test_two_loads_write_into_one_file_and_neither_loses_a_line(path: Path) -> None:
    one, two = Record(path, "one"), Record(path, "two")
    for number in range(20):
        (one if number % 3 else two).add(str(number), "ann", "text", True)
    one.close()
    two.close()
    Record(path, "three").close()  # opened again: nothing is cut
    assert [post.id for post in read(path)] == [str(number) for number in range(20)]
    assert [post.id for post in read(path, "two")] == [str(number) for number in range(0, 20, 3)]
    assert list(read(path, "three")) == []


def test_the_file_is_everybodys_to_read_and_no_childs_to_write(path: Path) -> None:
    before = os.umask(0)
    try:
        record = Record(path, "one")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644
    flags = fcntl.fcntl(record._file, fcntl.F_GETFL)
    assert flags & os.O_ACCMODE == os.O_WRONLY
    assert flags & os.O_APPEND
    assert fcntl.fcntl(record._file, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    record.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(record._file)


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "1", "aut',
        "{}",
        "[]",
        "7",
        "",
        '{"id": "1", "author": "a", "text": "", "replicated": true, "kind": "wish"}',
        '{"id": "1", "author": "a", "text": "", "replicated": true, "more": 1}',
    ],
)
def test_a_line_that_is_not_whole_is_no_record(path: Path, line: str) -> None:
    record = Record(path, "one")
    record.add("1", "ann", "text", True)
    record.close()
    with path.open("a") as file:
        file.write(line + "\n")
    lines = read_all(path)
    assert next(lines).id == "1"
    with pytest.raises(TornRecord) as torn:
        next(lines)
    assert str(torn.value) == f"line 2 of {path} is not whole"
    assert torn.value.__cause__ is None


def test_without_a_record_there_is_an_error(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read(path))


def test_old_lines_without_a_kind_are_posts(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text('{"id": "1", "author": "ann", "text": "t", "replicated": false}\n')
    assert list(read(path)) == [Acknowledged("1", "ann", "t", False, "", "", "post")]


@pytest.mark.parametrize("kind", ["post-sent", "post-refused", "unseen", "gone"])
def test_lines_that_promise_nothing_are_read_with_all_and_are_no_posts(path: Path, kind: str) -> None:
    record = Record(path, "one")
    record.add("", "ann", "text", None, kind=kind, at="2026-01-01T00:00:00.000000Z")
    record.add("1", "ann", "text", True)
    record.close()
    assert record.load == "one"
    first, _ = read_all(path)
    assert first == Acknowledged("", "ann", "text", None, "one", "2026-01-01T00:00:00.000000Z", kind)
    assert [post.id for post in read(path)] == ["1"]
