"""What faults of the instance do to their own process, as the system counts it: and all is given back."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable

import psutil
import pytest

from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import FaultSpec
from services.platform.injection.strain import MEGABYTE, strain

Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def points() -> InjectionPoints:
    points = InjectionPoints()
    strain(points)
    return points


@pytest.fixture
def until() -> Until:
    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - what the system says has no event
                await asyncio.sleep(0.01)

    return wait


async def longest_turn(seconds: float) -> float:
    """Seconds for which the loop did not come back to who asked it for a moment only."""
    longest, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        await asyncio.sleep(0.001)
        longest = max(longest, time.monotonic() - began)
    return longest


async def test_a_blocked_loop_stands_still_for_as_long_as_asked_until_it_is_ended(
    points: InjectionPoints,
) -> None:
    points.put("one", FaultSpec(kind="loop-blocked", seconds=60, pause=0.4, between=0.05))
    assert await longest_turn(0.3) >= 0.35
    points.remove("one")
    usual = min([await longest_turn(0.1) for _ in range(5)])
    assert usual < 0.2


def memory() -> int:
    return int(psutil.Process().memory_info().rss)


@pytest.mark.parametrize("kind", ["memory-leak", "memory-hog"])
async def test_memory_is_taken_for_real_and_given_back(
    points: InjectionPoints, until: Until, kind: str
) -> None:
    before = memory()
    rate = 1000
    points.put("one", FaultSpec.model_validate({"kind": kind, "seconds": 60, "megabytes": 48, "rate": rate}))
    await until(lambda: memory() - before > 40 * MEGABYTE)
    await asyncio.sleep(0.05)
    assert memory() - before < 64 * MEGABYTE, "no more than was asked for"
    points.remove("one")
    await until(lambda: memory() - before < 8 * MEGABYTE)


async def test_a_leak_takes_time(points: InjectionPoints, until: Until) -> None:
    began = time.monotonic()
    before = memory()
    points.put("one", FaultSpec(kind="memory-leak", seconds=60, megabytes=20, rate=40))
    await until(lambda: memory() - before > 16 * MEGABYTE)
    assert time.monotonic() - began > 16 / 40 / 2
    points.remove("one")


async def test_threads_compute_until_the_fault_ends(points: InjectionPoints, until: Until) -> None:
    threads = threading.active_count()
    points.put("one", FaultSpec(kind="cpu-burn", seconds=60, threads=3))
    used = time.process_time()
    await until(lambda: time.process_time() - used > 0.3)
    assert threading.active_count() == threads + 3
    points.remove("one")
    await until(lambda: threading.active_count() == threads)


GROWS = """
import asyncio, mmap
from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import FaultSpec
from services.platform.injection.strain import MEGABYTE, strain

async def live():
    before = mmap.mmap(-1, 8 * MEGABYTE)
    points = InjectionPoints()
    strain(points)
    points.put("one", FaultSpec(kind="out-of-memory", seconds=60, megabytes=32, rate=1000))
    await asyncio.sleep(0.01)
    before.close()
    await asyncio.sleep(20)

asyncio.run(live())
"""


def test_who_gets_no_more_memory_dies_as_the_kernel_would_end_it() -> None:
    """Also one that frees what it had before the fault, as any process may."""
    assert subprocess.run([sys.executable, "-c", GROWS]).returncode == -signal.SIGKILL
