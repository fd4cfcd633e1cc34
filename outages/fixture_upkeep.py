"""Looks after the cast: assembles it, enrols second factors, renews sessions, replaces losses."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

from foundation.ledger import Ledger
from outages.accounts import ProberAccount, Visits, enrol, log_in, request, sign_up
from outages.cast import AUTHORS, POSTS_PER_AUTHOR, AcknowledgedPost, Cast
from outages.client import MALFORMED
from outages.failures import Failed, Refused
from outages.journeys.home_timeline import compare
from outages.visit import Cleanup

FIRST_CODES = 6
"""Accounts with a second factor that are enrolled at once, so that their journey can begin."""

ENROL_EVERY = 0.5
"""Seconds between further enrolments: as many as the default rate uses up, until the pool is full."""

AUDIENCE = 260
"""Followers of the hermit: a few more than make an account a celebrity."""

AUDIENCE_EVERY = 1.0
"""Seconds between two of them, and ten times that when all are there."""

ROUND_SECONDS = 1.0
TRY_AGAIN_SECONDS = 0.05

USELESS = (Failed, *MALFORMED)
"""The site did not do what was asked of it."""

SHOW_OLD_POSTS = {"home-timeline", "protected-posts", "retweet"}
"""Journeys that fail when the site has lost what the cast posted."""

SETTLED_SECONDS = 5.0
"""How long the reader's timeline may take to fill when the cast is assembled."""


logger = logging.getLogger(__name__)


