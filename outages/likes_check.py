"""Is it said rightly how many like a post? Looked at from outside, at one post of which that is known."""

from __future__ import annotations

import asyncio
from math import nan

from outages.accounts import Visits, request
from outages.cast import Cast
from outages.client import MALFORMED
from outages.failures import Failed

LOOK_EVERY = 2.0
KNOWN = 1
"""The confidant likes the hermit's post, which nobody else sees who likes anything."""


class LikesCheck:
    """Runs until it is cancelled. No journey: who reads gets an answer, in time, and a wrong number in it."""

    def __init__(self, cast: Cast, visits: Visits) -> None:
        self._cast = cast
        self._visits = visits
        self.error = nan
        """How many likes more, or fewer, the site has said at the last look; nan: it did not say."""

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                self.error = await self._look() if self._cast.assembled else nan
            except (Failed, *MALFORMED):
                self.error = nan

    async def _look(self) -> float:
        """To like a post again changes nothing, and makes it known again what was lost with a promotion."""
        path, confidant = f"/posts/{self._cast.canary}", self._cast["confidant"]
        await request(self._visits, "PUT", f"{path}/like", confidant)
        return float((await request(self._visits, "GET", path, confidant))["likes"]) - KNOWN
