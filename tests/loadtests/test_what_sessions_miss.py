"""What a visitor takes down beside acknowledgements: what is sent, what was refused, and what was missed."""

from __future__ import annotations

import random
from typing import Any

import pytest

from loadtests.acknowledged import Acknowledged, Record, read_all
from loadtests.crowd import Crowd
from loadtests.marks import load_of
from loadtests.outcome import BROKEN, TIMEOUT, Outcome
from loadtests.visitor import LOOKING_AFTER, POSTING, READING, RETWEETING, Visitor


class Scripted:
    """A browser whose answers are given, one after the other; the last one again and again."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.asked: list[tuple[str, str]] = []

    def ask(self, method: str, path: str, **_: Any) -> Outcome:
        self.asked.append((method, path.removeprefix("/api/v1")))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]


@pytest.fixture
def browser() -> Scripted:
    return Scripted()


@pytest.fixture
def visitor(fake_site: Any, browser: Scripted) -> Any:
    """Somebody who is logged in and has seen a post."""
    record = Record(fake_site.record, "one")
    crowd = Crowd(fake_site.target.census)
    visitor = Visitor(crowd.somebody(), "east", browser, crowd, record=record, chance=random.Random(1))  # type: ignore[arg-type]
    log_in(visitor, browser)
    visitor._seen.append("17")
    yield visitor
    record.close()


def log_in(visitor: Visitor, browser: Scripted) -> None:
    browser.answers = [Outcome(200, {"token": "t0k3n"}, "")]
    visitor.log_in()
    browser.asked.clear()


def answer(browser: Scripted, *answers: Outcome | BaseException) -> None:
    browser.answers = list(answers)


def written(post: str = "7", replicated: bool = True) -> Outcome:
    return Outcome(201, {"id": post, "replicated": replicated}, "")


def page(*posts: int, more: str | None = None) -> Outcome:
    items = [{"id": str(post), "author": {"name": "somebody"}} for post in posts]
    return Outcome(200, {"items": items, "next": more}, "")


def lines(site: Any) -> list[Acknowledged]:
    return list(read_all(site.record))


def missed(site: Any) -> list[tuple[str, str, str]]:
    return [(line.kind, line.id, line.text) for line in lines(site) if line.kind in ("unseen", "gone")]


# --- posts ---


def test_a_post_is_taken_down_before_it_is_sent(fake_site: Any, visitor: Visitor, browser: Scripted) -> None:
    answer(browser, written())
    visitor.write_post()
    sent, acknowledged = lines(fake_site)
    assert (sent.kind, sent.id, sent.replicated) == ("post-sent", "", None)
    assert (acknowledged.kind, acknowledged.id, acknowledged.replicated) == ("post", "7", True)
    assert sent.text == acknowledged.text
    assert load_of(sent.text) == "one"
    assert sent.author == visitor.name

    answer(browser, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        visitor.write_post()
    assert [line.kind for line in lines(fake_site)][2:] == ["post-sent"]


@pytest.mark.parametrize("status", [400, 401, 403, 413, 422, 429])
def test_a_post_that_was_refused_is_taken_down(
    fake_site: Any, visitor: Visitor, browser: Scripted, status: int
) -> None:
    answer(browser, Outcome(status, None, f"status-{status}"))
    visitor.write_post()
    sent, refused = lines(fake_site)
    assert (refused.kind, refused.id, refused.text) == ("post-refused", "", sent.text)


@pytest.mark.parametrize(
    "answers",
    [
        [Outcome(503, None, "shed")],
        [Outcome(500, None, "status-500")],
        [Outcome(404, None, "status-404")],
        [Outcome(0, None, TIMEOUT)],
        [Outcome(0, None, BROKEN), Outcome(0, None, TIMEOUT)],
        [Outcome(0, None, BROKEN), Outcome(422, None, "status-422")],
    ],
)
def test_what_may_be_there_or_not_is_neither(
    fake_site: Any, visitor: Visitor, browser: Scripted, answers: list[Outcome]
) -> None:
    answer(browser, *answers)
    visitor.write_post()
    assert [line.kind for line in lines(fake_site)] == ["post-sent"]


def test_a_post_whose_answer_broke_off_is_sent_again_and_acknowledged_once(
    fake_site: Any, visitor: Visitor, browser: Scripted
) -> None:
    answer(browser, Outcome(0, None, BROKEN), written())
    visitor.write_post()
    assert [line.kind for line in lines(fake_site)] == ["post-sent", "post"]


def test_a_change_that_is_cut_off_is_unknown(fake_site: Any, visitor: Visitor, browser: Scripted) -> None:
    answer(browser, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        visitor.like()
    assert [(line.kind, line.id, line.replicated) for line in lines(fake_site)] == [("like", "17", None)]


# --- what a session must see ---


def test_what_was_written_and_shows_is_not_missed(
    fake_site: Any, visitor: Visitor, browser: Scripted
) -> None:
    answer(browser, written(), page(9, 7, 5), page(9, 8, more="c"))
    visitor.write_post()
    visitor.read_home()
    visitor.read_home()
    assert missed(fake_site) == []


def test_what_was_written_and_does_not_show_is_missed_once(
    fake_site: Any, visitor: Visitor, browser: Scripted
) -> None:
    answer(browser, written(), page(9, 5))
    visitor.write_post()
    visitor.read_home()
    visitor.read_home()
    assert missed(fake_site) == [("unseen", "7", "/timelines/home")]
    post, look = lines(fake_site)[1:]
    assert post.at <= look.at
    assert look.author == visitor.name


def test_a_look_is_as_old_as_its_beginning(fake_site: Any, visitor: Visitor, browser: Scripted) -> None:
    """What others wrote meanwhile was not promised to this look."""
    answer(browser, written())
    visitor.write_post()
    ask = browser.ask

    def slow(method: str, path: str, **more: Any) -> Outcome:
        Record(fake_site.record, "two").add("99", "somebody", "meanwhile", True)
        return ask(method, path, **more)

    browser.ask = slow  # type: ignore[method-assign]
    answer(browser, page())
    visitor.read_home()
    *_, meanwhile, look = lines(fake_site)
    assert (meanwhile.id, look.kind) == ("99", "unseen")
    assert look.at <= meanwhile.at


def test_ones_own_timeline_shows_what_was_written(
    fake_site: Any, visitor: Visitor, browser: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor._crowd, "looked_at", lambda chance: visitor.name)
    answer(browser, written(), page())
    visitor.write_post()
    visitor.read_person()
    assert missed(fake_site) == [("unseen", "7", f"/timelines/users/{visitor.name}")]


def test_what_was_seen_of_somebody_is_seen_again(
    fake_site: Any, visitor: Visitor, browser: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor._crowd, "looked_at", lambda chance: "somebody")
    answer(browser, page(9, 7, 5), page(11, 9, 7, 5), page(11, 7, 5))
    for _ in range(3):
        visitor.read_person()
    assert missed(fake_site) == [("gone", "9", "/timelines/users/somebody")]


@pytest.mark.parametrize("again", [[], ["failed"], ["logged in"]])
def test_another_session_and_a_look_that_failed_miss_nothing(
    fake_site: Any, visitor: Visitor, browser: Scripted, again: list[str]
) -> None:
    answer(browser, written())
    visitor.write_post()
    if "logged in" in again:
        log_in(visitor, browser)
    answer(browser, Outcome(200, page().body, "wrong-content" if "failed" in again else ""))
    visitor.read_home()
    assert bool(missed(fake_site)) is not bool(again)


def test_without_a_record_nothing_is_missed(visitor: Visitor, browser: Scripted, fake_site: Any) -> None:
    visitor._record = None
    answer(browser, written(), page(), Outcome(204, None, ""), Outcome(200, {"liked": False}, ""))
    visitor.write_post()
    visitor.read_home()
    visitor.like()
    visitor.read_last_change()
    assert lines(fake_site) == []


# --- changes ---


@pytest.mark.parametrize(
    ("action", "path", "shown", "not_shown"),
    [
        (Visitor.like, "/posts/17/likes", {"liked": True}, {"liked": False}),
        (Visitor.retweet, "/posts/17/retweets", {"retweeted": True}, {"retweeted": False}),
        (Visitor.follow, "/users/{}", {"state": "requested"}, {"state": "none"}),
        (Visitor.follow, "/users/{}", {"state": "following"}, {"state": "self"}),
    ],
)
def test_the_last_change_is_looked_at(
    fake_site: Any, visitor: Visitor, browser: Scripted, action: Any, path: str, shown: Any, not_shown: Any
) -> None:
    answer(browser, Outcome(200, {}, "", replicated=True))
    action(visitor)
    (change,) = lines(fake_site)
    answer(browser, Outcome(200, shown, ""), Outcome(200, not_shown, ""))
    visitor.read_last_change()
    assert missed(fake_site) == []
    visitor.read_last_change()
    assert missed(fake_site) == [("unseen", change.id, change.kind)]
    assert browser.asked[1:] == [("GET", path.format(change.id))] * 2


@pytest.mark.parametrize("error", ["status-503", "broken"])
def test_a_change_that_was_not_acknowledged_is_not_missed(
    visitor: Visitor, browser: Scripted, error: str
) -> None:
    answer(browser, Outcome(503, None, error), Outcome(200, {"count": 0}, ""))
    visitor.like()
    visitor.read_last_change()
    assert browser.asked[-1] == ("GET", "/notifications/unread")


def test_what_is_taken_back_is_not_missed(fake_site: Any, visitor: Visitor, browser: Scripted) -> None:
    answer(browser, Outcome(200, {}, "", replicated=True))
    visitor.retweet()
    visitor.undo_retweet()
    answer(browser, Outcome(200, {"count": 0}, ""))
    visitor.read_last_change()
    assert browser.asked[-1] == ("GET", "/notifications/unread")
    assert missed(fake_site) == []


def test_a_change_that_is_made_while_another_is_looked_at_says_nothing(
    fake_site: Any, visitor: Visitor, browser: Scripted
) -> None:
    answer(browser, Outcome(200, {}, "", replicated=True))
    visitor.like()
    ask = browser.ask

    def slow(method: str, path: str, **more: Any) -> Outcome:
        visitor._session.changed = None
        return ask(method, path, **more)

    browser.ask = slow  # type: ignore[method-assign]
    answer(browser, Outcome(200, {"liked": False}, ""))
    visitor.read_last_change()
    assert missed(fake_site) == []


def test_to_look_at_changes_is_a_small_part_of_what_people_do() -> None:
    assert Visitor.read_last_change not in READING
    for actions in (POSTING, RETWEETING, LOOKING_AFTER):
        assert 0 < actions[Visitor.read_last_change] <= 0.05 * sum(actions.values())
