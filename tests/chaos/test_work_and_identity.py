"""What faults of consumers and of identity see, and whom they hurt, by their parameters."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.catalogue import fault_named
from chaos.fault import Injection
from chaos.faults.work.consumer_fault import ConsumerFault
from chaos.target import at
from foundation.failure import Failure
from testbed.event_log import GroupNow, Taken
from testbed.selector import select

EAST = "timeline@east"
LOGINS = {"login", "login-second-factor"}


def group(
    waits: float = 0.0, cut_off: float = 0.0, idle: float = 0.1, taken: Taken | None = None
) -> GroupNow:
    return GroupNow(waits, cut_off, {EAST: idle}, {} if taken is None else {EAST: taken})


@pytest.mark.parametrize(
    ("name", "now", "is_harm"),
    [
        ("consumer-stopped", group(), False),
        ("consumer-stopped", group(waits=0.4, idle=2.0), False),
        ("consumer-stopped", group(waits=0.6), True),
        ("consumer-stopped", group(idle=2.3), True),  # nothing happens, or the other member goes on
        ("consumer-slow", group(), False),
        ("consumer-slow", group(taken=Taken(9.0, 0.4, 1)), False),
        ("consumer-slow", group(taken=Taken(0.6, 0.6, 1)), True),
        ("poison-event", group(taken=Taken(9.0, 9.0, 2)), False),
        ("poison-event", group(taken=Taken(9.0, 0.1, 3)), True),
        ("event-log-trimmed", group(waits=9.0), False),
        ("event-log-trimmed", group(cut_off=0.1), True),
        ("duplicate-events", group(), False),
        ("duplicate-events", group(taken=Taken(0.1, 0.1, 1)), False),
        ("duplicate-events", group(taken=Taken(2.0, 2.0, 1)), True),
        ("duplicate-events", group(waits=2.0, taken=Taken(2.0, 2.0, 1)), False),  # it does not go on
    ],
)
def test_what_the_store_shows_of_a_member(name: str, now: GroupNow, is_harm: bool) -> None:
    fault = fault_named(name)
    assert isinstance(fault, ConsumerFault)
    assert bool(fault.harm(now, EAST, fault.check({}))) is is_harm


def test_poison_has_ceased_once_nothing_holds_the_group_up(laboratory: Any, monkeypatch: Any) -> None:
    fault, site = fault_named("poison-event"), laboratory.site
    (part,) = select(EAST, site.inventory.parts, lambda: site.roles, 0)
    injection = Injection("poison-event-1", at(part), {}, 60.0)
    fault.apply(site, injection)
    assert fault.verify(site, injection).verdict is True
    assert fault.verify_reverted(site, injection).verdict is False
    monkeypatch.setattr(site, "group_now", lambda name: group())
    assert fault.verify(site, injection).verdict is None
    assert fault.verify_reverted(site, injection).verdict is True


@pytest.mark.parametrize(
    ("name", "part", "parameters", "hurt"),
    [
        ("clock-skew", "auth@east", {"by": 20}, set()),
        ("clock-skew", "auth@east", {"by": 40}, {"login-second-factor"}),
        ("clock-skew", "auth@east", {"by": 90}, LOGINS),
        ("clock-skew", "auth@east", {"by": 90, "way": "behind"}, {"login-second-factor"}),
        ("clock-skew", "frontend@east", {"by": 86400}, set()),
        ("clock-skew", "post@east", {"by": 90}, {"freshness", "notification"}),
        ("clock-skew", "post@east", {"by": 90, "way": "behind"}, set()),
        ("token-key-mismatch", "auth@west", {}, LOGINS),
        ("consumer-stopped", "notify@east", {}, {"notification", "live-stream"}),
        ("consumer-stopped", "timeline@east", {}, {"freshness"}),
        ("privacy-leak", "timeline@east", {}, {"protected-posts"}),
        ("timelines-empty", "timeline@east", {}, {"home-timeline", "freshness"}),
        ("counters-wrong", "maintenance@east", {}, set()),
    ],
)
def test_whom_it_may_hurt(name: str, part: str, parameters: Any, hurt: set[str], parts: Any) -> None:
    fault = fault_named(name)
    (hit,) = [one for one in parts if one.name == part]
    assert set(fault.hurts(at(hit), fault.check(parameters))) == hurt


def test_an_edge_that_is_behind_knows_nobody_who_has_just_come(parts: Any) -> None:
    fault = fault_named("clock-skew")
    (edge,) = [one for one in parts if one.name == "frontend@east"]
    hurt = fault.hurts(at(edge), fault.check({"by": 90, "way": "behind"}))
    assert LOGINS | {"home-timeline", "post"} <= set(hurt)
    assert "page" not in hurt


def test_a_clock_that_is_neither_ahead_nor_behind_is_refused(laboratory: Any, parts: Any) -> None:
    with pytest.raises(Failure, match="ahead or behind, not 'sideways'"):
        fault_named("clock-skew").refuse_misfit(laboratory.site, parts[0], {"by": 90, "way": "sideways"})
