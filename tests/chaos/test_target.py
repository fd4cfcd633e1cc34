"""What a fault can be aimed at besides a part: the calls of some callers into it, and the whole site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from chaos.catalogue import all_faults, fault_named
from chaos.fault_rows import show
from chaos.faults.calls.injection_point import InjectionPoint
from chaos.injector import Request, plan
from chaos.target import CALLERS, SITE, at, named, whole
from foundation.failure import USAGE, Failure
from outages.journey_names import NAMES

COMPOSE = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())["services"]


def errors(target: str, callers: str | None, fault: str = "errors") -> Request:
    return Request(fault, target, 5.0, id=f"{fault}-1", from_selector=callers)


def test_who_calls_whom_is_what_the_compose_file_says() -> None:
    calls = {
        (variable.removeprefix("CALLS_").lower(), spec["labels"]["failwhale.service"])
        for spec in COMPOSE.values()
        for variable in spec.get("environment", {})
        if variable.startswith("CALLS_")
    }
    assert calls == {(service, caller) for service, callers in CALLERS.items() for caller in callers}


# --- the calls of some callers ---


@pytest.mark.parametrize(
    ("target", "callers", "hit"),
    [
        ("post:all", "frontend@east", {"post@east": ("frontend@east",), "post@west": ("frontend@east",)}),
        ("post@west", "frontend:all", {"post@west": ("frontend@east", "frontend@west")}),
        ("auth@east", "place:west", {"auth@east": ("frontend@west",)}),
        ("post@east", None, {"post@east": ()}),
    ],
)
def test_the_callers_are_those_of_the_selector_that_call(
    laboratory: Any, target: str, callers: str | None, hit: Any
) -> None:
    planned = plan(errors(target, callers), laboratory.site)
    assert {one.name: one.callers for one in planned.targets} == hit
    assert [one.part.name for one in planned.targets] == list(hit)


def test_several_targets_are_hit_each_once(laboratory: Any) -> None:
    planned = plan(Request("kill", "post@east,auth@west,post:all"), laboratory.site)
    assert [one.name for one in planned.targets] == ["post@east", "auth@west", "post@west"]
    injector = laboratory.controller()
    entry = injector.order(Request("pause", "post@east,auth@east", 60, id="pause-1"))
    assert set(entry.progress) == {"post@east", "auth@east"}
    injector.end_all("heal")


def test_where_a_fault_does_not_fit_one_of_several_targets_it_is_refused(laboratory: Any) -> None:
    for target in ("post@east,store@east", "place:east,store@east"):
        with pytest.raises(Failure, match="errors cannot be done to store@east"):
            plan(Request("errors", target), laboratory.site)
    with pytest.raises(Failure, match="site is the whole site") as failure:
        plan(Request("noop", "site,post@east"), laboratory.site)
    assert failure.value.code == USAGE


def test_of_a_place_those_are_hit_that_the_callers_call(laboratory: Any) -> None:
    planned = plan(errors("place:east", "frontend@west"), laboratory.site)
    names = {part.name for part in planned.parts}
    assert names == {"auth@east", "post@east", "retweet@east", "timeline@east", "notify@east"}
    assert planned.callers == ("frontend@west",)


@pytest.mark.parametrize(
    ("request_", "message", "next_step"),
    [
        (
            errors("post:all", "timeline@east"),
            "timeline@east never calls post@east",
            "these do: frontend@east, frontend@west",
        ),
        (
            errors("post@east", "auth:all"),
            "auth@east, auth@west never call post@east",
            "these do: frontend@east, frontend@west",
        ),
        (
            errors("frontend@east", "frontend@west"),
            "no part calls frontend@east, users do: it cannot be hurt for some callers only",
            "leave --from out, or hurt some of the users: --users 20%",
        ),
        (
            errors("post@east", "frontend@east", "kill"),
            "kill does not hurt calls, so it cannot be for those of 'frontend@east' only",
            "faults of calls: aborted, ",
        ),
        (errors("post@east", ""), "'' matches no part of this site", "parts such as frontend@east"),
        (
            errors("post@east", "frontend@eats"),
            "'frontend@eats' matches no part of this site: did you mean frontend@east",
            "parts such as frontend@east",
        ),
    ],
)
def test_callers_that_make_no_sense_are_a_usage_error_with_what_would(
    laboratory: Any, request_: Request, message: str, next_step: str
) -> None:
    injector = laboratory.controller()
    with pytest.raises(Failure) as failure:
        injector.order(request_)
    assert failure.value.code == USAGE
    assert failure.value.message.startswith(message)
    assert failure.value.next_step.startswith(next_step)
    assert injector.entries() == []


def test_faults_of_calls_say_so(laboratory: Any) -> None:
    told = {fault.name for fault in all_faults() if fault.describe()["of_calls"]}
    assert told == {fault.name for fault in all_faults() if isinstance(fault, InjectionPoint)}
    assert {"errors", "latency", "aborted"} <= told


def test_the_calls_of_some_callers_hurt_the_journeys_of_all(laboratory: Any) -> None:
    """Users come by each front end, so it is not known whose attempt is hurt."""
    (post,) = [part for part in laboratory.site.inventory.parts if part.name == "post@east"]
    kind = fault_named("errors")
    for parameters in ({}, {"route": "POST /api/v1/posts"}):
        checked = kind.check(parameters)
        assert kind.hurts(at(post, ["frontend@west"]), checked) == kind.hurts(at(post), checked) != ()


def test_journal_ledger_and_rows_say_whose_calls_are_hurt_also_after_the_controller(
    laboratory: Any, wait_until: Any, settle: Any
) -> None:
    injector = laboratory.controller()
    injector.order(errors("post@east", "place:west"))
    wait_until(lambda: injector.entry("errors-1").progress["post@east"].verified, "verified")
    injector = laboratory.controller()
    order = injector.entry("errors-1").order
    assert (order.from_selector, order.callers) == ("place:west", ("frontend@west",))
    row = show(injector.entry("errors-1"))
    assert (row["target"], row["from"], row["callers"]) == ("post@east", "place:west", ["frontend@west"])
    requested = next(line for line in laboratory.ledger.read() if line["kind"] == "fault.requested")
    assert (requested["from_selector"], requested["callers"]) == ("place:west", ["frontend@west"])
    injector.resume()
    injector.end_all("heal")
    assert all(entry.over for entry in settle(injector))
    assert laboratory.site.harm() == []


def test_a_controller_that_takes_it_up_hurts_nobody_else(
    laboratory: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is in the journal, and the controller dies before it is carried out."""
    injector = laboratory.controller()
    monkeypatch.setattr(injector, "_tend", lambda *_: None)
    injector.order(errors("post@east", "frontend@west"))
    injector = laboratory.controller()
    injector.resume()
    wait_until(lambda: injector.entry("errors-1").progress["post@east"].verified, "verified")
    assert laboratory.site.runtime.of("post@east").points["errors-1"]["callers"] == ["frontend@west"]
    injector.end_all("heal")