class FixtureUpkeep:
    """Runs until it is cancelled. `in_trouble()` names the journeys that have been down for a while."""

    def __init__(
        self, cast: Cast, visits: Visits, ledger: Ledger, in_trouble: Callable[[], set[str]]
    ) -> None:
        self._cast = cast
        self._visits = visits
        self._ledger = ledger
        self._in_trouble = in_trouble
        self.cleanups: deque[Cleanup] = deque(maxlen=2000)
        """What visits could not undo; undone here when the site is well again."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_assembled())
            group.create_task(self._fill_codes())
            group.create_task(self._gather_audience())

    # --- the cast ---

    async def _keep_assembled(self) -> None:
        if self._cast.assembled:
            await self._until_it_works(self._look_for_losses)
        while True:
            if not self._cast.assembled:
                begun = time.monotonic()
                await self._until_it_works(lambda: assemble(self._cast, self._visits))
                self._ledger.append("cast.assembled", seconds=round(time.monotonic() - begun, 3))
            await asyncio.sleep(ROUND_SECONDS)
            with suppress(*USELESS):
                await self._renew_sessions()
                await self._clean_up()
                if self._in_trouble() & SHOW_OLD_POSTS:
                    await self._look_for_losses()

    async def _until_it_works(self, work: Callable[[], Awaitable[None]]) -> None:
        """Again and again: the site may still be starting."""
        pause = TRY_AGAIN_SECONDS
        while True:
            try:
                return await work()
            except USELESS as error:
                logger.debug("the cast is not ready: %s", error)
            await asyncio.sleep(pause)
            pause = min(ROUND_SECONDS, pause * 1.2)

    async def _renew_sessions(self) -> None:
        now = time.time()
        due = [row for row in self._cast.accounts.values() if row.stale or now > row.renew_at]
        if due:
            await _all(self._renew(account) for account in due)
            self._cast.save()

    async def _renew(self, account: ProberAccount) -> None:
        try:
            await log_in(account, self._visits)
        except Refused as refusal:
            if refusal.status == 401 and await sign_up(account, self._visits):
                self._lost(f"the account {account.name}")

    async def _look_for_losses(self) -> None:
        """Are the posts of the cast still there, for those who wrote them, and no others of theirs that were
        deleted before, as after a backup was put back?"""
        for post, role in self._cast.written.items():
            try:
                await request(self._visits, "GET", f"/posts/{post}", self._cast[role])
            except Refused as refusal:
                if refusal.status != 404:
                    raise
                return self._lost(f"post {post} by {role}")
        for role in AUTHORS:
            author = self._cast[role]
            timeline = await request(self._visits, "GET", f"/timelines/users/{author.name}?limit=100", author)
            theirs = {str(item["id"]) for item in timeline["items"] if item["author"]["id"] == author.id}
            if back := theirs - self._cast.written.keys():
                return self._lost(f"that posts of {role} were deleted: {len(back)} are back")

    def _lost(self, what: str) -> None:
        """The site no longer has something that the cast needs: say so, and assemble it anew."""
        if self._cast.assembled:
            self._cast.assembled = False
            self._ledger.append("cast.lost", what=what)

    # --- second factors ---

    async def _fill_codes(self) -> None:
        accounts = self._cast.codes.accounts
        missing = [account for account in accounts if not account.secret]
        if len(missing) == len(accounts):
            await _all(self._enrol(account) for account in missing[:FIRST_CODES])
            self._cast.save()
        while True:
            await asyncio.sleep(ENROL_EVERY)
            for account in accounts:
                useless = account.stale or account.unprotected or not account.secret
                if useless or account.is_ahead(time.time()):
                    await self._enrol(account)
                    break

    async def _enrol(self, account: ProberAccount) -> None:
        try:
            if account.stale and not await sign_up(account, self._visits):
                account.stale = False  # it exists: whoever refused it was wrong
                return
            if account.stale:
                self._ledger.append("cast.lost", what=f"the account {account.name}")
            elif account.unprotected:
                self._ledger.append("cast.lost", what=f"the second factor of {account.name}")
            if account.id:
                _rename(account)
            await enrol(account, self._visits)
            self._cast.save()
        except USELESS as error:
            logger.debug("%s is not enrolled: %s", account.name, error)

    # --- the hermit's audience ---

    async def _gather_audience(self) -> None:
        """Nobody of the audience is heard of again, so only their number matters, and the site knows that."""
        pause = AUDIENCE_EVERY
        while True:
            await asyncio.sleep(pause)
            if self._cast.assembled:
                with suppress(*USELESS):
                    joined = await _join_audience(self._cast["hermit"], self._visits)
                    pause = AUDIENCE_EVERY if joined else 10 * AUDIENCE_EVERY

    # --- cleanups ---

    async def _clean_up(self) -> None:
        while self.cleanups:
            visit = self._visits()
            visit.cleanups.append(self.cleanups[0])
            try:
                async with asyncio.timeout(2.0):
                    if await visit.tidy():
                        return
            except TimeoutError:
                return
            finally:
                visit.close()
            self.cleanups.popleft()


def _rename(account: ProberAccount) -> None:
    """Begin anew under another name."""
    account.name = f"{account.role}_{secrets.token_hex(3)}"
    account.id = account.token = account.secret = ""
    account.stale = account.unprotected = False
    account.replicated = True
    account.used_step = account.doubtful_step = 0


async def assemble(cast: Cast, visits: Visits) -> None:
    """Sign everybody up and arrange what the journeys presuppose. Safe to repeat. Raises Failed."""
    created = await _all(sign_up(account, visits) for account in cast.accounts.values())
    old = [row for row, new in zip(cast.accounts.values(), created, strict=True) if not new]
    await _all(log_in(account, visits) for account in old)
    cast.save()
    cast.written = {}
    await _all(
        [
            _arrange_timeline(cast, visits),
            request(visits, "PUT", f"/users/{cast['herald'].name}/follow", cast["follower"]),
            _arrange_canary(cast, visits),
            _post_something(cast, visits),
        ]
    )
    cast.assembled = cast.playable = True
    cast.save()


async def _arrange_timeline(cast: Cast, visits: Visits) -> None:
    reader, authors = cast["reader"], [cast[role] for role in AUTHORS]
    for author in authors:
        await _delete_posts(author, visits)
    await _all(request(visits, "PUT", f"/users/{author.name}/follow", reader) for author in authors)
    posts = await _all(
        _create(author, f"Old news, part {part} of {POSTS_PER_AUTHOR}.", visits)
        for author in authors
        for part in range(1, POSTS_PER_AUTHOR + 1)
    )
    roles = [role for role in AUTHORS for _ in range(POSTS_PER_AUTHOR)]
    cast.written |= dict(zip(posts, roles, strict=True))
    cast.timeline = sorted(posts, key=int, reverse=True)
    end = time.monotonic() + SETTLED_SECONDS
    while True:
        items = (await request(visits, "GET", "/timelines/home?limit=50", reader))["items"]
        difference = compare([str(item["id"]) for item in items], cast.timeline)
        if not difference:
            return
        if time.monotonic() > end:
            raise Failed("wrong-content", f"the reader's home timeline does not settle: {difference}")
        await asyncio.sleep(0.02)


async def _arrange_canary(cast: Cast, visits: Visits) -> None:
    hermit, exile = cast["hermit"], cast["exile"]
    await request(visits, "PUT", "/me/protection", hermit)
    cast.canary = await _create(hermit, "For friends only.", visits)
    cast.written[cast.canary] = "hermit"
    await _follow(hermit, cast["confidant"], visits)
    await _follow(hermit, exile, visits)
    await request(visits, "DELETE", f"/me/followers/{exile.name}", hermit)


async def _join_audience(hermit: ProberAccount, visits: Visits) -> bool:
    """Another follower of the hermit, unless there are enough: then False. Raises Failed."""
    if (await request(visits, "GET", f"/users/{hermit.name}"))["followers"] >= AUDIENCE:
        return False
    follower = ProberAccount("audience", f"audience_{secrets.token_hex(3)}", secrets.token_urlsafe(12))
    await sign_up(follower, visits)
    await _follow(hermit, follower, visits)
    return True


async def _follow(hermit: ProberAccount, follower: ProberAccount, visits: Visits) -> None:
    """Follow the protected account, which approves. Safe to repeat. Raises Failed."""
    follow = await request(visits, "PUT", f"/users/{hermit.name}/follow", follower)
    if follow["state"] == "requested":
        await request(visits, "PUT", f"/me/follow-requests/{follower.name}", hermit)


async def _post_something(cast: Cast, visits: Visits) -> None:
    text = cast.unique("The whale wakes up.")
    cast.acknowledge(AcknowledgedPost(await _create(cast["poster"], text, visits), text, ""))


async def _create(author: ProberAccount, text: str, visits: Visits) -> str:
    return str((await request(visits, "POST", "/posts", author, {"text": text}, 201))["id"])


async def _delete_posts(author: ProberAccount, visits: Visits) -> None:
    """Posts of an attempt to assemble the cast that was not finished."""
    timeline = await request(visits, "GET", f"/timelines/users/{author.name}?limit=100", author)
    await _all(request(visits, "DELETE", f"/posts/{item['id']}", author) for item in timeline["items"])


async def _all(work: Iterable[Awaitable[Any]]) -> list[Any]:
    """Do all of it at the same time; raises the first failure after everything has ended."""
    done = await asyncio.gather(*work, return_exceptions=True)
    for result in done:
        if isinstance(result, BaseException):
            raise result
    return done
