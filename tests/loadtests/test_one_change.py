"""One change: what is asked about it, and what follows; against an API that is told what to say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loadtests.acknowledged import Acknowledged
from loadtests.changes import Changed
from loadtests.findings import Finding, Findings
from loadtests.public_api import Unreadable

AT = "2026-01-01T00:00:00.000000Z"
SAID = f"acknowledged at {AT}, and it is not so"


class Api:
    """Answers every question in one way, and remembers what it was asked, and as whom."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple[str, ...]] = []

    async def find(self, path: str, reader: str) -> Any:
        self.asked.append(("find", path, reader))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def get(self, path: str, reader: str) -> Any:
        self.asked.append(("get", path, reader))
        return self.answer

    async def is_ended(self, token: str) -> bool:
        self.asked.append(("is_ended", token))
        return bool(self.answer)


def changed(kind: str, subject: str = "5", *, replicated: bool = True) -> Changed:
    return Changed(Acknowledged(subject, "ann", "t0k3n", replicated, "one", AT, kind))


def look(one: Changed, answer: Any) -> Api:
    api = Api(answer)
    asyncio.run(one.look(api))
    return api


def findings(one: Changed, but: Any = ()) -> dict[str, list[Finding]]:
    findings = Findings(None, "")
    one.judge(findings, but=but)
    kinds = ("lost", "duplicated", "altered", "returned", "lost_as_announced", "unknown")
    return {kind: getattr(findings, kind) for kind in kinds if getattr(findings, kind)}


ASKED = [
    ("like", "5", {"liked": True}, {"liked": False}, ("find", "/posts/5/likes", "ann")),
    ("retweet", "5", {"retweeted": True}, {"retweeted": False}, ("find", "/posts/5/retweets", "ann")),
    ("undo-retweet", "5", {"retweeted": False}, {"retweeted": True}, ("find", "/posts/5/retweets", "ann")),
    ("follow", "b b", {"state": "following"}, {"state": "none"}, ("find", "/users/b%20b", "ann")),
    ("follow", "bob", {"state": "requested"}, {"state": "self"}, ("find", "/users/bob", "ann")),
    ("protect", "ann", {"protected": True}, {"protected": False}, ("get", "/users/ann", "ann")),
    ("unprotect", "ann", {"protected": False}, {"protected": True}, ("get", "/users/ann", "ann")),
    ("revoke", "a session", True, False, ("is_ended", "t0k3n")),
]


@pytest.mark.parametrize(("kind", "subject", "kept", "broken", "asked"), ASKED)
def test_each_kind_is_asked_about_and_judged(
    kind: str, subject: str, kept: Any, broken: Any, asked: tuple[str, ...]
) -> None:
    one = changed(kind, subject)
    assert look(one, kept).asked == [asked]
    assert one.is_complete()
    assert findings(one) == {}

    look(one, broken)
    assert not one.is_complete()
    word = "returned" if kind in ("undo-retweet", "unprotect") else "lost"
    assert findings(one) == {word: [Finding(subject, "ann", kind, SAID)]}
    announced = changed(kind, subject, replicated=False)
    look(announced, broken)
    assert findings(announced) == {"lost_as_announced": [Finding(subject, "ann", kind, SAID)]}


@pytest.mark.parametrize("kind", ["like", "retweet", "undo-retweet", "follow"])
def test_what_is_about_something_that_is_gone_is_unknown(kind: str) -> None:
    one = changed(kind)
    look(one, None)
    assert not one.is_complete()
    what = "what it is about is not there any more"
    assert findings(one) == {"unknown": [Finding("5", "ann", kind, what)]}
    assert findings(one, but={"6"}) == findings(one)
    assert findings(one, but={"5"}) == {}, "the post is judged by itself"


def test_what_cannot_be_read_is_unknown_until_it_can() -> None:
    one = changed("like")
    assert not one.is_complete()
    assert findings(one) == {"unknown": [Finding("5", "ann", "like", "it was never looked at")]}
    look(one, Unreadable("503"))
    assert not one.is_complete()
    assert findings(one, but={"5"}) == {"unknown": [Finding("5", "ann", "like", "503")]}
    look(one, {"liked": True})
    assert one.is_complete()
    assert (one.unreadable, findings(one)) == ("", {})
    look(one, Unreadable("502"))
    assert not one.is_complete(), "what was seen before does not count"
