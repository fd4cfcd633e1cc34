"""When a fault shall end early: how that is written, when it holds, and who looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from chaos import guard
from chaos.stop_condition import StopCondition
from foundation.failure import USAGE, Failure
from testbed.instruments import JourneyRow

JOURNEYS = ("login", "post", "retweet", "page")


def journeys(**states: str) -> dict[str, JourneyRow]:
    row = {"since": "", "attempts": 1, "failed": 0, "last_error": None}
    return {name: {**row, "state": states.get(name, "green")} for name in JOURNEYS}  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("text", "states", "holds"),
    [
        ("down > 1 journeys", {"login": "down"}, False),
        ("down > 1 journeys", {"login": "down", "post": "down"}, True),
        ("down > 1", {"login": "down", "post": "slow"}, False),
        ("down >= 1 journey", {"login": "down"}, True),
        ("slow>=2", {"login": "slow", "post": "slow"}, True),
        ("hurt > 1 journeys", {"login": "down", "post": "slow"}, True),
        ("login down", {"login": "down"}, True),
        ("login down", {"post": "down"}, False),
        ("login down", {"login": "slow"}, False),
        ("login hurt", {"login": "slow"}, True),
        ("down > 0 journeys", {"login": "unknown"}, False),
    ],
)
def test_a_condition_holds_for_these_states(text: str, states: Mapping[str, str], holds: bool) -> None:
    assert StopCondition.parse(text).holds(journeys(**states)) is holds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("down", "another form"),
        ("down < 3 journeys", "another form"),
        ("broken > 3 journeys", "another form"),
        ("logging down", "no journey 'logging'"),
        ("down > 13 journeys", "there are 13 journeys"),
        ("down >= 0 journeys", "there are 13 journeys"),
        ("login down for ever", "duration"),
        ("", "another form"),
    ],
)
def test_what_is_none_is_refused_with_examples(text: str, why: str) -> None:
    with pytest.raises(Failure, match=why) as refused:
        StopCondition.parse(text)
    assert refused.value.code == USAGE
    assert "'down > 6 journeys'" in refused.value.next_step


class Watch:
    """A prober that says one thing after the other, a second apart."""

    def __init__(self, *said: Mapping[str, JourneyRow]) -> None:
        self._said: Iterator[Mapping[str, JourneyRow]] = iter(said)
        self._left = len(said)
        self._now = 0.0
        self.ended: list[tuple[float, str]] = []

    def run(self, text: str) -> list[tuple[float, str]]:
        guard.watch(StopCondition.parse(text), self._look, self._is_over, self._end, self._clock, self._pause)
        return self.ended

    def _look(self) -> Mapping[str, JourneyRow]:
        self._left -= 1
        return next(self._said)

    def _is_over(self) -> bool:
        return self._left == 0

    def _end(self, why: str) -> None:
        self.ended.append((self._now, why))

    def _clock(self) -> float:
        return self._now

    def _pause(self, seconds: float) -> None:
        self._now += 1


def test_it_ends_the_fault_at_once_and_says_what_was_seen() -> None:
    watch = Watch(journeys(), journeys(login="down"), journeys(login="down"))
    assert watch.run("login down") == [(1, "stop condition: login")]


def test_a_condition_with_a_time_must_hold_all_of_it() -> None:
    down, well = journeys(login="down"), journeys()
    assert Watch(down, down, well, down, down, well).run("login down for 2s") == []
    assert Watch(down, down, down, down).run("login down for 2s") == [(2, "stop condition: login")]


def test_a_fault_that_is_over_is_not_ended() -> None:
    assert Watch(journeys(), journeys()).run("login down") == []


def test_what_nobody_can_judge_for_a_while_is_ended() -> None:
    silence: dict[str, JourneyRow] = {}
    assert Watch(*[silence] * 4, journeys(), *[silence] * 4).run("login down") == []
    assert Watch(journeys(), *[silence] * 9).run("login down") == [
        (5, "stop condition: the prober does not answer")
    ]
