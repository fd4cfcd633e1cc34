"""What is held on its way: how long, in order, and what becomes of what never arrives."""

from __future__ import annotations

import asyncio
import random

import pytest

from services.platform.held import RETRANSMISSIONS, Held, InOrder, held_by_loss


def test_a_lost_packet_waits_for_its_retransmission_and_longer_when_that_is_lost_too() -> None:
    draws = iter([0.9, 0.1, 0.9])
    assert held_by_loss(0.5, lambda: next(draws)) == Held(RETRANSMISSIONS[0])
    assert held_by_loss(0.5, lambda: next(draws)) == Held(sum(RETRANSMISSIONS[:2]))
    assert held_by_loss(1.0, lambda: 0.5) == Held(sum(RETRANSMISSIONS), arrives=False)


def test_how_many_never_arrive_is_as_the_share_says() -> None:
    chance = random.Random(7).random
    lost = sum(not held_by_loss(0.5, chance).arrives for _ in range(20_000))
    assert 1_000 < lost < 1_500  # one in 16


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
