"""The site's OpenAPI document: what the services say, as the public sees it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.frontend.documents import merge
from services.frontend.routes import PREFIX, ROUTES, EdgeRouteTable

from .conftest import Front, answering, hanging_up


def document(service: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a service says of its routes, and of two more that are not public."""
    paths: dict[str, Any] = {
        "/-/import": {"post": {"responses": {}}},
        "/api/v1/hidden": {"get": {"responses": {}}},
    }
    for route in ROUTES:
        if route.service == service:
            path = route.template.replace("{id}", "{post_id}")
            operation = {
                "responses": {"200": {"$ref": "#/components/schemas/Thing"}},
                "security": [{"user": [], "name": []}],
            }
            paths.setdefault(path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "paths": paths,
        "components": {"schemas": {"Thing": schema or {"type": "object"}}},
    }


def test_all_that_is_routed_and_nothing_else() -> None:
    table = EdgeRouteTable()
    merged = merge({service: document(service) for service in table.services}, table, "1.2")
    operations = {
        (method.upper(), path.replace("{post_id}", "{id}"))
        for path, methods in merged["paths"].items()
        for method in methods
    }
    assert operations == {(route.method, route.template) for route in ROUTES}
    assert merged["info"]["version"] == "1.2"


def test_parameters_keep_the_names_that_the_service_gave_them() -> None:
    services = document("post")
    services["paths"]["/api/v1/posts/{post_id}"]["get"]["parameters"] = [
        {"name": "post_id", "in": "path", "required": True, "schema": {"type": "string"}}
    ]
    merged = merge({"post": services}, EdgeRouteTable(), "1")
    for path, operations in merged["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                assert f"{{{parameter['name']}}}" in path


def test_a_bearer_token_stands_for_the_inner_headers() -> None:
    merged = merge({"post": document("post")}, EdgeRouteTable(), "1")
    assert merged["paths"][f"{PREFIX}/posts"]["post"]["security"] == [{"session": []}]
    assert merged["components"]["securitySchemes"]["session"]["scheme"] == "bearer"


def test_schemas_of_the_same_name_stay_apart() -> None:
    merged = merge(
        {"post": document("post", {"type": "object"}), "retweet": document("retweet", {"type": "array"})},
        EdgeRouteTable(),
        "1",
    )
    schemas = merged["components"]["schemas"]
    assert schemas == {"Thing": {"type": "object"}, "RetweetThing": {"type": "array"}}
    retweet = merged["paths"][f"{PREFIX}/posts/{{post_id}}/retweet"]["put"]
    assert retweet["responses"]["200"]["$ref"] == "#/components/schemas/RetweetThing"


@pytest.fixture
def described(front: Front) -> Front:
    for name, behind in front.services.items():
        behind.east.behaviour = answering(200, json.dumps(document(name)).encode())
        behind.west.behaviour = behind.east.behaviour
    return front


async def test_it_is_public_and_asks_the_services_once(described: Front) -> None:
    for _ in range(3):
        answer = await described.http.get(f"{PREFIX}/openapi.json")
        assert answer.status_code == 200
    assert len(answer.json()["paths"]) == len({route.template for route in ROUTES})
    assert [len(behind.requests) for behind in described.services.values()] == [1] * len(described.services)


async def test_a_service_that_was_never_heard_of(described: Front) -> None:
    described.services["auth"].east.behaviour = hanging_up
    described.services["auth"].west.behaviour = hanging_up
    answer = await described.http.get(f"{PREFIX}/openapi.json")
    assert answer.status_code in (503, 504)
    assert "auth" in answer.text


async def test_a_service_that_is_down_keeps_its_promises(
    described: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.frontend.documents.KEPT_SECONDS", 0)
    before = (await described.http.get(f"{PREFIX}/openapi.json")).json()
    described.services["auth"].east.behaviour = hanging_up
    described.services["auth"].west.behaviour = hanging_up
    after = await described.http.get(f"{PREFIX}/openapi.json")
    assert after.status_code == 200
    assert after.json() == before
