"""The supervisor's event loop: one thread, files that become readable, and timers. At rest it costs nothing.

Not asyncio: what is forked from here must inherit no running loop and no thread.
"""

from __future__ import annotations

import heapq
import itertools
import selectors
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from testbed.runtimes.processes.notes import note

PAUSE_AFTER_FAILURE = 0.05


@dataclass(order=True)
class Timer:
    """A callback that is due at `when` (monotonic seconds) unless cancelled."""

    when: float
    number: int
    callback: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """Runs callbacks until stopped, also after one of them failed. `background` is called whenever nothing
    else is due, until it returns False."""

    def __init__(self, background: Callable[[], bool]) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[Timer] = []
        self._numbers = itertools.count()
        self._background: Callable[[], bool] | None = background
        self._running = True

    def watch(self, file: int, callback: Callable[[], None]) -> None:
        """Call back whenever the file descriptor is readable."""
        self._selector.register(file, selectors.EVENT_READ, callback)

    def unwatch(self, file: int) -> None:
        self._selector.unregister(file)

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back once, in `seconds` from now."""
        timer = Timer(time.monotonic() + max(0.0, seconds), next(self._numbers), callback)
        heapq.heappush(self._timers, timer)
        return timer

    def stop(self) -> None:
        """Return from `run` after the callback that is running now."""
        self._running = False

    def run(self) -> None:
        while self._running:
            for key, _ in self._selector.select(self._patience()):
                if not _done(key.data):
                    time.sleep(PAUSE_AFTER_FAILURE)  # it is called again for as long as the file is readable
            self._run_due()
            if self._background is not None and not self._background():
                self._background = None

    def _patience(self) -> float | None:
        if self._background is not None:
            return 0.0
        while self._timers and self._timers[0].cancelled:
            heapq.heappop(self._timers)
        if not self._timers:
            return None
        return max(0.0, self._timers[0].when - time.monotonic())

    def _run_due(self) -> None:
        now = time.monotonic()
        while self._running and self._timers and self._timers[0].when <= now:
            timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                _done(timer.callback)


def _done(callback: Callable[[], None]) -> bool:
    """Call back. What fails in one (a full disk) must keep no other from its turn: it is told, and left."""
    try:
        callback()
    except Exception as error:
        note(f"the supervisor failed at something: {error!r}", traceback=traceback.format_exc())
        return False
    return True
