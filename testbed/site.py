"""A running site: its parts as they are reached, and what carries them.

Faults see the site only through this class, which is what makes them testable without one.
"""

from __future__ import annotations

from typing import cast

from foundation.failure import USAGE, Failure
from foundation.state import State
from testbed.choice import runtime_of
from testbed.endpoints import Endpoints
from testbed.runtimes import Exec, Limits, Networks, Runtime
from testbed.runtimes.capabilities import Capability, missing, runtimes_with


class Site(Endpoints):
    """One running site."""

    def __init__(self, state: State) -> None:
        """Raises Failure when there is no site in this state folder."""
        super().__init__(state)
        self.runtime: Runtime = runtime_of(state)

    # What only some runtimes have. Each raises Failure (usage) on one that has it not.

    @property
    def networks(self) -> Networks:
        return cast(Networks, self._runtime_with(Capability.NETWORKS))

    @property
    def limits(self) -> Limits:
        return cast(Limits, self._runtime_with(Capability.LIMITS))

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
