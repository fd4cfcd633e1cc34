"""A log line for each piece of a body."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from starlette.types import Message, Receive, Scope, Send

from services.platform.intake import Intake
from services.releases.release import wrap

logger = logging.getLogger(__name__)

Layer = Callable[[Intake, Scope, Receive, Send], Awaitable[None]]


def change() -> None:
    wrap(Intake, "__call__", told_in_the_log)


def told_in_the_log(layer: Layer) -> Layer:
    async def told(self: Intake, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_and_tell() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                logger.info("DEBUG %s %s: %s", scope["method"], scope["path"], message.get("body", b""))
            return message

        await layer(self, scope, receive_and_tell, send)

    return told
