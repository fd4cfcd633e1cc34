"""People come when they come, whether or not those before have been answered: Poisson arrivals at `--rate`.

Users that wait for each answer stop asking just when the site stalls, and so hide the stall. Here every
request has a time at which it should have been sent, and its latency counts from there. `--users` is how
many take turns.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator, Mapping

import gevent
from gevent.pool import Group
from locust import FastHttpUser, task
from locust.env import Environment

from loadtests.browser import ANSWER_WITHIN, CONNECT_WITHIN, Browser, trust_only
from loadtests.instruments import LocustOptions, current, options_of
from loadtests.shapes import Timed
from loadtests.tally import BACKING_OFF, DROPPED
from loadtests.users import Poster, Reader, Retweeter
from loadtests.visitor import POSTING, READING, RETWEETING, Action, Visitor

__all__ = ["Arrivals", "OpenLoop", "arrival_times"]

MOST_IN_FLIGHT = 2000
"""What is over this is dropped and counted as such: the generator must not fall over before the site does."""

_TRIES_FOR_SOMEBODY_FREE = 5
_UNTIL_LOCUST_LOOKS = 0.1


def arrival_times(rate: float, begin: float, chance: random.Random) -> Iterator[float]:
    """When people come, for ever: a Poisson process of `rate` per second that begins at `begin`."""
    at = begin
    while True:
        at += chance.expovariate(rate)
        yield at


def mixed_actions() -> Mapping[Action, float]:
    """What a random person does next, in the mixture of all kinds of people."""
    mixture: dict[Action, float] = {}
    for kind, actions in ((Reader, READING), (Poster, POSTING), (Retweeter, RETWEETING)):
        for action, weight in actions.items():
            share = kind.weight * weight / sum(actions.values())
            mixture[action] = mixture.get(action, 0.0) + share
    return mixture


class Arrivals(FastHttpUser):
    """The schedule: one Locust user that lets a greenlet loose for each arrival and waits for none."""

    fixed_count = 1
    insecure = False
    host = "https://localhost"  # never used: every request names its edge
    network_timeout = ANSWER_WITHIN
    connection_timeout = CONNECT_WITHIN
    concurrency = MOST_IN_FLIGHT

    def __init__(self, environment: Environment) -> None:
        self._load = current(environment)
        self.ssl_context_factory = trust_only(self._load.target.ca)
        super().__init__(environment)
        self._options = options_of(environment)
        self._chance = random.Random()
        self._in_flight = Group()
        self._mixture = mixed_actions()
        browser = Browser(self.client, self._load.target.edges, self._load.tally)
        self._times: Iterator[float] = iter(())
        self._end = 0.0
        self._visitors = [self._visitor(browser, number) for number in range(self._options.people)]

    def _visitor(self, browser: Browser, number: int) -> Visitor:
        crowd = self._load.crowd
        return Visitor(
            crowd.celebrity() if number % 50 == 0 else crowd.somebody(),
            self._load.next_edge(),
            browser,
            crowd,
            polite=not self._options.ignore_retry_after,
            record=self._load.record,
            chance=self._chance,
        )

    def on_start(self) -> None:
        # A few at a time, so that the load does not begin with a storm of its own making.
        for begin in range(0, len(self._visitors), 4):
            gevent.joinall([gevent.spawn(visitor.log_in) for visitor in self._visitors[begin : begin + 4]])
        now = time.perf_counter()
        self._times = arrival_times(self._options.rate, now, self._chance)
        self._end = now + self._options.seconds
        shape = self.environment.shape_class
        if shape is not None:
            # The time of the load is the time of its schedule; logging in comes before it.
            shape.start_time = now

    @task
    def arrive(self) -> None:
        """Wait until the next arrival is due and let it loose."""
        due = next(self._times)
        if due > self._end:
            # Locust looks only once a second whether the time is over.
            gevent.sleep(_UNTIL_LOCUST_LOOKS)
            return
        gevent.sleep(max(0.0, due - time.perf_counter()))
        self._load.tally.lag(time.perf_counter() - due)
        visitor = self._somebody_free(due)
        if visitor is None:
            self._load.tally.leave_out(BACKING_OFF)
        elif len(self._in_flight) >= MOST_IN_FLIGHT:
            self._load.tally.leave_out(DROPPED)
        else:
            (action,) = self._chance.choices(list(self._mixture), list(self._mixture.values()))
            self._in_flight.spawn(visitor.act, action, due)

    def on_stop(self) -> None:
        """Count whom there was no time for; let the others have their answers, as long as people wait."""
        end = min(self._end, time.perf_counter())
        for _ in itertools.takewhile(lambda due: due <= end, self._times):
            self._load.tally.leave_out(DROPPED)
        self._in_flight.join(timeout=ANSWER_WITHIN)
        self._in_flight.kill()

    def _somebody_free(self, now: float) -> Visitor | None:
        """Somebody whom the site has not asked to come back later; None when all that were tried are."""
        for visitor in self._chance.choices(self._visitors, k=_TRIES_FOR_SOMEBODY_FREE):
            if not visitor.is_backing_off(now):
                return visitor
        return None


class OpenLoop(Timed):
    """One schedule for `--run-time`: for Locust it is one user."""

    def level(self, elapsed: float, options: LocustOptions) -> tuple[int, float]:
        return 1, 1
