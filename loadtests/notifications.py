"""Whether those were notified, exactly once, whom likes, retweets, follows and mentions concern.

What somebody does to themselves notifies nobody, and what is so already is no event. A notification outlasts
what it tells of: of what was taken back since it is neither looked for nor counted. The site drops the oldest
notifications of a list, beyond a number or an age; of what may have been dropped nothing is said.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from loadtests.acknowledged import CHANGES, POST, Acknowledged, stamp
from loadtests.changes import Changed
from loadtests.evidence import Promised
from loadtests.findings import Finding, Findings
from loadtests.order import misplaced
from loadtests.privacy import Privacy
from loadtests.public_api import PublicApi, Unreadable

MOST_INBOXES = 100
"""Of how many people the notifications are read: of those who should have most."""

MOST_NOTICES = 400
"""Of how many changes, and of how many posts, it is looked for whether they were told."""

KEPT = 800
"""How many notifications the site keeps for each person."""

KEPT_SECONDS = 30.0
"""For so long after an acknowledgement none is dropped because of its age: the site keeps each for a minute
at least, where lab days are short, and what it tells of may have been done before."""

UNDER_WAY = 25.0
"""Seconds by which something may have been done before it was acknowledged: two requests and their
patience."""

_AT_A_TIME = 8
_PAGE = 100
_MOST_PAGES = 20
_MENTION = re.compile(r"(?<!\S)@(\w{1,15})(?!\S)")


@dataclass(frozen=True, eq=False)
class Notice:
    """What somebody must have been told exactly once."""

    kinds: tuple[str, ...]
    """What it may be called: to follow somebody may mean to ask."""
    tells_of: Promised | Changed
    post: str
    """Empty for one about no post."""
    since: str
    """When it was first done: the notification may be as old."""
    most: int = 1
    """How often it may be there: what was taken back and done again is told again."""

    @property
    def promise(self) -> Acknowledged:
        return self.tells_of.promise


@dataclass(eq=False)
class Inbox:
    """The notifications of one person, and what must be among them."""

    reader: str
    expected: list[Notice] = field(default_factory=list)
    found: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How many there are of each kind, by whom, about which post."""
    ids: list[int] = field(default_factory=list)
    oldest: str = ""
    looked_at: str = ""
    unreadable: str = "it was never looked at"

    async def look(self, api: PublicApi) -> None:
        """Read it, from the newest to what is older than all that is expected."""
        self.found, self.ids, self.oldest, self.unreadable = Counter(), [], "", ""
        self.looked_at = stamp()
        try:
            await self._read(api)
        except Unreadable as error:
            self.unreadable = str(error)

    async def _read(self, api: PublicApi) -> None:
        enough = min(_before(notice.since) for notice in self.expected)
        cursor = ""
        for _ in range(_MOST_PAGES):
            page = await api.get(f"/notifications?limit={_PAGE}{cursor}", self.reader)
            for item in page["items"]:
                self._take(item)
            if not page["next"] or self.oldest < enough:
                return
            cursor = f"&cursor={quote(page['next'])}"
        raise Unreadable(f"notifications without an end within {_MOST_PAGES} pages")

    def _take(self, item: Any) -> None:
        self.found[item["kind"], item["actor"]["name"], item.get("post") or ""] += 1
        self.ids.append(int(item["id"]))
        self.oldest = item["created"]

    def is_complete(self) -> bool:
        return not self.unreadable and all(map(self._times, self.expected))

    def _times(self, notice: Notice) -> int:
        return max(self.found[kind, notice.promise.author, notice.post] for kind in notice.kinds)

    def _may_be_dropped(self, notice: Notice) -> bool:
        """The oldest are dropped first: what shows something older has lost nothing by that."""
        if self.oldest and self.oldest < _before(notice.since):
            return False
        age = datetime.fromisoformat(self.looked_at) - datetime.fromisoformat(notice.since)
        return len(self.ids) >= KEPT or age.total_seconds() > KEPT_SECONDS

    def judge(self, findings: Findings) -> None:
        """Add what is wrong to the findings, leaving out what tells of something that is not there itself."""
        where = f"notifications of {self.reader}"
        for identifier in map(str, misplaced(self.ids)):
            findings.out_of_order.append(Finding(identifier, self.reader, where, "below an older one"))
        expected = [notice for notice in self.expected if notice.tells_of.is_complete()]
        if self.unreadable:
            findings.unknown.extend(self._finding(notice, self.unreadable) for notice in expected)
            return
        for notice in expected:
            times = self._times(notice)
            if not times and self._may_be_dropped(notice):
                continue
            findings.notifications += 1
            if times > notice.most:
                findings.duplicated.append(self._finding(notice, f"{times} times"))
            elif not times and notice.promise.replicated:
                findings.lost.append(self._finding(notice, "the notification is not there"))
            elif not times:
                findings.lost_as_announced.append(self._finding(notice, "the notification is not there"))

    def _finding(self, notice: Notice, what: str) -> Finding:
        kind = notice.kinds[0]
        return Finding(
            notice.post or notice.promise.id,
            notice.promise.author,
            f"notifications of {self.reader}",
            f"{kind}: {what}",
        )


