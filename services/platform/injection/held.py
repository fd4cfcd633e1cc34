"""What is held on its way: late by a delay, or as late as TCP makes it when packets are lost."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

RETRANSMISSIONS = (0.2, 0.4, 0.8, 1.6)
"""Seconds that TCP waits before it sends again what nobody has acknowledged: at least 200 ms, then twice as
long each time. It would go on; whoever waits for an answer does not, so the connection is taken for dead."""


BEYOND_TAIL = 0.01
"""Of the delays that are drawn with a heavy tail this share is longer than the tail says."""


class Held(NamedTuple):
    """For how many seconds something is held, and whether it arrives afterwards; if not, the connection
    ends."""

    seconds: float
    arrives: bool = True


def drawn_delay(delay: float, jitter: float | None, tail: float | None, random: Callable[[], float]) -> float:
    """Seconds: evenly drawn within `jitter` of `delay`; or, with a `tail`, from a Pareto distribution whose
    least value is `delay`, and of whose values one in a hundred is longer than `tail`."""
    if tail:
        return delay * float((1 - random()) ** (math.log(tail / delay) / math.log(BEYOND_TAIL)))
    return delay + jitter * (2 * random() - 1) if jitter else delay


def held_by_loss(share: float, random: Callable[[], float]) -> Held:
    """What becomes of a packet that was lost, where this share is: of what is sent again as well."""
    waited = 0.0
    for pause in RETRANSMISSIONS:
        waited += pause
        if random() >= share:
            return Held(waited)
    return Held(waited, arrives=False)


class InOrder:
    """The way of one direction of a connection: what is held there holds up all that comes after it."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        """`on_lost` is called once something does not arrive; what came after it does not, either."""
        self._on_lost = on_lost
        self._under_way: deque[tuple[float, bool, Callable[[], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_free(self) -> bool:
        """Whether nothing is under way, so that what comes now need not wait."""
        return not self._under_way

    def carry(self, held: Held, hand_on: Callable[[], None]) -> None:
        """Hand something on when its time has come, and not before what is ahead of it."""
        due = asyncio.get_running_loop().time() + held.seconds
        if self._under_way:
            due = max(due, self._under_way[-1][0])
        self._under_way.append((due, held.arrives, hand_on))
        self._wait()

    def close(self) -> None:
        """Forget what is under way."""
        self._under_way.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        if self._timer is None and self._under_way:
            self._timer = asyncio.get_running_loop().call_at(self._under_way[0][0], self._arrive)

    def _arrive(self) -> None:
        self._timer = None
        while self._under_way and self._under_way[0][0] <= asyncio.get_running_loop().time():
            _, arrives, hand_on = self._under_way.popleft()
            if not arrives:
                self.close()
                self._on_lost()
                return
            hand_on()
        self._wait()
