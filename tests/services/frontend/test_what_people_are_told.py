"""What a stranger reads when something fails: which service it was, and nothing of how the site is built.

What went wrong is in the log, under the id that the answer bears.
"""

from __future__ import annotations

import asyncio
import json
import re

import httpx
import pytest

from services.platform.calls import Caller
from services.platform.problems import MEDIA_TYPE, Problem
from services.platform.settings import Address, Replica

from .conftest import Behaviour, FakeReplica, Front, Request, StartFront, answering, hanging_up

POST = "/api/v1/posts/12"
STREAM = "/api/v1/notifications/stream"

INSIDE = re.compile(
    r"\d+\.\d+\.\d+\.\d+|:\d{2,5}\b|\w@\w|Errno|Error\b|\bb'|Traceback|None\b|\(\)|SSL|redis|dictionary"
)
"""Addresses, parts, and what only Python would say."""

STORE_IS_GONE = Problem(
    503,
    "store-unavailable",
    "The store cannot be reached",
    "redis at store-east:6379: [Errno 111] Connect call failed ('127.0.0.1', 6379)",
    {"Retry-After": "1"},
)


def failing(problem: Problem) -> Behaviour:
    return answering(
        problem.status, problem.body(), {"content-type": MEDIA_TYPE, **problem.headers, "x-inside": "redis"}
    )


async def silent(_: Request, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def not_http(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"Traceback (most recent call last):\r\n")
    await writer.drain()


def both(front: Front, service: str, behaviour: Behaviour) -> None:
    front.services[service].east.behaviour = behaviour
    front.services[service].west.behaviour = behaviour


def told(answer: httpx.Response) -> dict[str, object]:
    """The document of a failure, in which there is nothing that only the site's own people should see."""
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert not INSIDE.search(answer.text), answer.text
    assert not INSIDE.search(" ".join(answer.headers.values())), answer.headers
    document: dict[str, object] = answer.json()
    assert document["status"] == answer.status_code
    assert document["title"]
    return document


def slug(document: dict[str, object]) -> str:
    return str(document["type"]).rpartition("/")[2]


@pytest.mark.parametrize("path", [POST, STREAM])
async def test_a_service_that_fails_is_named_and_its_kind_of_failure(front: Front, path: str) -> None:
    service = "post" if path == POST else "notify"
    both(front, service, failing(STORE_IS_GONE))
    answer = await front.http.get(path, headers=front.signed_in())
    document = told(answer)
    assert (answer.status_code, slug(document)) == (503, "store-unavailable")
    assert document["title"] == STORE_IS_GONE.title
    assert service in str(document["detail"])
    assert answer.headers["retry-after"] == "1"


async def test_the_log_has_what_it_said_under_the_request(
    front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    both(front, "post", failing(STORE_IS_GONE))
    answer = await front.http.get(POST)
    (request, *_) = front.services["post"].requests
    assert request.headers["failwhale-request"] == answer.headers["failwhale-request"]
    assert STORE_IS_GONE.detail in caplog.text
    caplog.clear()
    both(front, "post", hanging_up)
    await front.http.get(POST)
    assert re.search(r"post: (the server closed the connection|the connection was lost)", caplog.text)


@pytest.mark.parametrize("behaviour", [hanging_up, silent, not_http], ids=["hangs up", "silent", "not HTTP"])
async def test_a_service_that_does_not_answer(start_front: StartFront, behaviour: Behaviour) -> None:
    front = await start_front(FRONTEND_DEADLINE="0.3")
    both(front, "post", behaviour)
    assert "post" in str(told(await front.http.get(POST))["detail"])


async def test_a_service_that_nobody_listens_for(front: Front) -> None:
    """As when its process is dead: the wire's error has the address, and the system's words."""
    dead = FakeReplica()
    server = await dead.start()
    server.close()
    await server.wait_closed()
    nobody = Replica("east", Address("127.0.0.1", dead.port))
    front.site.calls = {"post": Caller("post", [nobody], "east", None, front.site.protections)}
    document = told(await front.http.get(POST))
    assert slug(document) == "service-unreachable"
    assert "post" in str(document["detail"])


@pytest.mark.parametrize(
    "body",
    [
        b"Traceback (most recent call last):\n  File ...\nKeyError: 'name'",
        b"{}",
        b'{"detail":[{"loc":["body"],"msg":"b\'x\'"}]}',
        json.dumps({"type": "redis://store-east:6379/x", "title": "y", "status": 500, "detail": ""}).encode(),
        b"\xff\xfe",
        b"",
    ],
)
async def test_a_failure_that_is_no_problem_document_becomes_one(front: Front, body: bytes) -> None:
    both(front, "post", answering(500, body, {"content-type": "text/plain"}))
    document = told(await front.http.get(POST))
    assert slug(document) == "internal-error"


async def test_the_document_of_the_api_is_no_way_around(front: Front) -> None:
    for service in front.services:
        both(front, service, hanging_up)
    told(await front.http.get("/api/v1/openapi.json"))
    for service in front.services:
        both(front, service, failing(STORE_IS_GONE))
    told(await front.http.get("/api/v1/openapi.json"))


async def test_what_a_service_says_to_its_client_is_passed_on(front: Front) -> None:
    taken = Problem(409, "handle-taken", "This handle is taken", "@ann belongs to somebody.")
    both(front, "auth", failing(taken))
    answer = await front.http.post("/api/v1/accounts", json={"name": "ann", "password": "correct horse"})
    assert answer.json() == taken.document()


async def test_a_failure_in_answer_to_head(front: Front) -> None:
    both(front, "post", failing(STORE_IS_GONE))
    answer = await front.http.head(POST)
    assert answer.status_code == 503
    assert "x-inside" not in answer.headers


async def test_what_a_service_says_without_a_detail_is_in_the_log_as_a_whole_sentence(
    front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    both(front, "post", failing(Problem(500, "internal-error", "Something broke on our side")))
    await front.http.get(POST, headers=front.signed_in())
    said = [record.getMessage() for record in caplog.records]
    assert "post answered 500: Something broke on our side" in said
