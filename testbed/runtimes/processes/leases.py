"""Promises to undo a kill or a pause at a moment, kept on disk before they count."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from foundation.clock import steady
from testbed.runtimes import Undo
from testbed.runtimes.processes.loop import Loop, Timer
from testbed.runtimes.processes.notes import note
from testbed.runtimes.processes.record import Lease, read_leases, write_leases

LOOK_AGAIN_SECONDS = 1.0
AGAIN_SECONDS = 1.0
"""Until what could not be done, or not be written down, is tried again."""


class Leases:
    """Calls `undo` for each lease at its limit. Leases of an earlier supervisor are taken up; what fell due
    meanwhile is undone at once."""

    def __init__(self, loop: Loop, folder: Path, undo: Callable[[Lease], None]) -> None:
        self._loop = loop
        self._folder = folder
        self._undo = undo
        self._leases = read_leases(folder)
        self._timers: dict[str, Timer] = {}
        self._save_again: Timer | None = None

    def take_up(self) -> None:
        """Start to count. Called once the parts are known."""
        for name in list(self._leases):
            self._schedule(name)

    def arm(self, name: str, part: str, undo: Undo, seconds: float, share: float | None = None) -> None:
        """On return the promise is on disk. Raises OSError: then nothing is promised."""
        lease = Lease(part, undo, time.time() + seconds, steady() + seconds, share)
        leases = {**self._leases, name: lease}
        write_leases(self._folder, leases)
        self._leases = leases
        self._schedule(name)

    def disarm(self, name: str) -> None:
        if self._leases.pop(name, None) is not None:
            self._timers.pop(name).cancel()
            self._save()

    def starving(self) -> dict[str, float]:
        """The parts that get only a share of a core, and which."""
        return {lease.part: lease.share for lease in self._leases.values() if lease.share is not None}

    def disarm_starving(self, part: str) -> None:
        for name, lease in list(self._leases.items()):
            if lease.part == part and lease.share is not None:
                self.disarm(name)

    def holds(self, part: str) -> bool:
        """Whether somebody's fault holds this part at the moment."""
        return any(lease.part == part for lease in self._leases.values())

    def _schedule(self, name: str) -> None:
        if name in self._timers:
            self._timers[name].cancel()
        seconds = min(self._leases[name].left(), LOOK_AGAIN_SECONDS)
        self._timers[name] = self._loop.after(seconds, lambda: self._look(name))

    def _look(self, name: str) -> None:
        """A clock may have been set meanwhile."""
        if self._leases[name].left() > 0:
            self._schedule(name)
        else:
            self._due(name)

    def _due(self, name: str) -> None:
        lease = self._leases[name]
        try:
            self._undo(lease)
        except Exception as error:
            note(f"a lease on {lease.part} cannot be kept yet: {error!r}")
            self._timers[name] = self._loop.after(AGAIN_SECONDS, lambda: self._due(name))
            return
        # Undone first, forgotten second: whoever dies in between does it once more, which does no harm.
        del self._timers[name]
        del self._leases[name]
        self._save()

    def _save(self) -> None:
        """Forget on disk, too, what is over. Where there is no room it is tried again."""
        if self._save_again is not None:
            self._save_again.cancel()
            self._save_again = None
        try:
            write_leases(self._folder, self._leases)
        except OSError as error:
            note(f"the leases cannot be written down yet: {error}")
            self._save_again = self._loop.after(AGAIN_SECONDS, self._save)
