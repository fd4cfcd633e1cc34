"""What a client may do, by its plan, and what is switched off for all: as the configuration says."""

from __future__ import annotations

from typing import Any

from services.platform.configuration.document import Document

POST = "/api/v1/posts/7"
PAGE = {"failwhale-client": "page"}


def go_by(front: Any, version: int, values: dict[str, Any]) -> None:
    front.site.configuration.take(Document(version, values=values))
    assert front.site.configuration.refused == ""


async def status(front: Any, method: str, path: str, headers: dict[str, str]) -> int:
    return (await front.http.request(method, path, headers=headers)).status_code


async def test_a_plan_without_access_is_refused_with_403(front: Any) -> None:
    go_by(front, 1, {"plans.own.access": "none"})
    refused = await front.http.get(POST, headers=PAGE)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (403, "not-in-your-plan")
    assert await status(front, "GET", POST, {}) == 200
    assert await status(front, "GET", POST, {"failwhale-client": "nobody knows"}) == 200
    assert await status(front, "GET", "/", PAGE) == 200
    go_by(front, 2, {"plans.own.access": "none", "clients.page": "free"})
    assert await status(front, "GET", POST, PAGE) == 200
    assert "failwhale-client" not in front.services["post"].requests[-1].headers


async def test_who_may_only_read_may_log_in(front: Any) -> None:
    go_by(front, 1, {"plans.free.access": "read"})
    signed_in = front.signed_in()
    assert await status(front, "GET", POST, signed_in) == 200
    assert await status(front, "POST", "/api/v1/sessions", signed_in) == 200
    assert await status(front, "PUT", f"{POST}/like", signed_in) == 403


async def test_limits_that_were_deleted_allow_nothing(front: Any) -> None:
    signed_in = front.signed_in()
    assert await status(front, "GET", POST, signed_in) == 200
    go_by(front, 1, {"plans.free.session-rate": None, "limits.address-rate": None})
    refused = await front.http.get(POST, headers=signed_in)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert await status(front, "GET", "/", {}) == 429
    go_by(front, 2, {})
    assert await status(front, "GET", POST, signed_in) == 200


async def test_what_was_taken_of_a_limit_stays_taken_when_another_key_changes(front: Any) -> None:
    signed_in = front.signed_in()
    tight = {"plans.free.session-rate": 0.1, "plans.free.session-burst": 1}
    go_by(front, 1, tight)
    assert await status(front, "GET", POST, signed_in) == 200
    go_by(front, 2, {**tight, "flags.second-factor": False})
    assert await status(front, "GET", POST, signed_in) == 429


async def test_a_feature_that_is_off_is_off_for_all(front: Any) -> None:
    go_by(front, 1, {"features.retweets": False})
    off = await front.http.put(f"{POST}/retweet", headers=front.signed_in())
    assert (off.status_code, off.json()["type"].rpartition("/")[2]) == (503, "switched-off")
    assert await status(front, "GET", f"{POST}/retweets", {}) == 200


async def test_a_part_refuses_what_is_no_plan(front: Any) -> None:
    front.site.configuration.take(Document(1, values={"plans.own.access": "all"}))
    assert "none of none, read, read-write" in front.site.configuration.refused
    assert await status(front, "GET", POST, PAGE) == 200


async def test_an_address_leads_to_where_it_says(front: Any) -> None:
    """Also to nobody: the other replica answers then."""
    west = f"127.0.0.1:{front.services['post'].west.port}"
    go_by(front, 1, {"addresses.post.east": "127.0.0.1:1"})
    for _ in range(4):
        assert await status(front, "GET", POST, {}) == 200
    assert not front.services["post"].east.requests
    go_by(front, 2, {"addresses.post.east": west})
    assert await status(front, "GET", POST, {}) == 200
    assert not front.services["post"].east.requests
    go_by(front, 3, {})
    assert await status(front, "GET", POST, {}) == 200
    assert len(front.services["post"].east.requests) == 1


async def test_who_is_drained_is_not_called_while_there_is_another(front: Any) -> None:
    east, west = front.services["post"].east, front.services["post"].west
    go_by(front, 1, {"drained.post.east": True})
    for _ in range(4):
        assert await status(front, "GET", POST, {}) == 200
    assert (len(east.requests), len(west.requests)) == (0, 4)
    go_by(front, 2, {"drained.post.east": True, "drained.post.west": True})
    assert await status(front, "GET", POST, {}) == 200
    go_by(front, 3, {"drained.post.west": True})
    before = len(west.requests)
    for _ in range(4):
        assert await status(front, "GET", POST, {}) == 200
    assert len(west.requests) == before
    assert len(east.requests) >= 4
