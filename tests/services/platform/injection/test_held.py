"""What is held on its way: how long, in order, and what becomes of what never arrives."""

from __future__ import annotations

import asyncio
import random

import pytest

from services.platform.injection.held import RETRANSMISSIONS, Held, InOrder, drawn_delay, held_by_loss


def test_a_lost_packet_waits_for_its_retransmission_and_longer_when_that_is_lost_too() -> None:
    draws = iter([0.9, 0.1, 0.9])
    assert held_by_loss(0.5, lambda: next(draws)) == Held(RETRANSMISSIONS[0])
    assert held_by_loss(0.5, lambda: next(draws)) == Held(sum(RETRANSMISSIONS[:2]))
    assert held_by_loss(1.0, lambda: 0.5) == Held(sum(RETRANSMISSIONS), arrives=False)


def test_how_many_never_arrive_is_as_the_share_says() -> None:
    chance = random.Random(7).random
    lost = sum(not held_by_loss(0.5, chance).arrives for _ in range(20_000))
    assert 1_000 < lost < 1_500  # one in 16


def drawn(delay: float, jitter: float = 0.0, tail: float = 0.0, seed: int = 7) -> list[float]:
    chance = random.Random(seed).random
    return sorted(drawn_delay(delay, jitter, tail, chance) for _ in range(20_000))


def test_a_delay_is_what_it_says_and_with_a_jitter_evenly_spread_about_it() -> None:
    assert set(drawn(0.5)) == {0.5}
    delays = drawn(0.5, jitter=0.2)
    assert (delays[0], delays[-1]) == (pytest.approx(0.3, abs=1e-3), pytest.approx(0.7, abs=1e-3))
    assert sum(delay < 0.4 for delay in delays) == pytest.approx(5_000, rel=0.05)


def test_with_a_tail_none_is_shorter_than_the_delay_and_one_in_a_hundred_longer_than_the_tail() -> None:
    delays = drawn(0.1, tail=5.0)
    assert delays[0] >= 0.1
    assert sum(delay > 5.0 for delay in delays) == pytest.approx(200, rel=0.2)
    assert delays[len(delays) // 2] == pytest.approx(0.1 * 2 ** (1 / 1.177), rel=0.05)
    assert delays[-1] > 50.0, "there is no end to it"
    assert drawn(0.1, tail=5.0) == delays
    assert drawn(0.1, tail=5.0, seed=8) != delays


async def test_what_is_held_holds_up_what_comes_after_it() -> None:
    arrived: list[str] = []
    done = asyncio.Event()
    way = InOrder(lambda: pytest.fail("nothing was lost"))
    began = asyncio.get_running_loop().time()
    way.carry(Held(0.1), lambda: arrived.append("first"))
    way.carry(Held(0.0), lambda: arrived.append("second"))
    way.carry(Held(0.0), done.set)
    assert not way.is_free
    async with asyncio.timeout(5):
        await done.wait()
    assert arrived == ["first", "second"]
    assert asyncio.get_running_loop().time() - began >= 0.099
    assert way.is_free


async def test_nothing_comes_after_what_does_not_arrive() -> None:
    arrived: list[str] = []
    lost = asyncio.Event()
    way = InOrder(lost.set)
    way.carry(Held(0.0), lambda: arrived.append("before"))
    way.carry(Held(0.02, arrives=False), lambda: arrived.append("lost"))
    way.carry(Held(0.0), lambda: arrived.append("after"))
    async with asyncio.timeout(5):
        await lost.wait()
    assert arrived == ["before"]
    assert way.is_free
