"""A called service: all its replicas, and the protections around every call."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple, TypeVar

from services.platform import request_ids
from services.platform.calls import deadline, not_done
from services.platform.calls.backend import Backend
from services.platform.calls.budget import RetryBudget
from services.platform.calls.wire import (
    Headers,
    NotConnected,
    Reached,
    Response,
    StreamedResponse,
    TooSlow,
    WireError,
)
from services.platform.injection.points import InjectionPoints
from services.platform.logs import FailureLog
from services.platform.metrics import Metrics
from services.platform.problems import Problem
from services.platform.protections import Protections
from services.platform.settings import Replica

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 3

NOT_HOME = 16
"""A replica in another place is called when the one at home has so many more calls in flight.
That spreads load when there is much of it, and bounds what waits for a replica that has just frozen."""

SECONDS_WITHOUT_DEADLINES = 30.0
"""How long a call may take when the deadlines are switched off."""

_PAUSE_SECONDS = 0.02
_REQUEST_ID = request_ids.HEADER.encode("ascii")

AnyResponse = TypeVar("AnyResponse", Response, StreamedResponse)
Attempt = Callable[[Backend, float], Coroutine[Any, Any, AnyResponse]]


class ReplicaAnswer(NamedTuple):
    """What a replica answered, undecoded; hop-by-hop headers are left out, names are in lower case."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    replica: Replica


