"""The last word of a command: what is not well though the fault is gone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chaos.aftermath import wait_well
from chaos.control import Answer, Unreachable


class Prober:
    """Says one thing after the other, and the last one for ever."""

    def __init__(self, *said: dict[str, tuple[str, int]]) -> None:
        self.said = list(said)

    def ask(self, method: str, path: str) -> Answer:
        assert path == "/journeys"
        now = self.said.pop(0) if len(self.said) > 1 else self.said[0]
        rows = {name: {"state": state, "attempts": attempts} for name, (state, attempts) in now.items()}
        return Answer(200, json.dumps({"journeys": rows}).encode())


@pytest.fixture
def site(laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    site = laboratory.site
    monkeypatch.setattr(site, "control", lambda part, timeout: site.prober)
    return site


def test_users_are_well_when_they_tried_since_and_it_worked(site: Any) -> None:
    green = {"post": ("green", 7)}  # as it was before the fault
    site.prober = Prober(green, green, {"post": ("down", 8)}, {"post": ("green", 9)})
    waited: list[str] = []
    assert wait_well(site, ["post"], store=False, note=waited.append) == []
    assert waited == [
        "waiting until all is well: users try again",
        "waiting until all is well: post is down",
    ]


def test_what_stays_bad_is_named(site: Any) -> None:
    site.prober = Prober({"post": ("down", 1), "retweet": ("slow", 1), "login": ("down", 1)})
    assert wait_well(site, ["post", "retweet"], 0.2, store=False) == ["post is down", "retweet is slow"]


def test_the_store_is_asked_itself(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    site.prober = Prober({})
    site.runtime.kill("store@west")
    assert wait_well(site, [], 0.0, store=True) == ["store@west is not ready"]
    site.runtime.start("store@west")
    monkeypatch.setattr(site, "lags", lambda part: part.name == "store@west")
    assert wait_well(site, [], 0.0, store=True) == ["store@west does not follow the primary"]


def test_without_a_prober_nothing_is_said_of_users(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        def ask(self, method: str, path: str) -> Answer:
            raise Unreachable("nobody there")

    site.prober = Silent()
    assert wait_well(site, ["post"], store=False) == []
