"""What can be asked of a site, as plain functions with JSON arguments: probes for the Chaos Toolkit.

`state` is the folder of the site; without it FAILWHALE_STATE counts, or `.failwhale`.
"""

from __future__ import annotations

import time
from typing import Any

from chaos.fault_rows import FaultRow, active
from foundation.state import State
from testbed.green import wait_until_green
from testbed.instruments import journeys_now
from testbed.site import Site

POLL_SECONDS = 0.1


def journeys(state: str | None = None) -> dict[str, Any]:
    """How each journey of the users fares now, as the prober says. Raises Unreachable when it is silent."""
    site = _site(state)
    answer = site.control(site.inventory.part("prober")).ask("GET", "/journeys")
    return dict(answer.json()["journeys"])


def journey_is_good(journey: str, state: str | None = None) -> bool:
    """Whether users have no trouble with this journey now. Raises KeyError for an unknown journey."""
    return bool(journeys(state)[journey]["state"] == "green")


def all_green(seconds: float = 20.0, state: str | None = None) -> bool:
    """Whether every journey of the users is green, or will be within so many seconds. Raises Failure that
    names the others; False where no prober looks."""
    return wait_until_green(State.of(state), time.monotonic() + seconds, lambda line: None)


def stays_green(seconds: float = 5.0, state: str | None = None) -> bool:
    """Whether every journey of the users is green at each of many looks for so many seconds; False where no
    prober looks."""
    end = time.monotonic() + seconds
    while True:
        rows = journeys_now(State.of(state)).values()
        if not rows or any(row["state"] != "green" for row in rows):
            return False
        if time.monotonic() > end:
            return True
        time.sleep(POLL_SECONDS)


def part_is_ready(part: str, state: str | None = None) -> bool:
    """Whether a part, such as `post@east`, can do its work. Raises Failure for an unknown part."""
    site = _site(state)
    return site.ready(site.inventory.part(part))


def store_roles(state: str | None = None) -> dict[str, str]:
    """`primary` or `replica`, by the name of each store that answers."""
    return _site(state).store_roles()


def active_faults(state: str | None = None) -> list[FaultRow]:
    """The faults that are not over, from the journal; also when no controller is alive."""
    return active(State.of(state))


def _site(path: str | None) -> Site:
    return Site(State.of(path))
