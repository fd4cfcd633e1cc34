"""What each registered fault declares about itself holds together."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import chaos.faults
from chaos.catalogue import all_faults, fault_named
from chaos.fault import Demonstration, Fault, register
from chaos.journeys import JOURNEYS_OF
from chaos.target import SITE, Target, at
from foundation.failure import Failure
from outages.journey_names import NAMES
from testbed.selector import select

FAULTS = all_faults()


def test_there_is_one_file_for_each_fault_and_one_fault_in_each_file() -> None:
    modules = [type(fault).__module__ for fault in FAULTS]
    assert len(set(modules)) == len(modules)
    assert [fault.name.replace("-", "_") for fault in FAULTS] == [
        module.rpartition(".")[2] for module in modules
    ]


def test_a_file_without_a_fault_is_what_several_faults_share() -> None:
    folder = Path(chaos.faults.__file__).parent
    files = {
        ".".join(("chaos.faults", *path.relative_to(folder).with_suffix("").parts))
        for path in folder.rglob("*.py")
        if path.stem != "__init__"
    }
    bases = Counter(base.__module__ for fault in FAULTS for base in {*type(fault).__mro__[1:]})
    shared = files - {type(fault).__module__ for fault in FAULTS}
    assert {name for name in shared if bases[name] < 2} == set()


def test_the_skeleton_is_there_but_not_listed() -> None:
    assert not fault_named("noop").listed
    with pytest.raises(Failure, match="no fault is named 'unplug'") as failure:
        fault_named("unplug")
    assert failure.value.next_step.endswith(" more: failwhale chaos list")
    assert "noop" not in failure.value.next_step


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="two faults are named 'kill'"):
        register(fault_named("kill"))


@pytest.mark.parametrize(
    ("fault", "demonstration"),
    [(fault, demonstration) for fault in FAULTS for demonstration in fault.demonstrations],
    ids=lambda one: getattr(one, "name", None) or one.target,
)
def test_a_demonstration_can_be_done_and_hurts_what_the_fault_may_hurt(
    fault: Fault, demonstration: Demonstration, parts: Any
) -> None:
    roles = {"store@east": "primary", "store@west": "replica"}
    parameters = fault.check(demonstration.parameters)
    if demonstration.target == SITE:
        assert fault.targets == (SITE,)
        targets = [Target(SITE, parts)]
    else:
        chosen = select(demonstration.target, parts, lambda: roles, 0)
        assert {part.service for part in chosen} <= set(fault.targets)
        targets = [at(part) for part in chosen]
    may_be_hurt = {journey for target in targets for journey in fault.hurts(target, parameters)}
    assert demonstration.hurts.keys() <= may_be_hurt


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_describes_itself(fault: Fault) -> None:
    described = json.loads(json.dumps(fault.describe(), allow_nan=False))
    assert described["help"].endswith((".", ")."))
    assert fault.example.startswith(f"failwhale chaos {fault.name} ")
    assert fault.targets
    for parameter in fault.parameters:
        assert parameter.check(parameter.default) == parameter.default
        assert parameter.help.endswith(".")


def test_journeys_are_named_as_the_prober_names_them() -> None:
    assert {journey for journeys in JOURNEYS_OF.values() for journey in journeys} == set(NAMES)


def test_what_was_asked_for_has_units_and_leaves_defaults_out() -> None:
    latency, errors = fault_named("latency"), fault_named("errors")
    assert latency.spell_asked(latency.check({"delay": 2.5})) == "delay 2.5s"
    assert errors.spell_asked(errors.check({"share": 0.3})) == "share 30%"
    assert errors.spell_asked(errors.check({})) == ""


@pytest.mark.parametrize(
    ("part", "route", "hurt"),
    [
        ("post@east", "POST /api/v1/posts", {"post"}),
        ("post@east", "/api/v1/posts/{id}", {"read-back", "protected-posts"}),
        ("post@east", "DELETE /api/v1/posts/{id}", set()),
        ("timeline@west", "GET /api/v1/timelines/home", {"home-timeline", "freshness", "protected-posts"}),
        ("frontend@east", "GET /", {"page"}),
        ("frontend@east", "/api/v1/sessions", {"login", "login-second-factor"}),
    ],
)
def test_a_fault_on_one_route_hurts_only_whom_it_serves(
    part: str, route: str, hurt: set[str], parts: Any
) -> None:
    (hit,) = [one for one in parts if one.name == part]
    errors = fault_named("errors")
    assert set(errors.hurts(at(hit), errors.check({"route": route}))) == hurt
    assert hurt <= set(errors.hurts(at(hit), errors.check({})))
