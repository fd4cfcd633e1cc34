"""How often one looks for something that should arrive any moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

FIRST = 0.02
LONGEST = 0.5
GROWTH = 1.7


async def pauses() -> AsyncIterator[None]:
    """Yields after each pause; pauses grow from 20 to 500 ms, so that waiting long costs little."""
    pause = FIRST
    while True:
        await asyncio.sleep(pause)
        yield
        pause = min(LONGEST, pause * GROWTH)
