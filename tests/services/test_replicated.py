"""Every answer to a write says whether a replica has it; what must not come back is refused without one."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import httpx
import pyotp
import pytest

from services.auth.codes import STEP_SECONDS
from services.platform.documents import describe
from services.platform.replicated import HEADER

DOMAINS = ["auth", "post", "retweet", "timeline", "notify"]
PASSWORD = "correct horse"


class Site:
    """The domain services, with two people and a post of the first one."""

    def __init__(self, services: dict[str, Any]) -> None:
        self.services = services
        self.secret = ""

    async def call(
        self, domain: str, method: str, path: str, user: Any = None, **more: Any
    ) -> httpx.Response:
        answer: httpx.Response = await self.services[domain].call(method, path, user, **more)
        return answer

    async def settle(self) -> None:
        for name in ("ann", "bob"):
            body = {"name": name, "password": PASSWORD}
            answer = await self.call("auth", "POST", "/accounts", json=body)
            assert answer.headers[HEADER] == "true"
            account = answer.json()
            setattr(self, name, (int(account["id"]), name))
            self.token = account["token"]
        self.post = (await self.call("post", "POST", "/posts", self.ann, json={"text": "hello"})).json()["id"]

    def code(self, ahead: int) -> dict[str, str]:
        return {"code": pyotp.TOTP(self.secret).generate_otp(int(time.time()) // STEP_SECONDS + ahead)}


@pytest.fixture
async def site(start_service: Any) -> Site:
    applications = {name: import_module(f"services.{name}.__main__").application for name in DOMAINS}
    site = Site({name: await start_service(name, make) for name, make in applications.items()})
    await site.settle()
    return site


WRITES: list[tuple[str, str, str, Callable[[Site], dict[str, Any]]]] = [
    ("post", "POST", "/posts", lambda _: {"json": {"text": "again"}}),
    ("post", "PUT", "/posts/{post}/like", lambda _: {}),
    ("post", "DELETE", "/posts/{post}/like", lambda _: {}),
    ("post", "PUT", "/me/protection", lambda _: {}),
    ("post", "DELETE", "/me/protection", lambda _: {}),
    ("retweet", "PUT", "/posts/{post}/retweet", lambda _: {}),
    ("retweet", "DELETE", "/posts/{post}/retweet", lambda _: {}),
    ("timeline", "PUT", "/users/ann/follow", lambda _: {}),
    ("timeline", "DELETE", "/users/ann/follow", lambda _: {}),
    ("notify", "PUT", "/notifications/read", lambda site: {"json": {"up_to": site.post}}),
    ("auth", "POST", "/me/second-factor", lambda _: {}),
    ("auth", "POST", "/me/second-factor/confirm", lambda site: {"json": site.code(0)}),
    ("auth", "DELETE", "/me/second-factor", lambda site: {"json": site.code(1)}),
    (
        "auth",
        "DELETE",
        "/sessions/current",
        lambda site: {"headers": {"authorization": f"Bearer {site.token}"}},
    ),
    ("auth", "DELETE", "/sessions", lambda _: {}),
]
REQUIRED = {"/me/protection", "/sessions/current", "/sessions"}
"""What is refused without a replica: posts and sessions that somebody believes to be out of reach."""


async def write(site: Site, domain: str, method: str, path: str, more: dict[str, Any]) -> httpx.Response:
    answer = await site.call(domain, method, path.format(post=site.post), site.bob, **more)
    if path == "/me/second-factor" and method == "POST":
        site.secret = answer.json()["secret"]
    return answer


async def test_every_write_says_that_it_is_replicated_and_nothing_else_does(site: Site) -> None:
    for domain, method, path, more in WRITES:
        answer = await write(site, domain, method, path, more(site))
        assert answer.is_success, (method, path, answer.text)
        assert answer.headers.get(HEADER) == "true", (method, path)
    for domain, path in (("post", f"/posts/{site.post}"), ("timeline", "/users/ann")):
        assert HEADER not in (await site.call(domain, "GET", path, site.bob)).headers
    log_in = await site.call("auth", "POST", "/sessions", json={"name": "ann", "password": PASSWORD})
    assert log_in.is_success
    assert HEADER not in log_in.headers
    missing = await site.call("post", "PUT", "/posts/99/like", site.bob)
    assert (missing.status_code, HEADER in missing.headers) == (404, False)


async def test_without_a_replica_every_write_says_so_or_is_refused(site: Site, sentinels: Any) -> None:
    sentinels.pair.replica.pause()
    try:
        for domain, method, path, more in WRITES:
            answer = await write(site, domain, method, path, more(site))
            if path in REQUIRED:
                assert answer.status_code == 503, (method, path)
                assert answer.json()["type"].endswith("/not-replicated")
                assert answer.headers["retry-after"]
                assert HEADER not in answer.headers
            else:
                assert answer.is_success, (method, path, answer.text)
                assert answer.headers.get(HEADER) == "false", (method, path)
    finally:
        sentinels.pair.replica.resume()
        sentinels.pair.wait_for_replica()


async def test_the_documents_say_where_it_is_said(site: Site) -> None:
    for domain, service in site.services.items():
        for path, operations in describe(service.app)["paths"].items():
            for method, operation in operations.items():
                good = [found for status, found in operation["responses"].items() if status[0] == "2"]
                said = all(HEADER in found.get("headers", {}) for found in good)
                assert said == (method != "get"), (domain, method, path)


async def test_who_likes_a_post_is_told_to_whom_may_see_it(site: Site) -> None:
    path = f"/posts/{site.post}/likes"
    assert (await site.call("post", "GET", path)).json() == {"count": 0, "liked": False}
    await site.call("post", "PUT", f"/posts/{site.post}/like", site.bob)
    assert (await site.call("post", "GET", path, site.bob)).json() == {"count": 1, "liked": True}
    assert (await site.call("post", "GET", path, site.ann)).json() == {"count": 1, "liked": False}
    await site.call("post", "PUT", "/me/protection", site.ann)
    assert (await site.call("post", "GET", path, site.bob)).status_code == 404
    assert (await site.call("post", "GET", path, site.ann)).status_code == 200
    assert (await site.call("post", "GET", "/posts/99/likes")).status_code == 404
