"""`python -m bench.pairs --times 40 --seed 7`: two faults at once on a real site, on different parts or on
the same one, ended one after the other in an order that is drawn. `--on docker` does it there.

Each of the two is proved by its effect, or refused with a reason, or said to have no effect that was seen;
when both are over the site is whole, by what is and not only by what the journal says: nothing is left that
a heal would find, and all journeys are green.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from bench.faults import Demonstrated, lasting_faults
from bench.printing import carry_out, tell
from bench.site import BenchError, Site, order, running_site
from foundation.console import spell_duration
from foundation.failure import INCONCLUSIVE

WHOLE_WITHIN = 25.0
"""Seconds after the end of both within which every part is ready and every journey green."""
LIMIT_SECONDS = 60.0
LOOK_SECONDS = 0.3


@dataclass
class Paired:
    """What came of it. Times are in seconds."""

    seed: int
    rounds: int = 0
    together: int = 0
    """Rounds in which both were in force at once."""
    refusals: dict[str, str] = field(default_factory=dict)
    """Why the second was refused, by the two."""
    unproved: list[str] = field(default_factory=list)
    """Of which no effect was seen beside the other one, which the command says."""
    slowest_seconds: float = 0.0
    """Until the site was whole."""
    bad: list[str] = field(default_factory=list)
    """A line for each round in which one did not end, or left something behind."""


def pairs(times: int, seed: int, runtime: str) -> Paired:
    """Raises BenchError when there is no site to do it to."""
    drawing = random.Random(seed)
    found = Paired(seed)
    with running_site(runtime) as site:
        choices = [*lasting_faults(runtime)]
        for number in range(times):
            first, second = drawing.sample(choices, 2)
            backwards = drawing.random() < 0.5
            what = f"{first}, {second}, the {'second' if backwards else 'first'} ends first"
            tell(f"{number + 1}/{times}  {what}")
            for ill in _round(site, first, second, found, backwards=backwards):
                found.bad.append(f"{what}: {ill}")
                tell(f"       BAD: {ill}")
            found.rounds += 1
    return found


def _round(
    site: Site, first: Demonstrated, second: Demonstrated, found: Paired, *, backwards: bool
) -> list[str]:
    """What was wrong, a line each."""
    begun: list[str] = []
    ills: list[str] = []
    for drawn in (first, second):
        try:
            said = order(site, *drawn.words(LIMIT_SECONDS), "--detach", "--json")
        except BenchError as refused:
            if refused.code != INCONCLUSIVE:
                if not begun:
                    ills.append(f"{drawn} was refused on a site that is well: {refused}")
                found.refusals[f"{first}, {second}"] = str(refused).splitlines()[0]
                break
            found.unproved.append(f"{drawn}, of {first}, {second}")
            said = refused.said
        begun.append(json.loads(said)["id"])
    found.together += len(begun) == 2
    for identifier in reversed(begun) if backwards else begun:
        phase = json.loads(order(site, "chaos", "end", identifier, "--json"))["phase"]
        if phase not in ("reverted", "ceased"):
            ills.append(f"{identifier} is {phase}")
    ended = time.monotonic()
    while (left := _ills(site)) and time.monotonic() - ended < WHOLE_WITHIN:
        time.sleep(LOOK_SECONDS)
    found.slowest_seconds = max(found.slowest_seconds, time.monotonic() - ended)
    healed = json.loads(order(site, "chaos", "heal", "--json"))
    return [*ills, *left, *(f"heal found: {line}" for line in healed["mended"])]


def _ills(site: Site) -> list[str]:
    now: dict[str, Any] = json.loads(order(site, "status", "--json"))
    journeys = now["journeys"] or {"the prober": {"state": "silent"}}
    return [
        *(f"{row['name']} is not ready" for row in now["parts"] if not row["ready"]),
        *(f"{identifier} is active" for identifier in now["active_faults"]),
        *(f"{name} is {row['state']}" for name, row in journeys.items() if row["state"] != "green"),
    ]


def _table(found: Paired) -> Table:
    table = Table("figure", "value", title=f"two faults at once, seed {found.seed}")
    table.add_row("rounds", str(found.rounds))
    table.add_row("both in force at once", str(found.together))
    table.add_row("the second refused", str(len(found.refusals)))
    for two, why in found.refusals.items():
        table.add_row(f"  {two}", why)
    table.add_row("no effect seen of one", "; ".join(found.unproved) or "not once")
    table.add_row("whole at the latest after", spell_duration(found.slowest_seconds))
    table.add_row("not well", "; ".join(found.bad) or "not once")
    return table


def main() -> int:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m bench.pairs", description=__doc__)
    parser.add_argument("--times", type=int, default=40, help="rounds (default 40)")
    parser.add_argument("--seed", type=int, default=7, help="draws the same again (default 7)")
    parser.add_argument("--on", choices=("processes", "docker"), default="processes", help="the runtime")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    return carry_out(
        lambda: pairs(given.times, given.seed, given.on),
        _table,
        as_json=given.json,
        is_good=lambda found: not found.bad,
    )


if __name__ == "__main__":
    sys.exit(main())
