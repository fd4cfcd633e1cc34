"""What an operation is aimed at, what the ledger is told of it, and when it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from foundation.failure import FAILED, USAGE, Failure
from foundation.ledger import Ledger
from foundation.records import fits
from operations.catalogue import all_operations
from operations.known import restart


def records(state: Any) -> list[dict[str, Any]]:
    found = list(Ledger(state.ledger).read())
    assert all(map(fits, found))
    return found


def test_what_was_done_is_in_the_ledger_with_who_and_why(do: Any, state: Any) -> None:
    done = do("restart", "post:all", "it is slow")
    begun, told = records(state)
    assert (begun["kind"], told["kind"]) == ("operation.begun", "operation.done")
    for record in (begun, told):
        assert record["id"] == done.id
        assert record["operation"] == "restart"
        assert record["target"] == "post:all"
        assert record["parts"] == ["post@east", "post@west"]
        assert record["asked_by"] == "anna"
        assert record["reason"] == "it is slow"
    assert told["said"] == done.said == "restarted, and ready: post@east, post@west"
    assert told["seconds"] == done.seconds


def test_what_does_not_take_effect_is_refused_with_the_reason(
    do: Any, site: Any, state: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restart, "READY_WITHIN", 0.01)
    site.ill.add("post@east")
    with pytest.raises(Failure) as refusal:
        do("restart", "post@east")
    assert refusal.value.code == FAILED
    assert "failwhale logs post@east" in refusal.value.next_step
    begun, told = records(state)
    assert (begun["kind"], told["kind"]) == ("operation.begun", "operation.refused")
    assert told["why"] == refusal.value.message == "post@east: started, and not ready within 10ms"


def test_who_is_interrupted_has_not_done_it(do: Any, site: Any, state: Any) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    site.runtime.restart = interrupted
    with pytest.raises(KeyboardInterrupt):
        do("restart", "post@east")
    assert [record["kind"] for record in records(state)] == ["operation.begun", "operation.refused"]


@pytest.mark.parametrize(
    ("name", "target", "said"),
    [
        ("restart", "", "restart needs a target"),
        ("failover", "store@east", "failover takes no target"),
        ("restart", "psot@east", "'psot@east' matches no part of this site: did you mean post@"),
        ("restart", "post", "'post' can mean one part or all of post@east, post@west"),
        ("renew", "store@east", "renew is not for store@east"),
        ("renew", "post@east,store@east", "renew is not for store@east"),
        ("stop", "chaos", "stop is not for chaos"),
        ("reboot", "post@east", "no operation is named 'reboot'"),
    ],
)
def test_what_makes_no_sense_is_a_mistake_of_who_typed_it_and_no_operation(
    do: Any, state: Any, name: str, target: str, said: str
) -> None:
    with pytest.raises(Failure) as refusal:
        do(name, target)
    assert refusal.value.code == USAGE
    assert refusal.value.message.startswith(said)
    assert refusal.value.next_step
    assert records(state) == []


def test_of_a_place_those_are_meant_that_it_is_for(do: Any, site: Any) -> None:
    done = do("restart", "place:west,chaos")
    assert done.parts == (
        *(f"{service}@west" for service in ("frontend", "post", "timeline", "notify", "maintenance")),
        *("store@west", "sentinel@west", "chaos"),
    )


def test_a_primary_that_is_silent_is_meant_as_long_as_the_sentinels_name_it(do: Any, site: Any) -> None:
    east, west = site.stores
    del site.roles[east.name]
    site.last_promoted = lambda: east
    assert do("restart", "store:primary").parts == ("store@east",)
    site.last_promoted = lambda: west  # who says itself that it is a replica
    with pytest.raises(Failure, match="no store is a primary at this moment"):
        do("restart", "store:primary")
    site.last_promoted = lambda: None
    with pytest.raises(Failure, match="no store is a primary at this moment"):
        do("restart", "store:primary")
    assert do("restart", "store:replica").parts == ("store@west",)


def test_of_two_primaries_it_is_whom_the_sentinels_name(do: Any, site: Any) -> None:
    site.roles = {"store@east": "primary", "store@west": "primary"}
    site.agreed_primary = lambda: site.inventory.part("store@west")
    assert do("restart", "store:replica").parts == ("store@east",)
    assert do("restart", "store:primary").parts == ("store@west",)


@pytest.mark.parametrize("operation", all_operations(), ids=lambda one: one.name)
def test_every_operation_says_what_it_is_by_an_example_of_its_own(operation: Any) -> None:
    assert operation.example.startswith(f"failwhale ops {operation.name}")
    assert operation.help.endswith(".")
    assert operation.summary
