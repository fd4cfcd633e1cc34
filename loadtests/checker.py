"""Looks for all that was acknowledged: is every post still there, and on every follower's timeline exactly
once; is every like, retweet, follow, protection and end of a session still so, and was everybody notified
whom it concerns? Is nothing there that nobody wrote, out of order, or seen by those who must not? And did
each session see what it had written, and what it had seen before?

    python -m loadtests.checker [--load NAME] [--followers N] [--json]

It asks the site as a person would, through its public address, logged in as the authors and as a sample of
their followers. The answer is true, false or *unknown*: whatever kept it from looking, its own crash
included, is never taken for good news.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from foundation.console import (
    DEFAULT_STATE,
    FAILED,
    INCONCLUSIVE,
    OK,
    JsonOption,
    StateOption,
    duration_option,
    print_json,
    run,
    stdout,
)
from foundation.state import State
from foundation.verdict import spell
from loadtests.acknowledged import Acknowledged, TornRecord, posts_of, read_all
from loadtests.changes import Changed, promised_changes
from loadtests.evidence import Promised, Timeline, timelines_to_read
from loadtests.findings import KINDS, Findings
from loadtests.looks import judge_looks
from loadtests.notifications import Inbox, inboxes_to_read
from loadtests.privacy import Hidden, Privacy, hidden_accounts
from loadtests.public_api import PublicApi, Unreadable
from loadtests.target import Target, acknowledged_file
from loadtests.written import Written

FOLLOWERS = 10
"""Of each author, how many are asked what they see."""

FAN_OUT_WITHIN = 20.0
"""Seconds that the fan-out has to drain before a post that is on no timeline counts as lost."""

SETTLE = 4.0
"""Seconds after the last acknowledgement before looking: what a dead consumer left is taken over after
3, and handling one twice is just what must not show."""

SHOWN_OF_EACH = 10
"""Findings of a kind that are printed; --json has all."""

_AT_A_TIME = 8
_LOOK_AGAIN_EVERY = 0.5


def check(
    target: Target,
    record: Path,
    *,
    load: str | None = None,
    followers: int = FOLLOWERS,
    within: float = FAN_OUT_WITHIN,
    settle: float = SETTLE,
) -> Findings:
    """Judge what one load (or all) had acknowledged. Never raises: what goes wrong here makes it unknown.

    `within` and `settle` are in seconds. What is not found is looked for again until `within` is over.
    """
    try:
        lines = list(read_all(record))
        posts, changes = list(posts_of(lines, load)), promised_changes(lines, load)
        if not posts and not changes:
            return Findings(None, "nothing was acknowledged, so there is nothing to look for")
        return asyncio.run(_Check(target, record, load, posts, changes, lines, followers, within).run(settle))
    except FileNotFoundError:
        return Findings(None, "nothing was acknowledged, so there is nothing to look for")
    except (TornRecord, Unreadable) as error:
        return Findings(None, str(error))
    except Exception as error:
        return Findings(None, f"the checker failed: {error!r}")


class _Check:
    def __init__(
        self,
        target: Target,
        record: Path,
        load: str | None,
        posts: Sequence[Acknowledged],
        changes: Sequence[Changed],
        lines: Sequence[Acknowledged],
        followers: int,
        within: float,
    ) -> None:
        """`posts` and `changes` are those of the load that is judged, `lines` the whole record."""
        self._target, self._record, self._load = target, record, load
        self._lines = lines
        self._changes = changes
        self._posts = [Promised(post) for post in posts]
        self._privacy = Privacy.of(target.census, lines)
        self._timelines = timelines_to_read(target.census, posts, followers)
        # Beside those on which something is expected: on these something may be that should not.
        self._others = Written(lines, load).timelines()
        for timeline in (*self._timelines, *self._others):
            timeline.hides = partial(self._privacy.hides, reader=timeline.reader)
        self._hidden = hidden_accounts(self._privacy, lines, load)
        self._inboxes: list[Inbox] = []
        self._within = within

    async def run(self, settle: float) -> Findings:
        last = max(datetime.fromisoformat(promise.at).timestamp() for promise in self._promises())
        await asyncio.sleep(min(settle, max(0.0, last + settle - time.time())))
        async with PublicApi(self._target) as api:
            self._inboxes = await inboxes_to_read(api, self._posts, self._changes, self._lines, self._privacy)
            await self._look(api)
        return self._judge(list(read_all(self._record)))

    def _promises(self) -> list[Acknowledged]:
        return [*(post.promise for post in self._posts), *(change.promise for change in self._changes)]

    async def _look(self, api: PublicApi) -> None:
        """Look at everything; where something is missing again, until nothing is missing or time is up."""
        until = time.monotonic() + self._within
        waiting: Sequence[_Evidence] = [
            *self._posts,
            *self._timelines,
            *self._others,
            *self._changes,
            *self._hidden,
            *self._inboxes,
        ]
        while True:
            await _each(lambda one: one.look(api), waiting)
            waiting = [one for one in waiting if not one.is_complete()]
            if not waiting or time.monotonic() >= until:
                return
            await asyncio.sleep(_LOOK_AGAIN_EVERY)

    def _judge(self, lines: Sequence[Acknowledged]) -> Findings:
        """`lines` is the record as it is after the look: a load that goes on may have written more, and what
        it sends it takes down before."""
        findings = Findings(
            None,
            "",
            acknowledged=len(self._posts),
            changes=len(self._changes),
            replicated=sum(bool(promise.replicated) for promise in self._promises()),
            timelines=len(self._timelines),
        )
        privacy = self._privacy.with_lines(lines)
        for post in self._posts:
            post.judge(findings)
        gone = {post.promise.id for post in self._posts if post.text is None}
        for timeline in self._timelines:
            timeline.judge(findings, but=gone)
        for change in self._changes:
            change.judge(findings, but=gone)
        for inbox in self._inboxes:
            inbox.judge(findings)
        unprotected = {
            change.promise.author
            for change in self._changes
            if change.state == "protect" and not change.is_complete()
        }
        for timeline in (*self._timelines, *self._others):
            timeline.judge_items(findings, privacy, but=unprotected)
        for hidden in self._hidden:
            hidden.judge(findings, privacy, but=unprotected)
        Written(lines, self._load).judge((*self._timelines, *self._others), findings)
        judge_looks(lines, self._load, findings)
        return findings.decide()


_Evidence = Promised | Timeline | Changed | Hidden | Inbox


async def _each(look: Callable[[_Evidence], Awaitable[None]], all_of: Sequence[_Evidence]) -> None:
    """Look at all of them, a few at a time."""
    limit = asyncio.Semaphore(_AT_A_TIME)

    async def limited(one: _Evidence) -> None:
        async with limit:
            await look(one)

    await asyncio.gather(*(limited(one) for one in all_of))


def main(
    load: Annotated[str | None, typer.Option(help="The name of one load; without it, all loads.")] = None,
    followers: Annotated[
        int, typer.Option(min=1, help="How many followers of each author to ask.")
    ] = FOLLOWERS,
    within: Annotated[
        float,
        typer.Option(parser=duration_option, metavar="DURATION", help="How long the fan-out may take."),
    ] = FAN_OUT_WITHIN,
    state: StateOption = DEFAULT_STATE,
    as_json: JsonOption = False,
) -> None:
    """Look for all that was acknowledged on the site, and for posts on their followers' timelines."""
    site = State(state)
    findings = check(Target.of(site), acknowledged_file(site), load=load, followers=followers, within=within)
    if as_json:
        print_json(findings.as_json())
    else:
        word = spell(findings.holds, "true", "false", "unknown")
        stdout().print(f"{word}: {findings.because}")
        for kind in KINDS:
            those = getattr(findings, kind)
            if len(those) > SHOWN_OF_EACH:
                stdout().print(f"  {len(those)} {kind}; the first of them:")
            for finding in those[:SHOWN_OF_EACH]:
                stdout().print(
                    f"  {kind}: {finding.post} by {finding.author}, {finding.where}: {finding.what}"
                )
    raise typer.Exit(exit_code(findings))


def exit_code(findings: Findings) -> int:
    """0 when the promise was kept, 1 when it was broken, 4 when that is not known."""
    return {True: OK, False: FAILED, None: INCONCLUSIVE}[findings.holds]


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command()(main)
    # `run` shows the help to one who says nothing; here that asks for everything as usual.
    sys.exit(run(app, "python -m loadtests.checker", sys.argv[1:] or ["--followers", str(FOLLOWERS)]))
