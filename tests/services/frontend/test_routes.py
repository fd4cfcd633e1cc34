"""The route table: every operation of the public API, and nothing else."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from fastapi import FastAPI

from services.frontend.routes import ROUTES, EdgeRoute, EdgeRouteTable, Unmatched
from services.platform.settings import Address, Settings


def found(method: str, path: str) -> EdgeRoute:
    route = EdgeRouteTable().find(method, path)
    assert isinstance(route, EdgeRoute), f"{method} {path} is not found"
    return route


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.template}")
def test_every_operation_is_found_by_a_path_of_its_own(route: EdgeRoute) -> None:
    path = route.template.replace("{id}", "1234").replace("{name}", "ann")
    assert found(route.method, path) is route


@pytest.mark.parametrize(
    ("operation", "service"),
    [
        ("POST /accounts", "auth"),
        ("DELETE /sessions/current", "auth"),
        ("DELETE /me/second-factor", "auth"),
        ("GET /posts/9", "post"),
        ("PUT /me/protection", "post"),
        ("DELETE /posts/9/retweet", "retweet"),
        ("GET /timelines/home", "timeline"),
        ("DELETE /me/followers/ann", "timeline"),
        ("GET /notifications/stream", "notify"),
    ],
)
def test_operations_reach_the_service_that_has_them(operation: str, service: str) -> None:
    method, path = operation.split(" ")
    assert found(method, f"/api/v1{path}").service == service


def test_only_what_is_safe_to_repeat_may_be_repeated() -> None:
    unsafe = {(route.method, route.template) for route in ROUTES if not route.idempotent}
    assert unsafe == {
        ("POST", "/api/v1/accounts"),
        ("POST", "/api/v1/sessions/second-factor"),
        ("POST", "/api/v1/me/second-factor"),
        ("POST", "/api/v1/me/second-factor/confirm"),
        ("DELETE", "/api/v1/me/second-factor"),
    }
    assert [route.template for route in ROUTES if route.keyed] == ["/api/v1/posts"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v1/posts/1/",
        "/api/v1/posts//like",
        "/api/v1/posts/1/like/more",
        "/api/v1/users/",
        "/api/v1/{id}",
        "/api/v2/posts/1",
        "/-/faults",
    ],
)
def test_other_paths_are_unknown(path: str) -> None:
    assert EdgeRouteTable().find("GET", path) == Unmatched(())


def test_other_methods_are_told_apart_from_other_paths() -> None:
    assert EdgeRouteTable().find("PATCH", "/api/v1/posts/1/like") == Unmatched(("DELETE", "PUT"))


def test_head_finds_what_get_finds_except_a_stream() -> None:
    assert found("HEAD", "/api/v1/posts/1").method == "GET"
    assert EdgeRouteTable().find("HEAD", "/api/v1/notifications/stream") == Unmatched(("GET",))


@pytest.mark.parametrize("service", EdgeRouteTable().services)
def test_what_is_open_to_strangers_is_what_the_services_say(service: str, tmp_path: Path) -> None:
    (tmp_path / "store").write_text("password")
    (tmp_path / "session-keys.json").write_text('{"current": "one", "keys": {"one": "%s"}}' % ("s" * 40))
    somewhere = Address("127.0.0.1", 1)
    settings = Settings(service, somewhere, tmp_path, tmp_path, place="east", sentinels=(somewhere,))
    app: FastAPI = import_module(f"services.{service}.__main__").application(settings)
    paths = app.openapi()["paths"]
    for route in ROUTES:
        if route.service == service:
            wanted = paths[route.template][route.method.lower()].get("security", [{}])
            assert route.open == ({} in wanted), f"{route.method} {route.template}"
