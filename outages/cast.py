"""The cast: accounts that play the users of all journeys, what they have posted, and whom they follow.

It is signed up through the public API when the prober starts, and kept in cast.json, so that a prober that is
started again goes on with the same people.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import secrets
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from outages.accounts import STEP_SECONDS, Codes, ProberAccount

ROLES = (
    "visitor",  # logs in
    "poster",  # posts
    "reader",  # reads back, and follows the authors
    "author_a",
    "author_b",
    "fan_a",  # retweet the authors' posts
    "fan_b",
    "fan_c",
    "herald",  # whose posts must reach the follower
    "follower",
    "gossip",  # mentions
    "mentioned",
    "caller",  # mentions who listens to the live stream
    "listener",
    "hermit",  # protected
    "confidant",  # approved by the hermit
    "exile",  # was approved, read the hermit's post at home, and was removed
    "stranger",
)
AUTHORS = ("author_a", "author_b")
FANS = ("fan_a", "fan_b", "fan_c")
POSTS_PER_AUTHOR = 3

CODE_ACCOUNTS = 75
"""Two attempts a second use 60 codes in a step; the rest is for a journey in trouble."""

log = logging.getLogger(__name__)

READABLE_SECONDS = 15.0
"""An acknowledged post is deleted no sooner, since an attempt may be reading it."""


@dataclass(frozen=True)
class AcknowledgedPost:
    """A post that the site has acknowledged."""

    id: str
    text: str
    edge: str
    replicated: bool = True
    """What the site said; only a post that the replica has is promised to survive."""


class Cast:
    """The accounts by role, and what the journeys share."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.assembled = False
        """Everybody exists, follows whom they should, and has posted what they should."""
        self.playable = False
        """It was assembled once. What the site loses after that is for the journeys to see."""
        self.timeline: list[str] = []
        """Posts that the reader's home timeline must show, newest first."""
        self.canary = ""
        """The hermit's post."""
        self.written: dict[str, str] = {}
        """The posts above, each with the role that wrote it."""
        self.latest: AcknowledgedPost | None = None
        self._acknowledged: deque[tuple[float, AcknowledgedPost]] = deque()
        self.saved = True
        """cast.json says what is so; it does not when the disk was full."""
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(3)
        self._retweeting: set[tuple[str, str]] = set()
        suffix = secrets.token_hex(2)
        self.accounts = {role: _invent(role, suffix) for role in ROLES}
        pool = [_invent(f"codes_{number}", suffix) for number in range(CODE_ACCOUNTS)]
        self.codes = Codes(pool)

    def __getitem__(self, role: str) -> ProberAccount:
        return self.accounts[role]

    # --- what journeys share ---

    def unique(self, text: str) -> str:
        """The text with a number that no other post has."""
        return f"{text} ({self._run}-{next(self._numbers)})"

    def acknowledge(self, post: AcknowledgedPost) -> None:
        """Remember a post as the latest one."""
        self.latest = post
        self._acknowledged.append((time.monotonic(), post))

    def outdated(self) -> Iterator[AcknowledgedPost]:
        """Take those acknowledged posts that nobody reads any more; they are to be deleted."""
        limit = time.monotonic() - READABLE_SECONDS
        while len(self._acknowledged) > 1 and self._acknowledged[0][0] < limit:
            yield self._acknowledged.popleft()[1]

    @contextmanager
    def unretweeted(self) -> Iterator[tuple[ProberAccount, str] | None]:
        """A fan and a post that no other attempt retweets meanwhile; None when all are taken."""
        pairs = ((post, fan) for post in self.timeline for fan in FANS)
        pair = next((pair for pair in pairs if pair not in self._retweeting), None)
        if pair is None:
            yield None
            return
        self._retweeting.add(pair)
        try:
            yield self.accounts[pair[1]], pair[0]
        finally:
            self._retweeting.discard(pair)

    # --- cast.json ---

    def save(self) -> None:
        """Write cast.json, whole or not at all, for its owner's eyes only. A full disk is borne with."""
        content = {
            "assembled": self.assembled,
            "timeline": self.timeline,
            "canary": self.canary,
            "written": self.written,
            "accounts": [account.saved() for account in self.accounts.values()],
            "codes": [account.saved() for account in self.codes.accounts],
        }
        scratch = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(content, file)
            scratch.replace(self.path)
        except OSError as error:
            if self.saved:
                log.error("%s cannot be written: %s", self.path, error)
            self.saved = False
        else:
            self.saved = True

    def load(self, *, codes_doubtful: bool) -> bool:
        """Go on with the cast of cast.json; False when there is none, or none of this version.

        `codes_doubtful`: what is saved is old, so any code of this step may have been used.
        """
        try:
            content = json.loads(self.path.read_text())
            accounts = {row["role"]: ProberAccount(**row) for row in content["accounts"]}
            pool = [ProberAccount(**row) for row in content["codes"]]
            if set(accounts) != set(ROLES):
                return False
            self.assembled = self.playable = bool(content["assembled"])
            self.timeline = list(content["timeline"])
            self.canary, self.written = str(content["canary"]), dict(content["written"])
        except (OSError, ValueError, KeyError, TypeError):
            return False
        self.accounts = accounts
        if codes_doubtful:
            for account in pool:
                account.used_step = account.doubtful_step = int(time.time() // STEP_SECONDS)
        self.codes = Codes(pool)
        return True


def _invent(role: str, suffix: str) -> ProberAccount:
    return ProberAccount(role, f"{role}_{suffix}", secrets.token_urlsafe(12))
