"""The table of the ledger's records: what is written fits it, and what does not fit is told apart."""

from __future__ import annotations

from typing import Any

import pytest

from foundation.records import KINDS, fits
from outages.history import History

AT = "2026-01-31T12:00:00.000000Z"
OUTAGE = {
    "at": AT,
    "kind": "outage.opened",
    "journey": "post",
    "type": "down",
    "start": AT,
    "end": None,
    "attempts": 1,
    "failed": 1,
    "error": "refused",
}


def test_a_whole_record_fits_and_may_say_more() -> None:
    assert fits(OUTAGE)
    assert fits({**OUTAGE, "up": 12.5, "boot": "3f2a9c1e"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "outage.unheard-of"},
        {"at": "yesterday"},
        {"start": 12.5},
        {"start": "yesterday"},
        {"end": 12.5},
        {"journey": None},
        {"attempts": "one"},
        {"attempts": True},
        {"unobserved": "yes"},
    ],
)
def test_a_record_of_another_kind_or_type_does_not_fit(wrong: dict[str, Any]) -> None:
    assert not fits({**OUTAGE, **wrong})
    history = History()
    history.take({**OUTAGE, **wrong})
    assert history.outages == []


@pytest.mark.parametrize("journeys", [None, [], {"post": 3}, {"post": {"good": "three"}}])
def test_counts_are_numbers_by_journey(journeys: Any) -> None:
    assert not fits({"at": AT, "kind": "tally", "journeys": journeys})
    assert fits({"at": AT, "kind": "tally", "journeys": {"post": {"good": 3}}})


def test_all_that_a_history_reads_is_in_the_table() -> None:
    assert set(History._HANDLERS) <= set(KINDS)
