"""Event streams on their way through: open as long as both ends are, and as there is room for them."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from starlette.types import Receive, Send

from services.platform.problems import Problem
from services.platform.tokens import Session

logger = logging.getLogger(__name__)


class OpenStreams:
    """Which accounts have how many streams open.

    An account that opens too many loses its oldest, and not the newest: somebody's forgotten tabs, or whoever
    stole a session, cannot keep a new page from being live.
    """

    def __init__(self, of_account: int, of_all: int) -> None:
        self._most_of_account = of_account
        self._most_of_all = of_all
        self._open = 0
        self._of_account: defaultdict[int, dict[asyncio.Event, None]] = defaultdict(dict)
        """The oldest first."""

    @contextmanager
    def place(self, session: Session | None) -> Iterator[asyncio.Event]:
        """A place for a stream; the event says that it has to end. Raises Problem 503 when all are taken."""
        if self._open >= self._most_of_all:
            raise Problem(503, "too-many-streams", "Too many streams are open", headers={"Retry-After": "10"})
        ended = asyncio.Event()
        account = session.user.id if session else 0  # the service refuses strangers, but not at once
        streams = self._of_account[account]
        if session and len(streams) >= self._most_of_account:
            oldest = next(iter(streams))
            del streams[oldest]
            oldest.set()
        streams[ended] = None
        self._open += 1
        try:
            yield ended
        finally:
            self._open -= 1
            streams.pop(ended, None)
            if not streams and self._of_account.get(account) is streams:
                self._of_account.pop(account, None)


async def relay(
    body: AsyncIterator[bytes],
    receive: Receive,
    send: Send,
    ended: asyncio.Event,
    is_over: Callable[[], bool],
) -> None:
    """Pass `body` on until it ends, its service is lost, the client leaves, `ended` is set, or `is_over()` at
    a piece of it.

    The client of a stream that ends comes back by itself, so an end is all that it is told.
    """
    passing = asyncio.ensure_future(_pass_on(body, send, is_over))
    leaving = asyncio.ensure_future(_client_leaves(receive))
    ending = asyncio.ensure_future(ended.wait())
    tasks = (passing, leaving, ending)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        # What runs inside the iterator must have stopped before the call that it belongs to is closed.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await send({"type": "http.response.body"})


async def _pass_on(body: AsyncIterator[bytes], send: Send, is_over: Callable[[], bool]) -> None:
    try:
        async for piece in body:
            if is_over():
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except Exception as error:
        logger.info("an event stream was cut: %s", error)


async def _client_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
