"""What the checker looks at: each acknowledged post, and each timeline that must show some of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from loadtests.acknowledged import Acknowledged
from loadtests.findings import Finding, Findings
from loadtests.order import misplaced
from loadtests.population import generate
from loadtests.privacy import DOES_NOT_FOLLOW, Privacy, follows_now
from loadtests.public_api import PublicApi, Unreadable
from loadtests.target import Census

MOST_READERS = 300
"""So that a load with many authors is not followed by another load."""

MAY_BE_TRIMMED = 400
"""A timeline keeps 800 entries, and several may show as one post: below so many, one may rightly be gone."""

_PAGE = 100
_MOST_PAGES = 50


@dataclass(eq=False)
class Promised:
    """A post that must be there, as its author sees it."""

    promise: Acknowledged
    text: str | None = None
    unreadable: str = "it was never looked at"

    async def look(self, api: PublicApi) -> None:
        try:
            self.text = await api.text_of(self.promise.id, self.promise.author)
            self.unreadable = ""
        except Unreadable as error:
            self.unreadable = str(error)

    def is_complete(self) -> bool:
        return self.text is not None

    def judge(self, findings: Findings) -> None:
        promise = self.promise

        def finding(what: str) -> Finding:
            return Finding(promise.id, promise.author, "the site", what)

        if self.unreadable:
            findings.unknown.append(finding(self.unreadable))
        elif self.text is None:
            lost = findings.lost if promise.replicated else findings.lost_as_announced
            lost.append(finding(f"acknowledged at {promise.at}, and there is no such post"))
        elif self.text != promise.text:
            findings.altered.append(finding(f"its text is now {self.text!r}"))


@dataclass(eq=False)
class Timeline:
    """One timeline, read as one person, and the posts that must be on it."""

    reader: str
    path: str
    expected: list[Acknowledged]
    hides: Callable[[str], bool] = lambda author: False
    """Whether the reader must not see what an account posts."""
    entries: dict[str, Counter[str]] = field(default_factory=dict)
    """By text: how often each post with that text is there, by id.

    By text, because a write that was done twice makes two posts of one text. Those of a load are all
    different.
    """
    posts: list[int] = field(default_factory=list)
    """Ids of what is there as it was posted; retweets are counted alone, because their ids tell no place."""
    retweets: int = 0
    items: list[Any] = field(default_factory=list)
    """All that was read, as the site told it."""
    exposed: dict[str, str] = field(default_factory=dict)
    """What the reader must not see: the id of the post, and the account that hides it."""
    unreadable: str = "it was never looked at"

    async def look(self, api: PublicApi) -> None:
        """Read it, from its newest entry to the oldest that is expected, or to its end."""
        self.entries, self.posts, self.retweets, self.unreadable = {}, [], 0, ""
        self.items, self.exposed = [], {}
        try:
            await self._read(api)
            await self._look_for_hidden(api)
        except Unreadable as error:
            self.unreadable = str(error)

    async def _read(self, api: PublicApi) -> None:
        enough = min((int(post.id) for post in self.expected), default=0)
        cursor = ""
        for _ in range(_MOST_PAGES):
            page = await api.get(f"{self.path}?limit={_PAGE}{cursor}", self.reader)
            for item in page["items"]:
                self._take(item)
            if not page["next"] or (self.posts and self.posts[-1] < enough):
                return
            cursor = f"&cursor={quote(page['next'])}"
        raise Unreadable(f"a timeline without an end within {_MOST_PAGES} pages")

    async def _look_for_hidden(self, api: PublicApi) -> None:
        followed: dict[str, bool] = {}
        for item in self.items:
            for account in (item.get("author"), item.get("retweeted_by")):
                name = account.get("name", "") if account else ""
                if self.hides(name):
                    if name not in followed:
                        followed[name] = await follows_now(api, self.reader, name)
                    if not followed[name]:
                        self.exposed[item["id"]] = name

    def _take(self, item: Any) -> None:
        self.items.append(item)
        self.entries.setdefault(item["text"], Counter())[item["id"]] += 1
        if item.get("retweeted_by"):
            self.retweets += 1
        else:
            self.posts.append(int(item["id"]))

    def is_complete(self) -> bool:
        is_whole = not self.unreadable and all(self._times(post) for post in self.expected)
        return is_whole and not self.exposed

    def _times(self, post: Acknowledged) -> int:
        """How often a post is there; another post that the same write made counts as well.

        A post stands in a timeline once, at its newest entry, however many people retweeted it.
        """
        entries = self.entries.get(post.text, Counter())
        return entries.total() if post.id in entries else 0

    def _newer_than(self, post: Acknowledged) -> int:
        """How many entries may stand above a post."""
        return sum(other > int(post.id) for other in self.posts) + self.retweets

    def judge(self, findings: Findings, but: Container[str]) -> None:
        """Add what is wrong to the findings, leaving out posts that are nowhere anyway."""
        for post in self.expected:
            if post.id in but:
                continue
            findings.looked_for += 1
            times = self._times(post)
            if self.unreadable:
                findings.unknown.append(self._finding(post, self.unreadable))
            elif times > 1:
                findings.duplicated.append(self._finding(post, f"{times} times"))
            elif not times and self._newer_than(post) >= MAY_BE_TRIMMED:
                findings.unknown.append(
                    self._finding(post, "the timeline may have been trimmed above this post")
                )
            elif not times:
                findings.lost.append(self._finding(post, "the post is there, but not on this timeline"))

    def judge_items(self, findings: Findings, privacy: Privacy, but: Container[str]) -> None:
        """Add what is wrong with all that is there, expected or not; `but` are those whose protection is
        judged by itself."""
        where = f"{self.path} of {self.reader}"
        if self.unreadable and not self.expected:
            findings.unknown.append(Finding("", self.reader, where, self.unreadable))
        authors = {item["id"]: item["author"]["name"] for item in self.items}
        for post in map(str, misplaced(self.posts)):
            findings.out_of_order.append(Finding(post, authors[post], where, "below an older one"))
        for post, author in self.exposed.items():
            if author not in but and privacy.hides(author, self.reader):
                findings.exposed.append(Finding(post, author, where, DOES_NOT_FOLLOW))

    def _finding(self, post: Acknowledged, what: str) -> Finding:
        return Finding(post.id, post.author, f"{self.path} of {self.reader}", what)


def timelines_to_read(census: Census, posts: Sequence[Acknowledged], followers: int) -> list[Timeline]:
    """Each author's own timeline, and the home timelines of up to `followers` of the followers of each."""
    population = generate(census.people, census.seed, census.as_of, posts=False)
    following = {person.name: index for index, person in enumerate(population.people)}
    all_followers = population.followers()
    written: dict[str, list[Acknowledged]] = {}
    for post in posts:
        written.setdefault(post.author, []).append(post)
    chance = random.Random(census.seed)
    of_each = max(1, min(followers, MOST_READERS // max(1, len(written))))
    homes: dict[str, list[Acknowledged]] = {}
    for author, promised in written.items():
        group = all_followers[following[author]]
        for reader in chance.sample(group, min(of_each, len(group))):
            homes.setdefault(population.people[reader].name, []).extend(promised)
    return [
        *(Timeline(author, f"/timelines/users/{author}", promised) for author, promised in written.items()),
        *(Timeline(reader, "/timelines/home", promised) for reader, promised in homes.items()),
    ]
