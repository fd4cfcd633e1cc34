"""Token buckets, kept as the time at which each is full again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.platform.rate_limit import RateLimit


def test_a_burst_then_the_rate() -> None:
    limit = RateLimit(rate=10, burst=3)
    assert [limit.take("a", now=0.0) for _ in range(3)] == [0, 0, 0]
    assert limit.take("a", now=0.0) == pytest.approx(0.1)
    assert limit.take("a", now=0.1) == 0
    assert limit.take("a", now=0.1) == pytest.approx(0.1)


def test_a_share_of_the_burst_is_kept_for_others() -> None:
    limit = RateLimit(rate=10, burst=10)
    assert [limit.take("a", now=0.0, kept_free=0.5) for _ in range(5)] == [0] * 5
    assert limit.take("a", now=0.0, kept_free=0.5) == pytest.approx(0.1)
    assert [limit.take("a", now=0.0) for _ in range(5)] == [0] * 5
    assert limit.take("a", now=0.5, kept_free=0.5) > 0
    assert limit.take("a", now=0.65, kept_free=0.5) == 0


def test_keys_do_not_share() -> None:
    limit = RateLimit(rate=1, burst=1)
    assert limit.take("a", now=0.0) == 0
    assert limit.take("b", now=0.0) == 0
    assert limit.take("a", now=0.0) > 0


def test_what_was_given_back_can_be_taken_again() -> None:
    limit = RateLimit(rate=0.1, burst=2)
    assert [limit.take("a", now=0.0) for _ in range(2)] == [0, 0]
    limit.give_back("a", now=0.0)
    assert limit.take("a", now=0.0) == 0
    assert limit.take("a", now=0.0) > 0
    limit.give_back("nobody", now=0.0)


def test_the_wait_that_is_told_is_enough() -> None:
    limit = RateLimit(rate=3, burst=2)
    now = 100.0
    for _ in range(50):
        wait = limit.take("a", now)
        if wait:
            now += wait
            assert limit.take("a", now) == 0


@given(
    rate=st.floats(0.1, 1000),
    burst=st.integers(1, 100),
    gaps=st.lists(st.floats(0, 2, allow_nan=False), min_size=1, max_size=200),
)
def test_never_more_than_the_burst_and_the_rate_allow(rate: float, burst: int, gaps: list[float]) -> None:
    limit = RateLimit(rate, burst)
    now, taken = 0.0, 0
    for gap in gaps:
        now += gap
        taken += limit.take("a", now) == 0
        assert taken <= burst + rate * now + 1e-3


def test_buckets_that_are_full_again_are_forgotten() -> None:
    limit = RateLimit(rate=1000, burst=1)
    for key in range(50_000):
        limit.take(str(key), now=key * 0.01)
    assert len(limit._full_at) <= 10_001


def test_a_bucket_that_all_was_given_back_to_is_forgotten_at_once() -> None:
    limit = RateLimit(rate=1 / 120, burst=20)
    limit.take("guesser", now=0.0)
    for key in range(1_000):
        limit.take(str(key), now=float(key))
        limit.give_back(str(key), now=float(key))
    assert set(limit._full_at) == {"guesser"}


def test_a_crowd_of_live_keys_is_kept() -> None:
    limit = RateLimit(rate=0.001, burst=1)
    for key in range(12_000):
        assert limit.take(str(key), now=0.0) == 0
    assert all(limit.take(str(key), now=1.0) > 0 for key in range(12_000))


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_limit_that_lets_nothing_through_is_a_mistake(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="needs a rate"):
        RateLimit(rate, burst)


def test_without_a_time_it_is_now() -> None:
    limit = RateLimit(rate=0.001, burst=1)
    assert limit.take("a") == 0
    assert limit.take("a") == pytest.approx(1000, abs=10)
