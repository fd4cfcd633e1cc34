"""The tracker, in general: outages and the good times between them cover the run exactly."""

from __future__ import annotations

from itertools import repeat

from hypothesis import given
from hypothesis import strategies as st

from outages.tracker import CLOSES_AFTER, Outage, Outcome, Result, Sequence, Tracker

outcomes: st.SearchStrategy[list[Outcome]] = st.lists(st.sampled_from(["good", "slow", "bad"]), max_size=60)


def results(outcomes: list[Outcome]) -> list[Result]:
    return [Result(float(number), number + 0.1, outcome, outcome) for number, outcome in enumerate(outcomes)]


def run(tracker: Tracker, given_results: list[Result]) -> list[Outage]:
    """All outages, closed ones and the one that goes on."""
    closed = []
    for result in given_results:
        changed = tracker.add(result)
        if changed is not None and changed.end is not None:
            closed.append(changed)
    return closed + ([tracker.open] if tracker.open else [])


@given(outcomes)
def test_an_outage_begins_with_a_failure_and_ends_with_the_first_of_a_run_of_good_ones(
    outcomes: list[Outcome],
) -> None:
    outages = run(Tracker("down"), results(outcomes))
    failed = {float(number) for number, outcome in enumerate(outcomes) if outcome == "bad"}
    for outage in outages:
        assert outage.start in failed
        if outage.end is not None:
            end = int(outage.end)
            assert all(outcome != "bad" for outcome in outcomes[end : end + CLOSES_AFTER])
            assert len(outcomes[end : end + CLOSES_AFTER]) == CLOSES_AFTER
            assert outcomes[end - 1] == "bad"


@given(outcomes)
def test_every_failure_is_in_exactly_one_outage_and_counted_there(outcomes: list[Outcome]) -> None:
    outages = run(Tracker("down"), results(outcomes))
    for number, outcome in enumerate(outcomes):
        within = [row for row in outages if row.start <= number and (row.end is None or number < row.end)]
        assert len(within) <= 1
        if outcome == "bad":
            assert len(within) == 1
    assert sum(row.failed for row in outages) == outcomes.count("bad")
    for row in outages:
        if row.end is not None:
            assert row.attempts == row.end - row.start


@given(outcomes)
def test_down_ignores_slowness(outcomes: list[Outcome]) -> None:
    down = run(Tracker("down"), results(outcomes))
    calm: list[Outcome] = ["good" if outcome == "slow" else outcome for outcome in outcomes]
    assert [(row.start, row.end) for row in down] == [
        (row.start, row.end) for row in run(Tracker("down"), results(calm))
    ]


@given(outcomes)
def test_slow_is_what_was_slow_and_not_what_failed(outcomes: list[Outcome]) -> None:
    """For slowness a failed attempt is one that was not slow: it begins nothing, a run of them ends it."""
    slow = run(Tracker("slow"), results(outcomes))
    calm: list[Outcome] = ["good" if outcome == "bad" else outcome for outcome in outcomes]
    assert [(row.start, row.end, row.failed) for row in slow] == [
        (row.start, row.end, row.failed) for row in run(Tracker("slow"), results(calm))
    ]


def test_a_slow_attempt_before_a_long_failure_is_slow_until_the_failure_begins() -> None:
    attempts: list[Outcome] = ["slow", *repeat("bad", 60), "good", "good", "good"]
    (slow,) = run(Tracker("slow"), results(attempts))
    assert (slow.start, slow.end, slow.attempts, slow.failed) == (0.0, 1.0, 1, 1)
    (down,) = run(Tracker("down"), results(attempts))
    assert (down.start, down.end, down.attempts, down.failed) == (1.0, 61.0, 60, 60)


def test_single_failures_do_not_cut_what_is_slow_all_the_time() -> None:
    attempts: list[Outcome] = ["slow", "bad", "bad", "slow", "bad", "slow", "good", "good", "good"]
    (slow,) = run(Tracker("slow"), results(attempts))
    assert (slow.start, slow.end, slow.attempts, slow.failed) == (0.0, 6.0, 6, 3)


def test_a_failure_is_no_sign_that_the_site_has_started() -> None:
    tracker = Tracker("slow", settled_at=10.0)
    for result in results(["slow", "bad", "slow"]):
        assert tracker.add(result) is None
    assert not tracker.has_been_good
    late = tracker.add(Result(10.0, 12.0, "slow", "slow"))
    assert late is not None
    assert (late.start, late.attempts) == (0.0, 3)


@given(outcomes, st.integers(0, 60))
def test_what_was_never_good_is_an_outage_only_if_it_goes_on(outcomes: list[Outcome], settled: int) -> None:
    outages = run(Tracker("down", settled_at=settled), results(outcomes))
    first_good = next((n for n, outcome in enumerate(outcomes) if outcome != "bad"), len(outcomes))
    if first_good <= settled:
        assert all(row.start >= first_good for row in outages)
        assert sum(row.failed for row in outages) == outcomes.count("bad") - first_good
    elif outages:
        assert outages[0].start == 0.0  # back to the first failure, since it never was good


@given(st.data())
def test_a_sequence_releases_results_in_the_order_of_their_beginning(data: st.DataObject) -> None:
    sequence = Sequence()
    given_results = [
        None if data.draw(st.booleans()) else result
        for result in results(["good"] * data.draw(st.integers(0, 20)))
    ]
    slots = [sequence.begin() for _ in given_results]
    released: list[Result] = []
    finished: set[int] = set()
    for number in data.draw(st.permutations(range(len(slots)))):
        released += sequence.finish(slots[number], given_results[number])
        finished.add(number)
        whole = next((n for n in range(len(slots)) if n not in finished), len(slots))
        assert released == [result for result in given_results[:whole] if result is not None]


def test_the_error_seen_most_often_names_the_outage() -> None:
    tracker = Tracker("down")
    for number, error in enumerate(["closed", "refused", "refused"]):
        tracker.add(Result(number, number, "bad", error))
    assert tracker.open is not None
    assert tracker.open.error == "refused"
