"""warm-homes: it is asked for until it is done, of a part that is ready."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from foundation.failure import Failure
from operations.known import warm_homes
from testbed.control import Answer, Unreachable


@pytest.fixture
def steps(site: Any) -> list[Answer | None]:
    """What the part answers, one after the other; None: it does not."""
    steps: list[Answer | None] = []
    site.asked = []

    def ask(part: str, method: str, path: str, body: Any) -> Answer:
        site.asked.append((part, body))
        if (answer := steps.pop(0)) is None:
            raise Unreachable
        return answer

    site.control = lambda part, seconds: SimpleNamespace(ask=lambda *request: ask(part.name, *request))
    return steps


def said(cursor: int | None, homes: int) -> Answer:
    content = {"cursor": cursor, "homes": homes, "lacking": homes // 2, "entries": 7 * homes}
    return Answer(200, json.dumps(content).encode())


def test_it_is_asked_for_until_all_homes_were_looked_at(
    do: Any, site: Any, steps: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(warm_homes, "SAY_EVERY", 100)
    site.down.add("timeline@east")
    steps += [said(5, 100), said(9, 150), said(None, 180)]
    done = do("warm-homes")
    assert done.said == "90 of 180 home timelines lacked something, and have 1260 entries more"
    assert [part for part, _ in site.asked] == ["timeline@west"] * 3
    assert [body.get("cursor") for _, body in site.asked] == [None, 5, 9]


def test_it_may_be_refused_with_a_reason(do: Any, site: Any, steps: Any) -> None:
    problem = {"title": "Unreachable", "detail": "the store does not answer"}
    steps += [said(5, 100), Answer(503, json.dumps(problem).encode())]
    with pytest.raises(
        Failure, match="timeline@east cannot go on after 100 homes: the store does not answer"
    ):
        do("warm-homes")
    steps.append(None)
    with pytest.raises(Failure, match="timeline@east does not answer"):
        do("warm-homes")
    site.ill |= {"timeline@east", "timeline@west"}
    with pytest.raises(Failure, match="no part of timeline is ready"):
        do("warm-homes")
