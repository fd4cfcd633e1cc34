"""``python -m chaos.controller``: the part `chaos` of the site, which runs the life of every fault.

It may be killed at any moment. The supervisor, or Docker, starts it again, it takes up what the journal says,
and what it cannot be there for is done by the leases, where there are any.
"""

from __future__ import annotations

import os
import sys

# All here, not where it is used: the warm parent of plain processes imports it once for its children.
from chaos.api import build
from chaos.injector import Injector
from chaos.journal import Journal
from chaos.safety import Safety
from foundation.failure import Failure
from foundation.patient_ledger import PatientLedger
from foundation.state import State
from services.platform.serve import run
from services.platform.settings import Settings
from testbed.instruments import journeys_now
from testbed.runtimes.docker import privileges
from testbed.site import Site
from testbed.sitefile import OtherForm, SiteFile


def main() -> None:
    """Serve until SIGTERM. Faults in force are left to the next controller and to their leases."""
    try:
        privileges.drop()
        _serve()
    except Failure as failure:
        sys.exit(f"chaos cannot start: {failure.message} ({failure.next_step})")


def _serve() -> None:
    settings = Settings.from_environment()
    state = State(settings.extra["STATE"])
    if "ENGINE" in settings.extra and not _is_described(state):
        _describe_containers(state, settings.extra["ENGINE"], settings.extra["PROJECT"])
    journal = Journal.open(state.journal, PATIENCE)
    safety = Safety.from_environment(os.environ)
    ledger = PatientLedger(state.ledger)
    injector = Injector(lambda: Site(state), journal, ledger, safety, lambda: journeys_now(state))
    run(build(injector, settings, lambda: state.token), settings)


def _is_described(state: State) -> bool:
    """Whether what the site consists of is written down as this version reads it. On Docker nobody else is
    there to do it, and a volume may hold what a controller of another version wrote."""
    try:
        return SiteFile.read_if_made(state) is not None
    except OtherForm:
        return False


def _describe_containers(state: State, engine: str, project: str) -> None:
    from testbed.runtimes.docker import sitefile
    from testbed.runtimes.docker.connection import connection_to

    sitefile.refresh(state, connection_to(engine), project)


PATIENCE = 60.0
"""Seconds to wait for the journal: a heal without controller holds it while it works."""


if __name__ == "__main__":
    main()
