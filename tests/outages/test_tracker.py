"""The tracker, in general: outages and the good times between them cover the run exactly."""

from __future__ import annotations

from itertools import repeat

from hypothesis import given
from hypothesis import strategies as st

from outages.tracker import (
    BRIDGED_SECONDS,
    CLOSES_AFTER,
    AttemptResult,
    Kind,
    NoData,
    Outage,
    Outcome,
    Seen,
    Sequence,
    Tracker,
)

outcomes: st.SearchStrategy[list[Outcome]] = st.lists(st.sampled_from(["good", "slow", "bad"]), max_size=60)


def results(outcomes: list[Outcome]) -> list[AttemptResult]:
    return [
        AttemptResult(float(number), number + 0.1, outcome, outcome)
        for number, outcome in enumerate(outcomes)
    ]


def run(tracker: Tracker, given_results: list[AttemptResult]) -> list[Outage]:
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
    late = tracker.add(AttemptResult(10.0, 12.0, "slow", "slow"))
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
    slots = [sequence.begin(float(number)) for number in range(len(given_results))]
    released: list[Seen] = []
    finished: set[int] = set()
    for number in data.draw(st.permutations(range(len(slots)))):
        released += sequence.finish(slots[number], given_results[number])
        finished.add(number)
        whole = next((n for n in range(len(slots)) if n not in finished), len(slots))
        assert released == [result for result in given_results[:whole] if result is not None]


def fed(*seen: AttemptResult | NoData, kind: Kind = "down") -> list[tuple[float, float | None, bool]]:
    """Start, end and whether nobody saw the end, of each outage; the one that goes on comes last."""
    tracker, closed = Tracker(kind), []
    for one in seen:
        changed = tracker.no_data(one) if isinstance(one, NoData) else tracker.add(one)
        if changed is not None and changed.end is not None:
            closed.append(changed)
    outages = closed + ([tracker.open] if tracker.open else [])
    assert all(outage.kind == kind for outage in outages)
    return [(row.start, row.end, row.unobserved) for row in outages]


def bad(start: float) -> AttemptResult:
    return AttemptResult(start, start + 0.1, "bad", "refused")


def good(*starts: float) -> list[AttemptResult]:
    return [AttemptResult(start, start + 0.1, "good") for start in starts]


SHORT, LONG = BRIDGED_SECONDS, BRIDGED_SECONDS + 0.01


def test_no_data_opens_nothing() -> None:
    assert fed(NoData(1, 100), *good(101, 102, 103)) == []
    assert fed(*good(0), NoData(1, 2), *good(3), bad(4)) == [(4, None, False)]


def test_an_outage_that_is_seen_before_and_after_a_short_time_without_data_is_one() -> None:
    assert fed(bad(10), NoData(11, 11 + SHORT), bad(20), *good(21, 22, 23)) == [(10, 21, False)]


def test_an_outage_is_not_known_to_have_gone_on_over_a_long_time_without_data() -> None:
    seen = [bad(10), NoData(11, 11 + LONG), bad(20), *good(21, 22, 23)]
    assert fed(*seen) == [(10, 11, True), (20, 21, False)]
    assert fed(*seen[:2]) == [(10, 11, True)]
    assert fed(bad(100), NoData(101, 103)) == [(100, None, False)]


def test_an_outage_whose_end_nobody_saw_ends_when_somebody_looked_last() -> None:
    assert fed(bad(10), NoData(11, 13), *good(14, 15, 16)) == [(10, 11, True)]
    assert fed(bad(10), NoData(11, 12), NoData(13, 14), *good(15, 16, 17)) == [(10, 11, True)]
    assert fed(bad(10), NoData(11, 12), NoData(13, 13 + LONG)) == [(10, 11, True)]
    assert fed(bad(10.5), NoData(10.2, 12), *good(14, 15, 16)) == [(10.5, 10.5, True)]
    assert fed(bad(10), NoData(11, 12), bad(13), NoData(14, 15), *good(16, 17, 18)) == [(10, 14, True)]


def test_an_end_that_was_seen_before_the_time_without_data_stands() -> None:
    assert fed(bad(10), *good(11), NoData(12, 13), *good(14, 15)) == [(10, 11, False)]
    assert fed(bad(10), *good(11), NoData(12, 12 + LONG), *good(20)) == [(10, 11, False)]


def test_one_time_without_data_says_nothing_about_the_next_outage() -> None:
    first = [bad(10), NoData(11, 12), *good(13, 14, 15)]
    assert fed(*first, bad(20), *good(21, 22, 23)) == [(10, 11, True), (20, 21, False)]
    long = [bad(10), *good(11), NoData(12, 12 + LONG), bad(30), *good(31, 32)]
    assert fed(*long) == [(10, 11, False), (30, None, False)]
    assert fed(*long, *good(33)) == [(10, 11, False), (30, 31, False)]


def test_slowness_has_its_times_without_data_too() -> None:
    slow = [AttemptResult(float(second), second + 2.0, "slow", "slow") for second in (10, 20)]
    assert fed(slow[0], NoData(11, 11 + LONG), slow[1], kind="slow") == [(10, 11, True), (20, None, False)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["good", "bad", "no data"]), st.integers(1, 12)), min_size=1, max_size=40
    )
)
def test_no_outage_is_longer_than_it_was_seen_to_be(seen: list[tuple[str, int]]) -> None:
    """Between the latest failure of an outage and its end lies only what was looked at and went well."""
    now, given_seen = 0.0, list[AttemptResult | NoData]()
    for what, lasted in seen:
        one = NoData(now, now + lasted) if what == "no data" else bad(now) if what == "bad" else good(now)[0]
        given_seen.append(one)
        now += lasted if what == "no data" else 1
    failures = [one.start for one in given_seen if isinstance(one, AttemptResult) and one.outcome == "bad"]
    outages = fed(*given_seen)
    assert all(
        any(start <= at and (end is None or at <= end) for start, end, _ in outages) for at in failures
    )
    for start, end, _ in outages:
        stop = now if end is None else end
        latest = max(at for at in failures if start <= at <= stop)
        for gap in (one for one in given_seen if isinstance(one, NoData)):
            if gap.end - gap.start > BRIDGED_SECONDS:
                assert not (start < gap.end and gap.end <= stop)
            if end is not None and gap.start >= latest:
                assert end <= gap.start or gap.start >= end


def test_a_time_without_data_has_its_place_between_the_attempts() -> None:
    sequence = Sequence()
    before, result, span = sequence.begin(1.0), good(1)[0], NoData(2, 3)
    assert list(sequence.no_data(span)) == []
    after = sequence.begin(4.0)
    assert list(sequence.finish(after, good(4)[0])) == []
    assert sequence.undecided == 1.0
    assert list(sequence.finish(before, result)) == [result, span, good(4)[0]]
    assert sequence.undecided is None
    assert list(sequence.no_data(span)) == [span]


def test_a_journey_that_was_never_good_and_one_that_is_settling() -> None:
    tracker = Tracker("down", settled_at=10.0)
    assert tracker.has_been_good is False
    assert tracker.is_settling(9.9)
    assert not tracker.is_settling(10.0)
    tracker.add(good(1)[0])
    assert tracker.has_been_good is True
    assert not tracker.is_settling(9.9)


def test_the_error_seen_most_often_names_the_outage() -> None:
    tracker = Tracker("down")
    for number, error in enumerate(["closed", "refused", "refused"]):
        tracker.add(AttemptResult(number, number, "bad", error))
    assert tracker.open is not None
    assert tracker.open.error == "refused"
