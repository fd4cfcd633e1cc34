"""The population: the same for the same seed, consistent in itself, and as skewed as people are."""

from __future__ import annotations

import hashlib
import re
import statistics
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.population import (
    EPOCH_MILLISECONDS,
    MEDIAN_FOLLOWING,
    WORKER,
    Population,
    generate,
)

DAY = 86_400_000
AS_OF = EPOCH_MILLISECONDS + 200 * DAY


@pytest.fixture(scope="module")
def thousand() -> Population:
    return generate(1000, 7, AS_OF)


@settings(max_examples=40, deadline=None)
@given(
    people=st.integers(2, 300),
    seed=st.integers(),
    as_of=st.integers(EPOCH_MILLISECONDS + 1, EPOCH_MILLISECONDS + 2000 * DAY),
)
def test_it_is_consistent_whatever_its_size_and_seed(people: int, seed: int, as_of: int) -> None:
    population = generate(people, seed, as_of)
    everybody = set(range(people))
    names = [person.name for person in population.people]
    assert len(names) == people == len({name.lower() for name in names})
    assert all(re.fullmatch(r"[A-Za-z0-9_]{1,15}", name) for name in names)
    assert len({person.id for person in population.people}) == people
    for person, following in enumerate(population.following):
        assert following
        assert len(set(following)) == len(following)
        assert set(following) <= everybody - {person}
    ids = [post.id for post in population.posts]
    assert ids == sorted(set(ids))
    assert {post.author for post in population.posts} == everybody
    for post in population.posts:
        assert set(post.mentions) <= set(names)
        assert all(f"@{name}" in post.text for name in post.mentions)
        assert 0 < len(post.text) <= 280
        assert EPOCH_MILLISECONDS <= post.created <= as_of


@settings(max_examples=20, deadline=None)
@given(people=st.integers(2, 200), seed=st.integers(0, 1000))
def test_the_same_seed_makes_the_same_people_and_posts_are_only_left_out(people: int, seed: int) -> None:
    whole = generate(people, seed, AS_OF)
    assert repr(generate(people, seed, AS_OF)) == repr(whole)
    without = generate(people, seed, AS_OF, posts=False)
    assert (without.people, without.following) == (whole.people, whole.following)
    assert without.posts == ()
    assert generate(people, seed + 1, AS_OF).following != whole.following or people < 4


def test_it_is_the_same_on_every_machine_and_every_python() -> None:
    """When this changes, sites that were populated before no longer fit to what the load side works out."""
    found = hashlib.sha256(repr(generate(100, 7, AS_OF)).encode()).hexdigest()
    assert found == "4947a72c00bbfa3cd6de02baf233bef799be765835453dab143b798b0adc768d"


def test_ids_are_snowflakes_of_the_time(thousand: Population) -> None:
    for item in (*thousand.people, *thousand.posts):
        assert item.id < 2**53
        assert item.id >> 8 & 0xF == WORKER
        assert (item.id >> 12) + EPOCH_MILLISECONDS == item.created


def test_a_handful_are_followed_by_most_and_most_by_a_few(thousand: Population) -> None:
    followers = sorted((len(group) for group in thousand.followers()), reverse=True)
    following = [len(followed) for followed in thousand.following]
    assert 20 <= statistics.median(following) <= 50
    assert abs(statistics.median(following) - MEDIAN_FOLLOWING) <= 5
    assert sum(count > 500 for count in followers) in range(3, 15)
    assert statistics.median(followers) < 30
    # The most followed hundredth holds more than the lower half together.
    assert sum(followers[:10]) > sum(followers[500:]) / 2
    assert sum(followers[:50]) > sum(followers) / 3
    # Followers by rank fall as a power law: a straight line with a slope near -1 on double logarithmic paper.
    assert 5 < followers[9] / followers[199] < 40


def test_celebrities_are_those_whom_a_quarter_follows(thousand: Population) -> None:
    followers = [len(group) for group in thousand.followers()]
    celebrities = thousand.celebrities()
    assert 5 <= len(celebrities) <= 50
    assert [followers[person] for person in celebrities] == sorted(
        (count for count in followers if count >= 250), reverse=True
    )


def test_activity_is_skewed_and_some_are_protected(thousand: Population) -> None:
    written = sorted(Counter(post.author for post in thousand.posts).values(), reverse=True)
    assert sum(written[:100]) > sum(written) / 4
    assert 20 <= sum(person.protected for person in thousand.people) <= 90
    newest = [post for post in thousand.posts if post.created > AS_OF - DAY]
    assert len(newest) > len(thousand.posts) / 4


def test_a_thousand_take_well_under_a_second() -> None:
    began = time.process_time()
    generate(1000, 1, AS_OF)
    assert time.process_time() - began < 0.7


@pytest.mark.parametrize("people", [-1, 0, 1, 1_000_001])
def test_what_is_no_population_is_refused(people: int) -> None:
    with pytest.raises(ValueError, match="2 to 1,000,000"):
        generate(people, 7, AS_OF)


def test_a_time_before_ids_began_is_refused() -> None:
    with pytest.raises(ValueError, match="2026"):
        generate(10, 7, EPOCH_MILLISECONDS)
