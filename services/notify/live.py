"""Live streams: one pub/sub connection of this process, shared by all clients that listen.

What is published while the connection is away (a promotion takes seconds) is read from the store afterwards,
so a stream misses nothing while it is open. Who is too slow is hung up on, and catches up by coming back.

Where the connection stays away the service is cut off from the store. It then refuses new streams, and after
a while ends those that are open: their clients come back, and the front end opens the next one at the other
data centre.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import chain

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from services.notify.store import Inbox
from services.platform import keys
from services.platform.calls import deadline
from services.platform.problems import Problem
from services.platform.store import PROMOTION_SECONDS, Store, unreachable

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 10.0
TICK_SECONDS = 1.0
SILENT_SECONDS = 2.5
"""After so long without an answer to the ping of each tick the connection is given up."""

DEAF_SECONDS = 2 * PROMOTION_SECONDS
"""Streams that are open outlast a promotion, also when it takes SILENT_SECONDS to see that the old primary is
frozen."""

CATCH_UP_SECONDS = 2.0
"""How long a stream may read what it missed."""

PAUSE_SECONDS = 0.2
QUEUED = 100
"""Notifications that may wait for a slow client."""

CAUGHT_UP = 100
"""Notifications that are sent at most to catch up; the list has the others."""

_OWN_CHANNEL = keys.notifications_channel(0)
"""Nobody's: a pub/sub connection without any channel cannot be listened to."""

_CATCH_UP = b""
_END = b"end"


class NotificationStream:
    """One client that listens. `last` is the id after which it catches up."""

    def __init__(self, account: int, last: int) -> None:
        self.account = account
        self._last = last
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUED)
        self._too_slow = False
        self._sent: deque[int] = deque(maxlen=2 * CAUGHT_UP)

    def put(self, notification: bytes) -> None:
        """Hand over a notification, or _CATCH_UP, or _END."""
        try:
            self._queue.put_nowait(notification)
        except asyncio.QueueFull:
            self._too_slow = True

    async def frames(self, inbox: Inbox) -> AsyncIterator[bytes]:
        """The stream as text/event-stream, with a comment as a heartbeat when nothing happens."""
        yield b"retry: 1000\n\n"
        while not self._too_slow:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    notification = await self._queue.get()
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if notification is _END:
                return
            if notification is not _CATCH_UP:
                missed = [notification]
            else:
                try:
                    with deadline.afresh_within(CATCH_UP_SECONDS):
                        missed = await inbox.since(self.account, self._last, CAUGHT_UP)
                except Problem as problem:
                    logger.info("a stream ends, its client will come back: %s", problem)
                    return
            for frame in map(self._frame, missed):
                if frame:
                    yield frame

    def _frame(self, notification: bytes) -> bytes:
        """The frame of a notification; empty when it was sent already."""
        identifier = int(json.loads(notification)["id"])
        if identifier in self._sent:
            return b""
        self._sent.append(identifier)
        self._last = max(self._last, identifier)
        return b"event: notification\nid: %d\ndata: %s\n\n" % (identifier, notification)


class LiveNotifications:
    """Spreads what is published to the streams that are open in this process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._streams: defaultdict[str, set[NotificationStream]] = defaultdict(set)
        self._pubsub: PubSub | None = None
        self._subscribed: set[str] = set()
        self._heard = time.monotonic()
        """When the store was last heard; it is asked for a word every tick."""

    def raise_unless_hearing(self) -> None:
        """Raises Problem 503 when nothing can be heard here for longer than a promotion takes."""
        if self._deaf_for() > PROMOTION_SECONDS:
            raise unreachable("Nothing is heard of new notifications.")

    @contextmanager
    def stream(self, account: int, last: int) -> Iterator[NotificationStream]:
        """A stream of the account's notifications after the id `last`. It begins by catching up."""
        stream = NotificationStream(account, last)
        channel = keys.notifications_channel(account)
        streams = self._streams[channel]
        streams.add(stream)
        try:
            yield stream
        finally:
            streams.discard(stream)
            if not streams:
                self._streams.pop(channel, None)

    async def subscribe(self, account: int) -> None:
        """Begin to listen for an account. The server's confirmation makes its streams catch up."""
        channel = keys.notifications_channel(account)
        if self._pubsub is not None:
            self._subscribed.add(channel)
            try:
                await self._pubsub.subscribe(channel)
            except (RedisError, OSError):
                pass  # `run` notices as well, and subscribes to all channels again

    async def run(self) -> None:
        """Listen until cancelled, to whichever server is the primary."""
        while True:
            try:
                async with self._store.channel() as pubsub:
                    try:
                        await self._subscribe_all(pubsub)
                        await self._listen(pubsub)
                    finally:
                        self._pubsub = None
            except (RedisError, OSError) as error:
                logger.info("live streams: %s", error)
            if self._deaf_for() > DEAF_SECONDS:
                self._end_streams()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _subscribe_all(self, pubsub: PubSub) -> None:
        self._subscribed = set()
        while missing := {_OWN_CHANNEL, *self._streams} - self._subscribed:
            self._subscribed |= missing
            await pubsub.subscribe(*missing)
        self._pubsub = pubsub

    async def _listen(self, pubsub: PubSub) -> None:
        now = time.monotonic
        began, tick = now(), now()
        while True:
            message = await pubsub.get_message(timeout=TICK_SECONDS)
            if message is not None:
                self._heard = now()
                self._spread(message["type"], message["channel"], message["data"])
            elif now() - max(began, self._heard) > SILENT_SECONDS:
                raise ConnectionError("the store is silent")
            if now() >= tick:
                tick = now() + TICK_SECONDS
                await pubsub.ping()
                await self._forget_left(pubsub)

    def _spread(self, kind: str, channel: bytes | None, data: bytes) -> None:
        if kind not in ("message", "subscribe") or channel is None:
            return
        for stream in self._streams.get(channel.decode(), ()):
            stream.put(data if kind == "message" else _CATCH_UP)

    def _deaf_for(self) -> float:
        """Seconds since the store was last heard."""
        return time.monotonic() - self._heard

    def _end_streams(self) -> None:
        for stream in chain.from_iterable(self._streams.values()):
            stream.put(_END)

    async def _forget_left(self, pubsub: PubSub) -> None:
        """Unsubscribe from channels whose last stream has ended."""
        left = self._subscribed - self._streams.keys() - {_OWN_CHANNEL}
        if left:
            self._subscribed -= left
            await pubsub.unsubscribe(*left)