async def inboxes_to_read(
    api: PublicApi,
    posts: Sequence[Promised],
    changes: Sequence[Changed],
    lines: Sequence[Acknowledged],
    privacy: Privacy,
) -> list[Inbox]:
    """Those of the people concerned. Whose post was liked or retweeted is asked of the site, where the record
    does not say it; of a post that is not there nothing is expected."""
    first: dict[tuple[str, str, str], str] = {}
    taken_back: Counter[tuple[str, str, str]] = Counter()
    for line in lines:
        if line.kind in CHANGES:
            state, on = CHANGES[line.kind]
            first.setdefault((state, line.author, line.id), line.at)
            taken_back[state, line.author, line.id] += not on
    inboxes: dict[str, Inbox] = {}

    def expect(reader: str | None, notice: Notice) -> None:
        if reader is not None and reader != notice.promise.author:
            inboxes.setdefault(reader, Inbox(reader)).expected.append(notice)

    made = [change for change in changes if change.wanted and change.state in ("like", "retweet", "follow")]
    some = random.Random(privacy.seed).sample(made, min(len(made), MOST_NOTICES))
    authors = await _authors(api, [change.promise for change in some if change.state != "follow"], lines)
    for change in some:
        promise, state = change.promise, change.state
        key = state, promise.author, promise.id
        if state != "follow":
            notice = Notice((state,), change, promise.id, first[key], 1 + taken_back[key])
            expect(authors.get(promise.id), notice)
        elif promise.id in privacy.names and not privacy.follows_from_the_first(promise.author, promise.id):
            expect(promise.id, Notice(("follow", "follow-request"), change, "", first[key]))
    for post in posts[-MOST_NOTICES:]:
        for name in _mentioned(post.promise, privacy):
            expect(name, Notice(("mention",), post, post.promise.id, post.promise.at))
    return sorted(inboxes.values(), key=lambda inbox: -len(inbox.expected))[:MOST_INBOXES]


def _mentioned(promise: Acknowledged, privacy: Privacy) -> Iterable[str]:
    """Those whom a text mentions and who may certainly see it: only they are told."""
    if privacy.was_never_protected(promise.author):
        for name in dict.fromkeys(_MENTION.findall(promise.text)):
            if name in privacy.names:
                yield name


async def _authors(
    api: PublicApi, changes: Iterable[Acknowledged], lines: Iterable[Acknowledged]
) -> dict[str, str]:
    """Who wrote the posts that were changed. Where the site does not say it now, nobody: then the change
    itself is judged as it is found."""
    authors = {line.id: line.author for line in lines if line.kind == POST}
    limit = asyncio.Semaphore(_AT_A_TIME)

    async def ask(post: str, reader: str) -> None:
        async with limit:
            with suppress(Unreadable):
                found = await api.find(f"/posts/{quote(post)}", reader)
                if found is not None:
                    authors[post] = found["author"]["name"]

    unknown = {change.id: change.author for change in changes if change.id not in authors}
    await asyncio.gather(*(ask(post, reader) for post, reader in unknown.items()))
    return authors


def _before(at: str) -> str:
    """A time at which something acknowledged then had certainly not been done."""
    return (datetime.fromisoformat(at) - timedelta(seconds=UNDER_WAY)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
