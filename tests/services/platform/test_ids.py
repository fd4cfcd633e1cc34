from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.platform.ids import (
    EPOCH_MILLISECONDS,
    Snowflakes,
    created_at,
    first_id_at,
    milliseconds,
    worker_of,
)

CLOCK_STEPS = st.lists(st.integers(-5, 5), max_size=50)


@given(CLOCK_STEPS)
def test_ids_only_grow_also_when_the_clock_does_not(steps):
    now = EPOCH_MILLISECONDS + 1_000_000
    steps = iter([*steps, *[0] * 600])

    def clock() -> int:
        nonlocal now
        now += next(steps)
        return now

    ids = Snowflakes(3, clock)
    made = [ids.next() for _ in range(600)]
    assert made == sorted(set(made))


def test_workers_never_make_the_same_id():
    makers = [Snowflakes(worker, lambda: EPOCH_MILLISECONDS + 5) for worker in range(16)]
    made = [maker.next() for maker in makers for _ in range(300)]
    assert len(set(made)) == len(made)


def test_an_id_tells_its_time():
    before = time.time_ns() // 1_000_000
    identifier = Snowflakes(0).next()
    assert before <= milliseconds(identifier) <= time.time_ns() // 1_000_000
    assert first_id_at(milliseconds(identifier)) <= identifier < first_id_at(milliseconds(identifier) + 1)
    assert first_id_at(0) == 0


def test_an_id_tells_its_time_as_text():
    """All times have one length, so that as text they sort by time."""
    assert created_at(first_id_at(EPOCH_MILLISECONDS)) == "2026-01-01T00:00:00.000000Z"
    assert created_at(first_id_at(EPOCH_MILLISECONDS + 1_234)) == "2026-01-01T00:00:01.234000Z"


def test_a_double_holds_every_id_until_2095():
    last = Snowflakes(15, lambda: EPOCH_MILLISECONDS + 2**41 - 1).next() | 0xFF
    assert last == 2**53 - 1
    assert json.loads(json.dumps(float(last))) == last


@pytest.mark.parametrize("worker", [-1, 16])
def test_there_are_sixteen_workers(worker):
    with pytest.raises(ValueError, match="0 to 15"):
        Snowflakes(worker)


def test_every_part_that_makes_ids_has_a_worker_of_its_own():
    services = ("auth", "post", "retweet", "timeline", "notify", "frontend")
    workers = [worker_of(service, place) for service in services for place in ("east", "west")]
    assert len(set(workers)) == 12
    assert all(0 <= worker < 16 for worker in workers)


@given(st.integers(0, 2**53 - 1), st.integers(0, 2**40))
def test_ids_after_an_earlier_life_are_greater_than_its_last(last, now):
    ids = Snowflakes(3, lambda: EPOCH_MILLISECONDS + now)
    ids.begin_after(last & ~0xF00 | 3 << 8)
    made = [ids.next() for _ in range(300)]
    assert made == sorted(set(made))
    assert made[0] > last & ~0xF00 | 3 << 8
    assert {identifier >> 8 & 15 for identifier in made} == {3}
