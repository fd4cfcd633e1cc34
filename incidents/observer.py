"""What is seen while an incident is played: journeys, signs and alerts, several times a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from foundation.failure import Failure
from foundation.state import State
from incidents.incident import Expectation, Incident, Sign
from outages.prometheus import BadQuery, Prometheus
from outages.rule_sets import FIRING
from testbed.instruments import JourneyRow, journeys_now

LOOK_EVERY = 0.2
ASK_EVERY = 1.0
"""Seconds between two questions to Prometheus, which looks once a second."""

HURT = frozenset({"down", "slow"})

Tell = Callable[[str, str], None]
"""Is told what happens: of what kind it is (baseline, inject, hurt, alert, ...), and in words."""


@dataclass
class SignSeen:
    """What became of a sign: the first moment at which it held, and the value nearest to its bound."""

    first: float | None = None
    """Unix seconds."""
    value: float | None = None
    """The last value while it did not hold, or the first with which it did; None: there was none."""
    asked: bool = False
    """Whether Prometheus has answered at all."""
    missing: float | None = None
    """A value with which it did not hold."""
    last: float | None = None
    """The last moment at which there was a value."""


@dataclass
class Seen:
    """All of it. Times are Unix seconds."""

    hurt: dict[tuple[str, str], float] = field(default_factory=dict)
    """When a journey was first seen to be in such a state."""
    signs: dict[str, SignSeen] = field(default_factory=dict)
    """By what they show."""
    alerts: dict[str, float] = field(default_factory=dict)
    """When each was first seen to fire, by name."""
    asked: bool = False
    """Whether Prometheus has told which alerts fire at all."""


class Observer:
    """Looks, in a thread of its own, from the beginning of the block to its end."""

    def __init__(self, state: State, incident: Incident, tell: Tell) -> None:
        self._state = state
        self._expect = incident.expect
        self._tell = tell
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, name=f"observer of {incident.id}", daemon=True)
        watched = (*self._expect.signs, *self._expect.stays)
        self.seen = Seen(signs={sign.what: SignSeen() for sign in watched})
        self.journeys: Mapping[str, JourneyRow] = {}
        """How each is now, as far as the prober has said it."""
        self.holding: frozenset[str] = frozenset()
        """The signs that hold now."""
        self._before: frozenset[str] | None = None

    def __enter__(self) -> Observer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def hurt_now(self, journeys: Collection[str]) -> list[str]:
        """Those of these journeys that are down or slow."""
        return [name for name in journeys if self.state_of(name) in HURT]

    def state_of(self, journey: str) -> str:
        """As the prober said last."""
        row = self.journeys.get(journey)
        return row["state"] if row else "unknown"

    def _look(self) -> None:
        ask_at = 0.0
        while not self._end.wait(LOOK_EVERY):
            self._look_at_journeys()
            if time.monotonic() >= ask_at:
                ask_at = time.monotonic() + ASK_EVERY
                self._ask_prometheus()

    def _look_at_journeys(self) -> None:
        self.journeys = journeys_now(self._state) or self.journeys
        for name, row in self.journeys.items():
            if row["state"] in HURT and (name, row["state"]) not in self.seen.hurt:
                self.seen.hurt[name, row["state"]] = time.time()
                self._tell("hurt", f"{name} is {row['state']}")

    def _ask_prometheus(self) -> None:
        try:
            prometheus = Prometheus.of(self._state)
            self.holding = frozenset(
                sign.what for sign in self._expect.signs if self._look_at(prometheus, sign)
            )
            for sign in self._expect.stays:
                self._look_whether_it_stays(prometheus, sign)
            self._note(firing_now(prometheus))
        except Failure:  # it may be what is broken; what was not seen is judged as that
            return

    def _note(self, firing: frozenset[str]) -> None:
        """Alerts that fired at the first look are of something before, as long as they go on."""
        self.seen.asked = True
        self._before = firing if self._before is None else self._before & firing
        for name in sorted(firing - self._before - self.seen.alerts.keys()):
            self.seen.alerts[name] = time.time()
            self._tell("alert", f"{name} fires")

    def _look_at(self, prometheus: Prometheus, sign: Sign) -> bool:
        """Whether the sign is seen now."""
        seen, value = self.seen.signs[sign.what], value_of(prometheus, sign)
        seen.asked = True
        if seen.first is None and value is not None:
            seen.value = value
        holds = sign.holds(value) is True
        if holds and seen.first is None:
            seen.first = time.time()
            self._tell("sign", f"{sign.what}: {value:.3g}")
        return holds

    def _look_whether_it_stays(self, prometheus: Prometheus, sign: Sign) -> None:
        seen, value = self.seen.signs[sign.what], value_of(prometheus, sign)
        seen.asked = True
        if value is not None:
            seen.last = time.time()
        if sign.holds(value) is False:
            seen.missing = value


def value_of(prometheus: Prometheus, sign: Sign) -> float | None:
    """Its value at this moment; None when there is none. Raises Failure when nobody can be asked."""
    values = [value for _, value in prometheus.now(sign.query) if value == value]
    return max(values, default=None) if sign.at_least is not None else min(values, default=None)


def firing_now(prometheus: Prometheus) -> frozenset[str]:
    """The names of the alerts that fire at this moment. Raises Failure when nobody can be asked."""
    return frozenset(labels["alertname"] for labels, _ in prometheus.now(FIRING))


ABOUT_TO_FIRE = 'ALERTS{alertstate="pending"}'
"""Of what was before; one that fires in a moment would be put down to what comes now."""
LOOKS = 'sum_over_time(up{part="prober"}[6s])'
LOOKS_ENOUGH = 4
"""Of the six or so of that time: a counter has no increase until it was seen twice, and alerts wait."""


def holding_now(state: State, expect: Expectation) -> list[str]:
    """What keeps an incident from being judged at this moment: what is to be seen is seen already, an alert
    is about to fire, or Prometheus has only just begun to look. Nothing where it cannot be asked."""
    try:
        prometheus = Prometheus.of(state)
        if sum(value for _, value in prometheus.now(LOOKS)) < LOOKS_ENOUGH:
            return ["Prometheus has not watched the journeys for some seconds"]
        signs = [
            *(sign.what for sign in expect.signs if sign.holds(value_of(prometheus, sign))),
            *(f"not {one.what}" for one in expect.stays if one.holds(value_of(prometheus, one)) is False),
        ]
        alert = {expect.alert.name} & firing_now(prometheus) if expect.alert else ()
        late = sorted({labels["alertname"] for labels, _ in prometheus.now(ABOUT_TO_FIRE)})
        return [
            *(f"seen already: {one}" for one in (*signs, *alert)),
            *(f"about to fire: {one}" for one in late),
        ]
    except BadQuery as refused:
        return [refused.message]
    except Failure:
        return []
