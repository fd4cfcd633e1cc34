"""What a session remembers, and what a page should have shown of it."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.session import Session, missing_from


def page(*posts: int | tuple[int, bool], more: str | None = None) -> Any:
    items = [
        {"id": str(post[0]), "retweeted_by": {"name": "ann"}}
        if isinstance(post, tuple)
        else {"id": str(post)}
        for post in posts
    ]
    return {"items": items, "next": more}


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        (page(9, 7, 5), []),
        (page(9, 5), ["7"]),
        (page(9, (7, True), 5), []),
        (page(), ["7"]),
        (page(9), ["7"]),
        # There is more, and nothing on this page is older: it may stand below.
        (page(9, 8, more="c"), []),
        (page(9, 7, more="c"), []),
        (page(9, 6, more="c"), ["7"]),
        # Where a retweet stands is not told.
        (page(9, (6, True), more="c"), []),
        (page((6, True), more="c"), []),
        (page((8, True), 6, more="c"), ["7"]),
    ],
)
def test_a_post_is_missing_only_where_it_must_stand_on_the_page(shown: Any, missing: list[str]) -> None:
    assert missing_from(shown, ["7"]) == missing


def test_each_is_missed_by_itself() -> None:
    assert missing_from(page(9, 5, more="c"), ["8", "9", "7", "4"]) == ["8", "7"]
    assert missing_from(page(9), []) == []


def test_a_session_remembers_what_stood_where_it_was_posted_and_the_last_look_alone() -> None:
    session = Session()
    assert session.seen_of("ann") == []
    session.see("ann", page(9, (8, True), 7))
    assert session.seen_of("ann") == ["9", "7"]
    session.see("ann", page(11))
    assert session.seen_of("ann") == ["11"]
    assert session.seen_of("bob") == []


def test_a_session_forgets_whom_it_has_looked_at_least_lately() -> None:
    session = Session()
    for number in range(20):
        session.see(f"somebody{number}", page(number + 1))
    session.see("somebody0", page(50))
    session.see("ann", page(51))
    assert session.seen_of("somebody1") == []
    assert [session.seen_of(name) for name in ("somebody0", "somebody2", "ann")] == [["50"], ["3"], ["51"]]


def test_what_was_missed_once_is_forgotten_and_so_is_what_is_long_ago() -> None:
    session = Session()
    session.written.extend(map(str, range(25)))
    assert list(session.written) == [str(number) for number in range(5, 25)]
    session.forget("7")
    session.forget("nothing")
    assert "7" not in session.written
    assert len(session.written) == 19
