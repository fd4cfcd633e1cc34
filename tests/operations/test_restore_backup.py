"""restore-backup: which backup is taken, what is lost, and why it is refused."""

from __future__ import annotations

import time
from typing import Any

import pytest

from foundation.failure import USAGE, Failure
from operations.known import restore_backup
from testbed.backups import Backup, NotGood


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two backups, a minute and a day old. What is put back is noted; `bad` names those that cannot be."""

    class Taken:
        def __init__(self) -> None:
            self.backups = [Backup("new.rdb", time.time() - 60), Backup("old.rdb", time.time() - 86400)]
            self.bad: set[str] = set()
            self.restored: list[str] = []

        def restore(self, site: Any, backup: Backup) -> dict[str, Any]:
            if backup.name in self.bad:
                raise NotGood(f"{backup.name}: it cannot be loaded", "see: failwhale logs")
            self.restored.append(backup.name)
            return {"keys": 9, "removed": 5, "replicated": True}

    made = Taken()
    monkeypatch.setattr(restore_backup, "backups_of", lambda site: made.backups)
    monkeypatch.setattr(restore_backup, "restore", made.restore)
    return made


def test_the_newest_is_taken_and_it_is_said_what_is_lost(do: Any, taken: Any) -> None:
    done = do("restore-backup", reason="the posts are gone")
    assert done.said == (
        "the store has what new.rdb has, 9 keys where there were 5; what was written in the last 1m is lost"
    )
    assert (done.asked_by, done.reason) == ("anna", "the posts are gone")
    assert taken.restored == ["new.rdb"]


def test_the_one_before_is_taken_where_the_newest_is_not_good(do: Any, taken: Any) -> None:
    taken.bad = {"new.rdb"}
    assert "what was written in the last 24h is lost" in do("restore-backup").said
    assert taken.restored == ["old.rdb"]


def test_where_none_is_good_each_says_why(do: Any, taken: Any) -> None:
    taken.bad = {"new.rdb", "old.rdb"}
    with pytest.raises(Failure, match=r"new\.rdb: it cannot be loaded; old\.rdb: it cannot be loaded"):
        do("restore-backup")


def test_one_that_is_named_is_taken_alone(do: Any, taken: Any) -> None:
    do("restore-backup", "old.rdb")
    assert taken.restored == ["old.rdb"]
    taken.bad = {"old.rdb"}
    with pytest.raises(Failure, match=r"^old\.rdb: it cannot be loaded$"):
        do("restore-backup", "old.rdb")
    with pytest.raises(Failure, match=r"no backup is named 'odl\.rdb': did you mean old") as unknown:
        do("restore-backup", "odl.rdb")
    assert unknown.value.code == USAGE


def test_no_more_is_lost_than_somebody_allows(do: Any, taken: Any) -> None:
    with pytest.raises(Failure, match="is 1m old, and no more than 30s may be lost"):
        do("restore-backup", lose_at_most=30.0)
    taken.bad = {"new.rdb"}
    with pytest.raises(Failure, match="is 24h old, and no more than 1h may be lost"):
        do("restore-backup", lose_at_most=3600.0)
    assert taken.restored == []
