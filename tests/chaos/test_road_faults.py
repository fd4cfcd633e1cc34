"""Faults of the connections that parts make: whom they may hurt, what is refused, what they ask for."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.catalogue import fault_named
from chaos.fault import Injection
from chaos.injector import Request, plan
from chaos.target import at
from foundation.failure import Failure


def begun(laboratory: Any, name: str, part: str, **parameters: Any) -> tuple[Any, Injection, dict[str, Any]]:
    """A fault that is set, and what the part was asked for."""
    site, fault = laboratory.site, fault_named(name)
    target = at(next(one for one in site.inventory.parts if one.name == part))
    injection = Injection(f"{name}-1", target, fault.check(parameters), 5.0)
    fault.apply(site, injection)
    return fault, injection, site.runtime.of(part).points[injection.id]


@pytest.mark.parametrize("name", ["names-gone", "names-slow", "names-wrong", "partition-one-way"])
def test_what_the_part_still_reaches_is_named(laboratory: Any, name: str) -> None:
    fault, injection, _ = begun(laboratory, name, "frontend@east")
    assert fault.verify(laboratory.site, injection).verdict is True
    laboratory.site.harmless = True
    proof = fault.verify(laboratory.site, injection)
    assert proof.verdict is False
    assert "post@west as ever" in proof.evidence


def test_wrong_names_lead_to_the_prober(laboratory: Any) -> None:
    (prober,) = [part for part in laboratory.site.inventory.parts if part.name == "prober"]
    _, _, wish = begun(laboratory, "names-wrong", "frontend@east")
    assert wish["leads_to"] == ":".join(map(str, prober.address()))


def test_beyond_a_partition_is_who_is_in_the_other_data_centre(laboratory: Any) -> None:
    fault, injection, _ = begun(laboratory, "partition-one-way", "frontend@east", to="west")
    proof = fault.verify(laboratory.site, injection)
    assert proof.evidence.startswith("a connection of frontend@east to post@west: ")


@pytest.mark.parametrize(
    ("name", "part", "parameters", "why"),
    [
        ("partition-one-way", "link@east", {"to": "east"}, "link@east has no way to east"),
        ("partition-one-way", "link@east", {"to": "north"}, "link@east has no way to north"),
        ("connections-exhausted", "frontend@east", {"to": "store"}, "frontend@east calls no store"),
    ],
)
def test_what_makes_no_sense_is_refused(
    laboratory: Any, name: str, part: str, parameters: Any, why: str
) -> None:
    with pytest.raises(Failure, match=why) as failure:
        plan(Request(name, part, 1.0, parameters), laboratory.site)
    assert failure.value.code == 2


def test_a_link_without_an_answer_from_its_other_end_is_partitioned(laboratory: Any) -> None:
    fault, injection, _ = begun(laboratory, "partition-one-way", "link@east")
    assert fault.verify(laboratory.site, injection).verdict is True
    laboratory.site.harmless = True
    assert fault.verify(laboratory.site, injection).verdict is False


@pytest.mark.parametrize("to", [None, "post", "timeline"])
def test_exhausted_connections_are_seen_in_what_a_call_gets(laboratory: Any, to: str | None) -> None:
    fault, injection, _ = begun(laboratory, "connections-exhausted", "frontend@east", to=to)
    proof = fault.verify(laboratory.site, injection)
    assert proof.verdict is True
    assert proof.evidence == f"frontend@east: {to or 'post'} has as many calls in flight as it may."
    laboratory.site.harmless = True
    assert fault.verify(laboratory.site, injection).verdict is False


@pytest.mark.parametrize(
    ("name", "part", "parameters", "hurt"),
    [
        ("names-gone", "retweet@east", {}, {"retweet"}),
        ("names-wrong", "auth@west", {}, {"login", "login-second-factor"}),
        ("partition-one-way", "frontend@east", {}, set()),
        ("connections-exhausted", "frontend@east", {"to": "retweet"}, {"retweet"}),
    ],
)
def test_nobody_else_is_hurt(laboratory: Any, name: str, part: str, parameters: Any, hurt: set[str]) -> None:
    fault = fault_named(name)
    target = at(next(one for one in laboratory.site.inventory.parts if one.name == part))
    assert set(fault.hurts(target, fault.check(parameters))) == hurt


def test_the_page_is_there_without_any_name(laboratory: Any) -> None:
    fault = fault_named("names-gone")
    (edge,) = [part for part in laboratory.site.inventory.parts if part.name == "frontend@east"]
    hurt = fault.hurts(at(edge), fault.check({}))
    assert "post" in hurt
    assert not {"page", "handshake-east"} & set(hurt)
