"""What faults on the store take for their effect, and how they end."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from chaos.catalogue import fault_named
from chaos.fault import Injection, Value
from chaos.heal import mend
from chaos.journeys import WRITES
from chaos.target import at, whole
from foundation.failure import USAGE, Failure
from testbed.inventory import Part


@pytest.fixture
def site(laboratory: Any) -> Any:
    return laboratory.site


@pytest.fixture
def primary(parts: tuple[Part, ...]) -> Part:
    return next(part for part in parts if part.name == "store@east")


def injection(fault: str, part: Part, seconds: float = 60.0, **parameters: Value) -> Injection:
    return Injection(f"{fault}-1", at(part), fault_named(fault).check(parameters), seconds)


# --- clients-paused ---


def test_only_writes_are_hurt_while_only_writes_are_held(primary: Part) -> None:
    paused = fault_named("clients-paused")
    assert paused.hurts(at(primary), paused.check({})) == WRITES
    assert {"read-back", "home-timeline"} <= set(paused.hurts(at(primary), {"commands": "all"}))


def test_other_commands_than_write_and_all_are_refused(site: Any, primary: Part) -> None:
    with pytest.raises(Failure, match="either write or all") as refused:
        fault_named("clients-paused").refuse_misfit(site, primary, {"commands": "read"})
    assert refused.value.code == USAGE


@pytest.mark.parametrize(("seconds", "restarted"), [(60.0, True), (0.5, False)])
def test_a_store_that_is_paused_for_all_is_started_anew_unless_it_soon_goes_on(
    site: Any, primary: Part, seconds: float, restarted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    again: list[str] = []
    monkeypatch.setattr(site.runtime, "restart", again.append, raising=False)
    paused, one = fault_named("clients-paused"), injection("clients-paused", primary, commands="all")
    paused.apply(site, one)
    assert paused.verify(site, one).verdict is True
    assert paused.verify_reverted(site, one).verdict is False
    paused.revert(site, injection("clients-paused", primary, seconds, commands="all"))
    assert again == [primary.name] * restarted
    assert mend(site, [primary]) == ([f"{primary.name} answered nobody and goes on"], [])


def test_a_frozen_store_is_not_taken_for_a_paused_one(site: Any, primary: Part) -> None:
    site.runtime.pause(primary.name)
    assert fault_named("clients-paused").leftover(site, primary) == ""


# --- memory-full ---


def test_a_limit_that_nobody_feels_is_no_full_memory(site: Any, primary: Part) -> None:
    full, one = fault_named("memory-full"), injection("memory-full", primary)
    assert full.verify(site, one).verdict is False
    full.apply(site, one)
    assert full.verify(site, one).verdict is True
    with pytest.raises(Failure, match="has a limit already"):
        full.precondition(site, primary)


# --- the sentinels ---


def test_quorum_is_lost_once_no_sentinel_could_promote(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = fault_named("quorum-lost")
    one = Injection("quorum-lost-1", whole(site.inventory), {}, 60.0)
    assert lost.verify(site, one).verdict is False
    lost.apply(site, one)
    frozen = [part.name for part in site.inventory.parts if site.runtime.is_paused(part.name)]
    assert frozen == ["sentinel@east", "sentinel@west"]
    assert lost.verify(site, one).evidence == "sentinel@witness reaches too few others to promote anybody"
    monkeypatch.setattr(site, "without_quorum", dict)
    assert lost.verify(site, one).verdict is None


def test_as_many_sentinels_go_down_as_are_asked_for(site: Any) -> None:
    down = fault_named("sentinels-down")
    one = Injection("sentinels-down-1", whole(site.inventory), down.check({"number": 1}), 60.0)
    down.apply(site, one)
    there = [part.name for part in site.inventory.parts if site.runtime.is_running(part.name)]
    assert "sentinel@east" not in there
    assert "sentinel@west" in there
    assert down.verify(site, one).verdict is True


# --- loads: who goes on with them ---


def test_a_load_ends_with_its_fault_and_is_taken_up_by_the_next_controller(
    site: Any, primary: Part, wait_until: Any
) -> None:
    blocked, one = fault_named("blocked"), injection("blocked", primary)
    blocked.sustain(site, one)  # what a new controller does, which did not apply it
    wait_until(lambda: blocked.verify(site, one).verdict, "a load")
    assert blocked.verify_reverted(site, one).verdict is False
    blocked.sustain(site, one)
    assert [thread.name for thread in threading.enumerate() if thread.name == f"load {one.lease}"] == [
        f"load {one.lease}"
    ]
    blocked.revert(site, one)
    assert blocked.verify_reverted(site, one).verdict is True
    assert blocked.verify(site, one).verdict is False


def test_a_load_outlives_its_limit_in_no_case(site: Any, primary: Part, wait_until: Any) -> None:
    asked, one = fault_named("penetration"), injection("penetration", primary, 0.05)
    asked.apply(site, one)
    wait_until(lambda: asked.verify_reverted(site, one).verdict, "an end without anybody who ends it")


def test_a_store_that_is_away_is_asked_again(
    site: Any, primary: Part, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def away(part: Part, times: int) -> None:
        asked.append(times)
        raise Failure("it cannot be asked")

    monkeypatch.setattr(site, "ask_in_vain", away)
    penetration, one = fault_named("penetration"), injection("penetration", primary, rate=2000)
    penetration.apply(site, one)
    wait_until(lambda: len(asked) > 1, "a second try")
    penetration.revert(site, one)
    assert set(asked) == {100}


def test_only_connections_that_were_ended_hurt_anybody(primary: Part) -> None:
    connections = fault_named("connections")
    assert connections.hurts(at(primary), connections.check({})) == ()
    assert "post" in connections.hurts(at(primary), connections.check({"ended": 0.1}))


# --- replication-lag ---


def test_a_replica_that_caught_up_is_held_again_unless_it_was_promoted(site: Any, parts: Any) -> None:
    replica = next(part for part in parts if part.name == "store@west")
    lag, one = fault_named("replication-lag"), injection("replication-lag", replica)
    lag.sustain(site, one)
    assert site.held == {replica.name}
    site.held.clear()
    site.roles = {"store@east": "replica", "store@west": "primary"}
    lag.sustain(site, one)
    assert not site.held


def test_a_password_is_not_called_given_back_while_its_store_cannot_be_asked(laboratory: Any) -> None:
    site, fault = laboratory.site, fault_named("password-rotated")
    injection = Injection("password-rotated-1", at(site.inventory.part("store@east")), {}, 5.0)
    fault.apply(site, injection)
    site.silent.add("store@east")
    with pytest.raises(Failure, match="store@east does not answer"):
        fault.revert(site, injection)
    assert fault.verify_reverted(site, injection).verdict is None
    site.silent.clear()
    fault.revert(site, injection)
    assert fault.verify_reverted(site, injection).verdict is True
