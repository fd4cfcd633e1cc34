"""More hurts more: what users feel of a fault at intensity 10 is more than at 1."""

import time

import pytest
from site_under_test import Site, wait_until

from chaos.catalogue import all_faults
from chaos.fault import LEAST_INTENSITY, MOST_INTENSITY, Fault
from chaos.injector import Request, new_id
from outages.journey_probe import NORMAL_EVERY
from outages.journeys import ALL

SECONDS = 5.0
"""How long each lasts beyond what a journey may take before it is slow: ten attempts at each."""
UNDER_WAY = 3
"""Attempts that the usual journey has not ended yet when it is asked how many it has."""
SLOW_AFTER = {journey.name: journey.slow for journey in ALL}
DIALLED = {
    fault.family: fault
    for fault in reversed(all_faults())
    if fault.dialled and fault.demonstration.hurts and "processes" in fault.runtimes
}
"""The first of each family."""


def attempts(site: Site) -> dict[str, int]:
    """How many have ended by now, by journey."""
    return {name: row["attempts"] for name, row in site.journeys().items()}


def attempts_hurt(site: Site, fault: Fault, intensity: int) -> int:
    """How many attempts at the journeys of its demonstration failed, or were slow, because of it."""
    site.wait_green()
    before, began, attempted = len(site.ledger()), time.monotonic(), attempts(site)
    others = {
        name: value
        for name, value in fault.demonstration.parameters.items()
        if name not in [parameter.name for parameter in fault.dialled]
    }
    lasts = SECONDS + max(SLOW_AFTER[name] for name in fault.demonstration.hurts)
    request = Request(
        fault.name,
        fault.demonstration.target,
        lasts,
        others,
        id=new_id(fault.name),
        intensity=intensity,
    )
    site.controller().order(request)
    wait_until(lambda: site.active() == [], lasts + 25, f"{fault.name} at {intensity} is over")

    def none_is_under_way() -> bool:
        """What began while the fault was there is in the ledger once it has ended, and not before."""
        intended = (time.monotonic() - began) / NORMAL_EVERY - UNDER_WAY
        now = attempts(site)
        return all(now[name] - attempted[name] >= intended for name in fault.demonstration.hurts)

    wait_until(none_is_under_way, 30, "as many attempts have ended as have begun")
    site.wait_green(30)
    return sum(
        record["kind"] in ("attempt.failed", "attempt.slow")
        and record["journey"] in fault.demonstration.hurts
        for record in site.ledger()[before:]
    )


@pytest.mark.long("each is done twice")
@pytest.mark.parametrize("runtime", ["processes"], indirect=True, scope="session")
@pytest.mark.parametrize("fault", DIALLED.values(), ids=lambda fault: fault.name, scope="session")
def test_more_hurts_more(site: Site, fault: Fault) -> None:
    least, most = (attempts_hurt(site, fault, one) for one in (LEAST_INTENSITY, MOST_INTENSITY))
    assert most > least
