"""Who may not see whom: by the population, and by what the record says has changed since.

An account shows its posts, and retweets of them, to everybody or, where it is protected, to its followers
only, wherever they would show: the post itself, its author's timeline, homes.
"""

from __future__ import annotations

import random
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote

from loadtests.acknowledged import CHANGES, POST, Acknowledged
from loadtests.findings import Finding, Findings
from loadtests.population import Population, generate
from loadtests.public_api import PublicApi, Unreadable
from loadtests.target import Census

MOST_PROTECTED = 50
"""Of how many protected accounts a stranger is sent to look."""

MOST_POSTS = 5
"""How many posts of each a stranger asks for."""

DOES_NOT_FOLLOW = "seen by somebody who does not follow"


class Privacy:
    """What is certain about who may see whom."""

    def __init__(self, population: Population, lines: Iterable[Acknowledged]) -> None:
        self.seed = population.seed
        self._population = population
        self.names = {person.name: index for index, person in enumerate(population.people)}
        """With their indices in the population."""
        self._asked: set[tuple[str, str]] = set()
        self._protected = {person.name: person.protected for person in population.people}
        self._changed: set[str] = set()
        for line in lines:
            state, on = CHANGES.get(line.kind, ("", False))
            if state == "follow":
                # Whether or not it was made, or approved: whoever asked may follow since.
                self._asked.add((line.author, line.id))
            elif state == "protect":
                # What was not acknowledged, or is on the primary only, is no certainty.
                self._protected[line.author] = on and line.replicated is True
                self._changed.add(line.author)

    @classmethod
    def of(cls, census: Census, lines: Iterable[Acknowledged]) -> Self:
        """Of the people of a site."""
        return cls(generate(census.people, census.seed, census.as_of, posts=False), lines)

    def with_lines(self, lines: Iterable[Acknowledged]) -> Self:
        """The same people by a later reading of the record."""
        return type(self)(self._population, lines)

    def follows_from_the_first(self, reader: str, author: str) -> bool:
        """Whether they followed when the population came."""
        if reader not in self.names:
            return False
        return self.names.get(author) in self._population.following[self.names[reader]]

    def hides(self, author: str, reader: str) -> bool:
        """Whether this reader must not see what the author posts."""
        if not self.is_protected(author) or reader == author:
            return False
        return (reader, author) not in self._asked and not self.follows_from_the_first(reader, author)

    def is_protected(self, author: str) -> bool:
        """Whether the author certainly shows posts to followers only."""
        return self._protected.get(author, False)

    def was_never_protected(self, author: str) -> bool:
        """Whether everybody could see the author's posts at any time."""
        return self._protected.get(author) is False and author not in self._changed


@dataclass(eq=False)
class Hidden:
    """A protected account, and a stranger who must see nothing of it."""

    author: str
    stranger: str
    posts: list[str]
    shown: dict[str, str] = field(default_factory=dict)
    """What the stranger saw and where: the id of a post, or nothing for the timeline."""
    unreadable: str = "it was never looked at"

    async def look(self, api: PublicApi) -> None:
        self.shown, self.unreadable = {}, ""
        paths = {f"/timelines/users/{quote(self.author)}": ""}
        paths |= {f"/posts/{quote(post)}": post for post in self.posts}
        try:
            for path, post in paths.items():
                if await api.find(path, self.stranger) is not None:
                    self.shown[path] = post
            if self.shown and await follows_now(api, self.stranger, self.author):
                self.shown = {}
        except Unreadable as error:
            self.unreadable = str(error)

    def is_complete(self) -> bool:
        return not self.unreadable and not self.shown

    def judge(self, findings: Findings, privacy: Privacy, but: Container[str]) -> None:
        """Add what is wrong to the findings, unless the account shows itself to the stranger by now, or is
        among those whose protection is judged by itself."""
        if self.author in but or not privacy.hides(self.author, self.stranger):
            return
        if self.unreadable:
            findings.unknown.append(Finding("", self.author, f"hidden from {self.stranger}", self.unreadable))
        for path, post in self.shown.items():
            findings.exposed.append(Finding(post, self.author, f"{path} as {self.stranger}", DOES_NOT_FOLLOW))


async def follows_now(api: PublicApi, reader: str, author: str) -> bool:
    """Whether the site says that they follow: somebody may have approved it by hand. Raises Unreadable."""
    profile = await api.find(f"/users/{quote(author)}", reader)
    return profile is not None and profile["state"] == "following"


def hidden_accounts(privacy: Privacy, lines: Sequence[Acknowledged], load: str | None) -> list[Hidden]:
    """Of those who wrote or changed something in one load (or any): the protected, each with a stranger."""
    posts: dict[str, list[str]] = {}
    for line in lines:
        is_judged = load in (None, line.load) and (line.kind == POST or line.kind in CHANGES)
        if is_judged and privacy.is_protected(line.author):
            posts.setdefault(line.author, []).extend([line.id] if line.kind == POST else [])
    chance = random.Random(privacy.seed)
    hidden: list[Hidden] = []
    for author in chance.sample(sorted(posts), len(posts)):
        if len(hidden) == MOST_PROTECTED:
            break
        strangers = [name for name in privacy.names if privacy.hides(author, name)]
        if strangers:
            hidden.append(Hidden(author, chance.choice(strangers), posts[author][-MOST_POSTS:]))
    return hidden
