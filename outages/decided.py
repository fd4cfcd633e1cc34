"""Whether it is known yet how all attempts went that began before a moment.

One that waits for what never comes fails at its limit, seconds after those that began later were answered.
Who looks into the record before that takes its journey for well.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

from foundation.clock import parse
from foundation.state import State
from outages.model import DECIDED_WITHIN
from testbed.instruments import prober_now

LOOK_EVERY = 0.05
"""Seconds between two looks at what the prober says."""


def wait_until_decided(state: State, until: float, but: Collection[str] = ()) -> None:
    """Wait until it is known how every attempt went that began before `until` (Unix seconds; the present, if
    that is sooner), but for those of some journeys. For DECIDED_WITHIN seconds at most, and not at all where
    no prober answers."""
    until = min(until, time.time())
    give_up = time.monotonic() + DECIDED_WITHIN
    while _is_undecided(state, until, but) and time.monotonic() < give_up:
        time.sleep(LOOK_EVERY)


def _is_undecided(state: State, until: float, but: Collection[str]) -> bool:
    oldest: Mapping[str, str] = prober_now(state).get("undecided", {})
    return any(parse(start) < until for journey, start in oldest.items() if journey not in but)
