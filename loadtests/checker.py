"""Looks for every acknowledged post: is it still there, and on every follower's timeline exactly once?

    python -m loadtests.checker [--load NAME] [--followers N] [--json]

It asks the site as a person would, through its public address, logged in as the authors and as a sample of
their followers. The answer is true, false or *unknown*: whatever kept it from looking, its own crash
included, is never taken for good news.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from failwhale.console import (
    DEFAULT_STATE,
    FAILED,
    INCONCLUSIVE,
    OK,
    JsonOption,
    StateOption,
    print_json,
    run,
    stdout,
)
from failwhale.state import State
from loadtests.acknowledged import Acknowledged, TornRecord, read
from loadtests.population import generate
from loadtests.public_api import PublicApi, Unreadable
from loadtests.target import Census, Target, acknowledged_file

FOLLOWERS = 10
"""Of each author, how many are asked what they see."""

MOST_READERS = 300
"""So that a load with many authors is not followed by another load."""

FAN_OUT_WITHIN = 20.0
"""Seconds that the fan-out has to drain before a post that is on no timeline counts as lost."""

SETTLE = 4.0
"""Seconds after the last acknowledgement before looking: events that a dead consumer left are taken over after
3, and handling one twice is just what must not show."""

_TRIMMED_AT = 800
_PAGE = 100
_MOST_PAGES = 50
_AT_A_TIME = 8
_LOOK_AGAIN_EVERY = 0.5
_FOREVER = 10**18


@dataclass(frozen=True, slots=True)
class Finding:
    """A post that is not as it should be; `where` is the site as a whole or a timeline."""

    post: str
    author: str
    where: str
    what: str = ""


@dataclass
class Verdict:
    """What was found. `holds` is None when it is not known whether the promise was kept."""

    holds: bool | None
    because: str
    acknowledged: int = 0
    timelines: int = 0
    looked_for: int = 0
    """How many times a post was looked for on a timeline."""
    lost: list[Finding] = field(default_factory=list)
    duplicated: list[Finding] = field(default_factory=list)
    altered: list[Finding] = field(default_factory=list)
    lost_as_announced: list[Finding] = field(default_factory=list)
    """Lost, but the site had said that no replica had it: no broken promise."""
    unknown: list[Finding] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def decide(self) -> Verdict:
        """Set `holds` by what was found."""
        broken = [
            f"{len(findings)} {word}"
            for word, findings in (
                ("lost", self.lost),
                ("duplicated", self.duplicated),
                ("altered", self.altered),
            )
            if findings
        ]
        if broken:
            self.holds, self.because = False, ", ".join(broken)
        elif self.unknown:
            first = self.unknown[0]
            self.holds, self.because = None, f"{len(self.unknown)} could not be judged: {first.what}"
        else:
            self.holds = True
            self.because = f"{self.acknowledged} posts, each exactly once on {self.timelines} timelines"
            if self.lost_as_announced:
                self.because += f", but {len(self.lost_as_announced)} that were said not to be replicated"
        return self


def check(
    target: Target,
    record: Path,
    *,
    load: str | None = None,
    followers: int = FOLLOWERS,
    within: float = FAN_OUT_WITHIN,
    settle: float = SETTLE,
) -> Verdict:
    """Judge what one load (or all) had acknowledged. Never raises: what goes wrong here makes it unknown.

    `within` and `settle` are in seconds. What is not found is looked for again until `within` is over.
    """
    try:
        posts = list(read(record, load))
        if not posts:
            return Verdict(None, "nothing was acknowledged, so there is nothing to look for")
        return asyncio.run(_Check(target, posts, followers, within).run(settle))
    except FileNotFoundError:
        return Verdict(None, "nothing was acknowledged, so there is nothing to look for")
    except (TornRecord, Unreadable) as error:
        return Verdict(None, str(error))
    except Exception as error:
        return Verdict(None, f"the checker failed: {error!r}")


class _Check:
    def __init__(self, target: Target, posts: Sequence[Acknowledged], followers: int, within: float) -> None:
        self._target = target
        self._posts = [_Post(post) for post in posts]
        self._timelines = timelines_to_read(target.census, posts, followers)
        self._within = within

    async def run(self, settle: float) -> Verdict:
        last = max(datetime.fromisoformat(post.promise.at).timestamp() for post in self._posts)
        await asyncio.sleep(min(settle, max(0.0, last + settle - time.time())))
        async with PublicApi(self._target) as api:
            await self._look(api)
        return self._judge()

    async def _look(self, api: PublicApi) -> None:
        """Look at everything; where something is missing again, until nothing is missing or time is up."""
        until = time.monotonic() + self._within
        waiting: Sequence[_Post | Timeline] = [*self._posts, *self._timelines]
        while True:
            await _each(lambda one: one.look(api), waiting)
            waiting = [one for one in waiting if not one.is_complete()]
            if not waiting or time.monotonic() >= until:
                return
            await asyncio.sleep(_LOOK_AGAIN_EVERY)

    def _judge(self) -> Verdict:
        verdict = Verdict(None, "", acknowledged=len(self._posts), timelines=len(self._timelines))
        for post in self._posts:
            post.judge(verdict)
        gone = {post.promise.id for post in self._posts if post.text is None}
        for timeline in self._timelines:
            timeline.judge(verdict, but=gone)
        return verdict.decide()


@dataclass(eq=False)
class _Post:
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

    def judge(self, verdict: Verdict) -> None:
        promise = self.promise

        def finding(what: str) -> Finding:
            return Finding(promise.id, promise.author, "the site", what)

        if self.unreadable:
            verdict.unknown.append(finding(self.unreadable))
        elif self.text is None:
            findings = verdict.lost if promise.replicated else verdict.lost_as_announced
            findings.append(finding(f"acknowledged at {promise.at}, and there is no such post"))
        elif self.text != promise.text:
            verdict.altered.append(finding(f"its text is now {self.text!r}"))


@dataclass(eq=False)
class Timeline:
    """One timeline, read as one person, and the posts that must be on it."""

    reader: str
    path: str
    expected: list[Acknowledged]
    entries: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    """By text: how often each post with it is there, by its id and who retweeted it ("" for nobody).

    By text, because a write that was done twice makes two posts of one text. Those of a load are all
    different.
    """
    oldest: int = _FOREVER
    is_trimmed: bool = False
    unreadable: str = "it was never looked at"

    async def look(self, api: PublicApi) -> None:
        """Read it, from its newest entry to the oldest that is expected."""
        self.entries, self.oldest, self.is_trimmed, self.unreadable = {}, _FOREVER, False, ""
        try:
            await self._read(api)
        except Unreadable as error:
            self.unreadable = str(error)

    async def _read(self, api: PublicApi) -> None:
        enough = min(int(post.id) for post in self.expected)
        count, cursor = 0, ""
        for _ in range(_MOST_PAGES):
            page = await api.get(f"{self.path}?limit={_PAGE}{cursor}", self.reader)
            count += len(page["items"])
            for item in page["items"]:
                self._take(item)
            if not page["next"]:
                self.is_trimmed = count >= _TRIMMED_AT
                return
            if self.oldest < enough:
                return
            cursor = f"&cursor={quote(page['next'])}"
        raise Unreadable(f"a timeline without an end within {_MOST_PAGES} pages")

    def _take(self, item: Any) -> None:
        retweeted_by = (item.get("retweeted_by") or {}).get("name", "")
        self.entries.setdefault(item["text"], Counter())[item["id"], retweeted_by] += 1
        if not retweeted_by:
            # A retweet stands where it was retweeted; only a post itself tells how far back this is.
            self.oldest = min(self.oldest, int(item["id"]))

    def is_complete(self) -> bool:
        return not self.unreadable and all(self._times(post) for post in self.expected)

    def _times(self, post: Acknowledged) -> int:
        """How often a post is there: the same entry twice, or two posts made by one write, are two."""
        entries = self.entries.get(post.text, Counter())
        ids = {id_ for id_, _ in entries}
        return max(len(ids), *entries.values()) if post.id in ids else 0

    def judge(self, verdict: Verdict, but: Container[str]) -> None:
        """Add what is wrong to the verdict, leaving out posts that are nowhere anyway."""
        for post in self.expected:
            if post.id in but:
                continue
            verdict.looked_for += 1
            times = self._times(post)
            if self.unreadable:
                verdict.unknown.append(self._finding(post, self.unreadable))
            elif times > 1:
                verdict.duplicated.append(self._finding(post, f"{times} times"))
            elif not times and self.is_trimmed and int(post.id) < self.oldest:
                verdict.unknown.append(self._finding(post, "the timeline was trimmed before this post"))
            elif not times:
                verdict.lost.append(self._finding(post, "the post is there, but not on this timeline"))

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
    of_each = max(1, min(followers, MOST_READERS // len(written)))
    homes: dict[str, list[Acknowledged]] = {}
    for author, promised in written.items():
        group = all_followers[following[author]]
        for reader in chance.sample(group, min(of_each, len(group))):
            homes.setdefault(population.people[reader].name, []).extend(promised)
    return [
        *(Timeline(author, f"/timelines/users/{author}", promised) for author, promised in written.items()),
        *(Timeline(reader, "/timelines/home", promised) for reader, promised in homes.items()),
    ]


async def _each(
    look: Callable[[_Post | Timeline], Awaitable[None]], all_of: Sequence[_Post | Timeline]
) -> None:
    """Look at all of them, a few at a time."""
    limit = asyncio.Semaphore(_AT_A_TIME)

    async def limited(one: _Post | Timeline) -> None:
        async with limit:
            await look(one)

    await asyncio.gather(*(limited(one) for one in all_of))


def main(
    load: Annotated[str | None, typer.Option(help="The name of one load; without it, all loads.")] = None,
    followers: Annotated[
        int, typer.Option(min=1, help="How many followers of each author to ask.")
    ] = FOLLOWERS,
    state: StateOption = DEFAULT_STATE,
    as_json: JsonOption = False,
) -> None:
    """Look for every acknowledged post on the site and on its followers' timelines."""
    site = State(state)
    verdict = check(Target.of(site), acknowledged_file(site), load=load, followers=followers)
    if as_json:
        print_json(verdict.as_json())
    else:
        word = {True: "true", False: "false", None: "unknown"}[verdict.holds]
        stdout().print(f"{word}: {verdict.because}")
        for kind in ("lost", "duplicated", "altered", "lost_as_announced", "unknown"):
            for finding in getattr(verdict, kind):
                stdout().print(
                    f"  {kind}: {finding.post} by {finding.author}, {finding.where}: {finding.what}"
                )
    raise typer.Exit(exit_code(verdict))


def exit_code(verdict: Verdict) -> int:
    """0 when the promise was kept, 1 when it was broken, 4 when that is not known."""
    return {True: OK, False: FAILED, None: INCONCLUSIVE}[verdict.holds]


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command()(main)
    sys.exit(run(app, "python -m loadtests.checker"))
