"""A called service: all its replicas, and the protections around every call."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from services.platform.protections import Protections
from services.platform.settings import Replica

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case, as ASGI has them."""


class Answer(NamedTuple):
    """What a replica answered, undecoded; hop-by-hop headers are left out."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    replica: Replica


class Stream(NamedTuple):
    """An answer whose body comes in pieces (server-sent events)."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: AsyncIterator[bytes]
    replica: Replica


class Caller:
    """Calls one service. One for each called service in a process."""

    def __init__(
        self,
        service: str,
        replicas: Sequence[Replica],
        home_place: str | None,
        ssl_context: ssl.SSLContext | None,
        protections: Protections,
        *,
        attempt_seconds: float = 1.0,
        in_flight: int = 64,
    ) -> None:
        """`ssl_context` None means plain HTTP; `in_flight` bounds the calls to one replica."""

    async def send(
        self, method: bytes, target: bytes, headers: Headers = (), body: bytes = b"", *, idempotent: bool
    ) -> Answer:
        """Call a replica and return what it answered, whatever the status.

        `target` is path and query. `headers` are those to pass on; host, content-length, connection and the
        deadline are set here. Raises Problem 503 or 504 that names the service when no replica answered in
        time.
        """
        raise NotImplementedError

    def stream(
        self, method: bytes, target: bytes, headers: Headers = ()
    ) -> AbstractAsyncContextManager[Stream]:
        """The same for a body that does not end: bounded until the head of the answer, then open."""
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError
