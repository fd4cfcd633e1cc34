"""Locust's users: people who read, write and retweet, each at their own pace.

Their load is closed: who waits for an answer asks nothing else meanwhile. What they would have asked in
that time is counted as offered and not sent.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import gevent
from locust import FastHttpUser
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING

from loadtests.browser import ANSWER_WITHIN, CONNECT_WITHIN, Browser, trust_only
from loadtests.instruments import current, options_of
from loadtests.tally import BACKING_OFF, MISSED
from loadtests.visitor import LOOKING_AFTER, POSTING, READING, RETWEETING, Action, Visitor

_CELEBRITIES_AMONG_POSTERS = 0.2


class Person(FastHttpUser):
    """Somebody with a session and a pace. Half of them prefer the east edge, half the west."""

    abstract = True
    insecure = False
    host = "https://localhost"  # never used: every request names its edge
    network_timeout = ANSWER_WITHIN
    connection_timeout = CONNECT_WITHIN

    def __init__(self, environment: Environment) -> None:
        load = current(environment)
        self.ssl_context_factory = trust_only(load.target.ca)
        super().__init__(environment)
        self._tally = load.tally
        self._chance = random.Random()
        options = options_of(environment)
        self._interval = options.people / options.rate
        self.visitor = Visitor(
            self.who(),
            load.next_edge(),
            Browser(self.client, load.target.edges, load.tally),
            load.crowd,
            polite=not options.ignore_retry_after,
            record=load.record,
            chance=self._chance,
        )
        self._due = time.perf_counter()

    def who(self) -> str:
        """The name of the person that this user is."""
        return current(self.environment).crowd.somebody()

    def on_start(self) -> None:
        # Locust lets people in once a second, all in a row. Nobody comes like that, and logging in is dear.
        gevent.sleep(self._chance.uniform(0, 1))
        self._due = time.perf_counter()

    def wait_time(self) -> float:
        """Seconds until this person's next turn; turns that passed meanwhile are counted as not taken."""
        now = time.perf_counter()
        self._due += self._pause()
        while self._due <= max(now, self.visitor.backing_off_until):
            self._tally.leave_out(BACKING_OFF if self.visitor.is_backing_off(self._due) else MISSED)
            self._due += self._pause()
        return self._due - now

    def take_turn(self, action: Action) -> None:
        """Do one thing, unless the load is ending: whoever wakes up just then is about to be ended, too."""
        runner = self.environment.runner
        if runner is None or runner.state in (STATE_SPAWNING, STATE_RUNNING):
            self.visitor.act(action)

    def _pause(self) -> float:
        return self._interval * self._chance.uniform(0.5, 1.5)


def tasks_of(actions: Mapping[Action, int]) -> list[Any]:
    """The actions as Locust's tasks, each as often in the list as it weighs."""

    def task(action: Action) -> Callable[..., None]:
        def take_turn(person: Person) -> None:
            person.take_turn(action)

        take_turn.__name__ = action.__name__  # Locust's page shows it
        return take_turn

    return [task(action) for action, weight in actions.items() for _ in range(weight)]


class Reader(Person):
    """Looks at timelines, posts and people. Most are like this."""

    weight = 8
    tasks = tasks_of(READING)


class Poster(Person):
    """Writes, and likes what others write. Every fifth is a celebrity."""

    weight = 1
    tasks = tasks_of(POSTING)
    _made = 0

    def who(self) -> str:
        crowd = current(self.environment).crowd
        Poster._made += 1
        is_celebrity = Poster._made % round(1 / _CELEBRITIES_AMONG_POSTERS) == 1
        return crowd.celebrity() if is_celebrity else crowd.somebody()


class Retweeter(Person):
    """Passes on what others write."""

    weight = 1
    tasks = tasks_of(RETWEETING)


class Careful(Person):
    """Looks after whom they follow, who sees what they write, and where they are logged in. Rare, since
    logging in is dear: the first is one of about twenty people."""

    weight = 0.25
    tasks = tasks_of(LOOKING_AFTER)

    def who(self) -> str:
        return current(self.environment).crowd.hermit()
