"""Histories that real visitors make on a site that keeps its promises, and one violation planted in each: the
checker must find it and say what it is; without one it must find nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests import checker
from loadtests.acknowledged import CHANGES, POST, Acknowledged, Record, read_all
from loadtests.crowd import Crowd
from loadtests.findings import BROKEN, KINDS, Findings
from loadtests.marks import mark
from loadtests.outcome import Outcome
from loadtests.public_api import Unreadable
from loadtests.target import Census, Target
from loadtests.visitor import Visitor

LOAD = "9f2c"
EVERYDAY, ALL, CLEAN = 60, 500, 25


class Direct:
    """A browser, and the API of the checker, that ask a site without a network."""

    def __init__(self, site: Any) -> None:
        self._site = site
        self._tokens: dict[str, str] = {}

    def ask(self, method: str, path: str, **asked: Any) -> Outcome:
        token = asked["headers"].get("Authorization", "").removeprefix("Bearer ")
        status, content = self._request(method, path.removeprefix("/api/v1"), token, asked["body"])
        if status not in asked["expect"]:
            return Outcome(status, None, f"status-{status}")
        wrong = asked["check"](content) if asked["check"] else ""
        assert not wrong, wrong
        return Outcome(status, content, "", replicated=self._site.replicated)

    def _request(self, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
        if self._site.refusal and method == "POST" and path == "/posts":
            return self._site.refusal[0], {}
        path, _, query = path.partition("?")
        pairs = dict(pair.split("=") for pair in query.split("&") if pair)
        status, content = self._site.answer(method, path, pairs, token, body, "east")
        return int(status), content

    # --- as the checker asks ---

    async def __aenter__(self) -> Direct:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def text_of(self, post: str, reader: str) -> str | None:
        found = await self.find(f"/posts/{post}", reader)
        return None if found is None else str(found["text"])

    async def get(self, path: str, reader: str) -> Any:
        found = await self.find(path, reader)
        if found is None:
            raise Unreadable(path)
        return found

    async def find(self, path: str, reader: str) -> Any:
        if reader not in self._tokens:
            credentials = {"name": reader, "password": "failwhale"}
            self._tokens[reader] = self._request("POST", "/sessions", "", credentials)[1]["token"]
        status, content = self._request("GET", path, self._tokens[reader])
        return content if status == 200 else None

    async def is_ended(self, token: str) -> bool:
        return token in self._site.ended["east"]


class World:
    """A site, those who use it, and what is taken down of that."""

    def __init__(self, site: Any, seed: int) -> None:
        self.site = site
        self.chance = random.Random(seed)
        population = site.population
        celebrities = tuple(population.people[index].name for index in population.celebrities())
        census = Census(len(population.people), population.seed, population.as_of, "failwhale", celebrities)
        self.target = Target({}, site.state.ca, census, site.record)
        self.record = Record(site.record, LOAD)
        self.crowd = Crowd(census)
        self.hermit = self.crowd.hermit()
        names = [self.crowd.celebrity(), self.crowd.somebody(), self.crowd.somebody(), self.hermit]
        self.visitors = [self._visitor(name) for name in dict.fromkeys(names)]
        # Whoever protects their posts has written some, and everybody has done everything once.
        for visitor in self.visitors:
            for action in _PROLOGUE:
                visitor.act(action)

    def _visitor(self, name: str) -> Visitor:
        browser: Any = Direct(self.site)
        return Visitor(name, "east", browser, self.crowd, record=self.record, chance=self.chance)

    def go_on(self, steps: list[tuple[int, Any]]) -> None:
        for number, action in steps:
            self.visitors[number % len(self.visitors)].act(action)

    def others_go_on(self) -> None:
        """Another load, one without a record, people by hand, and posts that nobody answered."""
        name = self.visitors[0].name
        browser: Any = Direct(self.site)
        another = Record(self.site.record, "another")
        for record, actions in ((another, _PROLOGUE), (None, (Visitor.write_post, Visitor.read_home))):
            other = Visitor(name, "east", browser, self.crowd, record=record, chance=self.chance)
            for action in actions:
                other.act(action)
        self.site.write(name, "by hand")
        for is_there in (True, False):
            text = f"nobody answered {mark(LOAD, f'{is_there}')}"
            self.record.add("", name, text, None, kind="post-sent")
            if is_there:
                self.site.write(name, text)

    def lines(self, *kinds: str) -> list[Acknowledged]:
        return [line for line in read_all(self.site.record) if line.kind in kinds]

    def kept(self, kind: str) -> list[Acknowledged]:
        """Those changes of a kind that nobody has taken back."""
        state = CHANGES[kind][0]
        last = {
            (line.author, line.id): line for line in self.lines(*CHANGES) if CHANGES[line.kind][0] == state
        }
        return [line for line in last.values() if line.kind == kind]

    def check(self) -> Findings:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(checker, "PublicApi", lambda target: Direct(self.site))
            return checker.check(self.target, self.site.record, within=0, settle=0, load=LOAD)


_PROLOGUE = (
    Visitor.read_home,
    Visitor.write_post,
    Visitor.like,
    Visitor.retweet,
    Visitor.retweet,
    Visitor.undo_retweet,
    Visitor.follow,
    Visitor.protect,
    Visitor.log_out,
    Visitor.read_home,
)

_STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(
            [*dict.fromkeys(_PROLOGUE), Visitor.read_person, Visitor.read_post, Visitor.read_last_change]
        ),
    ),
    max_size=25,
)

Planted = tuple[str, str]
"""The kind of the finding, and what it is about."""


class Plant(NamedTuple):
    """A violation of a kind, and of which kind of write."""

    kind: str
    of: str
    plant: Callable[[World], Planted]
    also: str = ""
    """What else is rightly found then."""


# --- lost ---


def lose_post(world: World) -> Planted:
    line = world.chance.choice(world.lines(POST))
    del world.site.posts[int(line.id)]
    return "lost", line.id


def lose_from_timelines(world: World) -> Planted:
    line = world.chance.choice(world.lines(POST))
    world.site.posts[int(line.id)]["on_timelines"] = 0
    return "lost", line.id


def lose_change(kind: str) -> Callable[[World], Planted]:
    def plant(world: World) -> Planted:
        line = world.chance.choice(world.kept(kind))
        if kind == "revoke":
            world.site.ended["east"].discard(line.text)
        else:
            world.site.states.discard((CHANGES[kind][0], line.author, line.id))
        return "lost", line.id

    return plant


def _a_notification(world: World, kind: str) -> tuple[list[Any], Any]:
    """One that tells of something in the record, and the list that it is on."""
    while True:
        about = {
            (one.author, one.id) for one in (world.lines(POST) if kind == "mention" else world.kept(kind))
        }
        found = [
            (told, one)
            for name, told in world.site.notifications.items()
            for one in told
            if one["kind"] == kind
            and one["actor"]["name"] != world.hermit
            and (one["actor"]["name"], one.get("post", name)) in about
        ]
        if found:
            return world.chance.choice(found)
        world.visitors[0].act(_MAKES[kind])


_MAKES = {
    "like": Visitor.like,
    "retweet": Visitor.retweet,
    "follow": Visitor.follow,
    "mention": Visitor.write_post,
}


def lose_notification(kind: str) -> Callable[[World], Planted]:
    def plant(world: World) -> Planted:
        told, one = _a_notification(world, kind)
        same = [other for other in told if _tells(other) == _tells(one)]
        for other in same:
            told.remove(other)
        return "lost", one.get("post") or _owner(world, told)

    return plant


def _tells(notification: Any) -> tuple[Any, ...]:
    return notification["kind"], notification["actor"]["name"], notification.get("post")


def _owner(world: World, told: list[Any]) -> str:
    return next(name for name, one in world.site.notifications.items() if one is told)


# --- duplicated ---


def write_post_twice(world: World) -> Planted:
    line = world.chance.choice(world.lines(POST))
    world.site.write(line.author, line.text)
    return "duplicated", line.id


def show_post_twice(world: World) -> Planted:
    line = world.chance.choice(world.lines(POST))
    world.site.posts[int(line.id)]["on_timelines"] = 2
    return "duplicated", line.id


def write_unanswered_post_twice(world: World) -> Planted:
    visitor = world.visitors[0]
    text = f"nobody answered {mark(LOAD, 'aaaa')}"
    world.record.add("", visitor.name, text, None, kind="post-sent")
    posts = [world.site.write(visitor.name, text)["id"] for _ in range(2)]
    return "duplicated", posts[0]


def notify_twice(kind: str) -> Callable[[World], Planted]:
    def plant(world: World) -> Planted:
        told, one = _a_notification(world, kind)
        for _ in range(1 + len(world.lines("undo-retweet"))):
            told.insert(0, {**one, "id": str(world.site.next_id())})
        return "duplicated", one.get("post") or _owner(world, told)

    return plant


# --- altered, returned ---


def alter_post(world: World) -> Planted:
    line = world.chance.choice(world.lines(POST))
    world.site.posts[int(line.id)]["text"] = "something else"
    return "altered", line.id


def bring_back_retweet(world: World) -> Planted:
    while not (undone := world.kept("undo-retweet")):
        world.visitors[0].act(Visitor.undo_retweet)
    line = world.chance.choice(undone)
    world.site.states.add(("retweet", line.author, line.id))
    return "returned", line.id


def bring_back_protection(world: World) -> Planted:
    world.record.add(world.hermit, world.hermit, "", True, kind="unprotect")
    return "returned", world.hermit


# --- phantom ---


def take_refused_post(world: World) -> Planted:
    visitor = world.chance.choice(world.visitors)
    world.site.refusal = (422, "")
    visitor.act(Visitor.write_post)
    world.site.refusal = None
    refused = world.lines("post-refused")[-1]
    return "phantom", world.site.write(visitor.name, refused.text)["id"]


def make_up_post(world: World) -> Planted:
    visitor = world.chance.choice(world.visitors)
    return "phantom", world.site.write(visitor.name, f"I never said this {mark(LOAD, 'bbbb')}")["id"]


def post_as_somebody_else(world: World) -> Planted:
    line = world.chance.choice(world.lines(POST))
    other = next(visitor.name for visitor in world.visitors if visitor.name != line.author)
    return "phantom", world.site.write(other, line.text)["id"]


# --- out of order ---


def mix_timeline(world: World) -> Planted:
    path = f"/timelines/users/{world.chance.choice(world.lines(POST)).author}"
    return _mix(world, path)


def mix_home(world: World) -> Planted:
    return _mix(world, "/timelines/home")


def _mix(world: World, path: str) -> Planted:
    """The oldest that stands there as it was posted comes first."""

    def spoil(who: str, asked: str, content: Any) -> Any:
        if asked != path or content is None:
            return content
        oldest = [item for item in content["items"] if "retweeted_by" not in item][-1:]
        return {**content, "items": oldest + [item for item in content["items"] if item not in oldest]}

    world.site.spoil = spoil
    return "out_of_order", ""


def mix_notifications(world: World) -> Planted:
    found = _a_notification(world, "mention")
    told = found[0]
    told.append({**told[0], "id": str(world.site.next_id()), "actor": {"id": "1", "name": "somebody"}})
    return "out_of_order", ""


# --- exposed ---


def _all_posts_of_hermit(world: World) -> list[Any]:
    return [post for post in world.site.posts.values() if post["author"]["name"] == world.hermit]


def show_protected_posts(world: World) -> Planted:
    def spoil(who: str, asked: str, content: Any) -> Any:
        for post in _all_posts_of_hermit(world):
            if asked == f"/posts/{post['id']}":
                return post
        return content

    world.site.spoil = spoil
    return "exposed", ""


def show_protected_timeline(world: World) -> Planted:
    def spoil(who: str, asked: str, content: Any) -> Any:
        if asked != f"/timelines/users/{world.hermit}":
            return content
        return content or {"items": _all_posts_of_hermit(world), "next": None}

    world.site.spoil = spoil
    return "exposed", ""


def show_protected_in_homes(retweeted: bool) -> Callable[[World], Planted]:
    def plant(world: World) -> Planted:
        def spoil(who: str, asked: str, content: Any) -> Any:
            if asked != "/timelines/home":
                return content
            by = {"retweeted_by": {"id": "1", "name": world.visitors[0].name}} if retweeted else {}
            hidden = [{**post, **by} for post in _all_posts_of_hermit(world)[:1]]
            others = [item for item in content["items"] if item["id"] != hidden[0]["id"]]
            return {**content, "items": sorted([*others, *hidden], key=lambda item: -int(item["id"]))}

        world.site.spoil = spoil
        return "exposed", ""

    return plant


# --- stale ---


def _blind_for(world: World, visitor: Visitor, look: Callable[[], None], spoil: Callable[..., Any]) -> None:
    world.site.spoil = lambda who, asked, content: spoil(asked, content) if who == visitor.name else content
    look()
    world.site.spoil = lambda who, asked, content: content


def miss_own_post(world: World) -> Planted:
    visitor = world.chance.choice(world.visitors)
    visitor.act(Visitor.write_post)
    line = world.lines(POST)[-1]

    def spoil(asked: str, content: Any) -> Any:
        return {**content, "items": [item for item in content["items"] if item["id"] != line.id]}

    _blind_for(world, visitor, lambda: visitor.act(Visitor.read_home), spoil)
    return "stale", line.id


def miss_what_was_seen(world: World) -> Planted:
    writer, reader = world.visitors[0], world.visitors[1]
    writer.act(Visitor.write_post)
    line = world.lines(POST)[-1]
    looked_at, world.crowd.looked_at = world.crowd.looked_at, lambda chance: writer.name  # type: ignore[method-assign]

    def spoil(asked: str, content: Any) -> Any:
        return {**content, "items": [item for item in content["items"] if item["id"] != line.id]}

    reader.act(Visitor.read_person)
    _blind_for(world, reader, lambda: reader.act(Visitor.read_person), spoil)
    world.crowd.looked_at = looked_at  # type: ignore[method-assign]
    return "stale", line.id


def miss_own_change(action: Any, word: str) -> Callable[[World], Planted]:
    def plant(world: World) -> Planted:
        visitor = world.chance.choice(world.visitors)
        taken_back = {(line.author, line.id) for line in world.lines("undo-retweet")}
        visitor.act(action)
        while (changed := visitor._session.changed) is None or (
            (visitor.name, changed[1]) in taken_back or changed[0] != action.__name__
        ):
            visitor.act(action)

        def spoil(asked: str, content: Any) -> Any:
            return {**content, word: "none" if word == "state" else False}

        _blind_for(world, visitor, lambda: visitor.act(Visitor.read_last_change), spoil)
        return "stale", changed[1]

    return plant


PLANTS = [
    Plant("lost", "post", lose_post),
    Plant("lost", "post on timelines", lose_from_timelines),
    *(Plant("lost", kind, lose_change(kind)) for kind in ("like", "retweet", "follow", "protect", "revoke")),
    *(
        Plant("lost", f"notification of a {kind}", lose_notification(kind))
        for kind in ("like", "retweet", "follow", "mention")
    ),
    Plant("duplicated", "post", write_post_twice),
    Plant("duplicated", "post on timelines", show_post_twice),
    Plant("duplicated", "post that was not answered", write_unanswered_post_twice),
    *(
        Plant("duplicated", f"notification of a {kind}", notify_twice(kind))
        for kind in ("like", "retweet", "follow", "mention")
    ),
    Plant("altered", "post", alter_post, also="lost"),
    Plant("returned", "retweet", bring_back_retweet),
    Plant("returned", "protection", bring_back_protection),
    Plant("phantom", "post that was refused", take_refused_post),
    Plant("phantom", "post that nobody wrote", make_up_post),
    Plant("phantom", "post by somebody else", post_as_somebody_else, also="duplicated"),
    Plant("out_of_order", "timeline", mix_timeline),
    Plant("out_of_order", "home", mix_home),
    Plant("out_of_order", "notifications", mix_notifications),
    Plant("exposed", "post", show_protected_posts),
    Plant("exposed", "timeline", show_protected_timeline),
    Plant("exposed", "post in homes", show_protected_in_homes(False)),
    Plant("exposed", "retweet in homes", show_protected_in_homes(True)),
    Plant("stale", "post", miss_own_post),
    Plant("stale", "post of somebody else", miss_what_was_seen),
    Plant("stale", "like", miss_own_change(Visitor.like, "liked")),
    Plant("stale", "retweet", miss_own_change(Visitor.retweet, "retweeted")),
    Plant("stale", "follow", miss_own_change(Visitor.follow, "state")),
]


def find(site: Any, seed: int, steps: list[tuple[int, Any]], planted: Plant) -> None:
    world = World(site, seed)
    world.go_on(steps)
    kind, about = planted.plant(world)
    findings = world.check()
    assert findings.holds is False, (planted, findings)
    assert BROKEN[kind] in findings.because
    found = getattr(findings, kind)
    assert found, (planted, findings)
    assert about in {"", *(finding.post for finding in found)}, (planted, findings)
    broken = {one for one in BROKEN if getattr(findings, one)}
    assert broken - {planted.also} == {kind}, (planted, findings)


drawn = given(seed=st.integers(0, 2**32), steps=_STEPS, planted=st.sampled_from(PLANTS))


@settings(max_examples=EVERYDAY, deadline=None)
@drawn
def test_some_planted_violations_are_found(
    unserved_site: Callable[[], Any], seed: int, steps: list[tuple[int, Any]], planted: Plant
) -> None:
    find(unserved_site(), seed, steps, planted)


@pytest.mark.long("five hundred histories")
@pytest.mark.timeout(600)
@settings(max_examples=ALL, deadline=None)
@drawn
def test_every_planted_violation_of_five_hundred_is_found(
    unserved_site: Callable[[], Any], seed: int, steps: list[tuple[int, Any]], planted: Plant
) -> None:
    find(unserved_site(), seed, steps, planted)


@pytest.mark.parametrize("planted", PLANTS, ids=lambda planted: f"{planted.kind}-{planted.of}")
def test_each_violation_is_found_where_everybody_does_everything_once(
    unserved_site: Callable[[], Any], planted: Plant
) -> None:
    find(unserved_site(), 7, [], planted)


@settings(max_examples=CLEAN, deadline=None)
@given(seed=st.integers(0, 2**32), steps=_STEPS)
def test_without_one_nothing_is_found(
    unserved_site: Callable[[], Any], seed: int, steps: list[tuple[int, Any]]
) -> None:
    world = World(unserved_site(), seed)
    world.go_on(steps)
    world.others_go_on()
    findings = world.check()
    assert findings.holds is True, findings
    assert [kind for kind in KINDS if getattr(findings, kind)] == []
    assert findings.notifications > 0


@settings(max_examples=CLEAN, deadline=None)
@given(seed=st.integers(0, 2**32), steps=_STEPS)
def test_where_nothing_was_replicated_nothing_is_known(
    unserved_site: Callable[[], Any], seed: int, steps: list[tuple[int, Any]]
) -> None:
    site = unserved_site()
    site.replicated = False
    world = World(site, seed)
    world.go_on(steps)
    findings = world.check()
    assert findings.holds is None, findings
    assert findings.because.startswith("too few were said to be replicated: 0 of ")


@pytest.mark.parametrize("of", ["post", "post of somebody else", "like", "retweet", "follow"])
def test_what_a_session_misses_as_announced_breaks_no_promise(
    unserved_site: Callable[[], Any], of: str
) -> None:
    site = unserved_site()
    site.replicated = False
    world = World(site, 7)
    (planted,) = [one for one in PLANTS if (one.kind, one.of) == ("stale", of)]
    _, about = planted.plant(world)
    findings = world.check()
    assert (findings.holds, findings.stale) == (None, []), findings
    assert about in {finding.post for finding in findings.stale_as_announced}
