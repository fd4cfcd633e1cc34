"""What goes on beside an incident: people who use the site, and harmless faults."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from chaos.noise import Drawn, draw, make
from driver.driver import Driver
from foundation.state import State
from incidents.observer import Tell
from loadtests.generator import LoadPlan, Shape
from testbed.sitefile import SiteFile

LOAD_SECONDS = 300
"""Longer than any incident takes; the load is ended with it."""
NOISE_EVERY = 4.0
"""Seconds between two faults of the noise."""


@contextmanager
def people(driver: Driver, number: int, tell: Tell) -> Iterator[LoadPlan | None]:
    """So many people use the site as long as the block lasts; yields their load, or None when there are
    none. Raises Failure when they cannot."""
    if not number:
        yield None
        return
    plan = LoadPlan(Shape.STEADY, number, 0.0, LOAD_SECONDS)
    driver.populate_if_empty(partial(tell, "load"))
    tell("load", f"{plan.people} people use the site")
    with driver.load(plan):
        yield plan


@contextmanager
def noise(state: State, seed: int, tell: Tell) -> Iterator[None]:
    """Harmless faults, one after the other, as long as the block lasts."""
    over = threading.Event()
    drawn = draw(seed, SiteFile.read(state).runtime)

    def until_over() -> Iterator[Drawn]:
        while not over.is_set():
            yield next(drawn)

    def told(row: Any, why: str) -> None:
        tell("noise", why or f"{row['fault']} {row['target']}")

    given = (state, until_over(), seed, NOISE_EVERY, None, told, over.wait)
    thread = threading.Thread(target=make, args=given)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
