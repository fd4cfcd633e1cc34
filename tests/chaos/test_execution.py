"""Lives of faults on a site in memory: as asked, ended early, failing, a controller dying at any step."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

import chaos.execution
import foundation.deadline
from chaos.catalogue import all_faults, fault_named
from chaos.fault import Fault
from chaos.faults.calls.injection_point import InjectionPoint
from chaos.injector import Request
from chaos.phase import Phase
from foundation.failure import Failure

# Where the controller dies, its threads die of an exception: that is meant.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")

AGAIN = pytest.mark.long("in memory a fault is nearly the same on another runtime")
FAULTS = [
    pytest.param(fault.name, runtime, marks=[AGAIN] if runtime != fault.runtimes[0] else [])
    for fault in all_faults()
    for runtime in fault.runtimes
]
TARGETS = {
    fault.name: (
        "post@east"
        if "post" in fault.targets
        else fault.demonstration.target.partition(",")[0].replace(":all", "@east")
    )
    for fault in all_faults()
}
ENDS_ALONE = {
    fault.name
    for fault in all_faults()
    if type(fault).arm is not Fault.arm or isinstance(fault, InjectionPoint) or fault.name == "noop"
}
"""Faults that somebody closer to the part ends while there is no controller; others wait for the next."""


LASTS = 0.6
"""Seconds in which a fault is seen to bite, on a busy machine, too."""


def request(fault: str, seconds: float = 0.1, **more: Any) -> Request:
    return Request(
        fault,
        more.pop("target", TARGETS[fault]),
        seconds,
        more.pop("parameters", {}),
        id=f"{fault}-1",
        **more,
    )


@pytest.mark.parametrize(("fault", "runtime"), FAULTS)
def test_a_fault_bites_for_as_long_as_asked_and_is_gone(
    laboratory: Any, settle: Any, wait_until: Any, fault: str, runtime: str
) -> None:
    laboratory.site.runtime.name = runtime
    injector = laboratory.controller()
    began = time.monotonic()
    injector.order(request(fault, LASTS))
    wait_until(
        lambda: all(one.verified for one in injector.entry(f"{fault}-1").progress.values()), "verified"
    )
    if fault_named(fault).listed and fault_named(fault).lasting:
        assert laboratory.site.harm()
    (entry,) = settle(injector)
    assert entry.over
    assert laboratory.site.harm() == []
    assert laboratory.site.runtime.leases == {}
    if fault_named(fault).lasting:
        assert time.monotonic() - began >= LASTS
    (target,) = entry.order.targets
    kinds = [record["kind"] for record in laboratory.ledger.read() if record["fault"] == f"{fault}-1"]
    assert kinds == [
        f"fault.{step}" for step in ("requested", "applied", "verified", "reverting", "reverted")
    ]
    first = next(laboratory.ledger.read())
    assert (first["name"], first["target"]) == (fault, target)


@pytest.mark.parametrize(("fault", "runtime"), FAULTS)
def test_every_fault_is_undone_wherever_its_controller_dies(
    laboratory: Any, settle: Any, wait_until: Any, fault: str, runtime: str
) -> None:
    """The controller dies at each of its steps in turn; its successor starts before the limit or after it."""
    laboratory.site.runtime.name = runtime
    steps, last, applied = 0, 1, 0
    while steps < last:
        steps += 1
        injector = laboratory.controller()
        for past in injector.entries():
            assert past.over, past
        laboratory.site.steps, laboratory.site.last_step = 0, steps
        identifier = f"{fault}-{steps}"
        try:
            injector.order(Request(fault, TARGETS[fault], 0.03, {}, id=identifier))
            life = next(iter(injector._executions.values()))
            life.join(5)
        except SystemExit:
            pass
        last = laboratory.site.steps
        successor = laboratory.controller()
        if steps % 2:
            time.sleep(0.1)  # so that the leases, where there are any, have done their part before it starts
            assert runtime == "docker" or fault not in ENDS_ALONE or laboratory.site.harm() == []
        successor.resume()
        settle(successor)
        entry = successor.entry(identifier)
        assert entry is None or entry.over, entry
        applied += entry is not None and all(one.applied for one in entry.progress.values())
        assert laboratory.site.harm() == [], f"after step {steps}"
        assert laboratory.site.runtime.leases == {}, f"after step {steps}"
    assert steps > 5
    assert applied > 1, "it never came to be done"


@pytest.mark.parametrize("fault", ["kill", "pause", "latency"])
def test_an_early_end_is_remembered_by_the_successor(
    laboratory: Any, settle: Any, wait_until: Any, fault: str
) -> None:
    injector = laboratory.controller()
    injector.order(request(fault, 60))
    wait_until(laboratory.site.harm, "harm done")
    wait_until(lambda: injector.entry(f"{fault}-1").progress["post@east"].verified, "verified")
    laboratory.site.last_step = laboratory.site.steps + 3  # it dies when it has written down what it was told
    injector.end(f"{fault}-1", by="operator")
    next(iter(injector._executions.values())).join(5)
    assert laboratory.site.harm()
    successor = laboratory.controller()
    successor.resume()
    (entry,) = settle(successor)
    assert entry.over
    assert laboratory.site.harm() == []


def test_the_successor_keeps_a_fault_in_force_until_its_limit(
    laboratory: Any, settle: Any, wait_until: Any
) -> None:
    injector = laboratory.controller()
    injector.order(request("latency", 0.4))
    wait_until(lambda: injector.entry("latency-1").progress["post@east"].verified, "verified")
    laboratory.site.last_step = 0
    began = time.monotonic()
    successor = laboratory.controller()
    successor.resume()
    assert laboratory.site.harm()
    (entry,) = settle(successor)
    assert entry.over
    assert time.monotonic() - began > 0.2


def test_asking_twice_with_one_id_does_it_once(laboratory: Any, settle: Any) -> None:
    injector = laboratory.controller()
    injector.order(request("kill"))
    injector.order(request("kill"))
    assert len(settle(injector)) == 1


def test_the_same_fault_on_the_same_part_is_refused_until_it_is_gone(laboratory: Any, settle: Any) -> None:
    injector = laboratory.controller()
    injector.order(request("latency", 0.2))
    with pytest.raises(Failure, match="latency is in force on post@east"):
        injector.order(Request("latency", "post:all"))
    settle(injector)
    injector.order(Request("latency", "post:all", 0.05))
    settle(injector)
    assert laboratory.site.harm() == []


def test_a_fault_of_calls_that_could_not_be_seen_beside_another_is_refused_by_name(
    laboratory: Any, settle: Any
) -> None:
    injector = laboratory.controller()
    injector.order(request("errors", 60))
    with pytest.raises(Failure, match="errors hits every request to post@east already") as refused:
        injector.order(request("aborted", 60))
    assert "failwhale chaos end errors-1" in refused.value.next_step
    injector.end_all("test")
    injector.order(request("aborted", 0.05))
    settle(injector)
    assert laboratory.site.harm() == []


def test_different_faults_on_one_part_are_undone_independently(
    laboratory: Any, settle: Any, wait_until: Any
) -> None:
    injector = laboratory.controller()
    injector.order(request("latency", 0.15))
    injector.order(request("pause", 0.3))
    injector.order(request("kill", 0.45))
    latency, _, kill = settle(injector)
    assert all(entry.over for entry in injector.entries())
    assert laboratory.site.harm() == []
    ended = [entry.progress["post@east"].reverting for entry in (latency, kill)]
    assert ended[0] < ended[1]


def test_a_part_that_vanished_took_its_fault_with_it(laboratory: Any, settle: Any, wait_until: Any) -> None:
    injector = laboratory.controller()
    injector.order(request("latency", 60))
    wait_until(laboratory.site.harm, "harm done")
    from testbed.inventory import Inventory

    kept = tuple(part for part in laboratory.site.inventory.parts if part.name != "post@east")
    laboratory.site.inventory = Inventory(kept, {})
    successor = laboratory.controller()
    successor.resume()
    (entry,) = settle(successor)
    assert entry.over
    assert "no part of this site any more" in entry.progress["post@east"].end_evidence


def test_a_fault_that_cannot_be_applied_says_why_and_leaves_nothing(
    laboratory: Any, settle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(part: str) -> None:
        raise Failure("the signal was not permitted")

    injector = laboratory.controller()
    monkeypatch.setattr(laboratory.site.runtime, "pause", refuse)
    injector.order(request("pause"))
    (entry,) = settle(injector)
    progress = entry.progress["post@east"]
    assert progress.failed == "the signal was not permitted"
    assert progress.applied is None
    assert progress.reverted is not None
    assert laboratory.site.runtime.leases == {}


def test_a_fault_that_does_not_bite_is_not_verified(
    laboratory: Any, settle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laboratory.site.runtime, "kill", lambda part: None)
    injector = laboratory.controller()
    injector.order(request("kill"))
    (entry,) = settle(injector)
    assert entry.progress["post@east"].verified is False
    assert entry.over


def test_a_revert_that_cannot_be_confirmed_is_unknown_and_heal_tries_again(
    laboratory: Any, settle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos.execution, "REVERT_LIMIT", 0.1)
    injector = laboratory.controller()
    with monkeypatch.context() as broken:
        broken.setattr(laboratory.site.runtime, "resume", lambda part: None)
        broken.setattr(laboratory.site.runtime, "thaw", lambda part: None)
        injector.order(request("pause"))
        (entry,) = settle(injector)
        assert entry.progress["post@east"].unknown is not None
        assert "still stopped" in entry.progress["post@east"].end_evidence
        assert [record["kind"] for record in laboratory.ledger.read()][-1] == "fault.unknown"
        with pytest.raises(Failure, match="could not be undone yet"):
            injector.order(Request("pause", "post@east"))
    (healed,) = injector.end_all("heal")
    assert healed.over
    assert laboratory.site.harm() == []
    assert injector.end_all("heal") == []


def test_block_ends_what_is_in_force_and_refuses_what_comes_also_later(
    laboratory: Any, settle: Any, wait_until: Any
) -> None:
    injector = laboratory.controller()
    injector.order(request("kill", 60, target="place:east"))
    in_east = sum(part.place == "east" for part in laboratory.site.inventory.parts)
    wait_until(lambda: len(laboratory.site.harm()) == in_east, "east is down")
    (ended,) = injector.block()
    assert ended.over
    assert ended.ended_by == "block"
    assert laboratory.site.harm() == []
    successor = laboratory.controller()
    with pytest.raises(Failure, match="blocked"):
        successor.order(Request("kill", "post@east"))
    successor.unblock()
    successor.order(Request("kill", "post@east", 0.05))
    settle(successor)


@pytest.mark.parametrize("seconds", [0, -1, 601, float("nan"), float("inf")])
def test_the_time_limit_has_limits(laboratory: Any, seconds: float) -> None:
    with pytest.raises(Failure, match="cannot last") as failure:
        laboratory.controller().order(Request("kill", "post@east", seconds))
    assert failure.value.code == 2


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        (Request("unplug", "post@east"), "unplug"),
        (Request("errors", "store@east"), "cannot be done to store@east"),
        (Request("latency", "store@west"), "store@west is the replica now, and no service asks it"),
        (Request("loss", "link@east", parameters={"users": 0.5}), "link@east knows no users: it sees bytes"),
        (Request("latency", "post@east", parameters={"colour": 1}), "colour"),
        (Request("latency", "post@east", parameters={"share": 1.5}), "share"),
        (Request("latency", "post@east", parameters={"share": 0}), "share"),
        (Request("latency", "post@east", parameters={"delay": "long"}), "delay"),
        (Request("errors", "post@east", parameters={"status": 200}), "status"),
        (Request("errors", "post@east", parameters={"status": 500.5}), "status"),
        (Request("promote", "store:primary"), "not a replica"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(
    laboratory: Any, wrong: Request, names: str
) -> None:
    injector = laboratory.controller()
    with pytest.raises(Failure, match=names):
        injector.order(wrong)
    assert injector.entries() == []


def test_a_place_is_hit_where_the_fault_fits(laboratory: Any, settle: Any) -> None:
    injector = laboratory.controller()
    entry = injector.order(Request("latency", "place:west", 0.05))
    assert entry.order.targets == tuple(
        f"{service}@west" for service in ("frontend", "auth", "post", "retweet", "timeline", "notify", "link")
    )
    settle(injector)
    assert laboratory.site.harm() == []


def test_the_ledger_says_which_journeys_may_be_hurt(laboratory: Any, settle: Any) -> None:
    injector = laboratory.controller()
    injector.order(Request("kill", "frontend:all", 0.02))
    settle(injector)
    east, west = (
        set(line["hurts"]) for line in laboratory.ledger.read() if line["kind"] == "fault.requested"
    )
    assert east - west == {"handshake-east"}
    assert west - east == {"handshake-west"}
    assert "login" in east & west


# --- what ceases while it lasts ---


def steps_of(laboratory: Any, identifier: str) -> list[str]:
    return [
        record["kind"].removeprefix("fault.")
        for record in laboratory.ledger.read()
        if record["fault"] == identifier
    ]


def test_what_is_frozen_and_then_killed_is_no_longer_frozen_and_the_record_says_since_when(
    laboratory: Any, settle: Any, wait_until: Any
) -> None:
    injector = laboratory.controller()
    pause = injector.order(request("pause", 60))
    wait_until(lambda: injector.entry("pause-1").progress["post@east"].verified, "verified")
    killed = time.time()
    injector.order(request("kill", 0.1))
    settle(injector)
    progress = injector.entry("pause-1").progress["post@east"]
    assert killed <= progress.ceased <= time.time()
    assert progress.ended_by == "itself"
    assert progress.reverted is not None
    assert laboratory.site.harm() == []
    assert laboratory.site.runtime.leases == {}
    assert pause.order.until > time.time() + 30
    expected = ["requested", "applied", "verified", "ceased", "reverting", "reverted"]
    assert steps_of(laboratory, "pause-1") == expected
    assert "ceased" not in steps_of(laboratory, "kill-1")


@pytest.mark.parametrize(
    ("fault", "mend"),
    [
        ("kill", lambda runtime: runtime.revive("post@east")),
        ("pause", lambda runtime: runtime.thaw("post@east")),
        ("latency", lambda runtime: runtime.of("post@east").points.clear()),
        ("latency", lambda runtime: runtime.kill("post@east")),
    ],
)
def test_what_somebody_else_undid_has_ceased(
    laboratory: Any, settle: Any, wait_until: Any, fault: str, mend: Any
) -> None:
    injector = laboratory.controller()
    injector.order(request(fault, 60))
    wait_until(lambda: injector.entry(f"{fault}-1").progress["post@east"].verified, "verified")
    mend(laboratory.site.runtime)
    wait_until(lambda: injector.entry(f"{fault}-1").progress["post@east"].ceased, "ceased")
    laboratory.site.runtime.revive("post@east")
    settle(injector)
    assert injector.entry(f"{fault}-1").over
    assert laboratory.site.harm() == []


@pytest.mark.parametrize("fault", ["pause", "latency"])
def test_who_was_stopped_while_the_fault_was_in_force_is_let_down(
    laboratory: Any, settle: Any, wait_until: Any, fault: str
) -> None:
    """An operator's wish: nobody starts the part again, and the fault is over all the same."""
    injector = laboratory.controller()
    injector.order(request(fault, 60))
    wait_until(lambda: injector.entry(f"{fault}-1").progress["post@east"].verified, "verified")
    laboratory.site.runtime.stop("post@east")
    (entry,) = settle(injector)
    assert entry.progress["post@east"].phase is Phase.CEASED
    assert entry.progress["post@east"].end_evidence.endswith("and stopped since by somebody")
    assert laboratory.site.harm() == ["post@east is down"]
    assert laboratory.site.runtime.leases == {}


