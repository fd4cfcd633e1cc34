"""Who is let in no more, and who it is that guesses passwords: as somebody on call needs it."""

from __future__ import annotations

from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from services.frontend.failed_logins import MOST_KEPT, FailedLogins
from services.platform.configuration.document import Document
from services.platform.identity import User

from .conftest import ANN, answering

POST = "/api/v1/posts/7"
BUSIEST = "login_failures_busiest_source"


def go_by(front: Any, version: int, **blocked: Any) -> None:
    values = {f"blocked.{what}": names for what, names in blocked.items()}
    front.site.configuration.take(Document(version, values=values))


def refused(answer: httpx.Response) -> bool:
    said = answer.json().get("type", "") if answer.status_code == 403 else ""
    return str(said).endswith("/blocked")


async def test_a_blocked_address_gets_nothing_until_it_is_let_in_again(front: Any) -> None:
    go_by(front, 1, addresses=["192.0.2.7"])
    assert not refused(await front.http.get(POST))
    go_by(front, 2, addresses=["192.0.2.7", "127.0.0.1"])
    for path in (POST, "/", "/api/v1/no-such"):
        assert refused(await front.http.get(path, headers=front.signed_in()))
    assert len(front.services["post"].requests) == 1
    go_by(front, 3)
    assert (await front.http.get(POST)).status_code == 200


async def test_of_a_blocked_account_no_session_is_let_in(front: Any) -> None:
    go_by(front, 1, accounts=["EVE"])
    assert refused(await front.http.get(POST, headers=front.signed_in(User(42, "Eve"))))
    assert (await front.http.get(POST, headers=front.signed_in(ANN))).status_code == 200
    assert (await front.http.get(POST)).status_code == 200


async def test_what_is_no_list_is_refused(front: Any) -> None:
    go_by(front, 1, addresses=["127.0.0.1"])
    go_by(front, 2, addresses=7)
    assert front.site.configuration.refused
    assert refused(await front.http.get(POST))


async def test_logins_with_a_wrong_password_are_counted_by_their_source(front: Any) -> None:
    def busiest() -> float | None:
        return front.site.metrics.registry.get_sample_value(BUSIEST)

    async def log_in(status: int, path: str = "/api/v1/sessions") -> None:
        for replica in (front.services["auth"].east, front.services["auth"].west):
            replica.behaviour = answering(status)
        assert (await front.http.post(path)).status_code == status

    await log_in(201)
    await log_in(401, "/api/v1/sessions/second-factor")
    assert busiest() == 0
    await log_in(401)
    await log_in(401)
    assert busiest() == 2
    inside = httpx.AsyncClient(transport=httpx.ASGITransport(front.internal), base_url="https://frontend")
    async with inside:
        operator = {"authorization": "Bearer control-token"}
        said = (await inside.get("/-/failed-logins", headers=operator)).json()
        assert said == {"seconds": 10.0, "sources": [{"address": "127.0.0.1", "failures": 2}]}
        assert (await inside.get("/-/failed-logins")).status_code == 401
    assert (await front.http.get("/-/failed-logins")).status_code == 404


def test_what_is_long_ago_counts_no_more() -> None:
    now = 100.0
    failed = FailedLogins(CollectorRegistry(), lambda: now)
    for address in ("a", "b", "b"):
        failed.note(address)
    assert list(failed.by_source().items()) == [("b", 2), ("a", 1)]
    now += 9
    failed.note("a")
    now += 2
    assert failed.by_source() == {"a": 1}


def test_it_holds_no_more_than_so_many() -> None:
    failed = FailedLogins(CollectorRegistry(), lambda: 1.0)
    for number in range(2 * MOST_KEPT):
        failed.note(str(number))
    assert len(failed.by_source()) == MOST_KEPT
