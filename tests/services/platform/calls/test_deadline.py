from __future__ import annotations

import asyncio
import math
import time

import pytest

from services.platform.calls import deadline


def test_without_one_there_is_all_the_time_of_the_world():
    assert deadline.remaining() == deadline.current() == math.inf


def test_a_later_one_inside_does_not_extend_it():
    with deadline.deadline_within(1.0):
        with deadline.deadline_within(5.0):
            assert 0.9 < deadline.remaining() <= 1.0
        with deadline.deadline_within(0.5):
            assert deadline.remaining() <= 0.5
        assert deadline.remaining() > 0.9
    assert deadline.remaining() == math.inf


async def test_tasks_inherit_it():
    async def child() -> float:
        return deadline.remaining()

    with deadline.deadline_within(1.0):
        task = asyncio.create_task(child())
    assert await task <= 1.0


def test_it_survives_the_header():
    at = time.time() + 1.5
    assert deadline.parse(deadline.encode(at)) == pytest.approx(at, abs=1e-6)


@pytest.mark.parametrize("nonsense", [b"", b"soon", b"nan", b"-1", b"0", "1e", b"\xff", b"inf"])
def test_nonsense_is_no_deadline(nonsense):
    assert deadline.parse(nonsense) == math.inf
