"""Services of one place can be led to another server than the one that the sentinels name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import FaultSpec
from services.platform.store import Store


@pytest.mark.parametrize("end", ["removed", "expired"])
async def test_whoever_is_led_astray_comes_back_when_that_ends(sentinels: Any, end: str) -> None:
    pair = sentinels.pair
    points = InjectionPoints()
    store = Store(sentinels.addresses, access=sentinels.access, faults=points)
    try:
        assert await store._sentinels.primary() == pair.primary.address
        connection = await store._primary.open()
        seconds = 0.2 if end == "expired" else 60
        points.put(
            "brain",
            FaultSpec(kind="split-brain", seconds=seconds, leads_to=str(pair.replica.address)),
        )
        assert await store._sentinels.primary() == pair.replica.address
        async with asyncio.timeout(5):
            while not connection.closed:  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0.01)
        if end == "removed":
            points.remove("brain")
        async with asyncio.timeout(5):
            while await store._sentinels.primary() != pair.primary.address:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        await store.close()


def test_who_is_led_astray_must_be_led_somewhere() -> None:
    with pytest.raises(ValueError, match="must lead somewhere"):
        FaultSpec(kind="split-brain", seconds=1)
