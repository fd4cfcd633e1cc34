"""Who is asking: read from the token where it arrives, and from nothing else that a client sends."""

from __future__ import annotations

import asyncio
import json
import time

import jwt
import pytest

from services.platform import app
from services.platform.problems import Problem

from .conftest import ANN, Front, StartFront

HOME = "/api/v1/timelines/home"


async def test_the_session_reaches_the_service_as_headers(front: Front) -> None:
    answer = await front.http.get(HOME, headers=front.signed_in())
    assert answer.status_code == 200
    (request,) = front.services["timeline"].requests
    assert request.headers["failwhale-user"] == str(ANN.id)
    assert request.headers["failwhale-name"] == ANN.name
    assert request.headers["failwhale-request"] == answer.headers["failwhale-request"]
    assert 0 < float(request.headers["failwhale-deadline"]) - time.time() <= 5


async def test_a_client_cannot_say_who_it_is(front: Front) -> None:
    await front.http.get(
        "/api/v1/posts/1",
        headers={
            "failwhale-user": "1",
            "Failwhale-Name": "root",
            "failwhale-request": "mine",
            "failwhale-deadline": "99999999999",
            "failwhale-anything": "x",
            "x-forwarded-for": "10.0.0.1",
            "host": "elsewhere",
            "cookie": "a=b",
            "te": "trailers",
        },
    )
    (request,) = front.services["post"].requests
    assert "failwhale-user" not in request.headers
    assert "failwhale-name" not in request.headers
    assert request.headers["failwhale-request"] != "mine"
    assert float(request.headers["failwhale-deadline"]) < time.time() + 6
    assert not request.headers.keys() & {"failwhale-anything", "x-forwarded-for", "cookie", "te"}
    assert request.headers["host"] != "elsewhere"


async def test_a_token_does_not_make_room_for_forged_headers(front: Front) -> None:
    await front.http.get(HOME, headers={**front.signed_in(), "failwhale-user": "1", "failwhale-name": "root"})
    (request,) = front.services["timeline"].requests
    assert (request.headers["failwhale-user"], request.headers["failwhale-name"]) == (str(ANN.id), ANN.name)


async def test_without_a_session_the_service_decides(front: Front) -> None:
    assert (await front.http.get("/api/v1/posts/1")).status_code == 200
    assert len(front.services["post"].requests) == 1


def expired(front: Front) -> str:
    return f"Bearer {front.token(lifetime=-1)}"


def foreign(front: Front) -> str:
    claims = {"sub": "41", "name": "ann", "sid": "x", "iat": time.time(), "exp": time.time() + 60}
    return "Bearer " + jwt.encode(claims, "o" * 40, "HS256", headers={"kid": "one"})


def unsigned(front: Front) -> str:
    claims = {"sub": "41", "name": "ann", "sid": "x", "iat": time.time(), "exp": time.time() + 60}
    return "Bearer " + jwt.encode(claims, None, "none", headers={"kid": "one"})


def altered(front: Front) -> str:
    head, payload, signature = front.token().split(".")
    return f"Bearer {head}.{payload}.{signature[:-4]}AAAA"


@pytest.mark.parametrize(
    "authorization",
    [
        expired,
        foreign,
        unsigned,
        altered,
        lambda _: "Bearer nonsense",
        lambda _: "Bearer ",
        lambda _: "Basic YTpi",
        lambda _: "\xff\xfe",
        lambda _: "Bearer " + "x" * 5000,
    ],
    ids=["expired", "foreign", "unsigned", "altered", "nonsense", "empty", "basic", "bytes", "long"],
)
async def test_a_bad_token_is_refused_at_once(front: Front, authorization) -> None:
    value = authorization(front).encode("latin-1")
    answer = await front.http.get("/api/v1/posts/1", headers={b"authorization": value})
    assert answer.status_code == 401
    assert answer.json()["type"].endswith("/not-signed-in")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert front.services["post"].requests == []
    assert front.measured("GET", "/api/v1/posts/{id}", 401) == 1


async def test_a_revoked_session_is_refused_at_once(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, other = front.token(sid="ended"), front.token(sid="other")
    monkeypatch.setattr(front.site.revocations, "is_revoked", lambda session: session.sid == "ended")
    refused = await front.http.get(HOME, headers={"authorization": f"Bearer {ended}"})
    assert refused.status_code == 401
    let_in = await front.http.get(HOME, headers={"authorization": f"Bearer {other}"})
    assert let_in.status_code == 200


async def test_no_session_is_believed_before_the_first_look_at_those_that_ended(
    start_front: StartFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "FIRST_LOOK_SECONDS", 0.01)

    async def out_of_reach(*_: object) -> list[bytes]:
        raise Problem(503, "store-unreachable", "The store cannot be reached")

    front = await start_front(query=out_of_reach)
    asked = await front.http.get(HOME, headers=front.signed_in())
    assert (asked.status_code, asked.json()["type"].rpartition("/")[2]) == (503, "sessions-unknown")
    assert front.services["timeline"].requests == []
    assert await front.site.reasons_not_ready() == ["list of revoked sessions cannot be used"]
    assert (await front.http.get("/api/v1/posts/1")).status_code == 200, "a stranger has no session to end"
    assert (await front.http.get("/")).status_code == 200


async def test_a_session_is_believed_once_the_store_was_asked(
    start_front: StartFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "FIRST_LOOK_SECONDS", 0.01)
    in_reach = asyncio.Event()

    async def at_times(*_: object) -> list[bytes]:
        if not in_reach.is_set():
            raise Problem(503, "store-unreachable", "The store cannot be reached")
        return [b"ended", b"99999999999"]

    front = await start_front(query=at_times)
    ended, other = ({"authorization": f"Bearer {front.token(sid=sid)}"} for sid in ("ended", "other"))
    assert (await front.http.get(HOME, headers=ended)).status_code == 503
    in_reach.set()
    async with asyncio.timeout(5):
        while await front.site.reasons_not_ready():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.005)
    assert (await front.http.get(HOME, headers=ended)).status_code == 401
    assert (await front.http.get(HOME, headers=other)).status_code == 200
    in_reach.clear()
    assert (await front.http.get(HOME, headers=other)).status_code == 200, "what was known stays known"


async def test_a_front_end_listens_only_when_it_knows_who_is_signed_out(start_front: StartFront) -> None:
    async def late(*_: object) -> list[bytes]:
        await asyncio.sleep(0.05)
        return []

    front = await start_front(query=late)
    assert (await front.http.get(HOME, headers=front.signed_in())).status_code == 200


async def test_keys_change_without_a_restart(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    before = front.signed_in()
    assert (await front.http.get(HOME, headers=before)).status_code == 200
    file = front.site.settings.secrets / "session-keys.json"
    file.write_text(json.dumps({"current": "two", "keys": {"two": "t" * 41}}))
    later = time.monotonic() + 10
    monkeypatch.setattr("services.platform.tokens.time.monotonic", lambda: later)
    assert (await front.http.get(HOME, headers=before)).status_code == 401
    assert (await front.http.get(HOME, headers=front.signed_in())).status_code == 200
