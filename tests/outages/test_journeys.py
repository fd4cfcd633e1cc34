"""Each journey goes red exactly when what it stands for is broken, and green again when it is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from fake_site import Close, FakeSite, Problem
from prober_under_test import Running, until

from outages import fixture_upkeep
from outages.accounts import ProberAccount
from outages.journey_names import NAMES

EVERYTHING = set(NAMES)
SESSIONS = {"login", "login-second-factor"}
DELIVERIES = {"freshness", "notification", "live-stream"}


def error(status: int) -> Callable[[], None]:
    def fail() -> None:
        raise Problem(status)

    return fail


def close() -> None:
    raise Close


async def hang() -> None:
    await asyncio.sleep(60)


async def be_slow() -> None:
    await asyncio.sleep(1.4)


def on(pattern: str, fault: Callable[[], object]) -> Callable[[FakeSite], AbstractContextManager[None]]:
    return lambda site: site.fault(pattern, fault)


def setting(name: str, value: object) -> Callable[[FakeSite], AbstractContextManager[None]]:
    @contextmanager
    def changed(site: FakeSite) -> Iterator[None]:
        before = getattr(site, name)
        setattr(site, name, value)
        try:
            yield
        finally:
            setattr(site, name, before)

    return changed


def lost(post: dict[str, str]) -> dict[str, str]:
    """The poster's posts are acknowledged under an id that nobody finds."""
    return {**post, "id": "77"} if "whale" in post["text"] else post


def by_others(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**item, "actor": {"id": "1", "name": "somebody"}} for item in items]


@contextmanager
def undelivered(site: FakeSite) -> Iterator[None]:
    site.delivered = False
    try:
        yield
    finally:
        site.deliver_late()


@contextmanager
def retweets_lost(site: FakeSite) -> Iterator[None]:
    """None is kept, but for a stranger's of every post."""
    site.retweeting = False
    for post in site.posts:
        site.retweets[post] = {"somebody else"}
    try:
        yield
    finally:
        site.retweeting = True
        site.retweets.clear()


CASES = {
    # what is broken: how, the journeys that go red, and the error that they name
    "page errors": (on("GET /", error(500)), {"page"}, "status: 500"),
    "page without its marker": (setting("page", b"<title>parked</title>"), {"page"}, "wrong-content"),
    "logins close": (on("POST /sessions", close), SESSIONS, "closed"),
    "sessions of a login are unknown": (
        on("GET /me/second-factor", error(401)),
        SESSIONS,
        "status: 401",
    ),
    "codes are refused": (
        on("POST /sessions/second-factor", error(401)),
        {"login-second-factor"},
        "status: 401",
    ),
    "second factors are not asked for": (
        setting("second_factors", False),
        {"login-second-factor"},
        "no second factor was asked for",
    ),
    "posts error": (on("POST /posts", error(503)), {"post"}, "status: 503"),
    "posts hang": (on("POST /posts", hang), {"post"}, "time-out"),
    "posts come back changed": (
        setting("created", lambda post: {**post, "text": "?"}),
        {"post"},
        "wrong-content",
    ),
    "acknowledged posts vanish": (setting("created", lost), {"read-back"}, "wrong-content"),
    "posts without a replica vanish": (
        setting("created", lambda post: {**lost(post), "replicated": False}),
        {"read-back"},
        "was acknowledged as not replicated",
    ),
    "retweets error": (on("PUT /posts/.*/retweet", error(500)), {"retweet"}, "status: 500"),
    "retweets vanish": (retweets_lost, {"retweet"}, "wrong-content"),
    "home timelines are empty": (
        setting("timeline", lambda items: []),
        {"home-timeline", "freshness"},
        "",
    ),
    "home timelines are upside down": (
        setting("timeline", lambda items: items[::-1]),
        {"home-timeline"},
        "wrong-content: wrong order",
    ),
    "home timelines show posts twice": (
        setting("timeline", lambda items: [*items, *items]),
        {"home-timeline"},
        "wrong-content: posts twice",
    ),
    "nothing is delivered": (undelivered, DELIVERIES, "time-out"),
    "the stream is silent": (setting("streaming", False), {"live-stream"}, "time-out"),
    "the stream is not there": (
        on("GET /notifications/stream", error(404)),
        {"live-stream"},
        "status: 404",
    ),
    "notifications are somebody else's": (
        setting("inbox", by_others),
        {"notification"},
        "wrong-content: notifications of somebody else",
    ),
    "notifications error": (
        on("GET /notifications", error(502)),
        {"notification"},
        "status: 502",
    ),
    "protected posts leak": (setting("leaks", True), {"protected-posts"}, "wrong-content: leak"),
    "homes keep protected posts": (
        setting("lingers", True),
        {"protected-posts"},
        "leak: a home timeline is shown to a follower who was removed",
    ),
}


