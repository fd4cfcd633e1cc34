"""Nobody is taken for well while an attempt is under way that may still fail."""

from __future__ import annotations

import asyncio
import time
from math import inf
from typing import Any

import pytest
from fake_site import FakeSite
from prober_under_test import Running, until

from foundation.clock import parse, stamp
from foundation.state import State
from outages import decided, journeys
from outages.decided import wait_until_decided
from outages.model import DECIDED_WITHIN
from outages.visit import PRECONDITION_SECONDS

NOWHERE = State("nowhere")


class FakeProber:
    """Says one thing after the other, and the last of them for good."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *said: dict[str, Any]) -> None:
        self.left = list(said)
        self.looks = 0
        monkeypatch.setattr(decided, "prober_now", self._say)
        monkeypatch.setattr(decided, "LOOK_EVERY", 0.001)

    def _say(self, state: State) -> dict[str, Any]:
        self.looks += 1
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]


def undecided(since: float | None) -> dict[str, Any]:
    return {"undecided": {} if since is None else {"page": stamp(since), "post": stamp(since + 5)}}


def test_what_began_before_is_waited_for_and_what_began_later_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    prober = FakeProber(monkeypatch, undecided(90.0), undecided(99.9), undecided(100.0))
    wait_until_decided(NOWHERE, 100.0)
    assert prober.looks == 3


@pytest.mark.parametrize("said", [{}, {"journeys": {}}, undecided(None)])
def test_who_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, said: dict[str, Any]) -> None:
    prober = FakeProber(monkeypatch, said)
    wait_until_decided(NOWHERE, inf)
    assert prober.looks == 1


def test_what_begins_after_the_call_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    prober = FakeProber(monkeypatch, undecided(time.time() + 60))
    wait_until_decided(NOWHERE, inf)
    assert prober.looks == 1


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decided, "DECIDED_WITHIN", 0.05)
    prober = FakeProber(monkeypatch, undecided(90.0))
    wait_until_decided(NOWHERE, 100.0)
    assert prober.looks > 1


def test_the_bound_is_a_little_more_than_the_longest_attempt() -> None:
    longest = max(journey.limit for journey in journeys.ALL) + PRECONDITION_SECONDS
    assert longest < DECIDED_WITHIN <= longest + 1.0


async def test_the_prober_says_when_the_oldest_attempt_began_that_is_undecided(
    site: FakeSite, running: Running
) -> None:
    def oldest() -> float:
        since = running.prober.state()["undecided"].get("page")
        return inf if since is None else parse(since)

    answers = asyncio.Event()
    with site.fault("GET /", answers.wait):
        await until(lambda: oldest() < time.time() - 1.0, "an attempt that waits")
        waiting = oldest()
        answers.set()
    await until(lambda: oldest() > waiting + 1.0, "all that began before decided")
