"""Whatever goes wrong, the answer is a problem document, and a client's mistake is never a 5xx."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Path, Request
from pydantic import BaseModel

from services.platform.problems import MEDIA_TYPE, TYPE_BASE, Problem

Start = Callable[..., Awaitable[tuple[FastAPI, httpx.AsyncClient]]]

router = APIRouter(prefix="/api/v1")


class Text(BaseModel):
    text: str
    number: int = 0


@router.post("/posts", status_code=201)
async def create(body: Text) -> int:
    return len(body.text.encode())  # as a write to the store does


@router.get("/posts/{id}")
async def read(id: Annotated[int, Path(le=2**53)]) -> int:
    return id


@router.put("/posts/{id}/like")
async def like(id: int) -> None: ...


@router.delete("/posts/{id}/like")
async def unlike(id: int) -> None: ...


@router.get("/taken")
async def taken() -> None:
    raise Problem(409, "taken", "Taken", "by é\x00\ud800", headers={"Retry-After": "1"})


@router.get("/broken")
async def broken() -> None:
    raise RuntimeError("secret detail")


@router.post("/raw")
async def raw(request: Request) -> int:
    return len(await request.body())


@pytest.fixture
async def client(start: Start) -> httpx.AsyncClient:
    _, client = await start(router)
    return client


def problem(answer: httpx.Response, status: int, slug: str) -> dict[str, object]:
    """The document, after a look at what all problem documents have in common."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    document: dict[str, object] = json.loads(answer.content)
    assert document["type"] == TYPE_BASE + slug
    assert document["status"] == status
    assert document["title"]
    return document


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("content", "status", "slug"),
    [
        (b"{", 400, "malformed-json"),
        (b'{"text": "\xff"}', 400, "malformed-request"),
        (b"[" * 60_000, 400, "malformed-request"),
        (b'{"text": "a", "number": ' + b"9" * 5000 + b"}", 400, "malformed-request"),
        (b'{"text": "a", "number": NaN}', 422, "invalid-request"),
        (b'{"text": "\\ud800"}', 422, "invalid-text"),
        (b'{"text": 1}', 422, "invalid-request"),
        (b"[]", 422, "invalid-request"),
        (b"null", 422, "invalid-request"),
        (b"", 422, "invalid-request"),
    ],
)
async def test_bad_bodies(client: httpx.AsyncClient, content: bytes, status: int, slug: str) -> None:
    answer = await client.post("/api/v1/posts", content=content, headers=JSON)
    problem(answer, status, slug)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "}{"])
async def test_wrong_content_type(client: httpx.AsyncClient, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = await client.post("/api/v1/posts", content=b'{"text": "a"}', headers=headers)
    problem(answer, 415, "not-json")


async def test_says_which_field_is_wrong(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/posts", json={"number": "x"})
    detail = problem(answer, 422, "invalid-request")["detail"]
    assert isinstance(detail, str)
    assert "body.text: Field required" in detail
    assert "body.number: " in detail


async def test_says_in_words_of_json_what_is_wrong(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/posts", json=[])
    assert problem(answer, 422, "invalid-request")["detail"] == "body: Input should be an object"


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("/api/v1/posts/%00", 400, "malformed-path"),
        ("/api/v1/posts/%0a", 400, "malformed-path"),
        ("/api/v1/posts/%ff", 422, "invalid-request"),
        ("/api/v1/posts/%ed%a0%80", 422, "invalid-request"),
        ("/api/v1/posts/" + "9" * 30, 422, "invalid-request"),
        ("/api/v1/posts/" + "9" * 5000, 422, "invalid-request"),
        ("/api/v1/posts/1/", 404, "not-found"),
        ("/elsewhere", 404, "not-found"),
        ("//", 404, "not-found"),
    ],
)
async def test_bad_paths(client: httpx.AsyncClient, path: str, status: int, slug: str) -> None:
    problem(await client.get(path), status, slug)


async def test_method_that_the_path_does_not_know(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/posts/1/like")
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "DELETE, PUT"


async def test_problem_of_a_handler(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/taken")
    assert problem(answer, 409, "taken")["detail"] == "by é\x00\ud800"
    assert answer.headers["retry-after"] == "1"


async def test_unexpected_error(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "services"):
        answer = await client.get("/api/v1/broken", headers={"failwhale-request": "r-1"})
    assert "secret detail" not in json.dumps(problem(answer, 500, "internal-error"))
    assert answer.headers["failwhale-request"] == "r-1"
    logged = next(record for record in caplog.records if record.exc_info)
    assert logged.getMessage() == "GET /api/v1/broken failed"
    assert "secret detail" in str(logged.exc_info)


@pytest.mark.parametrize("path", ["/api/v1/posts", "/api/v1/raw", "/-/protections/retries"])
async def test_body_over_the_bound(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, content=b"x" * (64 * 1024 + 1))
    problem(answer, 413, "too-large")
    assert answer.headers["connection"] == "close"


async def test_body_over_the_bound_without_announcement(client: httpx.AsyncClient) -> None:
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b"x" * 1024

    problem(await client.post("/api/v1/raw", content=pieces()), 413, "too-large")
    assert sent == 65, "it was read further than the bound"


async def test_body_at_the_bound(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/raw", content=b"x" * 64 * 1024)
    assert answer.json() == 64 * 1024


async def test_an_import_may_be_large(start: Start) -> None:
    imports = APIRouter()
    imports.post("/-/import")(raw)
    _, client = await start(imports)
    assert (await client.post("/-/import", content=b"x" * 1024 * 1024)).json() == 1024 * 1024
    problem(await client.post("/-/import", content=b"x" * (32 * 1024 * 1024 + 1)), 413, "too-large")
