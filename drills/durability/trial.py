"""One loss in one mode: what was acknowledged, and what of it is gone."""

from __future__ import annotations

import time
from dataclasses import dataclass

from chaos.injector import Request
from drills.durability.loss import Loss
from drills.failover.trial import STEADY_WITHIN, wait_for_a_replica
from driver.driver import Driver
from loadtests.findings import Findings
from loadtests.generator import LoadPlan, Shape
from loadtests.load import Result

BEFORE_SECONDS = 3.0
"""Of writes before the loss, and of those that the replica lacks where it stands still."""
AWAY_SECONDS = 6.0
"""For which the primary stays dead: twice what a promotion takes."""
LONGEST_SECONDS = 300
WRITES = ("POST ", "PUT ", "DELETE ")


@dataclass(frozen=True)
class Trial:
    """Numbers of writes. `lost` are gone although the site had said that a replica has them, which breaks a
    promise; `announced` are gone as it had said. `failed` got an error, or no answer."""

    acknowledged: int
    lost: int
    announced: int
    failed: int
    because: str = ""
    """Why it is not known what is lost; empty where it is."""


def lose(driver: Driver, loss: Loss, people: int) -> Trial:
    """Lose the primary once, get it back, and look for all that was acknowledged. Raises Failure when the
    site is not well before or after it."""
    driver.wait_green(STEADY_WITHIN)
    wait_for_a_replica(driver)
    plan = LoadPlan(Shape.STEADY, people, 0.0, LONGEST_SECONDS)
    with driver.load(plan) as load:
        begun = []
        if loss.before:
            request = loss.request_before(BEFORE_SECONDS + AWAY_SECONDS)
            begun.append(driver.inject(request, detach=True)["id"])
        time.sleep(BEFORE_SECONDS)
        kill = Request("kill", "store:primary", LONGEST_SECONDS, reason="drill durability")
        begun.append(driver.inject(kill, detach=True)["id"])
        time.sleep(AWAY_SECONDS)
        for identifier in reversed(begun):
            driver.end(identifier)
        driver.wait_green(STEADY_WITHIN)
    return _judged(driver.verdict(plan.name), load.result)


def _judged(found: Findings, result: Result) -> Trial:
    failed = sum(one.count - one.good for one in result.operations if one.operation.startswith(WRITES))
    acknowledged = found.acknowledged + found.changes
    lost = len(found.lost) + len(found.returned)
    is_broken_otherwise = found.holds is False and not lost  # told, since it is not what is compared here
    return Trial(
        acknowledged,
        lost=lost,
        announced=len(found.lost_as_announced),
        failed=failed,
        because=found.because if found.unknown or is_broken_otherwise or not acknowledged else "",
    )
