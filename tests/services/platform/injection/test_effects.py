"""What a kind of fault does by itself, from when it is set until it ends."""

from __future__ import annotations

import asyncio

import pytest

from services.platform.injection.applied import AppliedFault
from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import FaultSpec


@pytest.fixture
def begun() -> asyncio.Queue[str]:
    return asyncio.Queue()


@pytest.fixture
def ended() -> asyncio.Queue[str]:
    return asyncio.Queue()


@pytest.fixture
def points(begun: asyncio.Queue[str], ended: asyncio.Queue[str]) -> InjectionPoints:
    async def effect(applied: AppliedFault) -> None:
        begun.put_nowait(applied.id)
        try:
            await asyncio.Event().wait()
        finally:
            ended.put_nowait(applied.id)

    points = InjectionPoints()
    points.on("errors", effect)
    return points


async def test_an_effect_lasts_from_when_its_fault_is_set_until_it_is_ended(
    points: InjectionPoints, begun: asyncio.Queue[str], ended: asyncio.Queue[str]
) -> None:
    points.put("one", FaultSpec(kind="errors", seconds=60))
    assert await begun.get() == "one"
    assert ended.empty()
    points.remove("one")
    assert await ended.get() == "one"


async def test_an_effect_ends_with_its_lease_although_nobody_asks(
    points: InjectionPoints, begun: asyncio.Queue[str], ended: asyncio.Queue[str]
) -> None:
    points.put("one", FaultSpec(kind="errors", seconds=0.05))
    assert await begun.get() == "one"
    assert await ended.get() == "one"
    assert not points.active()


async def test_a_fault_that_is_set_anew_has_its_effect_once(
    points: InjectionPoints, begun: asyncio.Queue[str], ended: asyncio.Queue[str]
) -> None:
    points.put("one", FaultSpec(kind="errors", seconds=60))
    await begun.get()
    points.put("one", FaultSpec(kind="errors", seconds=60))
    assert (await begun.get(), await ended.get()) == ("one", "one")
    assert ended.empty()


async def test_whoever_obeys_a_fault_asks_for_its_kind(points: InjectionPoints) -> None:
    assert points.of("errors") is None
    applied = points.put("one", FaultSpec(kind="errors", seconds=60))
    assert points.of("latency") is None
    assert points.of("latency", "errors") is applied
    points.remove("one")
    assert points.of("errors") is None


async def test_only_what_hurts_requests_costs_a_request_anything(points: InjectionPoints) -> None:
    points.put("job", FaultSpec(kind="job-off", seconds=60, job="trim-data"))
    assert points.inbound is None