SLOW_TO_SHOW = [name for name, case in CASES.items() if case[2] == "time-out"]


async def test_exactly_the_right_journeys_go_red(site: FakeSite, running: Running) -> None:
    for name in (name for name in CASES if name not in SLOW_TO_SHOW):
        await break_and_heal(site, running, name)


@pytest.mark.parametrize("name", SLOW_TO_SHOW)
async def test_what_hangs_is_a_time_out(site: FakeSite, running: Running, name: str) -> None:
    await break_and_heal(site, running, name)


async def break_and_heal(site: FakeSite, running: Running, name: str) -> None:
    """Play one case: its journeys go down, no other, and their outages are closed when it is over."""
    broken, expected, message = CASES[name]
    before = len(running.closed())

    def closed() -> set[str]:
        return {row["journey"] for row in running.closed()[before:] if row["type"] == "down"}

    with broken(site):
        await until(lambda: running.down() >= expected, f"{name}: {expected} to go down")
        await running.everybody_tries_again()
        assert running.down() == expected, name
        for journey in expected:
            assert message in running.prober.rows()[journey]["last_error"], name
    await running.all_green()
    await until(lambda: closed() >= expected, f"{name}: every outage closed")
    assert closed() == expected, name


async def test_slow_is_a_kind_of_its_own(site: FakeSite, running: Running) -> None:
    with site.fault("GET /timelines/home", be_slow):
        await until(
            lambda: running.in_state("slow") >= {"home-timeline", "freshness", "protected-posts"}, "slow"
        )
        await running.everybody_tries_again()
        assert running.down() == set()
    await running.all_green()
    await until(lambda: len(running.closed()) == 3, "all closed")
    assert {row["type"] for row in running.closed()} == {"slow"}


async def test_an_edge_that_refuses_is_gone_around(site: FakeSite, running: Running) -> None:
    await site.close("west")
    await until(lambda: running.down() == {"handshake-west"}, "one handshake to fail")
    await running.everybody_tries_again()
    assert running.down() == {"handshake-west"}
    assert running.prober.rows()["handshake-west"]["last_error"].startswith("refused: ")
    await site.open("west")
    await running.all_green()


async def test_nobody_goes_around_a_bad_certificate(site: FakeSite, running: Running) -> None:
    site.present("east", site.authority.issue(expired=True))
    both_edges = EVERYTHING - {"handshake-west"}
    await until(lambda: running.down() >= both_edges, "every journey by way of east to fail")
    assert running.down() == both_edges
    assert running.prober.rows()["page"]["last_error"] == "handshake: certificate has expired"
    site.present("east", site.authority.issue())
    await running.all_green()


async def test_a_certificate_of_a_foreign_authority_or_name_is_refused(
    site: FakeSite, running: Running, tmp_path: object
) -> None:
    site.present("west", site.authority.issue(host="example.org"))
    await until(lambda: "handshake-west" in running.down(), "the handshake to fail")
    assert "handshake: " in running.prober.rows()["handshake-west"]["last_error"]


async def test_an_outage_begins_and_ends_when_the_fault_does(site: FakeSite, running: Running) -> None:
    applied = time.time()
    with site.fault("GET /", error(500)):
        await until(lambda: "page" in running.down(), "the page to go down")
        await running.everybody_tries_again()
        reverted = time.time()
    await until(lambda: running.closed(), "the outage closed")
    (row,) = running.closed()
    assert applied - 0.1 < row["start"] < applied + 0.4
    assert reverted - 0.2 < row["end"] < reverted + 0.3
    assert row["failed"] == row["attempts"] >= 3