# --- the whole site ---


def test_the_whole_site_is_one_target_without_its_instruments(laboratory: Any) -> None:
    target = whole(laboratory.site.inventory)
    assert target.name == SITE
    assert {part.service for part in target.parts}.isdisjoint({"prober", "prometheus", "chaos"})
    assert {"frontend@west", "store@east", "sentinel@witness"} <= {part.name for part in target.parts}
    assert named(SITE, laboratory.site.inventory) == target
    with pytest.raises(ValueError, match="unpack"):
        _ = target.part


def test_a_fault_of_the_whole_site_lives_and_ends_as_one(laboratory: Any, wait_until: Any) -> None:
    injector = laboratory.controller()
    injector.order(Request("noop", SITE, 60.0, id="noop-1"))
    wait_until(lambda: injector.entry("noop-1").progress[SITE].verified, "verified")
    (entry,) = injector.end_all("heal")
    assert entry.over
    assert list(entry.progress) == [SITE]
    requested = next(line for line in laboratory.ledger.read() if line["kind"] == "fault.requested")
    assert (requested["target"], set(requested["hurts"])) == (SITE, set(NAMES))


def test_the_whole_site_is_not_called_healed_while_a_part_is_ill(
    laboratory: Any, settle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chaos.execution.REVERT_LIMIT", 0.1)
    laboratory.site.runtime.kill("link@west")
    injector = laboratory.controller()
    injector.order(Request("noop", SITE, 0.1, id="noop-1"))
    (entry,) = settle(injector)
    assert entry.progress[SITE].unknown is not None
    assert entry.progress[SITE].end_evidence == "nothing was done and not ready yet"


def test_what_is_for_parts_is_not_for_the_whole_site(laboratory: Any) -> None:
    with pytest.raises(Failure, match="kill cannot be done to the whole site") as failure:
        plan(Request("kill", SITE), laboratory.site)
    assert failure.value.code == USAGE
    assert "post" in failure.value.next_step


def test_a_part_that_is_gone_is_no_target(laboratory: Any) -> None:
    assert named("post@north", laboratory.site.inventory) is None
