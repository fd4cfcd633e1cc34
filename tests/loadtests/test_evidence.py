"""What is looked at, how, and what each finding says; against an API that answers as it is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loadtests import evidence
from loadtests.acknowledged import Acknowledged
from loadtests.evidence import MAY_BE_TRIMMED, MOST_READERS, Promised, Timeline, timelines_to_read
from loadtests.findings import Finding, Findings
from loadtests.population import EPOCH_MILLISECONDS, Person, Population, generate
from loadtests.privacy import Privacy
from loadtests.public_api import Unreadable
from loadtests.target import Census

AS_OF = EPOCH_MILLISECONDS + 100 * 86_400_000
AT = "2026-01-01T00:00:00.000000Z"


def promise(
    post: str = "5", author: str = "ann", text: str = "hello", replicated: bool = True
) -> Acknowledged:
    return Acknowledged(post, author, text, replicated, "one", AT)


class Api:
    """Answers with what it was given: the text of a post, or the pages of a timeline."""

    def __init__(self, text: str | None = None, pages: list[Any] | None = None, fails: str = "") -> None:
        self.text, self.pages, self.fails = text, pages or [], fails
        self.asked: list[tuple[str, str]] = []

    async def text_of(self, post: str, reader: str) -> str | None:
        self.asked.append((post, reader))
        if self.fails:
            raise Unreadable(self.fails)
        return self.text

    async def get(self, path: str, reader: str) -> Any:
        self.asked.append((path, reader))
        if self.fails:
            raise Unreadable(self.fails)
        return self.pages[min(len(self.asked), len(self.pages)) - 1]


def page(*posts: tuple[int, str] | tuple[int, str, bool], more: str | None = None) -> Any:
    items = [
        {"id": str(post[0]), "text": post[1], **({"retweeted_by": {"id": "1"}} if post[2:] else {})}
        for post in posts
    ]
    return {"items": items, "next": more}


def look(one: Promised | Timeline, api: Api) -> None:
    asyncio.run(one.look(api))


def judged(one: Promised | Timeline, **options: Any) -> Findings:
    findings = Findings(None, "")
    one.judge(findings, **options)
    return findings


# --- posts ---


def found(findings: Findings) -> dict[str, list[Finding]]:
    kinds = ("lost", "duplicated", "altered", "returned", "lost_as_announced", "unknown")
    return {kind: getattr(findings, kind) for kind in kinds if getattr(findings, kind)}


def test_a_post_is_read_as_its_author_and_must_have_its_text() -> None:
    post, api = Promised(promise()), Api("hello")
    look(post, api)
    assert api.asked == [("5", "ann")]
    assert post.is_complete()
    assert found(judged(post)) == {}


def test_a_post_that_is_not_there_is_lost() -> None:
    what = f"acknowledged at {AT}, and there is no such post"
    for replicated, kind in ((True, "lost"), (False, "lost_as_announced")):
        post = Promised(promise(replicated=replicated))
        look(post, Api(None))
        assert not post.is_complete()
        assert found(judged(post)) == {kind: [Finding("5", "ann", "the site", what)]}


def test_a_post_with_another_text_is_altered_and_looked_at_no_more() -> None:
    post = Promised(promise())
    look(post, Api("hallo"))
    assert post.is_complete()
    assert found(judged(post)) == {"altered": [Finding("5", "ann", "the site", "its text is now 'hallo'")]}


def test_a_post_that_cannot_be_read_is_unknown_until_it_can() -> None:
    post = Promised(promise())
    assert found(judged(post)) == {"unknown": [Finding("5", "ann", "the site", "it was never looked at")]}
    look(post, Api(fails="503"))
    assert not post.is_complete()
    assert found(judged(post)) == {"unknown": [Finding("5", "ann", "the site", "503")]}
    look(post, Api("hello"))
    assert (post.unreadable, found(judged(post))) == ("", {})


# --- timelines ---


def timeline(*expected: Acknowledged) -> Timeline:
    return Timeline("bob", "/timelines/home", list(expected))


def test_a_timeline_is_read_until_below_the_oldest_that_is_expected() -> None:
    one = timeline(promise("5"), promise("7", text="seven"))
    api = Api(
        pages=[
            page((9, "x"), (7, "seven"), more="a&b"),
            page((5, "hello"), more="c"),
            page((4, "y"), more="d"),
        ]
    )
    look(one, api)
    assert api.asked == [
        ("/timelines/home?limit=100", "bob"),
        ("/timelines/home?limit=100&cursor=a%26b", "bob"),
        ("/timelines/home?limit=100&cursor=c", "bob"),
    ]
    assert one.is_complete()
    findings = judged(one, but=())
    assert found(findings) == {}
    assert findings.looked_for == 2
    assert (one.posts, one.retweets) == ([9, 7, 5, 4], 0)


def test_a_timeline_that_ends_is_read_to_its_end() -> None:
    one, api = timeline(promise("5")), Api(pages=[page((9, "x"), more="a"), page((6, "y"))])
    look(one, api)
    assert len(api.asked) == 2
    assert not one.is_complete()


def test_retweets_do_not_tell_how_far_a_timeline_was_read() -> None:
    one = timeline(promise("5"))
    api = Api(pages=[page((1, "old", True), more="a"), page((5, "hello"))])
    look(one, api)
    assert len(api.asked) == 2
    assert (one.posts, one.retweets) == ([5], 1)
    assert one.is_complete()


def test_a_timeline_without_an_end_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "_MOST_PAGES", 3)
    one, api = timeline(promise("5")), Api(pages=[page((9, "x"), more="a")])
    look(one, api)
    assert len(api.asked) == 3
    assert not one.is_complete()
    what = "a timeline without an end within 3 pages"
    assert found(judged(one, but=())) == {"unknown": [Finding("5", "ann", "/timelines/home of bob", what)]}


def test_what_was_seen_before_a_failure_does_not_count() -> None:
    one = timeline(promise("5"))
    assert not one.is_complete()
    assert [finding.what for finding in judged(one, but=()).unknown] == ["it was never looked at"]
    look(one, Api(pages=[page((5, "hello"), (6, "x", True))]))
    assert one.is_complete()
    look(one, Api(fails="503"))
    assert (one.entries, one.posts, one.retweets) == ({}, [], 0)
    assert [finding.what for finding in judged(one, but=()).unknown] == ["503"]


def test_a_post_that_is_missing_twice_or_a_double_of_another() -> None:
    one = timeline(promise("5"), promise("6", text="six"), promise("7", text="seven"))
    look(one, Api(pages=[page((7, "seven"), (7, "seven"), (6, "six"), (8, "six"))]))
    where = "/timelines/home of bob"
    assert found(judged(one, but=())) == {
        "lost": [Finding("5", "ann", where, "the post is there, but not on this timeline")],
        "duplicated": [Finding("6", "ann", where, "2 times"), Finding("7", "ann", where, "2 times")],
    }
    without = judged(one, but={"5", "6"})
    assert (without.looked_for, len(without.duplicated), without.lost) == (1, 1, [])


def test_another_post_with_the_same_text_is_not_this_one() -> None:
    one = timeline(promise("5"))
    look(one, Api(pages=[page((6, "hello"))]))
    assert not one.is_complete()
    assert len(judged(one, but=()).lost) == 1


@pytest.mark.parametrize(("above", "kind"), [(MAY_BE_TRIMMED - 1, "lost"), (MAY_BE_TRIMMED, "unknown")])
@pytest.mark.parametrize("retweets", [0, 2])
def test_a_post_may_have_been_trimmed_only_with_so_much_above_it(
    above: int, kind: str, retweets: int
) -> None:
    one = timeline(promise("5"))
    newer = [(1000 - number, f"x{number}") for number in range(above - retweets)]
    itself = (5, "another text")  # stands where it stands, and not above itself
    look(one, Api(pages=[page(*newer, itself, (4, "below"), *[(3, "r", True)] * retweets)]))
    (finding,) = found(judged(one, but=()))[kind]
    assert kind == "lost" or finding.what == "the timeline may have been trimmed above this post"


# --- what is there beside what is expected ---

PEOPLE = Population(
    3,
    0,
    tuple(Person(number, name, name == "hermit", 0) for number, name in enumerate(("bob", "hermit", "ann"))),
    ((2,), (2,), (0,)),
    (),
)


class Items(Api):
    """A timeline of these posts by these authors, perhaps retweeted; `state` is what the reader is to all."""

    def __init__(self, *items: tuple[int, str, str], state: str = "none") -> None:
        shown = [
            {
                "id": str(post),
                "text": f"text {post}",
                "author": {"name": author},
                **({"retweeted_by": {"name": by}} if by else {}),
            }
            for post, author, by in items
        ]
        super().__init__(pages=[{"items": shown, "next": None}])
        self.state = state

    async def find(self, path: str, reader: str) -> Any:
        self.asked.append((path, reader))
        return {"state": self.state}


def looked(api: Api, *expected: Acknowledged) -> Timeline:
    one = timeline(*expected)
    one.hides = lambda author: author == "hermit"
    look(one, api)
    return one


def judged_items(one: Timeline, *lines: Acknowledged, but: Any = ()) -> Findings:
    findings = Findings(None, "")
    one.judge_items(findings, Privacy(PEOPLE, lines), but)
    return findings


def test_nothing_is_wrong_with_what_is_in_order_and_may_be_seen() -> None:
    one = looked(Items((9, "ann", ""), (2, "ann", "bob"), (7, "ann", "")))
    assert one.is_complete()
    assert judged_items(one) == Findings(None, "")


def test_what_stands_below_an_older_one_is_out_of_order_but_for_retweets() -> None:
    one = looked(Items((9, "ann", ""), (10, "ann", "bob"), (7, "ann", ""), (8, "bob", "")))
    where = "/timelines/home of bob"
    assert judged_items(one).out_of_order == [Finding("8", "bob", where, "below an older one")]
    assert one.is_complete(), "waiting mends no order"


@pytest.mark.parametrize("item", [(7, "hermit", ""), (7, "hermit", "ann"), (7, "ann", "hermit")])
def test_what_somebody_hides_is_exposed(item: tuple[int, str, str]) -> None:
    one = looked(Items((9, "ann", ""), item))
    assert not one.is_complete()
    assert judged_items(one).exposed == [
        Finding("7", "hermit", "/timelines/home of bob", "seen by somebody who does not follow")
    ]
    assert judged_items(one, but={"hermit"}).exposed == []
    shown = Acknowledged("hermit", "hermit", "", True, "two", AT, "unprotect")
    assert judged_items(one, shown).exposed == [], "a load that goes on shows it"
    assert one.exposed == {"7": "hermit"}
    look(one, Items((9, "ann", "")))
    assert one.is_complete(), "what was seen before does not count"


def test_whoever_was_approved_by_hand_may_see_it() -> None:
    api = Items((8, "hermit", ""), (7, "hermit", ""), state="following")
    one = looked(api)
    assert one.is_complete()
    assert api.asked[1:] == [("/users/hermit", "bob")]


def test_where_nothing_is_expected_a_timeline_is_read_to_its_end_and_must_be_readable() -> None:
    one, api = timeline(), Api(pages=[page((9, "x"), more="a"), page((1, "y"))])
    look(one, api)
    assert len(api.asked) == 2
    assert one.is_complete()
    look(one, Api(fails="503"))
    assert not one.is_complete()
    assert judged_items(one).unknown == [Finding("", "bob", "/timelines/home of bob", "503")]
    expecting = timeline(promise("5"))
    look(expecting, Api(fails="503"))
    assert judged_items(expecting).unknown == [], "each that is expected is told by itself"


# --- which timelines ---


def test_each_author_and_some_followers_of_each_are_asked() -> None:
    census = Census(40, 7, AS_OF, "failwhale", ())
    population = generate(40, 7, census.as_of, posts=False)
    followers = population.followers()
    first, second = sorted(range(40), key=lambda index: -len(followers[index]))[:2]
    ann, bob = population.people[first].name, population.people[second].name
    posts = [promise("1", ann), promise("2", bob), promise("3", ann)]

    every = timelines_to_read(census, posts, followers=1000)
    own = {one.reader: [post.id for post in one.expected] for one in every if one.path != "/timelines/home"}
    assert own == {ann: ["1", "3"], bob: ["2"]}
    assert {one.path for one in every[:2]} == {f"/timelines/users/{ann}", f"/timelines/users/{bob}"}
    homes = {one.reader: sorted(post.id for post in one.expected) for one in every[2:]}
    expected: dict[str, list[str]] = {}
    for author, ids in ((first, ["1", "3"]), (second, ["2"])):
        for index in followers[author]:
            expected.setdefault(population.people[index].name, []).extend(ids)
    assert homes == {name: sorted(ids) for name, ids in expected.items()}

    few = timelines_to_read(census, [promise("1", ann)], followers=2)
    assert [one.path for one in few] == [f"/timelines/users/{ann}", "/timelines/home", "/timelines/home"]
    again = timelines_to_read(census, [promise("1", ann)], followers=2)
    assert [one.reader for one in few] == [one.reader for one in again], "the same each time"
    assert timelines_to_read(census, [], followers=2) == []


def test_many_authors_are_not_followed_by_another_load(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_READERS == 300
    census = Census(40, 7, AS_OF, "failwhale", ())
    population = generate(40, 7, census.as_of, posts=False)
    followers = population.followers()
    popular = [index for index in range(40) if len(followers[index]) >= 4][:3]
    posts = [promise(str(index), population.people[index].name) for index in popular]

    def readings(most: int, posts: list[Acknowledged] = posts) -> int:
        monkeypatch.setattr(evidence, "MOST_READERS", most)
        homes = timelines_to_read(census, posts, followers=4)[len(posts) :]
        return sum(len(one.expected) for one in homes)

    assert readings(300) == 12
    assert readings(8) == 6, "8 // 3 = 2 of each"
    assert readings(1) == 3, "one at least"
    assert readings(3, posts[:1]) == 3
