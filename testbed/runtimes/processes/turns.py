"""Parts that may only run by turns: stopped for most of the time, and let go on for a few milliseconds."""

from __future__ import annotations

import signal
from collections.abc import Callable

from testbed.runtimes.processes.identity import Process
from testbed.runtimes.processes.loop import Loop, Timer

RUNS_SECONDS = 0.005
"""How long a turn is. What lies between two of them makes the share."""


class Turns:
    """Of all parts; `process_of` gives the process that a part has now."""

    def __init__(self, loop: Loop, process_of: Callable[[str], Process | None]) -> None:
        self._loop = loop
        self._process_of = process_of
        self._timers: dict[str, Timer] = {}

    def __contains__(self, part: str) -> bool:
        return part in self._timers

    def begin(self, part: str, share: float) -> None:
        """Let it have this share of a core, until `end`."""
        self.end(part)
        self._rest(part, RUNS_SECONDS * (1 / share - 1))

    def end(self, part: str) -> None:
        """Let it go on for good."""
        if part in self._timers:
            self._timers.pop(part).cancel()
            self._signal(part, signal.SIGCONT)

    def end_all(self) -> None:
        for part in list(self._timers):
            self.end(part)

    def _rest(self, part: str, seconds: float) -> None:
        self._timers[part] = self._loop.after(seconds, lambda: self._run(part, seconds))
        self._signal(part, signal.SIGSTOP)

    def _run(self, part: str, rests: float) -> None:
        self._timers[part] = self._loop.after(RUNS_SECONDS, lambda: self._rest(part, rests))
        self._signal(part, signal.SIGCONT)

    def _signal(self, part: str, number: signal.Signals) -> None:
        process = self._process_of(part)
        if process is not None:
            process.signal(number)
