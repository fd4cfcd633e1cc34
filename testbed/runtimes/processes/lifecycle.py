"""A site's beginning and end as plain processes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from testbed.runtimes.lifecycle import Ended, Lifecycle, Standing, StartListener, SupervisorStatus, Wishes
from testbed.runtimes.processes import ending, running
from testbed.runtimes.processes.client import Processes

if TYPE_CHECKING:
    from testbed.runtimes.processes.outlook import ProcessesOutlook


class ProcessesLifecycle(Lifecycle["ProcessesOutlook"]):
    """From a compose file to a running supervisor, and back to nothing. Who only looks, or ends it, does not
    wait for what a start imports."""

    def look_ahead(self, wishes: Wishes, environment: Mapping[str, str]) -> ProcessesOutlook:
        from testbed.runtimes.processes import outlook

        return outlook.look_ahead(self._state, wishes, environment)

    def is_up(self) -> bool:
        return running.is_up(self._state)

    def start(self, outlook: ProcessesOutlook, was_up: bool, within: float, listener: StartListener) -> None:
        from testbed.green import wait_until_green
        from testbed.runtimes.processes import beginning
        from testbed.runtimes.processes.readiness import wait_until_ready

        limit = time.monotonic() + within
        if was_up:
            beginning.add(self._state, outlook)
            listener.already_up(Processes(self._state).complete())
        else:
            beginning.begin(self._state, outlook)
        for out in outlook.left_out:
            listener.left_out(out)
        for moved in outlook.moved:
            listener.moved(moved)
        wait_until_ready(self._state, limit, listener.note)
        listener.ready()
        if wait_until_green(self._state, limit, listener.note):
            listener.green()

    def look(self) -> Standing:
        parts, supervisor = Processes(self._state).status_with_supervisor()
        return Standing(parts, SupervisorStatus(**supervisor) if supervisor else None)

    def end(self, *, purge: bool = False) -> Ended:
        """All that such a site has is in its state folder: `purge` leaves nothing more."""
        was_up = running.is_up(self._state)
        ending.end(self._state)
        return Ended(was_up)
