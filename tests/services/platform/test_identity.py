from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from services.platform.identity import OptionalViewer, User, Viewer, user_of

Start = Callable[..., Awaitable[tuple[FastAPI, httpx.AsyncClient]]]

router = APIRouter(prefix="/api/v1")


@router.get("/me")
async def me(viewer: Viewer) -> User:
    return viewer


@router.get("/page")
async def page(viewer: OptionalViewer) -> User | None:
    return viewer


async def test_who_is_asking(start: Start) -> None:
    _, client = await start(router)
    ann = {"failwhale-user": "9007199254740991", "failwhale-name": "ann"}
    for path in ("/api/v1/me", "/api/v1/page"):
        assert (await client.get(path, headers=ann)).json() == {"id": 2**53 - 1, "name": "ann"}
    assert (await client.get("/api/v1/page")).json() is None
    stranger = await client.get("/api/v1/me")
    assert (stranger.status_code, stranger.json()["type"].rpartition("/")[2]) == (401, "not-signed-in")
    assert stranger.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        (None, "ann"),
        ("1", None),
        ("0", "ann"),
        ("-1", "ann"),
        ("²", "ann"),
        ("9007199254740992", "ann"),
        ("9" * 5000, "ann"),
        ("1", ""),
        ("1", "a\x00b"),
        ("1", "é"),
        ("1", "a" * 65),
    ],
)
def test_headers_that_say_nothing_sensible(identifier: str | None, name: str | None) -> None:
    assert user_of(identifier, name) is None
