"""The prober's own listener: /metrics, GET /journeys, the two health addresses that every part has, and the
control endpoints of its injection points."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from services.platform.injection.endpoints import FAULTS, FaultEndpoints
from services.platform.injection.points import InjectionPoints
from services.platform.injection.scrapes import can_be_scraped
from services.platform.injection.spec import OF_PROBER, FaultSpec

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]

JSON = b"application/json"
TEXT = b"text/plain; version=0.0.4; charset=utf-8"

NOT_FOUND = b'{"type":"https://failwhale.invalid/problems/not-found","title":"Not found","status":404}'

LARGEST_BODY = 1024 * 1024

logger = logging.getLogger(__name__)


class ProberListener:
    """A plain ASGI application; what it serves goes on from its start to its stop."""

    def __init__(
        self,
        work: Callable[[], Awaitable[None]],
        state: Callable[[], dict[str, Any]],
        expose: Callable[[], bytes],
        pages: Mapping[str, Callable[[bytes], None]],
        faults: InjectionPoints,
        token: Path,
    ) -> None:
        """`pages` are, by path, who takes what is told of alerts there; `token` is the file of the site's
        control token."""
        self._work = work
        self._state = state
        self._expose = expose
        self._pages = pages
        self._faults = faults
        self._endpoints = FaultEndpoints(faults, token, _refusal)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            status, content_type, body = await self._answer(scope, receive)
            headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, bytes, bytes]:
        path = scope["path"]
        if path == "/metrics":
            answers = await can_be_scraped(self._faults)
            return (200, TEXT, self._expose()) if answers else (503, TEXT, b"")
        if path in self._pages and scope["method"] == "POST":
            return await self._take_pages(self._pages[path], receive), JSON, b"{}"
        if path == "/journeys":
            return 200, JSON, json.dumps(self._state()).encode()
        if path in ("/-/health", "/-/ready"):
            return 200, JSON, b'{"status":"ok"}'
        if path.startswith(FAULTS):
            authorization = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
            body = await _body(receive)
            status, content = self._endpoints.answer(scope["method"], path, authorization, body)
            return status.value, JSON, json.dumps(content).encode()
        return 404, b"application/problem+json", NOT_FOUND

    async def _take_pages(self, take: Callable[[bytes], None], receive: Receive) -> int:
        if self._faults.of("alerts-to-nobody") is not None:
            return 404
        try:
            take(await _body(receive))
        except ValueError as error:
            logger.warning("what tells of no alerts was refused: %s", error)
            return 400
        return 200

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        work = asyncio.ensure_future(self._work())
        work.add_done_callback(_end_with_it)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await send({"type": "lifespan.shutdown.complete"})


def _refusal(fault: FaultSpec) -> str:
    """Why the prober cannot have this fault; empty when it can."""
    return "" if fault.kind in OF_PROBER else f"The prober knows no {fault.kind}"


async def _body(receive: Receive) -> bytes:
    """The body of a request. Only parts of the site can send one."""
    body, more = b"", True
    while more and len(body) <= LARGEST_BODY:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def _end_with_it(work: asyncio.Future[None]) -> None:
    """A prober that does not probe must not look alive: it ends, and whoever started it starts it again."""
    if work.cancelled() or work.exception() is None:
        return
    logger.critical("the prober broke", exc_info=work.exception())
    raise SystemExit(1)