async def test_everything_is_tidied_up(site: FakeSite, running: Running) -> None:
    await running.everybody_tries_again(10)
    await running.stop()
    # 7 posts of the cast, those that may still be read, and what was cut off by the stop
    assert len(site.posts) < 7 + running.prober.probes["post"].attempts + 8
    texts = [post["text"] for post in site.posts.values()]
    assert sum("Fresh" in text for text in texts) <= 3
    assert sum(map(len, site.retweets.values())) <= 2  # again, what the stop cut off before it was undone


async def test_the_hermit_becomes_a_celebrity(
    site: FakeSite, quick: None, make_running: Callable[[], Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixture_upkeep, "AUDIENCE", 6)
    running = make_running()
    hermit = running.prober.cast["hermit"].name

    def followers() -> int:
        return sum(hermit in user.following for user in site.users.values())

    await until(lambda: followers() == 6, "an audience")
    await running.everybody_tries_again(3)
    assert followers() == 6


async def test_a_store_that_lost_everything_gets_a_new_cast(site: FakeSite, running: Running) -> None:
    before = running.prober.cast.canary
    site.forget_everything()
    await until(lambda: running.not_green(), "somebody to notice")
    await until(lambda: running.prober.cast.canary != before, "a new cast")
    await running.all_green()
    kinds = [record["kind"] for record in running.prober.ledger.read()]
    assert "cast.lost" in kinds


async def test_posts_that_were_deleted_and_are_back_are_deleted_again(
    site: FakeSite, running: Running
) -> None:
    old = site.posts[running.prober.cast.timeline[-1]]
    back = str(int(old["id"]) - 1000)
    site.posts[back] = {**old, "id": back}
    await until(lambda: "home-timeline" in running.down(), "somebody to notice")
    await running.all_green()
    assert back not in site.posts
    lost = [row["what"] for row in running.prober.ledger.read() if row["kind"] == "cast.lost"]
    assert lost == ["that posts of author_a were deleted: 1 are back"]


async def test_second_factors_that_no_replica_had_may_be_lost(
    site: FakeSite, quick: None, make_running: Callable[[], Running]
) -> None:
    site.replicated = False
    running = make_running()
    await running.all_green()
    enrolled = [account for account in running.prober.cast.codes.accounts if account.secret]
    for account in enrolled:
        account.used_step = 0  # each may be asked for at once, instead of in the next thirty seconds
    lost = {account.name for account in enrolled}
    site.replicated = True
    site.forget_second_factors()
    probe = running.prober.probes["login-second-factor"]
    logins = probe.attempts

    def names() -> set[str]:
        return {account.name for account in running.prober.cast.codes.accounts}

    await until(lambda: not names() & lost, "others in their place")
    await until(lambda: probe.attempts > logins, "a login of one of them")
    assert probe.failed == 0, "nobody was promised that they are kept"
    written = [row["what"] for row in running.prober.ledger.read() if row["kind"] == "cast.lost"]
    assert sorted(written) == sorted(f"the second factor of {name}" for name in lost)


async def test_sessions_that_the_site_no_longer_knows_are_renewed(site: FakeSite, running: Running) -> None:
    reader = running.prober.cast["reader"]
    site.tokens.clear()
    await until(lambda: reader.token in site.tokens, "the reader to be logged in again")
    await running.all_green()


async def test_a_prober_started_again_goes_on_with_the_same_people(site: FakeSite, running: Running) -> None:
    names, timeline = set(site.users), running.prober.cast.timeline
    again = await running.again()
    try:
        await again.all_green()
        assert again.prober.cast.timeline == timeline
        assert names <= set(site.users)
        assert {name for name in site.users if name not in names} <= {
            account.name for account in again.prober.cast.codes.accounts
        }
    finally:
        await again.stop()


async def test_a_site_that_is_still_starting_has_no_outage(
    site: FakeSite, quick: None, make_running: Callable[[], Running]
) -> None:
    await site.close("east")
    await site.close("west")
    running = make_running()
    await until(lambda: running.prober.probes["page"].counts["starting"] > 3, "failed attempts")
    await site.open("east")
    await site.open("west")
    await running.all_green()
    assert not running.opened()


def test_an_account_logs_in_as_on_a_device_that_was_used_before() -> None:
    account = ProberAccount("visitor", "ann", "correct horse")
    assert account.credentials == {"name": "ann", "password": "correct horse"}
    account.admitted({"token": "t", "device": "d"})
    assert ProberAccount(**account.saved()).credentials["device"] == "d"
