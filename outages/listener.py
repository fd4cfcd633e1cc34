"""The prober's own listener: /metrics, GET /journeys, and the two health addresses that every part has."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]

JSON = b"application/json"
TEXT = b"text/plain; version=0.0.4; charset=utf-8"

NOT_FOUND = b'{"type":"https://failwhale.invalid/problems/not-found","title":"Not found","status":404}'

logger = logging.getLogger(__name__)


class ProberListener:
    """A plain ASGI application; what it serves goes on from its start to its stop."""

    def __init__(
        self,
        work: Callable[[], Awaitable[None]],
        state: Callable[[], dict[str, Any]],
        expose: Callable[[], bytes],
    ) -> None:
        self._work = work
        self._state = state
        self._expose = expose

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            status, content_type, body = self._answer(scope["path"])
            headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    def _answer(self, path: str) -> tuple[int, bytes, bytes]:
        if path == "/metrics":
            return 200, TEXT, self._expose()
        if path == "/journeys":
            return 200, JSON, json.dumps(self._state()).encode()
        if path in ("/-/health", "/-/ready"):
            return 200, JSON, b'{"status":"ok"}'
        problem = {
            "type": "https://failwhale.invalid/problems/not-found",
            "title": "Not found",
            "status": 404,
        }
        return 404, b"application/problem+json", json.dumps(problem).encode()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        work = asyncio.ensure_future(self._work())
        work.add_done_callback(_end_with_it)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await send({"type": "lifespan.shutdown.complete"})


def _end_with_it(work: asyncio.Future[None]) -> None:
    """A prober that does not probe must not look alive: it ends, and whoever started it starts it again."""
    if work.cancelled() or work.exception() is None:
        return
    logger.critical("the prober broke", exc_info=work.exception())
    raise SystemExit(1)
