"""Tasks end, also those that lose a cancellation."""

from __future__ import annotations

import asyncio

from services.platform.tasks import cancel_all


async def test_who_loses_a_cancellation_is_cancelled_again() -> None:
    lost = []

    async def careless() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError as cancelled:
                if lost:
                    raise
                lost.append(cancelled)

    tasks = [asyncio.create_task(careless()), asyncio.create_task(asyncio.sleep(60))]
    await asyncio.sleep(0)
    await cancel_all(tasks)
    assert [task.cancelled() for task in tasks] == [True, True]
    assert len(lost) == 1


async def test_who_has_ended_already_is_let_be() -> None:
    done = asyncio.create_task(asyncio.sleep(0, "result"))
    await done
    await cancel_all([done])
    assert done.result() == "result"
