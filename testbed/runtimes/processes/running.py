"""What runs of a site of plain processes, as its own files say: nobody is asked."""

from __future__ import annotations

from foundation.state import State
from testbed.runtimes.processes import sitefile
from testbed.runtimes.processes.record import read_parts


def is_up(state: State) -> bool:
    """Whether anything of a site runs here: its supervisor, or a part that outlived it."""
    if not state.is_made:
        return False
    supervisor = sitefile.supervisor(state)
    if supervisor is None:
        return False
    return supervisor.is_alive() or any(part.is_running() for part in read_parts(state.run).values())


def parts_running(state: State) -> frozenset[str]:
    """By the record, whoever supervises them."""
    return frozenset(name for name, part in read_parts(state.run).items() if part.is_running())
