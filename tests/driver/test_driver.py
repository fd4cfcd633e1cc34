"""What a person does by commands, done in this process."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from site_files import record as part
from site_files import write_site

import chaos.following
from chaos.injector import Request
from driver.driver import Driver
from foundation.clock import stamp
from foundation.failure import INCONCLUSIVE, NOT_RESTORED, USAGE, Failure
from foundation.ledger import Ledger
from foundation.state import State
from loadtests.generator import LoadPlan, Shape
from loadtests.target import census_file
from testbed.runtimes.lifecycle import StartListener, Wishes
from tests.outages.test_history import STARTED, T, fault, outage
from tests.testbed.runtimes.toys import TOYS, free_port

# --- run it ---


class Told(StartListener):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def ready(self) -> None:
        self.lines.append("ready")


def test_a_site_is_started_and_stopped_and_nothing_is_left(tmp_path: Path) -> None:
    driver = Driver(State(tmp_path / "state"))
    wishes = Wishes(TOYS, {"east": free_port()})
    ahead = driver.look_ahead(wishes, on="processes")
    assert not ahead.was_up
    assert not driver.state.path.exists()
    told = Told()
    try:
        site = driver.start(ahead, 20, told)
        assert site.edges == {"east": f"https://localhost:{wishes.ports['east']}"}
        assert told.lines == ["on processes, as you said", "ready"]
        assert all(part.ready for part in ahead.lifecycle.look().parts)
        assert driver.look_ahead(wishes).was_up
        assert driver.wait_green(0.0) is False, "no prober, so nobody can say"
    finally:
        stopped = driver.stop(purge=True)
    assert stopped.ended is not None
    assert stopped.ended.was_up
    assert not driver.state.path.exists()
    assert driver.stop(purge=True).ended is None


def test_a_purge_leaves_what_is_no_part_of_a_site(tmp_path: Path) -> None:
    write_site(tmp_path)
    (tmp_path / "thesis.txt").write_text("the only copy")
    assert Driver(State(tmp_path)).stop(purge=True).foreign == ("thesis.txt",)


def test_an_operation_is_carried_out_as_the_command_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_site(tmp_path)
    driver = Driver(State(tmp_path))
    with pytest.raises(Failure, match="no operation is named 'reboot'"):
        driver.operate("reboot", "post@east")
    asked: list[Any] = []
    monkeypatch.setattr("operations.carrying_out.carry_out", lambda *asked_for: asked.append(asked_for))
    driver.operate("restart", "post:all", {"at_once": True}, "it errs", print)
    assert asked == [(driver.state, "restart", "post:all", {"at_once": True}, "it errs", print)]


def test_a_site_on_docker_is_driven_in_its_container(tmp_path: Path) -> None:
    write_site(tmp_path, on="docker")
    driver = Driver(State(tmp_path))
    for use in (
        driver.journeys,
        driver.active,
        driver.outages,
        lambda: driver.inject(Request("kill", "x")),
        lambda: driver.operate("failover"),
    ):
        with pytest.raises(Failure, match="in the container of its controller") as refused:
            use()
        assert refused.value.code == USAGE
    write_site(tmp_path, on="docker inside")
    assert driver.active() == []


# --- use it ---


def test_a_load_goes_on_beside_and_ends_with_its_block(fake_site: Any) -> None:
    driver = Driver(fake_site.state)
    told: list[float] = []
    with driver.load(
        LoadPlan(Shape.STEADY, people=10, rate=60, seconds=60), lambda now: told.append(now["elapsed"])
    ) as load:
        assert load.elapsed > 0  # the block begins once people use the site
        end = time.monotonic() + 20
        while not (told and '"post"' in fake_site.record.read_text()):
            assert time.monotonic() < end, "nobody was told how it goes, or nobody wrote a post"
            time.sleep(0.02)
        with pytest.raises(Failure, match="still goes on"):
            _ = load.result
    assert load.interrupted_after is not None
    assert load.result.good == load.result.sent > 10
    assert load.result.latency["p99"] is not None
    kinds = [record["kind"] for record in Ledger(fake_site.state.ledger).read()]
    assert kinds == ["load.started", "load.finished"]
    assert driver.verdict(load.plan.name).holds is True
    assert driver.verdict("another").holds is None


def test_a_load_that_is_over_by_itself_was_not_interrupted(fake_site: Any) -> None:
    with Driver(fake_site.state).load(LoadPlan(Shape.STEADY, people=2, rate=20, seconds=1)) as load:
        assert load.over.wait(30)
    assert load.interrupted_after is None
    assert load.result.good == load.result.sent > 0


def test_people_come_only_where_nobody_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver, told, brought = Driver(State(tmp_path)), [], []

    def populate(people: int, seed: int) -> None:
        brought.append(people)
        census_file(driver.state).write_text("{}")

    monkeypatch.setattr(driver, "populate", populate)
    for _ in range(2):
        driver.populate_if_empty(told.append)
    assert (brought, told) == ([500], ["nobody lives here yet, so 500 people come first"])


def test_where_nobody_lives_there_is_no_load(fake_site: Any) -> None:
    (fake_site.state.path / "population.json").unlink()
    with (
        pytest.raises(Failure, match="nobody lives"),
        Driver(fake_site.state).load(LoadPlan(Shape.STEADY, 1, 1, 1)),
    ):
        pass
    assert not fake_site.state.ledger.exists()


# --- break it ---


def test_a_fault_is_waited_for_until_it_is_over_or_until_it_is_verified(driver: Driver) -> None:
    over = driver.inject(Request("kill", "post@east", seconds=0.2))
    assert (over["verified"], over["phase"], over["not_well"]) == (True, "reverted", [])
    lasts = driver.inject(Request("pause", "auth@east", seconds=60), detach=True)
    assert (lasts["verified"], lasts["phase"]) == (True, "verified")
    assert [row["id"] for row in driver.active()] == [lasts["id"]]
    assert driver.end(lasts["id"])["phase"] == "reverted"
    assert driver.active() == []


def test_heal_ends_everything(driver: Driver, laboratory: Any) -> None:
    begun = driver.inject(Request("kill", "retweet:all", seconds=300), detach=True)
    laboratory.site.runtime.kill("notify@west")
    healing = driver.heal()
    assert [row["id"] for row in healing["faults"]] == [begun["id"]]
    assert healing["mended"] == ["notify@west was down and is started"]
    assert laboratory.site.harm() == []


@pytest.mark.parametrize(
    ("request_", "cause"),
    [
        (Request("kil", "post@east"), "no fault is named 'kil'"),
        (Request("kill", "psot@east"), "psot@east"),
        (Request("latency", "post@east", parameters={"delai": 1}), "has no parameter 'delai'"),
    ],
)
def test_a_mistake_needs_no_controller(
    driver: Driver, controller: Any, request_: Request, cause: str
) -> None:
    controller.stop()
    with pytest.raises(Failure, match=cause) as refused:
        driver.inject(request_)
    assert refused.value.code == USAGE


def test_a_fault_that_does_not_bite_is_a_failure(
    driver: Driver, laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laboratory.site.runtime, "kill", lambda part: None)
    with pytest.raises(Failure, match="was not verified") as raised:
        driver.inject(Request("kill", "post@east", seconds=0.3), detach=True)
    assert raised.value.code == INCONCLUSIVE


def test_users_who_are_not_well_afterwards_are_a_failure_unless_other_faults_excuse_it(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos.following, "wait_well", lambda *_, **__: ["post is down"])
    with pytest.raises(Failure, match="post is down") as raised:
        driver.inject(Request("kill", "post@east", seconds=0.2))
    assert raised.value.code == NOT_RESTORED
    driver.inject(Request("pause", "auth@east", seconds=60), detach=True)
    assert driver.inject(Request("kill", "post@east", seconds=0.2))["not_well"] == ["post is down"]


# --- measure it ---


def at(second: float) -> float:
    return T + second


def test_outages_between_two_moments_come_with_their_causes(tmp_path: Path) -> None:
    state = State(tmp_path)
    ledger = Ledger(state.ledger)
    faults = fault("kill-1", "post@east", 10, 20, hurts=["post"])
    for record in [
        *(STARTED, *outage("page", 3, 4)),
        *(*faults, *outage("post", 12, 16)),
        *outage("login", 30, None),
    ]:
        ledger.append(**record)
    driver = Driver(state)
    assert [row.journey for row in driver.outages()] == ["page", "post", "login"]
    (post,) = driver.outages(since=at(10), until=at(30))
    assert ([cause.id for cause in post.causes], post.duration(0.0)) == (["kill-1"], 4.0)
    assert [row.journey for row in driver.outages(since=at(15))] == ["post", "login"]
    written = driver.report(tmp_path / "page.html")
    assert written.file.read_text().startswith("<!doctype html>")
    assert len(written.history.outages) == 3


def test_ends_that_are_not_recorded_yet_are_waited_for(tmp_path: Path) -> None:
    state = State(tmp_path)
    ledger = Ledger(state.ledger)
    opened, closed = outage("post", 12, 16)
    for record in (STARTED, opened):
        ledger.append(**record)
    driver = Driver(state)
    assert [row.end for row in driver.outages(settle=0.1)] == [None]
    later = threading.Timer(0.3, lambda: ledger.append(**closed))
    later.start()
    assert [row.end for row in driver.outages(settle=30)] == [at(16)]
    later.join()


def test_what_is_undecided_is_waited_for_but_for_some_journeys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt that waits for what was lost fails at its limit, long after the next one went well."""
    looks: list[State] = []

    def decide(state: State) -> dict[str, Any]:
        looks.append(state)
        notification = {"notification": stamp(at(12))} if len(looks) < 3 else {}
        return {"undecided": {"freshness": stamp(at(11)), **notification}}

    monkeypatch.setattr("outages.decided.prober_now", decide)
    Driver(State(tmp_path)).wait_until_decided(at(20), but=["freshness"])
    assert len(looks) == 3


def test_where_no_prober_answers_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outages.decided.time.sleep", lambda seconds: pytest.fail("waits"))
    state = State(tmp_path)
    Ledger(state.ledger).append(**STARTED)
    for parts in ([], [part("prober", {"8000": "127.0.0.1:1"})]):
        write_site(state, parts)
        Driver(state).wait_until_decided(time.time())


def test_without_a_site_the_next_step_is_named(tmp_path: Path) -> None:
    driver = Driver(State(tmp_path))
    for use in (driver.outages, driver.report, driver.heal, driver.verdict):
        with pytest.raises(Failure) as raised:
            use()
        assert "failwhale up" in raised.value.next_step
    assert driver.journeys() == {}
