"""Who must have been notified of what, and what follows from the list that the site shows."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loadtests import notifications
from loadtests.acknowledged import Acknowledged
from loadtests.changes import Changed, promised_changes
from loadtests.evidence import Promised
from loadtests.findings import Finding, Findings
from loadtests.notifications import KEPT, Inbox, Notice, inboxes_to_read
from loadtests.population import Person, Population
from loadtests.privacy import Privacy
from loadtests.public_api import Unreadable

NAMES = ("ann", "bob", "cleo", "dana")
# Ann protects her posts. Bob follows her.
PEOPLE = Population(
    3,
    0,
    tuple(Person(number, name, name == "ann", 0) for number, name in enumerate(NAMES)),
    ((2,), (0,), (3,), (2,)),
    (),
)


def at(seconds_ago: float = 0.0) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def line(
    kind: str,
    author: str,
    subject: str = "7",
    *,
    replicated: bool | None = True,
    text: str = "",
    since: float = 0.0,
) -> Acknowledged:
    return Acknowledged(subject, author, text, replicated, "one", at(since), kind)


class Api:
    """Answers with the authors of posts, and with pages of notifications."""

    def __init__(self, *pages: Any, authors: dict[str, str] | None = None, fails: bool = False) -> None:
        self.pages, self.authors, self.fails = list(pages), authors or {}, fails
        self.asked: list[tuple[str, str]] = []

    async def find(self, path: str, reader: str) -> Any:
        self.asked.append((path, reader))
        if self.fails:
            raise Unreadable("503")
        author = self.authors.get(path.removeprefix("/posts/"))
        return {"author": {"name": author}} if author else None

    async def get(self, path: str, reader: str) -> Any:
        self.asked.append((path, reader))
        if self.fails:
            raise Unreadable("503")
        return self.pages[min(len(self.asked), len(self.pages)) - 1]


def told(number: int, kind: str, actor: str, post: str = "7", ago: float = 0.0) -> Any:
    about = {"post": post} if post else {}
    return {"id": str(number), "kind": kind, "actor": {"name": actor}, "created": at(ago), **about}


def page(*items: Any, more: str | None = None) -> Any:
    return {"items": list(items), "next": more}


# --- what is expected ---


def expected(
    *lines: Acknowledged, api: Api | None = None, posts: Any = ()
) -> dict[str, list[tuple[tuple[str, ...], str, str, int]]]:
    """By who must have been notified: as what, by whom, about which post, how often at most."""
    api = api or Api(authors={"7": "cleo"})
    changes = promised_changes(lines, None)
    inboxes = asyncio.run(
        inboxes_to_read(api, [Promised(post) for post in posts], changes, lines, Privacy(PEOPLE, lines))  # type: ignore[arg-type]
    )
    return {
        inbox.reader: [(one.kinds, one.promise.author, one.post, one.most) for one in inbox.expected]
        for inbox in inboxes
    }


@pytest.mark.parametrize("kind", ["like", "retweet"])
def test_the_author_is_told_of_a_change_of_their_post(kind: str) -> None:
    api = Api(authors={"7": "cleo"})
    assert expected(line(kind, "bob"), api=api) == {"cleo": [((kind,), "bob", "7", 1)]}
    assert api.asked == [("/posts/7", "bob")]


def test_the_record_says_whose_post_it_is_where_it_can() -> None:
    api = Api()
    lines = [line("post", "dana"), line("like", "bob"), line("like", "cleo")]
    assert sorted(expected(*lines, api=api)["dana"]) == [
        (("like",), name, "7", 1) for name in ("bob", "cleo")
    ]
    assert api.asked == []


def test_nobody_is_told_of_their_own_doing_or_of_what_is_not_there() -> None:
    assert expected(line("like", "cleo"), line("retweet", "cleo")) == {}
    assert expected(line("like", "bob"), api=Api()) == {}
    assert expected(line("like", "bob"), api=Api(fails=True)) == {}


@pytest.mark.parametrize("change", [("protect", "ann"), ("revoke", "x"), ("unprotect", "ann")])
def test_some_changes_concern_nobody_else(change: tuple[str, str]) -> None:
    assert expected(line(change[0], "ann", change[1])) == {}


def test_what_was_taken_back_is_not_looked_for_and_may_be_told_again() -> None:
    once = [line("retweet", "bob"), line("undo-retweet", "bob")]
    assert expected(*once) == {}
    assert expected(*once, line("retweet", "bob")) == {"cleo": [(("retweet",), "bob", "7", 2)]}
    unknown = [line("retweet", "bob"), line("undo-retweet", "bob", replicated=None), line("retweet", "bob")]
    assert expected(*unknown) == {"cleo": [(("retweet",), "bob", "7", 2)]}
    assert expected(line("like", "bob"), line("like", "bob")) == {"cleo": [(("like",), "bob", "7", 1)]}


def test_somebody_who_is_followed_anew_is_told() -> None:
    assert expected(line("follow", "ann", "bob")) == {"bob": [(("follow", "follow-request"), "ann", "", 1)]}
    assert expected(line("follow", "bob", "ann")) == {}, "he followed from the first"
    assert expected(line("follow", "bob", "somebody by hand")) == {}


def test_those_who_are_mentioned_and_may_see_it_are_told() -> None:
    text = "Well. @cleo @cleo @nobody and@dana @dana, #one_1"
    post = line("post", "bob", text=text)
    assert expected(post, posts=[post]) == {"cleo": [(("mention",), "bob", "7", 1)]}
    own, protected = line("post", "cleo", text="@cleo"), line("post", "ann", text="@cleo")
    assert expected(own, protected, posts=[own, protected]) == {}


def test_it_may_be_as_old_as_what_was_done_first() -> None:
    lines = [line("like", "bob", since=90), line("like", "bob"), line("follow", "ann", "bob", since=80)]
    post = line("post", "bob", "8", text="@dana", since=70)
    privacy = Privacy(PEOPLE, [*lines, post])
    every: Any = (Api(authors={"7": "cleo"}), [Promised(post)], promised_changes(lines, None), lines, privacy)
    since = {inbox.reader: inbox.expected[0].since for inbox in asyncio.run(inboxes_to_read(*every))}
    assert since == {"cleo": lines[0].at, "bob": lines[2].at, "dana": post.at}


def test_those_with_most_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "MOST_INBOXES", 1)
    lines = [line("follow", "ann", "bob"), line("like", "bob"), line("like", "dana")]
    assert list(expected(*lines)) == ["cleo"]


# --- what is found ---


def inbox(*notices: Notice) -> Inbox:
    return Inbox("cleo", list(notices))


def notice(kind: str = "like", *, since: float = 0.0, replicated: bool = True, most: int = 1) -> Notice:
    change = Changed(line(kind, "bob", replicated=replicated, since=since), found=True, unreadable="")
    return Notice((kind,), change, "7", change.promise.at, most)


def look(one: Inbox, *pages: Any, fails: bool = False) -> Api:
    api = Api(*pages, fails=fails)
    asyncio.run(one.look(api))  # type: ignore[arg-type]
    return api


def judged(one: Inbox) -> Findings:
    findings = Findings(None, "")
    one.judge(findings)
    return findings


def finding(what: str) -> Finding:
    return Finding("7", "bob", "notifications of cleo", f"like: {what}")


def test_a_notification_that_is_there_once_is_a_kept_promise() -> None:
    one = inbox(notice())
    assert not one.is_complete()
    api = look(one, page(told(9, "like", "bob")))
    assert api.asked == [("/notifications?limit=100", "cleo")]
    assert one.is_complete()
    assert judged(one) == Findings(None, "", notifications=1)


@pytest.mark.parametrize(
    "others",
    [[], [told(9, "retweet", "bob")], [told(9, "like", "ann")], [told(9, "like", "bob", "8")]],
)
def test_one_that_is_not_there_is_lost(others: list[Any]) -> None:
    one = inbox(notice())
    look(one, page(*others))
    assert not one.is_complete()
    assert judged(one).lost == [finding("the notification is not there")]
    announced = inbox(notice(replicated=False))
    look(announced, page(*others))
    assert judged(announced).lost_as_announced == [finding("the notification is not there")]
    assert judged(announced).lost == []


def test_one_that_is_there_twice_is_told_unless_it_was_done_twice() -> None:
    twice = page(told(9, "like", "bob"), told(8, "like", "bob"))
    one, again = inbox(notice()), inbox(notice(most=2))
    look(one, twice)
    look(again, twice)
    assert judged(one).duplicated == [finding("2 times")]
    assert judged(again) == Findings(None, "", notifications=1)


def test_who_asked_and_follows_since_was_told_of_both() -> None:
    change = Changed(line("follow", "bob", "cleo"), found=True, unreadable="")
    one = inbox(Notice(("follow", "follow-request"), change, "", change.promise.at))
    look(one, page(told(9, "follow", "bob", ""), told(8, "follow-request", "bob", "")))
    assert judged(one) == Findings(None, "", notifications=1)
    look(one, page())
    assert [(lost.post, lost.what) for lost in judged(one).lost] == [
        ("cleo", "follow: the notification is not there")
    ]


def test_what_is_out_of_order_is_told() -> None:
    one = inbox(notice())
    look(one, page(told(8, "mention", "ann"), told(9, "like", "bob")))
    assert judged(one).out_of_order == [Finding("9", "cleo", "notifications of cleo", "below an older one")]


def test_a_list_is_read_to_what_is_older_than_all_that_is_expected() -> None:
    one = inbox(notice(), notice(since=60))
    api = look(
        one,
        page(told(9, "like", "bob"), told(8, "mention", "ann", ago=80), more="a&b"),
        page(told(7, "mention", "ann", ago=90), more="c"),
        page(),
    )
    assert [path for path, _ in api.asked] == [
        "/notifications?limit=100",
        "/notifications?limit=100&cursor=a%26b",
    ]
    look(one, page(told(9, "like", "bob"), more="a"), page())
    assert one.ids == [9], "what was seen before does not count"


def test_a_list_without_an_end_is_unknown() -> None:
    one = inbox(notice())
    look(one, page(told(9, "like", "bob"), more="a"))
    assert [unknown.what for unknown in judged(one).unknown] == [
        "like: notifications without an end within 20 pages"
    ]


def test_what_cannot_be_read_is_unknown_until_it_can() -> None:
    one = inbox(notice())
    assert judged(one).unknown == [finding("it was never looked at")]
    look(one, page(told(9, "like", "bob")))
    look(one, fails=True)
    assert not one.is_complete()
    assert judged(one).unknown == [finding("503")]
    assert judged(one).notifications == 0


def test_of_what_is_not_there_itself_nothing_is_told() -> None:
    gone = notice()
    assert isinstance(gone.tells_of, Changed)
    gone.tells_of.found = False
    one = inbox(gone)
    look(one, page())
    assert judged(one) == Findings(None, "")
    look(one, fails=True)
    assert judged(one) == Findings(None, "")


@pytest.mark.parametrize(
    ("since", "others", "is_lost"),
    [
        (0, 0, True),
        (25, 0, True),
        (35, 0, False),  # it may have been dropped for its age
        (0, KEPT - 1, True),
        (0, KEPT, False),  # or for the number of those that came since
    ],
)
def test_what_may_have_been_dropped_is_not_lost(since: float, others: int, is_lost: bool) -> None:
    one = inbox(notice(since=since))
    newer = [told(2000 - number, "mention", "ann") for number in range(others)]
    look(one, page(*newer))
    findings = judged(one)
    assert (len(findings.lost), findings.notifications) == ((1, 1) if is_lost else (0, 0))
    # What shows something older has dropped nothing as young as that.
    look(one, page(*newer, told(2, "mention", "ann", ago=since + 30)))
    assert len(judged(one).lost) == 1


def test_what_tells_of_a_post_goes_by_the_post() -> None:
    post = Promised(line("post", "bob", text="@cleo"))
    one = inbox(Notice(("mention",), post, "7", post.promise.at))
    look(one, page())
    assert judged(one) == Findings(None, "")
    post.text = "@cleo"
    assert [(lost.post, lost.author) for lost in judged(one).lost] == [("7", "bob")]
