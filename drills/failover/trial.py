"""One loss: a site in steady state loses something under load, and gets it back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from chaos.injector import Request
from drills.failover.judging import Felt, Judged, judge
from drills.failover.promotion import Phases, Promotion
from drills.failover.way import Way
from driver.driver import Driver
from foundation.failure import Failure
from foundation.interruption import uninterruptible
from loadtests.findings import Findings
from loadtests.generator import LoadPlan, Shape
from outages.model import UNDER_WAY
from testbed.site import Site

STEADY_WITHIN = 30.0
"""Seconds for every journey to be green before something is lost, and after it has come back."""
REPLICA_WITHIN = 15.0
"""Seconds for the replica to be ready again: one that was restarted is attached some seconds later."""
LEAST_SECONDS = 3.0
"""What is lost stays away for so long at least: time for every journey to be tried."""
WELL_FOR = 1.0
"""Seconds for which users have to be well in one piece."""
BEYOND = 4.0
"""Seconds after the limit of a way in which users may still be seen to become well by themselves."""
WRITES_BEFORE = 3.0
"""Seconds for which people have used the site when the loss comes: what they wrote is what may be lost."""
SECOND_WAVE = 4.0
"""Seconds after the return in which that may still hurt users."""
LOAD_SECONDS = 300
POLL = 0.1

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Trial:
    """What became of one loss."""

    way: Way
    judged: Judged
    phases: Phases = field(default_factory=Phases)
    back: Judged | None = None
    """What its return did; None where nobody asks."""


def lose(driver: Driver, way: Way, people: int, tell: Tell) -> Trial:
    """Lose it once, and have it back; what cannot be lost is untested. Raises KeyboardInterrupt with
    everything healed."""
    try:
        if not driver.wait_green(STEADY_WITHIN):
            return Trial(way, Judged.untested("this site has no prober: nobody sees how users fare"))
    except Failure as failure:
        return Trial(way, Judged.untested(f"not well before: {failure.message}"))
    wait_for_a_replica(driver)
    begun: list[str] = []
    try:
        return _lost_and_found(driver, way, people, tell, begun)
    except Failure as failure:
        _heal(driver)
        return Trial(way, Judged.untested(failure.message))
    except BaseException:
        tell("broken off: everything is being undone")
        if left := _heal(driver):
            tell(f"not undone: {left}")
        raise


def _heal(driver: Driver) -> str:
    """What is left after it; empty when nothing is."""
    with uninterruptible():
        try:
            driver.heal()
        except Failure as failure:
            return failure.message
    return ""


def wait_for_a_replica(driver: Driver) -> None:
    """For a while: a replica that would not be promoted is what a drill is to find."""
    site = Site(driver.state)
    give_up = time.monotonic() + REPLICA_WITHIN
    while site.failover_hindrance() and time.monotonic() < give_up:
        time.sleep(POLL)


def _lost_and_found(driver: Driver, way: Way, people: int, tell: Tell, begun: list[str]) -> Trial:
    load = LoadPlan(Shape.STEADY, people, 0.0, LOAD_SECONDS)
    with driver.load(load):
        time.sleep(WRITES_BEFORE)
        driver.wait_green(STEADY_WITHIN)  # that so many people log in at once may hurt, too
        if way.also:
            begun.append(_kill(driver, way.also))
        with Promotion(driver.state, asks=way.takes_a_primary) as promotion:
            tell(f"{way.name}: {way.title}")
            lost = time.time()
            begun.append(_kill(driver, way.target))
            _wait_until_well(driver, way)
        tell(f"{way.name}: it comes back")
        returned = time.time()
        for identifier in begun:
            driver.end(identifier)
        with suppress(Failure):  # what is not well is told by what users felt
            driver.wait_green(STEADY_WITHIN)
        time.sleep(max(0.0, returned + SECOND_WAVE - time.time()))
        over = time.time()
    driver.wait_until_decided(over, but=way.spared)
    felt = [Felt.of(outage, over) for outage in driver.outages(lost - UNDER_WAY, over, settle=3.0)]
    blind = driver.seconds_without_data(lost, over)
    judged, back = judge(way, felt, lost, returned, blind, _kept(driver, load))
    return Trial(way, judged, promotion.phases(lost), back)


def _kill(driver: Driver, target: str) -> str:
    request = Request("kill", target, LOAD_SECONDS, reason="drill failover")
    return driver.inject(request, detach=True)["id"]


def _wait_until_well(driver: Driver, way: Way) -> None:
    """Until users are well without what was lost, or it is too late for that."""
    began = time.monotonic()
    well_since: float | None = None
    while (now := time.monotonic()) < began + way.within + BEYOND:
        well_since = (well_since or now) if _are_well(driver.journeys(), way.spared) else None
        if well_since is not None and now >= max(began + LEAST_SECONDS, well_since + WELL_FOR):
            return
        time.sleep(POLL)


def _are_well(journeys: Mapping[str, Mapping[str, object]], spared: Iterable[str]) -> bool:
    others = [row for name, row in journeys.items() if name not in spared]
    return bool(others) and all(row["state"] == "green" for row in others)


def _kept(driver: Driver, load: LoadPlan) -> Findings:
    try:
        return driver.verdict(load.name)
    except Failure as failure:
        return Findings(None, failure.message)
