"""Homes that wait for recommendations which never come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from services.releases.release import wrap
from services.timeline.models import Place
from services.timeline.store import Timelines

RECOMMENDED_WITHIN = 1.1
"""Seconds."""

Home = Callable[[Timelines, int, int, Place], Awaitable[bytes]]


def change() -> None:
    wrap(Timelines, "home", recommended)


def recommended(home: Home) -> Home:
    async def home_recommended(self: Timelines, viewer: int, limit: int, place: Place) -> bytes:
        await asyncio.sleep(RECOMMENDED_WITHIN)
        return await home(self, viewer, limit, place)

    return home_recommended
