"""The threads in which passwords are checked."""

from __future__ import annotations

import asyncio

from services.auth.passwords import Passwords
from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import FaultSpec


async def test_while_all_threads_are_occupied_no_password_is_checked_and_then_it_is() -> None:
    passwords = Passwords(time_cost=1, memory_kib=8, threads=2)
    points = InjectionPoints()
    points.on("threads", passwords.occupy)
    try:
        hashed = await passwords.hash("a password")
        points.put("threads-1", FaultSpec(kind="threads", seconds=60))
        await asyncio.sleep(0.05)
        checked = asyncio.create_task(passwords.matches(hashed, "a password"))
        done, _ = await asyncio.wait([checked], timeout=0.3)
        assert not done
        points.remove("threads-1")
        assert await asyncio.wait_for(checked, 2)
    finally:
        passwords.close()
