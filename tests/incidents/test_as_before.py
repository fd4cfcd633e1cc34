"""What a fix leaves behind is put back: settings, releases, parts that are down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import incidents.as_before
from foundation.failure import Failure
from foundation.state import State
from incidents.as_before import AsBefore
from services.platform.configuration.document import INITIAL
from testbed.configuration import setting


class FakeDriver:
    def __init__(self, laboratory: Any) -> None:
        self.state = State(laboratory.folder)


@pytest.fixture
def site(laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Its parts run what they were told last."""

    def apply(state: Any, make: Any) -> None:
        laboratory.site.documents.append(make(laboratory.site.documents[-1], 9))

    site = laboratory.site
    site.release = lambda part: site.releases.told_last(part.name)
    monkeypatch.setattr(incidents.as_before, "Site", lambda state: site)
    monkeypatch.setattr(incidents.as_before, "apply", apply)
    return site


@pytest.fixture
def snapshot(laboratory: Any, site: Any) -> Callable[[], AsBefore]:
    return lambda: AsBefore(FakeDriver(laboratory))  # type: ignore[arg-type]


def put_back(before: AsBefore) -> list[str]:
    told: list[str] = []
    before.put_back(lambda kind, words: told.append(words))
    return told


def test_nothing_is_done_to_what_is_as_it_was(site: Any, snapshot: Any) -> None:
    assert put_back(snapshot()) == []
    assert len(site.documents) == 1


def test_all_that_is_otherwise_is_put_back(site: Any, snapshot: Any) -> None:
    before = snapshot()
    drained = setting({"drained.auth.east": True}, "anna", None)(INITIAL, 5)
    site.documents.append(drained)
    site.runtime.kill("post@west")
    site.releases.tell("post@east", ("1.0", "1.1"))
    assert put_back(before) == [
        "put back: drained.auth.east",
        "put back: post@east 1.1 -> 1.0",
        "put back: post@west is started",
    ]
    assert site.documents[-1].value("drained.auth.east") is False
    assert site.releases.told("post@east") == ("1.0",)
    assert site.runtime.is_running("post@west")


@pytest.mark.parametrize(
    ("then", "since"),
    [
        (("1.0",), ("1.0", "1.2-posts-fail", "1.1")),
        (("1.0", "1.1"), ("1.0",)),
    ],
    ids=["rolled out over a bad one", "rolled back further"],
)
def test_parts_run_what_they_ran_and_not_what_they_ran_last(
    site: Any, snapshot: Any, then: tuple[str, ...], since: tuple[str, ...]
) -> None:
    site.releases.tell("post@east", then)
    before = snapshot()
    site.releases.tell("post@east", since)
    assert put_back(before) == [f"put back: post@east {since[-1]} -> {then[-1]}"]
    assert site.releases.told("post@east") == then


def test_a_release_that_does_not_come_back_is_told(
    site: Any, snapshot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("testbed.roll_out.READY_SECONDS", 0.02)
    before = snapshot()
    site.releases.tell("post@east", ("1.0", "1.1"))
    site.release = lambda part: "1.1"
    with pytest.raises(Failure, match=r"the roll-back is failed: post@east: not ready with 1\.0"):
        put_back(before)


def test_what_was_down_before_stays_down(site: Any, snapshot: Any) -> None:
    site.runtime.kill("notify@west")
    before = snapshot()
    site.runtime.kill("post@west")
    assert put_back(before) == ["put back: post@west is started"]
    assert not site.runtime.is_running("notify@west")
