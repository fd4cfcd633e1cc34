"""`python -m bench.soak --times 300 --seed 7`: faults at random on a real site, and SIGKILL at a random
moment to whoever has to do with them. Nothing may be left behind, not once.

Each round draws a fault as its demonstration has it, who is killed (the command, the controller, the
supervisor, a target) and when. Then the site must be whole by itself soon after the fault's limit; where the
supervisor was killed, nobody is left who could, so `failwhale chaos heal` is told to. With --without-journal
the journal of chaos is deleted and controller and supervisor are killed in every round, and heal must do
without it.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from rich.table import Table

from bench.faults import Demonstrated, lasting_faults
from bench.printing import carry_out, tell
from bench.site import Site, begin, order, running_site
from chaos.fault import Demonstration
from chaos.fault_rows import active
from chaos.heal import look
from foundation.console import spell_duration
from foundation.state import State
from testbed.instruments import journeys_now
from testbed.site import Site as SiteOfChaos
from testbed.sitefile import SiteFile

COMMAND, CONTROLLER, SUPERVISOR, TARGET = VICTIMS = ("command", "controller", "supervisor", "target")
WHOLE_WITHIN = 20.0
"""Seconds after its limit, or after a heal, within which the site must be whole."""
LATEST_MOMENT = 1.5
"""Seconds after the limit in which somebody may still be killed: while the fault is being undone."""
COMMAND_SECONDS = 0.6
"""What a command takes to begin."""


@dataclass
class Soaked:
    """What came of it. Times are in seconds."""

    seed: int
    rounds: int = 0
    by_victim: dict[str, int] = field(default_factory=dict)
    by_fault: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    """Rounds whose fault was refused, since the one before had left the site otherwise than it needs."""
    slowest_seconds: float = 0.0
    """Until the site was whole, counted from the fault's limit."""
    left_behind: list[str] = field(default_factory=list)
    """A line for each round after which something was."""


def soak(times: int, seed: int, seconds: float, *, without_journal: bool) -> Soaked:
    """Raises BenchError when there is no site to do it to."""
    drawing = random.Random(seed)
    soaked = Soaked(seed)
    victims, faults = Counter[str](), Counter[str]()
    with running_site() as site:
        choices = [*lasting_faults("processes")]
        for number in range(times):
            drawn = drawing.choice(choices)
            victim = SUPERVISOR if without_journal else drawing.choice(VICTIMS)
            moment = drawing.uniform(0, COMMAND_SECONDS + seconds + LATEST_MOMENT)
            what = f"{drawn}, {victim} after {moment:.2f} s"
            tell(f"{number + 1}/{times}  {what}")
            command, limit = _begin(site, drawn, seconds)
            time.sleep(moment)
            _kill(site, victim, command, drawn.demonstration, without_journal=without_journal)
            if victim == SUPERVISOR:
                order(site, "chaos", "heal")
                limit = time.monotonic()
            left = _wait_whole(site, limit + WHOLE_WITHIN)
            if left:
                soaked.left_behind.append(f"{what}: {'; '.join(left)}")
                tell(f"       LEFT BEHIND: {'; '.join(left)}")
                order(site, "chaos", "heal")
            soaked.slowest_seconds = max(soaked.slowest_seconds, time.monotonic() - limit)
            soaked.refused += command.poll() == 1
            soaked.rounds += 1
            victims[victim] += 1
            faults[drawn.fault.name] += 1
    soaked.by_victim, soaked.by_fault = dict(victims), dict(faults.most_common())
    return soaked


def _begin(site: Site, drawn: Demonstrated, seconds: float) -> tuple[subprocess.Popen[bytes], float]:
    return begin(site, *drawn.words(seconds), "--quiet"), time.monotonic() + COMMAND_SECONDS + seconds


def _kill(
    site: Site,
    victim: str,
    command: subprocess.Popen[bytes],
    demonstration: Demonstration,
    *,
    without_journal: bool,
) -> None:
    state = State(site.state)
    supervisor = SiteFile.read(state).as_processes.supervisor
    assert supervisor is not None
    if without_journal:
        state.journal.unlink(missing_ok=True)
        _sigkill(supervisor.pid)
        _sigkill(_pid(site, "chaos"))
        _sigkill(command.pid)
    elif victim == SUPERVISOR:
        _sigkill(supervisor.pid)
    elif victim == COMMAND:
        _sigkill(command.pid)
    else:
        _sigkill(_pid(site, "chaos" if victim == CONTROLLER else demonstration.target))


def _pid(site: Site, target: str) -> int | None:
    """Of a part, or of the first one that a selector means."""
    kind = target.partition("@")[0].partition(":")[0]
    names = [row for row in SiteOfChaos(State(site.state)).runtime.status() if row.name == target]
    rows = names or [row for row in SiteOfChaos(State(site.state)).runtime.status() if row.service == kind]
    return next((row.pid for row in rows if row.pid), None)


def _sigkill(pid: int | None) -> None:
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _wait_whole(site: Site, end: float) -> list[str]:
    """What is left when the time is up; nothing once the site is whole."""
    while True:
        left = _ills(site)
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.1)


def _ills(site: Site) -> list[str]:
    """By what is, not only by what the journal says: parts, what faults leave behind, users."""
    state = State(site.state)
    seen = SiteOfChaos(state)
    ills = [f"{part.name} is not ready" for part in seen.inventory.parts if not seen.ready(part)]
    if ills:
        return ills
    journeys = journeys_now(state)
    return [
        *(f"{row['id']} is active" for row in active(state)),
        *(f"{name} is {row['state']}" for name, row in journeys.items() if row["state"] != "green"),
        *([] if journeys else ["the prober does not answer"]),
        *look(seen, seen.inventory.parts),
    ]


def _table(soaked: Soaked) -> Table:
    table = Table("figure", "value", title=f"faults and SIGKILL at random, seed {soaked.seed}")
    table.add_row("rounds", str(soaked.rounds))
    table.add_row("faults", str(len(soaked.by_fault)))
    table.add_row("killed", ", ".join(f"{name} {number}" for name, number in soaked.by_victim.items()))
    table.add_row("refused", str(soaked.refused))
    table.add_row("whole at the latest after", spell_duration(soaked.slowest_seconds))
    table.add_row("left something behind", "; ".join(soaked.left_behind) or "not once")
    return table


def main() -> int:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--times", type=int, default=300, help="rounds (default 300)")
    parser.add_argument("--seed", type=int, default=7, help="draws the same again (default 7)")
    parser.add_argument("--seconds", type=float, default=1.5, help="how long each fault lasts (default 1.5)")
    parser.add_argument("--without-journal", action="store_true", help="delete the journal in every round")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    return carry_out(
        lambda: soak(given.times, given.seed, given.seconds, without_journal=given.without_journal),
        _table,
        as_json=given.json,
        is_good=lambda soaked: not soaked.left_behind,
    )


if __name__ == "__main__":
    sys.exit(main())
