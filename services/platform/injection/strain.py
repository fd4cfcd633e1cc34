"""What faults of the instance do to their own process: the loop stands still, threads compute, memory goes.

Each is bounded by what the fault asks for, and gives all back when it ends.
"""

from __future__ import annotations

import asyncio
import logging
import mmap
import os
import resource
import signal
import threading
import time
from pathlib import Path

from services.platform.injection.applied import AppliedFault
from services.platform.injection.points import InjectionPoints

logger = logging.getLogger(__name__)

CRASHED = 70
"""The exit code of one that crashes."""
MEGABYTE = 1024 * 1024
_REST = 0.1
_UNTIL_REST = 2.0
"""Seconds for which threads that compute let the loop alone, and how often: however many there are, it can be
told to end them."""
_A_TURN = 16
"""Megabytes that are taken before anybody else has a turn: some ten milliseconds."""


def strain(points: InjectionPoints) -> None:
    """Let this process strain itself as faults ask for it."""
    points.on("loop-blocked", stand_still)
    points.on("cpu-burn", burn)
    points.on("memory-leak", take_memory)
    points.on("memory-hog", take_memory)
    points.on("out-of-memory", run_out_of_memory)
    points.on("crash-loop", crash)


async def stand_still(applied: AppliedFault) -> None:
    """Serve for a while, do nothing for a while, and again, as one does who collects garbage."""
    while True:
        await asyncio.sleep(applied.fault.between)
        time.sleep(applied.fault.pause)  # noqa: ASYNC251 - to block the loop is its purpose


async def burn(applied: AppliedFault) -> None:
    """Have threads compute. All share one interpreter, so together they take one core, and the loop has its
    turn after theirs."""
    fault = applied.fault
    until = time.monotonic() + fault.seconds

    def compute() -> None:
        while not applied.ended.is_set() and (now := time.monotonic()) < until:
            if now % _UNTIL_REST < _REST:
                time.sleep(_REST)
            sum(range(1000))

    for _ in range(fault.threads):
        threading.Thread(target=compute, daemon=True).start()
    await applied.ended.wait()


async def take_memory(applied: AppliedFault) -> None:
    """Take what is asked for, and keep it."""
    await _take(applied, applied.fault.megabytes)


async def _take(applied: AppliedFault, megabytes: int) -> None:
    """Take memory and write to it, for only then it is there: all at once, or so many megabytes a second."""
    fault = applied.fault
    taken: list[mmap.mmap] = []
    try:
        while len(taken) < megabytes:
            block = mmap.mmap(-1, MEGABYTE)
            block.write(b"\xa5" * MEGABYTE)
            taken.append(block)
            if fault.kind != "memory-hog":
                await asyncio.sleep(1 / fault.rate)
            elif len(taken) % _A_TURN == 0:
                await asyncio.sleep(0)
        await applied.ended.wait()
    finally:
        for block in taken:
            block.close()


async def run_out_of_memory(applied: AppliedFault) -> None:
    """Grow until the kernel ends this process for it, where it has a limit for that. Where it has none, the
    kernel is told to give it no more than what was asked for, and who gets no more dies in the same way."""
    former, highest = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_size() + applied.fault.megabytes * MEGABYTE, highest))
    try:
        await _take(applied, 2 * applied.fault.megabytes)  # some of what it had may be free by then
    except (OSError, MemoryError):
        os.kill(os.getpid(), signal.SIGKILL)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (former, highest))


async def crash(applied: AppliedFault) -> None:
    """Live for a moment."""
    await asyncio.sleep(applied.fault.delay)
    logger.critical("crashed, as a fault asks for")
    os._exit(CRASHED)


def _size() -> int:
    """Bytes of the addresses of this process."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE
