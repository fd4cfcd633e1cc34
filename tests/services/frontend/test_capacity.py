"""What an edge takes on when it is too small: reads before posts, and posts before sign-ups."""

from __future__ import annotations

from typing import Any

import pytest

from services.frontend.capacity import KEPT_FREE, Capacity
from services.frontend.routes import ROUTES, Criticality, EdgeRoute
from services.platform.configuration.document import Document
from services.platform.problems import Problem

READ, POST, SIGN_UP = ("GET", "/api/v1/posts/7"), ("POST", "/api/v1/posts"), ("POST", "/api/v1/accounts")


def provision(front: Any, version: int, requests: object) -> None:
    front.site.configuration.take(Document(version, values={"capacity.east": requests}))


async def refused(front: Any, operation: tuple[str, str]) -> bool:
    method, path = operation
    answer = await front.http.request(method, path, headers=front.signed_in())
    said = answer.json().get("type", "") if answer.status_code == 503 else ""
    assert not said or answer.headers["retry-after"] == "1"
    return str(said).endswith("/overloaded")


async def admitted(front: Any, operation: tuple[str, str]) -> int:
    """How many of these are let in until one is refused."""
    for number in range(100):
        if await refused(front, operation):
            return number
    raise AssertionError("none is refused")


async def test_what_matters_more_finds_room_when_the_rest_does_not(front: Any) -> None:
    provision(front, 1, 10)
    assert 5 <= await admitted(front, SIGN_UP) < 7
    assert 3 <= await admitted(front, POST) < 5
    assert 2 <= await admitted(front, READ) < 4
    assert front.site.metrics.registry.get_sample_value("http_server_refused_total", {"reason": "shed"}) == 3


async def test_who_is_refused_takes_no_room(front: Any) -> None:
    provision(front, 1, 10)
    await admitted(front, SIGN_UP)
    for _ in range(20):
        await refused(front, SIGN_UP)
    assert not await refused(front, READ)


async def test_an_edge_of_another_data_centre_is_not_meant(front: Any) -> None:
    front.site.configuration.take(Document(1, values={"capacity.west": 1}))
    assert not any([await refused(front, SIGN_UP) for _ in range(5)])


async def test_more_capacity_is_there_at_once_and_what_is_no_number_is_refused(front: Any) -> None:
    provision(front, 1, 1)
    await admitted(front, READ)
    provision(front, 2, 10_000)
    assert not await refused(front, SIGN_UP)
    provision(front, 3, "many")
    assert front.site.configuration.refused
    assert not await refused(front, SIGN_UP)


async def test_without_shedding_nothing_is_refused(front: Any) -> None:
    provision(front, 1, 1)
    front.site.protections.switch("shedding", False)
    assert not any([await refused(front, SIGN_UP) for _ in range(5)])


@pytest.mark.parametrize(("crowded", "let_in"), [(0.0, 3), (0.5, 3), (0.6, 2), (0.8, 2), (0.9, 1), (1.0, 1)])
async def test_where_few_places_at_work_are_left_they_are_for_what_matters_more(
    front: Any, crowded: float, let_in: int
) -> None:
    """The places are counted by the intake; who comes when all are taken is refused there."""
    capacity = Capacity(front.site)

    def is_let_in(criticality: Criticality) -> bool:
        try:
            capacity.admit(EdgeRoute("GET", "/", "post", True, criticality=criticality), crowded)
        except Problem:
            return False
        return True

    assert [is_let_in(one) for one in ("high", "normal", "low")] == [True] * let_in + [False] * (3 - let_in)


def test_each_operation_has_its_place_in_the_queue() -> None:
    assert {route.criticality for route in ROUTES} == set(KEPT_FREE)
    of = {(route.method, route.template): route.criticality for route in ROUTES}
    assert of["POST", "/api/v1/accounts"] == "low"
    assert of["POST", "/api/v1/posts"] == of["POST", "/api/v1/sessions"] == "normal"
    assert of["GET", "/api/v1/timelines/home"] == of["GET", "/api/v1/posts/{id}"] == "high"
