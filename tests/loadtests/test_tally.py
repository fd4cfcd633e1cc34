"""Three honest numbers, and percentiles that are what they say."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from loadtests.tally import DROPPED, KEPT_UP_LAG, MISSED, UNFINISHED, Tally, percentile


def test_offered_sent_completed_and_good_are_four_numbers() -> None:
    tally = Tally()
    for _ in range(6):
        tally.begin()
    tally.end("GET /a", 0.1, "", answered=True)
    tally.end("GET /a", 0.2, "", answered=True)
    tally.end("GET /b", 0.3, "status-500", answered=True)
    tally.end("GET /b", 9.0, "timeout", answered=False)
    tally.leave_out(MISSED)
    summary = tally.summary()
    assert [summary[name] for name in ("offered", "sent", "completed", "good")] == [7, 6, 3, 2]
    assert summary["errors"] == {UNFINISHED: 2, "status-500": 1, "timeout": 1}
    assert summary["not_sent"] == {MISSED: 1}
    # What was never answered took its time as well.
    assert summary["latency"]["p999"] == 9.0
    assert [(row["operation"], row["count"], row["good"]) for row in summary["operations"]] == [
        ("GET /a", 2, 2),
        ("GET /b", 2, 0),
    ]


def test_nothing_at_all_is_no_latency() -> None:
    summary = Tally().summary()
    assert summary["latency"] == {"p50": None, "p90": None, "p99": None, "p999": None}
    assert summary["generator_kept_up"] is True


def test_a_generator_that_lags_or_drops_did_not_keep_up() -> None:
    late, dropping, punctual = Tally(), Tally(), Tally()
    for number in range(100):
        late.lag(2 * KEPT_UP_LAG if number < 3 else 0.0)
        punctual.lag(2 * KEPT_UP_LAG if number < 1 else 0.0)
    dropping.leave_out(DROPPED)
    assert [tally.kept_up for tally in (late, dropping, punctual)] == [False, False, True]


def test_progress_counts_from_the_time_before() -> None:
    tally = Tally()
    for _ in range(3):
        tally.begin()
        tally.end("GET /a", 0.1, "", answered=True)
    assert tally.progress()["good_since"] == 3
    tally.begin()
    tally.end("GET /a", 0.1, "shed", answered=True)
    progress = tally.progress()
    assert (progress["ended_since"], progress["good_since"], progress["errors"]) == (1, 0, {"shed": 1})


@given(st.lists(st.floats(0, 100), min_size=1), st.sampled_from([0.5, 0.9, 0.99, 0.999]))
def test_a_percentile_is_not_exceeded_by_its_share(values: list[float], share: float) -> None:
    random.shuffle(values)
    found = percentile(sorted(values), share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values) or found == min(values)
