"""``python -m chaos.controller``: the part `chaos` of the site, which runs the life of every fault.

It may be killed at any moment. The supervisor starts it again, it takes up what the journal says, and what it
cannot be there for is done by the leases.
"""

from __future__ import annotations


def main() -> None:
    """Serve until SIGTERM. Faults in force are left to the next controller and to their leases."""
    from chaos.api import build
    from chaos.engine import Engine
    from chaos.journal import Journal
    from chaos.site import Site
    from failwhale.state import State
    from outages.ledger import Ledger
    from services.platform.serve import run
    from services.platform.settings import Settings

    settings = Settings.from_environment()
    state = State(settings.extra["STATE"])
    journal = Journal.open(state.journal, PATIENCE)
    engine = Engine(lambda: Site(state), journal, Ledger(state.ledger))
    run(build(engine, settings, lambda: state.token), settings)


PATIENCE = 60.0
"""Seconds to wait for the journal: a heal without controller holds it while it works."""


if __name__ == "__main__":
    main()
