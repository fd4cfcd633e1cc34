"""What faults do to answers to scrapes."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from services.platform.injection.points import InjectionPoints


async def can_be_scraped(points: InjectionPoints) -> bool:
    """Whether a scrape is answered with metrics; returns after as long as a fault has it wait."""
    slow = points.of("scrape-slow")
    if slow is not None:
        points.hit(slow)
        with suppress(TimeoutError):
            await asyncio.wait_for(slow.ended.wait(), min(slow.fault.delay, points.remaining(slow)))
    down = points.of("metrics-down")
    if down is not None:
        points.hit(down)
    return down is None
