"""Waiting for tasks, and ending them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any

CANCEL_AGAIN_SECONDS = 0.1


async def cancel_all(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended.

    Cancels again those that do not end, because redis-py loses cancellations: it sends by way of
    `asyncio.wait_for`, which before Python 3.12 forgets one that comes while it is done. A TaskGroup passes
    on the first cancellation only, so work that uses redis-py must be one of `tasks` itself.
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=CANCEL_AGAIN_SECONDS)


async def first_of(*happenings: Coroutine[Any, Any, object], seconds: float) -> None:
    """Wait for the first of these, but no longer than so many seconds."""
    tasks = {asyncio.ensure_future(happening) for happening in happenings}
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
