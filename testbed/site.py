"""A running site: its parts as they are reached, and what carries them.

Faults see the site only through this class, which is what makes them testable without one.
"""

from __future__ import annotations

import time
from typing import cast

from foundation.failure import USAGE, Failure
from foundation.state import State
from testbed.alert_rules import AlertRules, evaluated
from testbed.alertmanager import SERVICE as ALERTMANAGER
from testbed.alertmanager import Alertmanager
from testbed.choice import runtime_of
from testbed.endpoints import Endpoints
from testbed.inventory import Part
from testbed.logs import logs_of
from testbed.runtimes import Exec, Networks, Packets, Runtime
from testbed.runtimes.capabilities import Capability, missing, runtimes_with

DISK_ERROR = "MISCONF"
RECOVERS_WITHIN = 3.0


class Site(Endpoints):
    """One running site."""

    def __init__(self, state: State) -> None:
        """Raises Failure when there is no site in this state folder."""
        super().__init__(state)
        self.runtime: Runtime = runtime_of(state)

    def last_said(self, part: Part, lines: int) -> list[str]:
        """The last lines of its log."""
        return [line.text for line in logs_of(self._state, part.name).last(lines, None)]

    @property
    def alert_rules(self) -> AlertRules:
        """The rules by which its Prometheus goes."""
        return AlertRules(self._state.rules)

    def evaluated_alerts(self, prometheus: Part) -> dict[str, str]:
        """The alerts whose rules this Prometheus evaluates now, each with its state. Raises Unreachable."""
        return evaluated(prometheus)

    @property
    def alertmanager(self) -> Alertmanager | None:
        """Who pages; None where the site has none, and Prometheus reports to the prober itself."""
        found = next((part for part in self.inventory.parts if part.service == ALERTMANAGER), None)
        return None if found is None else Alertmanager(found, self._tls)

    def free_disk(self, part: Part) -> None:
        """Let the part write again that had no room.

        A store that gives way to another with its file still broken dies of the first write that comes from
        it: so Redis protects a replica. It looks once a second whether it can write again.
        """
        patient = time.monotonic() + RECOVERS_WITHIN
        self.runtime.clear_disk(part.name)
        while part.kind == "store" and self.lacks_disk(part):
            if time.monotonic() > patient:
                return
            time.sleep(0.05)
        self.welcome_back(part)

    def lacks_disk(self, part: Part) -> bool:
        """Whether a store refuses a write for want of room on the disk, as it says itself."""
        return DISK_ERROR in self.refused_write(part)

    # What only some runtimes have. Each raises Failure (usage) on one that has it not.

    @property
    def networks(self) -> Networks:
        return cast(Networks, self._runtime_with(Capability.NETWORKS))

    @property
    def packets(self) -> Packets:
        return cast(Packets, self._runtime_with(Capability.PACKETS))

    @property
    def exec(self) -> Exec:
        return cast(Exec, self._runtime_with(Capability.EXEC))

    def _runtime_with(self, capability: Capability) -> object:
        if missing(self.runtime.name, {capability}):
            where = runtimes_with({capability})[0]
            raise Failure(
                f"not possible on {self.runtime.name}: it has not {capability}",
                f"start the site on {where}: failwhale up --on {where}",
                USAGE,
            )
        return self.runtime
