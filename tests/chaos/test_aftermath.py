"""The last word of a command: what is not well though the fault is over."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.aftermath import Journeys, wait_well


class Prober:
    """Says one thing after the other, and the last one for ever."""

    def __init__(self, *said: dict[str, tuple[str, int]]) -> None:
        self.said = list(said)

    def __call__(self) -> Journeys:
        now = self.said.pop(0) if len(self.said) > 1 else self.said[0]
        return {name: {"state": state, "attempts": attempts} for name, (state, attempts) in now.items()}


def test_users_are_well_when_they_tried_since_and_it_worked(laboratory: Any) -> None:
    site = laboratory.site
    green = {"post": ("green", 7)}  # as it was before the fault
    look = Prober(green, green, {"post": ("down", 8)}, {"post": ("green", 9)})
    waited: list[str] = []
    assert wait_well(site, look, ["post"], store=False, note=waited.append) == []
    assert waited == [
        "waiting until all is well: users try again",
        "waiting until all is well: post is down",
    ]


def test_what_stays_bad_is_named(laboratory: Any) -> None:
    site = laboratory.site
    look = Prober({"post": ("down", 1), "retweet": ("slow", 1), "login": ("down", 1)})
    assert wait_well(site, look, ["post", "retweet"], 0.2, store=False) == ["post is down", "retweet is slow"]


def test_what_stays_down_is_named_with_what_its_users_see(laboratory: Any) -> None:
    port = "status: 503 service-unreachable: post: 127.0.0.1:1: [Errno 111] Connection refused"
    rows = {"post": {"state": "down", "attempts": 1, "last_error": port}}
    assert wait_well(laboratory.site, lambda: rows, ["post"], 0.0, store=False) == [
        "post is down: frontend@east refused the connection"  # all parts of the laboratory have this address
    ]


def test_a_journey_without_data_is_waited_for_unless_another_is_what_is_broken(laboratory: Any) -> None:
    needs_post = "post: status: 503 service-unreachable: post: the server closed the connection"

    def left(post: str, *hurts: str) -> list[str]:
        rows = {
            "post": {"state": post, "attempts": 1},
            "freshness": {"state": "unknown", "attempts": 1, "no_data": needs_post},
        }
        return wait_well(laboratory.site, lambda: rows, hurts, 0.0, store=False)

    why = "post cannot be reached: the server closed the connection"
    assert left("green", "post", "freshness") == [f"freshness has no data: post fails: {why}"]
    assert left("down", "post", "freshness") == ["post is down"]
    assert left("down", "freshness") == []


def test_the_store_is_asked_itself(laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    site = laboratory.site
    look = Prober({})
    site.runtime.kill("store@west")
    assert wait_well(site, look, [], 0.0, store=True) == ["store@west is not ready"]
    site.runtime.start("store@west")
    monkeypatch.setattr(site, "lags", lambda part: part.name == "store@west")
    assert wait_well(site, look, [], 0.0, store=True) == ["store@west does not follow the primary"]


def test_without_a_prober_nothing_is_said_of_users(laboratory: Any) -> None:
    assert wait_well(laboratory.site, Prober({}), ["post"], store=False) == []