@pytest.mark.parametrize("fault", ["kill", "noop", "errors"])
def test_what_is_in_force_does_not_cease_and_what_never_was_neither(
    laboratory: Any, settle: Any, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault == "kill":  # it does not bite: the part runs all the time
        monkeypatch.setattr(laboratory.site.runtime, "kill", lambda part: None)
    injector = laboratory.controller()
    injector.order(request(fault, LASTS))
    (entry,) = settle(injector)
    assert entry.progress["post@east"].ceased is None
    assert entry.progress["post@east"].ended_by == "limit"
    assert entry.over


def test_who_cannot_be_looked_at_has_not_ceased(laboratory: Any, settle: Any, wait_until: Any) -> None:
    """A frozen part still has its injection point; only nobody can ask it."""
    injector = laboratory.controller()
    injector.order(request("latency", 0.5))
    wait_until(lambda: injector.entry("latency-1").progress["post@east"].verified, "verified")
    injector.order(request("pause", 0.1))
    settle(injector)
    assert injector.entry("latency-1").progress["post@east"].ceased is None
    assert injector.entry("pause-1").progress["post@east"].ceased is None


def test_a_successor_does_not_hurt_again_what_had_ceased(
    laboratory: Any, settle: Any, wait_until: Any
) -> None:
    injector = laboratory.controller()
    injector.order(request("latency", 60))
    wait_until(lambda: injector.entry("latency-1").progress["post@east"].verified, "verified")
    laboratory.site.runtime.of("post@east").points.clear()
    wait_until(lambda: injector.entry("latency-1").progress["post@east"].ceased, "ceased")
    since = injector.entry("latency-1").progress["post@east"].ceased
    successor = laboratory.controller()
    successor.resume()
    (entry,) = settle(successor)
    assert entry.progress["post@east"].ceased == pytest.approx(since, abs=1e-5)
    assert entry.over
    assert laboratory.site.harm() == []


# --- clocks ---


def test_an_hour_back_on_the_wall_clock_is_no_hour_more_also_for_a_successor(
    laboratory: Any, settle: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    laboratory.site.runtime.name = "docker"  # where no lease ends it
    injector = laboratory.controller()
    injector.order(request("pause", 0.3))
    wait_until(lambda: injector.entry("pause-1").progress["post@east"].verified, "verified")
    step_wall_clock(monkeypatch, -3600)
    successor = laboratory.controller()
    successor.resume()
    began = time.monotonic()
    (entry,) = settle(successor)
    assert entry.over
    assert time.monotonic() - began < 3
    assert entry.progress["post@east"].ceased is None
    assert laboratory.site.harm() == []


def test_an_hour_forward_ends_it_at_once(
    laboratory: Any, settle: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    injector = laboratory.controller()
    injector.order(request("latency", 60))
    wait_until(lambda: injector.entry("latency-1").progress["post@east"].verified, "verified")
    step_wall_clock(monkeypatch, 3600)
    (entry,) = settle(injector)
    assert entry.over
    assert entry.progress["post@east"].ceased is None
    assert laboratory.site.harm() == []


def step_wall_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """As the modules see it that hold faults to their limits."""
    monkeypatch.setattr(
        foundation.deadline,
        "time",
        SimpleNamespace(time=lambda: time.time() + seconds),
    )
