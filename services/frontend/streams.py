"""Event streams on their way through: open as long as both ends are."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from starlette.types import Receive, Send

logger = logging.getLogger(__name__)


async def relay(
    body: AsyncIterator[bytes], receive: Receive, send: Send, is_over: Callable[[], bool]
) -> None:
    """Pass `body` on until it ends, its service is lost, the client leaves, or `is_over()` at a piece of it.

    The client of a stream that ends comes back by itself, so an end is all that it is told.
    """
    passing = asyncio.ensure_future(_pass_on(body, send, is_over))
    leaving = asyncio.ensure_future(_client_leaves(receive))
    try:
        await asyncio.wait((passing, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        # What runs inside the iterator must have stopped before the call that it belongs to is closed.
        for task in (passing, leaving):
            task.cancel()
        await asyncio.gather(passing, leaving, return_exceptions=True)
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
