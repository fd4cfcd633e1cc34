"""What maintenance says of its backups, and what it refuses."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from foundation.failure import Failure
from testbed import backups
from testbed.backups import NotGood, backups_of, restore
from testbed.control import Answer, Unreachable


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Any:
    """One whose maintenance@west does the jobs; `answer` is what it says next."""
    site = SimpleNamespace(row={"error": None, "last_success": None}, answer=Answer(200, b"[]"), asked=[])

    def ask(method: str, path: str) -> Answer:
        site.asked.append(f"{method} {path}")
        if site.answer is None:
            raise Unreachable
        return site.answer

    site.control = lambda part, seconds: SimpleNamespace(ask=ask)
    now = SimpleNamespace(jobs={backups.JOB: site.row})
    monkeypatch.setattr(backups, "leading", lambda site, job: (now, SimpleNamespace(name="maintenance@west")))
    return site


def said(status: int, content: object) -> Answer:
    return Answer(status, json.dumps(content).encode())


def test_they_are_named_with_their_age(site: Any) -> None:
    site.answer = said(200, [{"name": "b.rdb", "made": 20.0, "bytes": 5}, {"name": "a.rdb", "made": 10.0}])
    assert [one.name for one in backups_of(site)] == ["b.rdb", "a.rdb"]
    assert backups_of(site)[0].age > 1e9


@pytest.mark.parametrize(
    ("row", "answer", "why"),
    [
        ({}, said(200, []), "back-up-store was never done"),
        ({"error": "no room"}, said(200, []), "no room"),
        ({}, said(503, {"title": "Backups", "detail": "the place is gone"}), "the place is gone"),
    ],
)
def test_where_there_is_none_it_is_said_why(site: Any, row: Any, answer: Any, why: str) -> None:
    site.row.update(row)
    site.answer = answer
    with pytest.raises(Failure) as refusal:
        backups_of(site)
    assert refusal.value.message == f"there is no backup that was tried out and is good: {why}"
    assert "failwhale ops failover" in refusal.value.next_step


def test_one_is_put_back_or_it_is_said_why_not(site: Any) -> None:
    backup = backups.Backup("a.rdb", 0.0)
    site.answer = said(200, {"keys": 7, "removed": 3, "replicated": True})
    assert restore(site, backup)["keys"] == 7
    assert site.asked == ["POST /-/backups/a.rdb/restore"]
    problem = {"type": "https://x.invalid/backup-not-good", "detail": "it cannot be loaded"}
    site.answer = said(409, problem)
    with pytest.raises(NotGood, match=r"a\.rdb: it cannot be loaded"):
        restore(site, backup)
    site.answer = said(503, {"title": "Not restored", "detail": "the store refuses"})
    with pytest.raises(Failure, match=r"a\.rdb was not restored: the store refuses") as refusal:
        restore(site, backup)
    assert not isinstance(refusal.value, NotGood), "so no older one is tried"
    site.answer = None
    with pytest.raises(Failure, match=r"maintenance@west does not answer$"):
        restore(site, backup)
