"""All trials together: outcomes, intervals, and how they are told."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import fmean

import pytest

from drills.failover.drill import Drill
from drills.failover.interval import Interval, interval_of
from drills.failover.judging import Judged
from drills.failover.page import page
from drills.failover.promotion import Phases
from drills.failover.result import Outcome, results_of
from drills.failover.telling import cells_of, lines_after, row_of_drill
from drills.failover.trial import Trial
from drills.failover.way import ways_named
from drills.finding import Finding
from foundation.failure import FAILED, INCONCLUSIVE, OK

PRIMARY, EAST = ways_named(["store-primary", "data-centre-east"])
GOOD = Judged(True, "hurt: post", 2.0, announced=1)
BAD = Judged(False, "users were well only once it was back: post", 12.0, lost=2)
UNTESTED = Judged.untested("not well before")


def trials(*judged: Judged) -> list[Trial]:
    return [Trial(PRIMARY, one, Phases(0.8, 0.9, 1.6)) for one in judged]


@pytest.mark.parametrize(
    ("judged", "outcome", "because"),
    [
        ((GOOD, GOOD), Outcome.WORKS, "hurt: post"),
        ((GOOD, BAD), Outcome.BROKEN, "1 of 2: users were well only once it was back: post"),
        ((BAD,), Outcome.BROKEN, "users were well only once it was back: post"),
        ((GOOD, UNTESTED), Outcome.UNTESTED, "1 of 2: not well before"),
        (
            [*[Judged(True, f"hurt: {name}") for name in "abcd"], Judged(True, "hurt: d")],
            Outcome.WORKS,
            "2 of 5: hurt: d; 1 of 5: hurt: a; 1 of 5: hurt: b; 1 of 5: each otherwise, as its page says",
        ),
        ((BAD, UNTESTED), Outcome.BROKEN, "1 of 2: users were well only once it was back: post"),
    ],
)
def test_the_worst_of_all_trials_is_the_outcome(
    judged: Sequence[Judged], outcome: Outcome, because: str
) -> None:
    (result,) = results_of(trials(*judged))
    assert (result.outcome, result.because) == (outcome, because)


def test_what_was_not_tested_has_no_time() -> None:
    (result,) = results_of(trials(GOOD, UNTESTED, BAD))
    assert result.each_suffered == [2.0, 12.0]
    assert (result.lost, result.announced) == (2, 1)
    assert result.phase(lambda phases: phases.promoted) == Interval(pytest.approx(1.6), None, None)
    (nothing,) = results_of(trials(UNTESTED))
    assert nothing.suffered is None
    assert (nothing.lost, nothing.announced) == (None, None)


@pytest.mark.parametrize(
    ("judged", "lost", "cell"),
    [
        ((UNTESTED,), {"although_replicated": None, "as_announced": None}, "-"),
        ((UNTESTED, Judged(True, "nobody felt it")), {"although_replicated": 0, "as_announced": 0}, "0"),
        (
            (Judged(None, "too few were said to be replicated", announced=3),),
            {"although_replicated": 0, "as_announced": 3},
            "0, 3 as announced",
        ),
    ],
    ids=["not tested", "one of two is tested", "some are seen to be gone"],
)
def test_what_was_lost_is_no_zero_where_nobody_can_say(
    judged: Sequence[Judged], lost: dict[str, int | None], cell: str
) -> None:
    (result,) = results_of(trials(*judged))
    assert row_of_drill(Drill([result], [], 1))["ways"][0]["lost"] == lost
    assert cells_of(result)[3] == cell


def test_a_return_stands_behind_its_loss() -> None:
    tried = [
        Trial(EAST, GOOD, back=Judged(False, "a second outage: page", 1.5)),
        Trial(PRIMARY, GOOD),
        Trial(EAST, UNTESTED),
    ]
    results = results_of(tried)
    assert [(one.name, one.outcome) for one in results] == [
        ("data-centre-east", Outcome.UNTESTED),
        ("failback-east", Outcome.BROKEN),
        ("store-primary", Outcome.WORKS),
    ]


def test_an_interval_holds_the_mean_and_needs_five_values() -> None:
    assert interval_of([]) is None
    assert interval_of([1.0, 3.0]) == Interval(2.0, None, None)
    values = [1.0, 1.2, 0.9, 1.4, 1.1, 5.0]
    found = interval_of(values)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert min(values) < found.low < found.mean < found.high < max(values)
    assert interval_of(values) == found
    assert interval_of([2.0] * 5) == Interval(2.0, 2.0, 2.0)


def test_of_many_samples_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    drawing = random.Random(7)
    holds = 0
    for _ in range(100):
        found = interval_of([drawing.gauss(3.0, 0.5) for _ in range(20)])
        assert found is not None
        holds += (found.low or 0.0) <= 3.0 <= (found.high or 0.0)
    assert 85 <= holds <= 100
    assert fmean([1.0]) == 1.0


DEFECT = Finding("a replica to promote", False, "store@west is barred", ("failwhale ops unbar store@west",))


def test_it_is_told_in_a_table_in_json_and_on_a_page() -> None:
    drill = Drill(results_of([*trials(*[GOOD] * 4, BAD), Trial(EAST, UNTESTED)]), [DEFECT], 5)
    name, verdict, suffered, lost, because = cells_of(drill.results[0])
    assert (name, verdict, lost) == ("store-primary", "BROKEN", "2, 4 as announced")
    assert suffered.startswith("4.0 s (")
    assert because == "1 of 5: users were well only once it was back: post"
    assert cells_of(drill.results[1])[1:4] == ("untested", "-", "-")
    row = row_of_drill(drill)["ways"][0]
    assert {"way", "verdict", "suffered", "lost", "because"} <= row.keys()
    assert row["suffered"]["mean"] == 4.0
    assert row["promoted"] == {"mean": 1.6, "low": 1.6, "high": 1.6}
    assert list(lines_after(drill)) == [
        "0 of 3 ways of escape work.",
        "What was to be seen before, and what to do:",
        "  a replica to promote: store@west is barred",
        "  failwhale ops unbar store@west",
    ]
    shown = page(drill)
    assert shown.count("<circle") == 5
    assert "0 of 3 ways of escape work" in shown
    assert "failwhale ops unbar store@west" in shown
    assert "http" not in shown.replace("http-equiv", "")


@pytest.mark.parametrize(
    ("judged", "code"), [([GOOD], OK), ([GOOD, UNTESTED], INCONCLUSIVE), ([UNTESTED, BAD], FAILED)]
)
def test_the_exit_code_is_that_of_the_worst(judged: Sequence[Judged], code: int) -> None:
    assert Drill(results_of(trials(*judged)), [], 1).exit_code == code
