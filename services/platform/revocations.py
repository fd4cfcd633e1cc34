"""Sessions that ended before their time: known in every process, so that checking one costs no call.

An entry of the sorted set `revoked` is a session id, or `ACCOUNT:TIME` for every session of an account that
was issued up to that Unix time; its score is when the last of these tokens would have expired anyway.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from redis.exceptions import RedisError

from services.platform import keys, wall_clock
from services.platform.identity import User
from services.platform.problems import Problem
from services.platform.store import Script, Store, Written
from services.platform.store.channel import messages
from services.platform.tokens import Session

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""How long an entry takes at most to be known here, when it was not heard of at once on the channel."""

TRY_AGAIN_SECONDS = 0.1
"""The same before the first look: nobody can be recognised until then."""

KEPT_SECONDS = 86_400
"""How long an entry is kept after the last session that it ends has expired: clocks differ, and one that is
ahead must not make a session good again by forgetting that it was ended."""

_REVOKE = Script(
    f"""
redis.call('ZADD', '{keys.REVOKED}', 'GT', ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', '{keys.REVOKED}', '-inf', '(' .. ARGV[3])
redis.call('PUBLISH', '{keys.REVOKED}', ARGV[1] .. ' ' .. ARGV[2])
return 1
"""
)


class Revocations:
    """What this process knows of revoked sessions; `poll` and `listen` keep it fresh."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sessions: dict[str, float] = {}
        """Session id to expiry."""
        self.all_before = 0.0
        """Sessions that were issued up to this time (Unix seconds) are taken for ended, by a fault."""
        self._accounts: dict[int, tuple[float, float]] = {}
        """Account to the time up to which its sessions are revoked, and the expiry of the last of them."""
        self._looked = asyncio.Event()

    @property
    def are_known(self) -> bool:
        """Whether the store was asked with success since this process began. Until then nothing is known of
        any session, so none may be believed."""
        return self._looked.is_set()

    async def wait_until_known(self, seconds: float) -> None:
        """Wait until they are known, but no longer than so many seconds; `poll` has to run meanwhile."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._looked.wait()

    def is_revoked(self, session: Session) -> bool:
        """Whether this session was ended. Two look-ups."""
        if session.sid in self._sessions or session.issued <= self.all_before:
            return True
        account = self._accounts.get(session.user.id)
        return account is not None and session.issued <= account[0]

    async def revoke(self, session: Session) -> Written:
        """End one session everywhere. Raises the store's problems, also where no replica has it: a session
        that somebody believes to be ended must not come back."""
        return await self._revoke(session.sid, session.expires)

    async def revoke_all(self, user: User, lifetime: float) -> Written:
        """End every session that `user` has now; `lifetime` is how long, in seconds, the longest may still
        last."""
        now = wall_clock.now()
        return await self._revoke(f"{user.id}:{now:.6f}", now + lifetime)

    async def poll(self) -> None:
        """Ask for every revocation, again and again, until cancelled. Where the store cannot be reached, what
        was known stays known."""
        while True:
            now = wall_clock.now()
            try:
                found = await self._store.query("ZRANGEBYSCORE", keys.REVOKED, now, "+inf", "WITHSCORES")
            except (Problem, RedisError) as error:
                logger.debug("asking for revocations: %s", error)  # the store's own readiness tells of it
            else:
                for entry, expires in zip(found[::2], found[1::2], strict=True):
                    self._learn(entry, expires)
                self._looked.set()
            self._forget(now)
            await asyncio.sleep(POLL_SECONDS if self.are_known else TRY_AGAIN_SECONDS)

    async def listen(self) -> None:
        """Hear of each revocation at once, until cancelled."""
        while True:
            try:
                async with self._store.channel(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(keys.REVOKED)
                    async for message in messages(channel):
                        entry, _, expires = message.partition(b" ")
                        self._learn(entry, expires)
            except (RedisError, OSError, Problem) as error:
                logger.debug("listening for revocations: %s", error)
            await asyncio.sleep(POLL_SECONDS)

    async def _revoke(self, entry: str, expires: float) -> Written:
        now = wall_clock.now()
        args = (entry, expires, now - KEPT_SECONDS)
        written = await self._store.write(_REVOKE, (), args, repeatable=True, required=True)
        self._learn(entry.encode(), b"%.6f" % expires)
        return written

    def _learn(self, raw_entry: bytes, raw_expires: bytes) -> None:
        try:
            entry, expires = raw_entry.decode(), float(raw_expires)
            account, colon, until = entry.partition(":")
            if not colon:
                self._sessions[entry] = expires
                return
            known = self._accounts.get(int(account))
            if known is None or float(until) > known[0]:
                self._accounts[int(account)] = (float(until), expires)
        except ValueError:
            logger.warning("this is no revocation: %r %r", raw_entry, raw_expires)

    def _forget(self, now: float) -> None:
        """Drop what would have expired by now."""
        for sid in [sid for sid, expires in self._sessions.items() if expires < now]:
            del self._sessions[sid]
        for account in [account for account, (_, expires) in self._accounts.items() if expires < now]:
            del self._accounts[account]
