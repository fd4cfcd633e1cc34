"""What people are told when a service fails: of what kind the failure is, which service it was, and no more.

A service tells the one who asks it all that it knows, addresses and the words of its libraries included. That
is for those who run the site: it goes into the log, under the id of the request, and not beyond the edge.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Final

from pydantic import ValidationError

from services.platform.calls import deadline
from services.platform.calls.wire import WireError
from services.platform.logs import FailureLog
from services.platform.problems import TYPE_BASE, Problem, ProblemDocument

FAILED: Final = 500
"""The least status that says that a service failed. What is below it was written for the client."""


class FailedServices:
    """Makes the public answers of failures."""

    def __init__(self) -> None:
        self._log = FailureLog(logging.getLogger(__name__))

    def in_public(self, service: str, status: int, body: bytes) -> Problem:
        """The problem that stands for what a service answered with a status of FAILED or more. The log is
        told the rest."""
        try:
            said = ProblemDocument.model_validate_json(body)
        except ValidationError:
            said = None
        named = f"The service {service}."
        if said is None or not said.type.startswith(TYPE_BASE):
            self._log.note("%s answered %d: %.500r", service, status, body)
            return Problem(status, "internal-error", "Something broke on our side", named)
        why = ": ".join(filter(None, (said.title, said.detail)))
        self._log.note("%s answered %d: %s", service, status, why)
        return Problem(status, said.type.removeprefix(TYPE_BASE), said.title, named)


async def whole(body: AsyncIterator[bytes]) -> bytes:
    """All of a stream that is the document of a failure; empty where it is cut, or not there in time."""
    try:
        async with asyncio.timeout(deadline.remaining()):
            return b"".join([piece async for piece in body])
    except (WireError, TimeoutError):
        return b""
