"""How the jobs of maintenance are told to people."""

from __future__ import annotations

from typing import Any

import pytest

from testbed.maintenance import JobRow, MaintenanceNow, is_well, spell_maintenance


def row(**otherwise: Any) -> JobRow:
    told: dict[str, Any] = {
        "every_days": 1,
        "interval": 10.0,
        "last_success": None,
        "age": 3.0,
        "late": False,
        "due_in": 7.0,
        "running": 0.0,
        "duration": 0.1,
        "runs": 1,
        "failures": 0,
        "error": None,
        "grows": [],
    }
    return JobRow(**{**told, **otherwise})  # type: ignore[typeddict-item]


LATE = row(age=40.0, late=True, error="no room", grows=["backup_age_seconds", "unknown"])


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (MaintenanceNow(), "maintenance: nobody does the jobs"),
        (
            MaintenanceNow("maintenance@west", {"a": row(), "b": row()}),
            "maintenance: 2 jobs on time, done by maintenance@west",
        ),
        (
            MaintenanceNow("maintenance@west", {"a": row(), "b": LATE}, {"backup_age_seconds": 4000.4}),
            "maintenance: b is late, no success for 40s, it should be done every 10s, no room, "
            "backup_age_seconds 4,000; 1 of 2 jobs on time",
        ),
    ],
)
def test_what_is_late_is_named_with_what_grows(now: MaintenanceNow, words: str) -> None:
    assert spell_maintenance(now) == words
    assert is_well(now) == words.endswith("done by maintenance@west")
