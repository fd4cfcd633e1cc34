"""restart, start and stop, drain and undrain: in which order, and when they are refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from foundation.failure import Failure
from operations.known import drain
from services.platform.configuration.document import INITIAL, Document
from testbed.configuration import Change


def test_each_is_ready_before_the_next_is_touched(do: Any, site: Any) -> None:
    do("restart", "post:all")
    assert site.trace == ["restart post@east", "ready? post@east", "restart post@west", "ready? post@west"]


def test_all_at_once(do: Any, site: Any) -> None:
    do("restart", "post:all", at_once=True)
    assert site.trace == ["restart post@east", "restart post@west", "ready? post@east", "ready? post@west"]


def test_only_what_is_down_is_started(do: Any, site: Any) -> None:
    site.down.add("post@west")
    assert do("start", "post:all").said == "started, and ready: post@west"
    assert site.trace == ["start post@west", "ready? post@west"]
    with pytest.raises(Failure, match="running already") as refusal:
        do("start", "post:all")
    assert refusal.value.next_step.endswith("failwhale ops restart post:all")


def test_only_what_runs_is_stopped(do: Any, site: Any) -> None:
    site.down.add("post@west")
    assert do("stop", "post:all").said == "stopped: post@east"
    with pytest.raises(Failure, match="down already"):
        do("stop", "post:all")


@pytest.fixture
def configured(site: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A configuration that is in force at once, but for the parts in `late`."""
    configured = SimpleNamespace(documents=[INITIAL], late=[], asked=[])

    def apply(state: Any, make: Any) -> Change:
        former = configured.documents[-1]
        document: Document = make(former, former.version + 1)
        configured.documents.append(document)
        return Change(
            former, document, "store", 0.0, missing=dict.fromkeys(configured.late, "does not answer")
        )

    monkeypatch.setattr(drain, "apply", apply)
    site.configuration = SimpleNamespace(newest=lambda: configured.documents[-1])
    return configured


def test_who_is_drained_is_in_the_configuration_until_it_is_undone(do: Any, configured: Any) -> None:
    assert (
        do("drain", "place:west", "its disks").said
        == "front ends call nobody of: post@west, timeline@west, notify@west"
    )
    newest = configured.documents[-1]
    assert newest.values == {f"drained.{one}.west": True for one in ("post", "timeline", "notify")}
    assert (newest.by, newest.reason) == ("anna", "its disks")
    with pytest.raises(Failure, match="so already"):
        do("drain", "post@west")
    assert do("undrain", "post:all").said == "front ends call again: post@west"
    assert configured.documents[-1].values == {"drained.timeline.west": True, "drained.notify.west": True}


def test_somebody_is_left_to_be_called(do: Any, site: Any, configured: Any) -> None:
    with pytest.raises(Failure, match="for post, and no other one is left"):
        do("drain", "post:all")
    site.ill.add("post@east")
    with pytest.raises(Failure, match="for post, and post@east is not ready"):
        do("drain", "post@west")
    assert configured.documents == [INITIAL]


def test_a_front_end_that_does_not_go_by_it_is_named(do: Any, configured: Any) -> None:
    configured.late.append("notify@east")
    do("drain", "post@west")
    configured.late.append("frontend@east")
    with pytest.raises(Failure, match="frontend@east does not go by it: does not answer"):
        do("drain", "timeline@west")
