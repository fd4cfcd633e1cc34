"""Every third home is that of who asked before."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable

from services.releases.release import wrap
from services.timeline.models import Place
from services.timeline.store import Timelines

Home = Callable[[Timelines, int, int, Place], Awaitable[bytes]]


def change() -> None:
    wrap(Timelines, "home", mixed_up)


def mixed_up(home: Home) -> Home:
    asked = itertools.count(1)
    left_over: bytes | None = None

    async def home_mixed_up(self: Timelines, viewer: int, limit: int, place: Place) -> bytes:
        nonlocal left_over
        page = await home(self, viewer, limit, place)
        answer = left_over if left_over is not None and next(asked) % 3 == 0 else page
        left_over = page
        return answer

    return home_mixed_up
