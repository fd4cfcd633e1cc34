"""Promises to undo a kill or a pause at a moment, kept on disk before they count."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from chaos.runtimes import Undo
from chaos.runtimes.processes.loop import Loop, Timer
from chaos.runtimes.processes.record import Lease, read_leases, write_leases


class Leases:
    """Calls `undo` for each lease at its limit. Leases of an earlier supervisor are taken up; what fell due
    meanwhile is undone at once."""

    def __init__(self, loop: Loop, folder: Path, undo: Callable[[Lease], None]) -> None:
        self._loop = loop
        self._folder = folder
        self._undo = undo
        self._leases = read_leases(folder)
        self._timers: dict[str, Timer] = {}

    def take_up(self) -> None:
        """Start to count. Called once the parts are known."""
        for name in list(self._leases):
            self._schedule(name)

    def arm(self, name: str, part: str, undo: Undo, seconds: float) -> None:
        """On return the promise is on disk."""
        self._leases[name] = Lease(part, undo, time.time() + seconds)
        write_leases(self._folder, self._leases)
        self._schedule(name)

    def disarm(self, name: str) -> None:
        if self._leases.pop(name, None) is not None:
            self._timers.pop(name).cancel()
            write_leases(self._folder, self._leases)

    def holds(self, part: str) -> bool:
        """Whether somebody's fault holds this part at the moment."""
        return any(lease.part == part for lease in self._leases.values())

    def _schedule(self, name: str) -> None:
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = self._loop.after(self._leases[name].until - time.time(), lambda: self._due(name))

    def _due(self, name: str) -> None:
        # Undone first, forgotten second: whoever dies in between does it once more, which does no harm.
        self._undo(self._leases[name])
        del self._timers[name]
        del self._leases[name]
        write_leases(self._folder, self._leases)
