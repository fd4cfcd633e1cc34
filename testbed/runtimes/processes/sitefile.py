"""What site.json says of who supervises the site."""

from __future__ import annotations

from dataclasses import asdict

from foundation.state import State
from testbed.runtimes.processes.identity import Process
from testbed.sitefile import write


def set_supervisor(state: State, process: Process | None) -> None:
    """Note who supervises the site; None when it is down."""
    write(state, {**state.site(), "supervisor": asdict(process) if process else None})


def supervisor(state: State) -> Process | None:
    """The process that supervises, or last supervised, the site; None when it is down."""
    row = state.site()["supervisor"]
    return Process(**row) if row else None
