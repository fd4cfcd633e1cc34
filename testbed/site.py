"""A running site: its parts as they are reached, and what carries them.

Faults see the site only through this class, which is what makes them testable without one.
"""

from __future__ import annotations

from foundation.state import State
from testbed.endpoints import Endpoints
from testbed.runtimes import Runtime, runtime_of


class Site(Endpoints):
    """One running site."""

    def __init__(self, state: State) -> None:
        """Raises Failure when there is no site in this state folder."""
        super().__init__(state)
        self.runtime: Runtime = runtime_of(state)
