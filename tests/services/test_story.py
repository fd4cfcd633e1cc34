"""The domain services together, over one store: what one writes the others show."""

from __future__ import annotations

import asyncio
from importlib import import_module

import pytest

DOMAINS = ["auth", "post", "retweet", "timeline", "notify"]


class Site:
    """Sends each request to the service that a front end would send it to."""

    def __init__(self, services):
        self.services = services

    async def __call__(self, domain, method, path, user=None, **more):
        answer = await self.services[domain].call(method, path, user, **more)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def sign_up(self, name):
        account = await self("auth", "POST", "/accounts", json={"name": name, "password": "correct horse"})
        return int(account["id"]), account["name"]

    async def home(self, user):
        return (await self("timeline", "GET", "/timelines/home", user))["items"]

    async def kinds(self, user):
        items = (await self("notify", "GET", "/notifications", user))["items"]
        return [(item["kind"], item["actor"]["name"]) for item in items]


@pytest.fixture
async def site(start_service):
    return Site(
        {
            name: await start_service(name, import_module(f"services.{name}.__main__").application)
            for name in DOMAINS
        }
    )


async def until(ask, wanted):
    """Wait until `ask()` answers what is wanted: events take a moment."""
    for _ in range(500):
        found = await ask()
        if found == wanted:
            return
        await asyncio.sleep(0.01)
    assert found == wanted


async def test_what_one_service_writes_the_others_show(site):
    ann, bob, eve = [await site.sign_up(name) for name in ("ann", "Bob", "eve")]
    await site("timeline", "PUT", "/users/ann/follow", bob)
    await site("timeline", "PUT", "/users/bob/follow", eve)

    post = await site("post", "POST", "/posts", ann, json={"text": "hello @eve"})
    assert post.pop("replicated") is True
    assert await site.home(ann) == [post]
    await until(lambda: site.home(bob), [post])
    assert await site.home(eve) == []

    await site("retweet", "PUT", f"/posts/{post['id']}/retweet", bob)
    await site("post", "PUT", f"/posts/{post['id']}/like", eve)
    counted = post | {"likes": 1, "retweets": 1}
    retweeted_by = {"id": str(bob[0]), "name": "Bob"}
    await until(lambda: site.home(eve), [counted | {"retweeted_by": retweeted_by}])
    assert await site.home(ann) == [counted]

    await until(lambda: site.kinds(ann), [("like", "eve"), ("retweet", "Bob"), ("follow", "Bob")])
    await until(lambda: site.kinds(eve), [("mention", "ann")])
    assert (await site("timeline", "GET", "/users/ann", bob))["posts"] == 1

    await site("retweet", "DELETE", f"/posts/{post['id']}/retweet", bob)
    await until(lambda: site.home(eve), [])
    await site("post", "DELETE", f"/posts/{post['id']}", ann)
    assert await site.home(bob) == await site.home(ann) == []


async def test_a_protected_account_shows_itself_to_whom_it_approves(site):
    ann, bob, eve = [await site.sign_up(name) for name in ("ann", "bob", "eve")]
    await site("post", "PUT", "/me/protection", ann)
    post = await site("post", "POST", "/posts", ann, json={"text": "@eve is not told of this"})
    assert await site("timeline", "PUT", "/users/ann/follow", bob) == {"state": "requested"}
    await until(lambda: site.kinds(ann), [("follow-request", "bob")])
    assert await site.home(bob) == []

    await site("timeline", "PUT", "/me/follow-requests/bob", ann)
    assert [item["id"] for item in await site.home(bob)] == [post["id"]]
    later = await site("post", "POST", "/posts", ann, json={"text": "for friends"})
    newest = [later["id"], post["id"]]

    async def ids():
        return [item["id"] for item in await site.home(bob)]

    await until(ids, newest)
    for domain, path in (
        ("post", f"/posts/{post['id']}"),
        ("retweet", f"/posts/{post['id']}/retweets"),
        ("timeline", "/timelines/users/ann"),
    ):
        assert (await site.services[domain].call("GET", path, eve)).status_code == 404
        assert (await site.services[domain].call("GET", path, bob)).status_code == 200
    assert (
        await site.services["retweet"].call("PUT", f"/posts/{post['id']}/retweet", bob)
    ).status_code == 403
    assert await site.kinds(eve) == []

    await site("timeline", "DELETE", "/me/followers/bob", ann)
    assert await site.home(bob) == []