class StreamedAnswer(NamedTuple):
    """An answer whose body comes in pieces (server-sent events)."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: AsyncIterator[bytes]
    replica: Replica


class Caller:
    """Calls one service. One for each called service in a process.

    Each protection asks at each call whether it is switched on:
    `deadlines`: an attempt ends after a while, all attempts end with the request; `retries`: what failed is
    repeated on another replica where that is safe, within a budget; `ejection`: a replica that fails
    several times in a row, or says that it cannot reach the store, is ejected, unless there is no other;
    `shedding`: calls beyond a bound are refused at once.
    """

    def __init__(
        self,
        service: str,
        replicas: Sequence[Replica],
        home_place: str | None,
        tls: Callable[[], ssl.SSLContext] | None,
        protections: Protections,
        metrics: Metrics | None = None,
        *,
        attempt_seconds: float = 1.5,
        connect_seconds: float = 0.4,
        in_flight: int = 128,
        faults: InjectionPoints | None = None,
    ) -> None:
        """`tls` gives the context of now; None means plain HTTP. `in_flight` bounds the calls to one replica
        (not the streams). `faults` may hurt the connections that it makes.

        An attempt has `attempt_seconds` while another one may follow, twice that when it is the only one.
        """
        self._service = service
        self._protections = protections
        self._metrics = metrics
        self._attempt_seconds = attempt_seconds
        self._in_flight = in_flight
        self._budget = RetryBudget()
        self._failures = FailureLog(logger)
        self.replicas = tuple(replicas)
        """As the environment says; those that are called may stand elsewhere, see `lead_to`."""
        self._home_place = home_place
        self._tls = tls
        self._connect_seconds = connect_seconds
        self._faults = faults
        self._backends: list[tuple[Backend, int]] = []
        self.lead_to(replicas)

    def lead_to(self, replicas: Sequence[Replica]) -> None:
        """Call these replicas from now on; what is known of those that stay stays known."""
        former: dict[Replica, Backend | None] = {backend.replica: backend for backend, _ in self._backends}
        self._backends = [
            (
                former.pop(replica, None)
                or Backend(self._service, replica, self._tls, self._connect_seconds, self._faults),
                0 if replica.place == self._home_place else NOT_HOME,
            )
            for replica in replicas
        ]
        for backend in filter(None, former.values()):
            backend.pool.drop_idle()

    def let_go(self, of: Collection[str] = ()) -> None:
        """Use no connection again that is open now: to any replica, or to those with these addresses."""
        for backend, _ in self._backends:
            if not of or str(backend.replica.address) in of:
                backend.pool.let_go()

    @contextmanager
    def exhausted(self) -> Iterator[None]:
        """As if as many calls to each replica were in flight as may be."""
        backends = [backend for backend, _ in self._backends]
        for backend in backends:
            backend.in_flight += self._in_flight
        try:
            yield
        finally:
            for backend in backends:
                backend.in_flight -= self._in_flight

    async def reach(self) -> dict[str, Reached]:
        """What a new connection to each replica gets now."""
        backends = [backend for backend, _ in self._backends]
        reached = await asyncio.gather(*(backend.pool.reach() for backend in backends))
        return {backend.name: one for backend, one in zip(backends, reached, strict=True)}

    async def send(
        self, method: bytes, target: bytes, headers: Headers = (), body: bytes = b"", *, idempotent: bool
    ) -> ReplicaAnswer:
        """Call a replica and return what it answered, whatever the status.

        `target` is path and query. `headers` are those to pass on; host, content-length, connection, the
        deadline and the request's id are set here. Raises Problem 503 or 504 that names the service when no
        replica answered in time.
        """

        def attempt(backend: Backend, seconds: float) -> Coroutine[Any, Any, Response]:
            return backend.pool.send(
                method, target, _ours(headers, seconds), body, seconds=seconds, repeatable=idempotent
            )

        backend, answer = await self._answer(attempt, idempotent)
        return ReplicaAnswer(answer.status, answer.headers, answer.body, backend.replica)

    @asynccontextmanager
    async def stream(
        self, method: bytes, target: bytes, headers: Headers = ()
    ) -> AsyncIterator[StreamedAnswer]:
        """The same for an answer that does not end: bounded until its head is there, then open.

        Only for requests that are safe to repeat. Iterating over the body raises WireError when it is cut.
        """

        def attempt(backend: Backend, seconds: float) -> Coroutine[Any, Any, StreamedResponse]:
            return backend.pool.stream(method, target, _ours(headers, seconds), seconds=seconds)

        backend, answer = await self._answer(attempt, True)
        try:
            yield StreamedAnswer(answer.status, answer.headers, answer.body, backend.replica)
        finally:
            answer.body.close()

    async def close(self) -> None:
        """Close all connections."""
        for backend, _ in self._backends:
            await backend.pool.close()

    async def _answer(self, attempt: Attempt[AnyResponse], idempotent: bool) -> tuple[Backend, AnyResponse]:
        self._budget.deposit()
        tried: list[Backend] = []
        while True:
            backend = self._choose(tried)
            tried.append(backend)
            seconds = self._seconds(may_follow=idempotent and len(tried) < MOST_ATTEMPTS)
            try:
                answer = await self._attempt(attempt, backend, seconds)
            except WireError as error:
                safe = idempotent or isinstance(error, NotConnected)
                if not (safe and self._may_repeat(tried)):
                    raise self._failure(error) from error
                if len(tried) >= len(self._backends):
                    await asyncio.sleep(random.uniform(_PAUSE_SECONDS, 2 * _PAUSE_SECONDS))
            else:
                others = len(tried) < len(self._backends)
                safe = idempotent or not_done.is_said_by(answer.status, answer.headers)
                if answer.status < 500 or not (safe and others and self._may_repeat(tried)):
                    return backend, answer
                if isinstance(answer, StreamedResponse):
                    answer.body.close()

    def _choose(self, tried: Sequence[Backend]) -> Backend:
        """The replica with least to do, if possible one not tried yet. Raises Problem when all are full."""
        ejecting = self._protections.enabled("ejection")
        shedding = self._protections.enabled("shedding")
        now = time.monotonic()
        best: Backend | None = None
        best_rank = (True, True, 0)
        for backend, distance in self._backends:
            if shedding and backend.in_flight >= self._in_flight:
                continue
            # All may be ejected, or tried: then the least bad one is better than none.
            aside = ejecting and not backend.admits(now)
            rank = (backend in tried, aside, backend.in_flight + distance)
            if best is None or rank < best_rank:
                best, best_rank = backend, rank
        if best is None:
            raise Problem(
                503,
                "overloaded",
                "Too much to do",
                f"{self._service} has as many calls in flight as it may.",
                {"Retry-After": "1"},
            )
        return best

    async def _attempt(self, attempt: Attempt[AnyResponse], backend: Backend, seconds: float) -> AnyResponse:
        began = time.monotonic()
        backend.begin()
        try:
            answer = await attempt(backend, seconds)
        except WireError as error:
            self._observe(backend, error.error_type, began)
            # An attempt that had little time says nothing about the replica.
            if not isinstance(error, TooSlow) or seconds >= self._attempt_seconds / 2:
                self._failed(backend)
            raise
        finally:
            backend.end()
        self._observe(backend, "", began)
        if answer.status < 500:
            if backend.succeeded() and self._metrics is not None:
                self._metrics.replica_ejected(backend.name).set(0)
        elif not_done.is_said_by(answer.status, answer.headers):
            self._failed(backend, by_its_own_word=True)
        elif not _is_no_fault_of_its_own(answer):
            self._failed(backend)
        return answer

    def _failed(self, backend: Backend, *, by_its_own_word: bool = False) -> None:
        is_aside = backend.failed(time.monotonic(), by_its_own_word=by_its_own_word)
        if is_aside and self._protections.enabled("ejection"):
            logger.info("%s is ejected", backend.name)
            if self._metrics is not None:
                self._metrics.ejections(backend.name).inc()
                self._metrics.replica_ejected(backend.name).set(1)

    def _observe(self, backend: Backend, error_type: str, began: float) -> None:
        if self._metrics is not None:
            self._metrics.client_request(backend.name, error_type).observe(time.monotonic() - began)

    def _may_repeat(self, tried: Sequence[Backend]) -> bool:
        """Whether another attempt may follow those; if so, it is paid for."""
        if (
            len(tried) >= MOST_ATTEMPTS
            or not self._protections.enabled("retries")
            or deadline.remaining() < _PAUSE_SECONDS
        ):
            return False
        paid = self._budget.withdraw()
        if self._metrics is not None:
            self._metrics.retries(self._service, "sent" if paid else "refused").inc()
        return paid

    def _seconds(self, may_follow: bool) -> float:
        """The time for one attempt. Raises Problem when none is left."""
        if not self._protections.enabled("deadlines"):
            return SECONDS_WITHOUT_DEADLINES
        left = deadline.remaining()
        if left <= 0:
            raise Problem(504, "too-late", "The deadline has passed", f"Before {self._service} could answer.")
        return min(left, self._attempt_seconds if may_follow else 2 * self._attempt_seconds)

    def _failure(self, error: WireError) -> Problem:
        """The problem names the service; the rest, addresses and the system's words, is for the log only."""
        self._failures.note("%s: %s", self._service, error)
        if isinstance(error, TooSlow):
            return Problem(
                504, "service-too-slow", "A service did not answer in time", f"The service {self._service}."
            )
        return Problem(
            503,
            "service-unreachable",
            "A service cannot be reached",
            f"The service {self._service}.",
            {"Retry-After": "1"},
        )


def _is_no_fault_of_its_own(answer: Response | StreamedResponse) -> bool:
    """Whether it says that it is busy (503 and when to come back), or that it had too little time."""
    return answer.status == 504 or (
        answer.status == 503 and any(name == b"retry-after" for name, _ in answer.headers)
    )


def _ours(headers: Headers, seconds: float) -> Headers:
    """The headers to pass on, and those of this call: until when, and for which request."""
    request_id = request_ids.current.get()
    ours = [*headers, (deadline.HEADER, deadline.encode(time.time() + seconds))]
    if request_id:
        ours.append((_REQUEST_ID, request_id.encode("ascii")))
    return ours
