"""`failwhale chaos`: the commands of chaos, where an injection and the history say what users felt.

Chaos and outages know nothing of each other, so what both have to say comes together here.
"""

from __future__ import annotations

from chaos.cli import commands
from chaos.fault_rows import FaultRow
from failwhale.fault_history import show_history
from foundation.clock import parse
from foundation.state import State


def answer(state: State, fault: FaultRow, well: float | None) -> list[str]:
    """What users felt of an injection that is over, in the console's markup. `well` is since when all is well
    again (Unix seconds); None: it is not, so that nobody waits for the ends of its outages."""
    from driver.driver import Driver
    from failwhale.answer import felt_of, recovery_of, undone_at

    driver = Driver(state)
    if not driver.journeys():
        return ["No data about users: the prober does not answer."]
    since = parse(fault["times"]["requested"])
    if well is None:
        return felt_of(driver, fault["id"], since, settle=0.0, until=undone_at(fault))
    return [*felt_of(driver, fault["id"], since, until=undone_at(fault)), recovery_of(fault, well)]


app = commands(answer)
app.command("history")(show_history)
