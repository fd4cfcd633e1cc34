"""The API through the front end: what goes in, what comes out, and what happens when services fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from services.frontend.routes import ROUTES
from services.platform.injection.spec import FaultSpec
from services.platform.intake import REFUSED, REQUESTS_BEFORE

from .conftest import Front, Request, StartFront, answering, hanging_up

POST = "/api/v1/posts/12"
SECOND_FACTOR = "/api/v1/sessions/second-factor"


async def test_bytes_go_through_as_they_are(front: Front) -> None:
    body = b'{"text":  "\xf0\x9f\x90\x8b",\n "odd" : 1}'
    front.services["timeline"].east.behaviour = answering(
        200, body, {"server": "other", "date": "x", "set-cookie": "a=b", "failwhale-secret": "s"}
    )
    answer = await front.http.get("/api/v1/timelines/users/ann?limit=5&cursor=a%2Fb+c")
    assert answer.content == body
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["server-timing"] == 'timeline;desc="east"'
    assert not answer.headers.keys() & {"server", "date", "set-cookie", "failwhale-secret"}
    (request,) = front.services["timeline"].requests
    assert request.target == "/api/v1/timelines/users/ann?limit=5&cursor=a%2Fb+c"


async def test_a_body_goes_through(front: Front) -> None:
    front.services["auth"].east.behaviour = answering(201)
    answer = await front.http.post("/api/v1/accounts", json={"name": "ann", "password": "p"})
    assert answer.status_code == 201
    (request,) = front.services["auth"].requests
    assert request.body == b'{"name":"ann","password":"p"}'
    assert request.headers["content-type"] == "application/json"


async def test_problems_of_services_go_through(front: Front) -> None:
    front.services["post"].east.behaviour = answering(
        404, b'{"status":404}', {"content-type": "application/problem+json", "retry-after": "7"}
    )
    answer = await front.http.get(POST)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "7"
    assert front.measured("GET", "/api/v1/posts/{id}", 404) == 1


async def test_no_content(front: Front) -> None:
    async def no_content(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 204 No Content\r\nfailwhale-replicated: true\r\n\r\n")

    front.services["post"].east.behaviour = no_content
    answer = await front.http.put(f"{POST}/like", headers=front.signed_in())
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["failwhale-replicated"] == "true"


async def test_head_asks_the_service_for_what_get_would(front: Front) -> None:
    answer = await front.http.head(POST)
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(b'{"ok":true}'))
    assert [request.method for request in front.services["post"].requests] == ["GET"]


async def test_options_tells_the_methods(front: Front) -> None:
    answer = await front.http.options(f"{POST}/like")
    assert (answer.status_code, answer.headers["allow"]) == (204, "DELETE, PUT, OPTIONS")
    assert "access-control-allow-origin" not in answer.headers


async def test_another_method(front: Front) -> None:
    answer = await front.http.post(f"{POST}/like")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, PUT, OPTIONS"
    assert answer.json()["type"].endswith("/method-not-allowed")


@pytest.mark.parametrize(
    "path",
    [
        "/-/health",
        "/-/ready",
        "/-/faults",
        "/-/info",
        "/metrics",
        "/openapi.json",
        "/api/v1/../../-/health",
        "/api/v1/%2e%2e/%2e%2e/-/health",
        "//-/health",
        "/%2d/health",
        "/api/v1/nothing",
        "/api/v1//posts/1",
    ],
)
async def test_nothing_else_is_public(front: Front, path: str) -> None:
    answer = await front.http.get(path, headers={"authorization": "Bearer control-token"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert all(behind.requests == [] for behind in front.services.values())


async def test_two_thousand_different_paths_are_one_label(front: Front) -> None:
    for number in range(20):
        await front.http.get(f"/api/v1/nothing/{number}")
    assert front.measured("GET", "(none)", 404) == 20


class TestBodies:
    async def test_too_large_by_its_own_word(self, front: Front) -> None:
        answer = await front.http.post("/api/v1/posts", content=b"x" * (64 * 1024 + 1))
        assert answer.status_code == 413
        assert front.services["post"].requests == []

    async def test_too_large_in_pieces(self, front: Front) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(65):
                yield b"x" * 1024

        answer = await front.http.post("/api/v1/posts", content=pieces(), headers=front.signed_in())
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert front.services["post"].requests == []

    async def test_as_large_as_allowed_in_pieces(self, front: Front) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(64):
                yield b"x" * 1024

        answer = await front.http.post("/api/v1/posts", content=pieces(), headers=front.signed_in())
        assert answer.status_code == 200
        (request,) = front.services["post"].requests
        assert request.headers["content-length"] == str(64 * 1024)
        assert len(request.body) == 64 * 1024


class TestFailures:
    async def test_the_own_place_is_asked_first(self, front: Front) -> None:
        for _ in range(10):
            await front.http.get(POST)
        assert len(front.services["post"].east.requests) == 10

    async def test_the_other_place_answers_when_the_own_does_not(self, front: Front) -> None:
        front.services["post"].east.behaviour = hanging_up
        answer = await front.http.get(POST)
        assert answer.status_code == 200
        assert answer.headers["server-timing"] == 'post;desc="west"'

    async def test_nobody_answers(self, front: Front) -> None:
        front.services["post"].east.behaviour = hanging_up
        front.services["post"].west.behaviour = hanging_up
        answer = await front.http.get(POST)
        assert answer.status_code in (503, 504)
        assert answer.headers["content-type"] == "application/problem+json"
        assert "post" in answer.text
        assert front.measured("GET", "/api/v1/posts/{id}", answer.status_code) == 1

    async def test_other_services_do_not_notice(self, front: Front) -> None:
        front.services["auth"].east.behaviour = hanging_up
        front.services["auth"].west.behaviour = hanging_up
        assert (await front.http.get("/api/v1/timelines/home", headers=front.signed_in())).status_code == 200

    async def test_what_is_not_safe_to_repeat_is_asked_once(self, front: Front) -> None:
        front.services["auth"].east.behaviour = hanging_up
        answer = await front.http.post("/api/v1/accounts", json={"name": "ann", "password": "p"})
        assert answer.status_code in (502, 503, 504)
        assert len(front.services["auth"].requests) == 1

    async def test_what_was_certainly_not_done_is_asked_elsewhere(self, front: Front) -> None:
        not_done = {"failwhale-not-done": "store", "retry-after": "1"}
        front.services["auth"].east.behaviour = answering(503, b"{}", not_done)
        answer = await front.http.post(SECOND_FACTOR, json={})
        assert answer.status_code == 200
        assert answer.headers["server-timing"] == 'auth;desc="west"'
        front.services["auth"].west.behaviour = answering(503, b"{}", not_done)
        answer = await front.http.post(SECOND_FACTOR, json={})
        assert answer.status_code == 503
        assert "failwhale-not-done" not in answer.headers

    async def test_a_post_is_repeated_under_one_key(self, front: Front) -> None:
        front.services["post"].east.behaviour = hanging_up
        answer = await front.http.post("/api/v1/posts", json={"text": "hello"}, headers=front.signed_in())
        assert answer.status_code == 200
        first, second = front.services["post"].requests
        assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
        assert len(first.headers["idempotency-key"]) == 32

    async def test_keys_are_new_each_time_and_never_replace_the_clients(self, front: Front) -> None:
        ann = front.signed_in()
        await front.http.post("/api/v1/posts", json={"text": "a"}, headers=ann)
        await front.http.post("/api/v1/posts", json={"text": "a"}, headers=ann)
        await front.http.post("/api/v1/posts", json={"text": "a"}, headers={"Idempotency-Key": "mine", **ann})
        keys = [request.headers["idempotency-key"] for request in front.services["post"].requests]
        assert len(set(keys)) == 3
        assert keys[2] == "mine"

    async def test_only_a_key_that_no_client_knows_is_kept_for_a_minute(self, front: Front) -> None:
        ann = front.signed_in()
        await front.http.post("/api/v1/posts", json={"text": "a"}, headers=ann)
        theirs = {"Idempotency-Key": "mine", "failwhale-key-seconds": "1", **ann}
        await front.http.post("/api/v1/posts", json={"text": "a"}, headers=theirs)
        kept = [request.headers.get("failwhale-key-seconds") for request in front.services["post"].requests]
        assert kept == ["60", None]

    async def test_silence_ends_with_the_deadline(self, start_front: StartFront) -> None:
        front = await start_front(FRONTEND_DEADLINE="0.3")

        async def silent(_: Request, __: asyncio.StreamWriter) -> None:
            await asyncio.Event().wait()

        front.services["post"].east.behaviour = silent
        front.services["post"].west.behaviour = silent
        async with asyncio.timeout(2):
            answer = await front.http.get(POST)
        assert answer.status_code == 504

    async def test_a_service_that_is_not_configured(self, front: Front) -> None:
        front.site.calls = {}
        answer = await front.http.get(POST)
        assert answer.status_code == 503


class TestLimits:
    async def test_per_session(self, start_front: StartFront) -> None:
        front = await start_front(FRONTEND_SESSION_RATE="0.1", FRONTEND_SESSION_BURST="2")
        one, other = front.signed_in(), front.signed_in()
        assert [(await front.http.get(POST, headers=one)).status_code for _ in range(3)] == [200, 200, 429]
        refused = await front.http.get(POST, headers=one)
        assert refused.json()["type"].endswith("/too-many-requests")
        assert 1 <= int(refused.headers["retry-after"]) <= 10
        assert (await front.http.get(POST, headers=other)).status_code == 200
        assert len(front.services["post"].requests) == 3

    async def test_per_address_for_logins_and_strangers(self, start_front: StartFront) -> None:
        front = await start_front(FRONTEND_ADDRESS_RATE="0.1", FRONTEND_ADDRESS_BURST="2")
        login = {"name": "ann", "password": "guess"}
        signed_in = front.signed_in()
        assert (await front.http.post("/api/v1/sessions", json=login)).status_code == 200
        assert (await front.http.post("/api/v1/sessions", json=login, headers=signed_in)).status_code == 200
        assert (await front.http.post("/api/v1/sessions", json=login)).status_code == 429
        assert (await front.http.get(POST)).status_code == 429
        assert (await front.http.get(POST, headers=signed_in)).status_code == 200

    async def test_the_first_requests_of_a_connection_have_room_of_their_own(
        self, start_front: StartFront
    ) -> None:
        front = await start_front(FRONTEND_REPEAT_RATE="0.1", FRONTEND_REPEAT_BURST="2")

        async def asked(before: int, path: str = POST) -> int:
            async def from_connection(scope: Scope, receive: Receive, send: Send) -> None:
                await front.public({**scope, REQUESTS_BEFORE: before}, receive, send)

            transport = httpx.ASGITransport(from_connection)
            async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as client:
                return (await client.get(path)).status_code

        assert [await asked(before) for before in range(6)] == [200, 200, 200, 200, 429, 429]
        assert await asked(7, "/api/v1/nowhere") == 429
        assert [await asked(before) for before in range(2)] == [200, 200], "both steps of a login"
        assert [await asked(7, "/") for _ in range(3)] == [200, 200, 429], "pages are counted apart"
        assert await asked(0, "/") == 200

    @pytest.mark.parametrize("path", ["/", "/static/app.css", "/api/v1/openapi.json"])
    async def test_pages_are_not_there_without_end(self, start_front: StartFront, path: str) -> None:
        front = await start_front(FRONTEND_ADDRESS_RATE="0.1", FRONTEND_ADDRESS_BURST="2")
        assert [(await front.http.get(path)).status_code for _ in range(3)] == [200, 200, 429]
        assert (await front.http.get(POST)).status_code == 200

    async def test_who_is_refused_is_known_to_the_server(self, front: Front) -> None:
        scopes: list[Scope] = []

        async def remembering(scope: Scope, receive: Receive, send: Send) -> None:
            scopes.append(scope)
            await front.public(scope, receive, send)

        front.services["post"].east.behaviour = answering(404)
        front.services["post"].west.behaviour = answering(404)
        bad = {"authorization": "Bearer nonsense"}
        transport = httpx.ASGITransport(remembering)
        async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as client:
            for path, headers in ((POST, bad), ("/api/v1/nowhere", {}), ("/api/v1/timelines/home", {})):
                assert (await client.get(path, headers=headers)).status_code in (401, 404)
            assert (await client.get(POST)).status_code == 404
            front.site.calls = {}
            assert (await client.get(POST)).status_code == 503
        assert [scope.get(REFUSED, False) for scope in scopes] == [True, True, True, False, False]

    async def test_what_needs_a_session_costs_the_service_nothing_without_one(self, front: Front) -> None:
        for route in ROUTES:
            path = route.template.replace("{id}", "12").replace("{name}", "ann")
            answer = await front.http.request(route.method, path, json={})
            assert answer.status_code == (200 if route.open else 401), path
        asked = sum(len(behind.requests) for behind in front.services.values())
        assert asked == sum(route.open for route in ROUTES)

    async def test_the_usual_crowd_passes(self, front: Front) -> None:
        signed_in = front.signed_in()
        answers = [await front.http.get(POST, headers=signed_in) for _ in range(100)]
        assert {answer.status_code for answer in answers} == {200}


class TestShedding:
    async def test_what_is_over_the_bound_is_refused_at_once(self, start_front: StartFront) -> None:
        front = await start_front(MAX_IN_FLIGHT="2")
        arrived, go_on = asyncio.Semaphore(0), asyncio.Event()
        usual = answering()

        async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
            arrived.release()
            await go_on.wait()
            await usual(request, writer)

        front.services["post"].east.behaviour = slow
        async with asyncio.TaskGroup() as tasks:
            at_work = [tasks.create_task(front.http.get(POST)) for _ in range(2)]
            for _ in at_work:
                await arrived.acquire()
            refused = await front.http.get(POST)
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) >= 1
            front.site.protections.switch("shedding", False)
            at_work.append(tasks.create_task(front.http.get(POST)))
            await arrived.acquire()
            go_on.set()
        assert [task.result().status_code for task in at_work] == [200, 200, 200]


async def test_a_fault_at_the_front_end_hurts_the_public(front: Front) -> None:
    front.site.faults.put("f", FaultSpec(kind="errors", seconds=5, route="/api/v1/posts/{id}", status=502))
    assert (await front.http.get(POST)).status_code == 502
    assert (await front.http.get("/api/v1/users/ann")).status_code == 200
    front.site.faults.remove("f")
    assert (await front.http.get(POST)).status_code == 200


async def test_a_fault_can_choose_users_at_the_front_end(front: Front) -> None:
    front.site.faults.put("f", FaultSpec(kind="errors", seconds=5, users=1.0))
    assert (await front.http.get(POST, headers=front.signed_in())).status_code == 500
    # A stranger's empty id is a user like another: what counts is that all requests of one are hurt alike.
    assert (await front.http.get("/")).status_code in (200, 500)
