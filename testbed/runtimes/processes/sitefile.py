"""Who supervises the site, as site.json notes it."""

from __future__ import annotations

from dataclasses import replace

from foundation.state import State
from testbed.runtimes.processes.identity import Process
from testbed.sitefile import SiteFile, SupervisorRecord


def set_supervisor(state: State, process: Process | None) -> None:
    """Note who supervises the site; None when it is down."""
    site = SiteFile.read(state)
    noted = SupervisorRecord(process.pid, process.created) if process else None
    replace(site, processes=replace(site.as_processes, supervisor=noted)).write(state)


def supervisor(state: State) -> Process | None:
    """The process that supervises, or last supervised, the site; None when it is down."""
    noted = SiteFile.read(state).as_processes.supervisor
    return Process(noted.pid, noted.created) if noted else None
