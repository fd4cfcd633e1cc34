from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from services.platform.app import ControlToken
from services.platform.identity import OptionalViewer, Viewer
from services.platform.problems import MEDIA_TYPE, problem_responses

Start = Callable[..., Awaitable[tuple[FastAPI, httpx.AsyncClient]]]

router = APIRouter(prefix="/api/v1")


class Text(BaseModel):
    text: str


@router.post("/posts", status_code=201, responses=problem_responses(409))
async def create(body: Text, viewer: Viewer) -> Text:
    return body


@router.get("/posts/{id}")
async def read(id: int, viewer: OptionalViewer) -> int:
    return id


@router.get("/open")
async def public() -> None: ...


@router.post("/-/import", dependencies=[ControlToken], include_in_schema=False)
async def bulk() -> None: ...


@pytest.fixture
async def document(start: Start) -> dict[str, Any]:
    _, client = await start(router)
    document: dict[str, Any] = (await client.get("/openapi.json")).json()
    return document


def test_tells_of_the_api_alone(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == {"/api/v1/posts", "/api/v1/posts/{id}", "/api/v1/open"}
    assert document["info"] == {"title": "failwhale post", "version": "dev"}


def test_every_error_is_a_problem(document: dict[str, Any]) -> None:
    for operations in document["paths"].values():
        for operation in operations.values():
            errors = {
                status: answer for status, answer in operation["responses"].items() if status[0] in "45"
            }
            assert {"4XX", "5XX"} <= errors.keys()
            for answer in errors.values():
                reference = answer["content"][MEDIA_TYPE]["schema"]["$ref"]
                assert reference == "#/components/schemas/ProblemDocument"
    assert "409" in document["paths"]["/api/v1/posts"]["post"]["responses"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert set(document["components"]["schemas"]["ProblemDocument"]["properties"]) == {
        "type",
        "title",
        "status",
        "detail",
    }


def test_who_is_asking(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"] == {
        "user": {"type": "apiKey", "in": "header", "name": "failwhale-user"},
        "name": {"type": "apiKey", "in": "header", "name": "failwhale-name"},
    }
    both = {"user": [], "name": []}
    assert document["paths"]["/api/v1/posts"]["post"]["security"] == [both]
    assert "401" in document["paths"]["/api/v1/posts"]["post"]["responses"]
    assert document["paths"]["/api/v1/posts/{id}"]["get"]["security"] == [{}, both]
    assert "security" not in document["paths"]["/api/v1/open"]["get"]
