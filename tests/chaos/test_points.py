"""Faults at fault points: which routes there are, whose requests were hurt, and parts that are silent."""

from __future__ import annotations

from typing import Any

import pytest

import chaos.points
from chaos.engine import Request, plan
from chaos.fault import Injection, fault_named
from failwhale.failure import Failure


def errors(target: str = "post@east", **parameters: Any) -> Request:
    return Request("errors", target, 0.1, parameters, id="errors-1")


@pytest.mark.parametrize(
    "route",
    [
        "POST /api/v1/posts",
        "/api/v1/posts",
        "GET /api/v1/posts/{id}",
        "DELETE /api/v1/posts/{post}",
        "/api/v1/posts/42",
    ],
)
def test_a_route_that_the_service_has_is_taken(laboratory: Any, route: str) -> None:
    assert plan(errors(route=route), laboratory.site).parameters["route"] == route


@pytest.mark.parametrize(
    "route",
    [
        "GET /nowhere",
        "GET /api/v1/posts",
        "/api/v1/posts/1/2",
        "/api/v1/posts/",
        "posts",
        "get /api/v1/posts",
    ],
)
def test_a_route_that_the_service_does_not_have_is_a_usage_error_with_its_routes(
    laboratory: Any, route: str
) -> None:
    engine = laboratory.controller()
    with pytest.raises(Failure, match="post has no route") as failure:
        engine.order(errors(route=route))
    assert failure.value.code == 2
    assert "GET /api/v1/posts/{id}, DELETE /api/v1/posts/{id}" in failure.value.next_step
    assert engine.entries() == []


def test_the_pages_of_the_front_end_are_routes_too(laboratory: Any) -> None:
    assert plan(errors("frontend@east", route="GET /"), laboratory.site).parts
    with pytest.raises(Failure, match="post has no route"):
        plan(errors(route="GET /"), laboratory.site)


def test_of_a_place_those_are_hit_that_have_the_route(laboratory: Any) -> None:
    planned = plan(errors("place:east", route="GET /"), laboratory.site)
    assert [part.name for part in planned.parts] == ["frontend@east"]
    with pytest.raises(Failure, match="has no route"):
        plan(errors("place:east", route="GET /nowhere"), laboratory.site)


def test_a_part_that_is_down_is_named_and_nobody_is_hurt(laboratory: Any) -> None:
    laboratory.site.runtime.kill("post@west")
    engine = laboratory.controller()
    route = "POST /api/v1/posts"
    for request in (errors("post:all"), errors("post:all", route=route), errors("place:west", route=route)):
        with pytest.raises(Failure, match="post@west does not answer"):
            engine.order(request)
    assert engine.entries() == []
    assert laboratory.site.harm() == ["post@west is down"]


@pytest.mark.parametrize(
    ("before", "beside", "said"),
    [
        (0, 0, "a request of our own was hurt by post@east"),
        (2, 0, "post@east has hurt 2 requests of users"),
        (0, 3, "post@east has hurt 4 requests, of users and our own"),
    ],
)
def test_the_evidence_says_whose_request_was_hurt(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch, before: int, beside: int, said: str
) -> None:
    """`before` users came before our own request was sent, `beside` while it was."""
    site = laboratory.site
    part = next(part for part in site.inventory.parts if part.name == "post@east")
    fault = fault_named("errors")
    injection = Injection("errors-1", part, fault.check({}), 5.0)
    fault.apply(site, injection)
    point = site.runtime.processes["post@east"].points["errors-1"]
    point["hits"] = before
    send_probe = chaos.points._send_probe

    def send_beside_users(*arguments: Any) -> None:
        send_probe(*arguments)
        point["hits"] += beside

    monkeypatch.setattr(chaos.points, "_send_probe", send_beside_users)
    proof = fault.prove(site, injection)
    assert proof.verdict is True
    assert proof.evidence == said
