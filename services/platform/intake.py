"""What every request passes on its way in: one thin ASGI layer around the application.

It gives the request its id and its deadline, refuses what is too late, too much or too big, hurts it where a
fault is set, measures it, and sees to it that every failure is a problem document.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.platform import replicated, request_ids
from services.platform.calls import deadline
from services.platform.identity import NAME_HEADER, USER_HEADER
from services.platform.injection.answers import GONE_WITHIN, Client, SpoiledAnswer
from services.platform.injection.applied import AppliedFault
from services.platform.injection.contents import wrong
from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import HOLDING, OF_ANSWERS, OF_CONTENTS
from services.platform.logs import FailureLog
from services.platform.metrics import NO_ROUTE, Metrics
from services.platform.problems import Problem
from services.platform.protections import Protections
from services.platform.tasks import first_of

logger = logging.getLogger(__name__)

LARGEST_BODY = 64 * 1024
"""Bytes in the body of a request."""
LARGEST_IMPORT = 32 * 1024 * 1024
"""Bytes in the body of POST /-/import."""

OVERLOADED = "overloaded"
"""The slug of the problem with which work over the bound is refused."""

CLIENT_GONE = 499
"""The status label of a request whose client did not wait for the answer."""

HANG_UP = "failwhale.hang-up"
"""In `scope["extensions"]`: a function of the server that drops the connection at once, without an answer."""

RESET = "failwhale.reset"
"""The same, and what tells the other end is TCP's reset."""

CALLER = "failwhale.caller"
"""In `scope["extensions"]`: the name in the certificate that the other end showed, such as `frontend-east`;
None for the public, which shows none."""

REFUSED = "failwhale.refused"
"""In the scope of a request that was refused before any work was done for it: for the server, which makes the
client pay for too many of them."""

DUPLICATE = "failwhale.duplicate"
"""In the scope of a request that is the same as one that comes after it."""

CROWDED = "failwhale.crowded"
"""In the scope of a request that finds half of the places at work taken or more: the share of them."""

REQUESTS_BEFORE = "failwhale.requests-before"
"""In the scope of a public request: how many came before it on its connection."""

_REQUEST = request_ids.HEADER.encode("ascii")
_USER = USER_HEADER.encode("ascii")
_NAME = NAME_HEADER.encode("ascii")


class Intake:
    """The layer itself. Control endpoints and /metrics pass it without deadline, bound, fault or
    measurement."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        faults: InjectionPoints,
        protections: Protections,
        max_in_flight: int,
        route_of: Callable[[str, str], str | None],
    ) -> None:
        """`route_of(method, path)` gives the template for requests that end before the application routes
        them."""
        self._app = app
        self._metrics = metrics
        self._faults = faults
        self._protections = protections
        self._max_in_flight = max_in_flight
        self._crowded_from = max_in_flight // 2
        self._route_of = route_of
        self._failures = FailureLog(logger)
        self._in_flight = 0
        self._streams = 0
        self._asked_before: tuple[bytes, bytes] | None = None
        """Id and name of who asked last, of those whose answers are mixed up."""
        metrics.active_requests(lambda: self._in_flight, lambda: self._streams)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        request_id = request_ids.accept(headers.get(_REQUEST))
        request_ids.current.set(request_id)
        replicated.forget()
        answer = _Answer(send, request_id.encode("ascii"), self._stream_begins)
        path: str = scope["path"]
        is_control = path.startswith("/-/") or path == "/metrics"
        try:
            receive = _bounded(headers, receive, LARGEST_IMPORT if path == "/-/import" else LARGEST_BODY)
            if is_control:
                await self._app(scope, receive, answer.send)
            else:
                await self._admit(scope, headers, receive, answer)
        except Problem as problem:
            if problem.status < 500 or problem.slug == OVERLOADED:
                scope[REFUSED] = True
            await answer.problem(problem)
        except Exception:
            logger.exception("%s %s failed", scope["method"], path)
            if answer.status:
                _hang_up(scope)
            else:
                await answer.problem(Problem(500, "internal-error", "Something broke on our side"))
        finally:
            if not is_control:
                self._account(scope, answer, time.perf_counter() - began)

    async def _admit(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, answer: _Answer
    ) -> None:
        """Let a request in, or raise the Problem that refuses it."""
        if not scope["path"].isprintable():
            raise Problem(400, "malformed-path", "No path has such characters")
        if self._in_flight >= self._crowded_from:
            if self._in_flight >= self._max_in_flight and self._protections.enabled("shedding"):
                self._metrics.refused_shed.inc()
                raise overloaded()
            scope[CROWDED] = self._in_flight / self._max_in_flight
        due = headers.get(deadline.HEADER)
        self._in_flight += 1
        try:
            if due is None or not self._protections.enabled("deadlines"):
                await self._serve(scope, headers, receive, answer)
            else:
                with deadline.deadline_at(deadline.parse(due)):
                    if deadline.remaining() <= 0:
                        self._metrics.refused_late.inc()
                        raise Problem(504, "too-late", "The deadline had passed before work began")
                    await self._serve(scope, headers, receive, answer)
        finally:
            if answer.is_stream:
                self._streams -= 1
            else:
                self._in_flight -= 1

    async def _serve(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, answer: _Answer
    ) -> None:
        if self._faults.inbound is not None and DUPLICATE not in scope:
            user = headers.get(_USER, b"").decode("latin-1")
            caller = scope.get("extensions", {}).get(CALLER)
            fault = self._faults.choose(scope["method"], scope["path"], user, caller)
            if fault is not None and fault.fault.kind in OF_CONTENTS:
                if fault.fault.kind == "users-mixed-up":
                    self._mix_up(scope, headers)
                with wrong(fault.fault.kind):
                    return await self._app(scope, receive, answer.send)
            if fault is not None and fault.fault.kind == "duplicated":
                receive = await self._carry_out_before(scope, receive)
            elif fault is not None and fault.fault.kind in OF_ANSWERS:
                client = Client(lambda: _hang_up(scope), lambda: _client_leaves(receive))
                answer.spoil(fault, client, self._faults.remaining(fault))
            elif fault is not None and not await self._survives(fault, scope, receive):
                return
        await self._app(scope, receive, answer.send)

    async def _carry_out_before(self, scope: Scope, receive: Receive) -> Receive:
        """Take a request for one that comes twice: nobody gets the answer to the first, which is measured and
        bounded as any other. Returns what gives the second the same body."""
        body = [await receive()]
        while body[-1].get("more_body", False):
            body.append(await receive())
        caller = scope.get("extensions", {}).get(CALLER)
        alone = {CALLER: caller, HANG_UP: lambda: None}
        gone: Message = {"type": "http.disconnect"}
        await self({**scope, "extensions": alone, DUPLICATE: True}, _replay([*body, gone]), _to_nobody)
        replicated.forget()
        return _replay(body, receive)

    def _mix_up(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Have who reads something read it as who did before. What changes something is left alone: a post
        that somebody else seems to have made would stay."""
        if scope["method"] != "GET" or _USER not in headers:
            return
        asks = (headers[_USER], headers.get(_NAME, b""))
        user, name = self._asked_before or asks
        self._asked_before = asks
        others = [header for header in scope["headers"] if header[0] not in (_USER, _NAME)]
        scope["headers"] = [*others, (_USER, user), (_NAME, name)]

    async def _survives(self, applied: AppliedFault, scope: Scope, receive: Receive) -> bool:
        """Do to a request what the fault says; True when it goes on afterwards. Raises the Problem of
        `errors`."""
        fault, lease = applied.fault, self._faults.remaining(applied)
        if fault.kind in ("errors", "health-check-lies"):
            raise Problem(fault.status, "internal-error", "Something broke on our side")
        if fault.kind == "reset":
            await _part(scope, receive, RESET)
            return False
        if fault.kind in HOLDING:
            held = self._faults.held(applied)
            await first_of(applied.ended.wait(), seconds=held.seconds)
            if held.arrives or applied.ended.is_set():
                return True
        else:
            await first_of(applied.ended.wait(), _client_leaves(receive), seconds=lease)
        await _part(scope, receive)
        return False

    def _stream_begins(self) -> None:
        """A stream stays open as long as its client likes, so it gives back its place among those in
        flight."""
        self._in_flight -= 1
        self._streams += 1

    def _account(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        method = scope["method"]
        status = answer.status or CLIENT_GONE
        route = scope.get("route")
        template = route.path_format if route is not None else self._route_of(method, scope["path"])
        if answer.is_stream:
            seconds = answer.began_after
        self._metrics.server_request(method, template or NO_ROUTE, status).observe(seconds)
        if status >= 500:
            self._failures.tell(method, scope["path"], status, seconds)


def overloaded() -> Problem:
    """The refusal of work that is over the bound."""
    return Problem(503, OVERLOADED, "Too much to do, try again in a moment", headers={"Retry-After": "1"})


class _Answer:
    """One answer on its way out: gets the request id, and tells what it was."""

    __slots__ = ("_born", "_request_id", "_send", "_stream_begins", "began_after", "is_stream", "status")

    def __init__(self, send: Send, request_id: bytes, stream_begins: Callable[[], None]) -> None:
        self._send = send
        self._request_id = request_id
        self._stream_begins = stream_begins
        self._born = time.perf_counter()
        self.status = 0
        """0 until the answer has begun."""
        self.is_stream = False
        self.began_after = 0.0
        """Seconds until a stream began."""

    def spoil(self, applied: AppliedFault, client: Client, lease: float) -> None:
        """Let this fault do to the answer what it does; `lease`: the seconds that are left of it."""
        self._send = SpoiledAnswer(applied, self._send, client, lease).send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message.get("headers", ())
            for name, value in headers:
                if name == b"content-type" and value.startswith(b"text/event-stream"):
                    self.is_stream = True
                    self.began_after = time.perf_counter() - self._born
                    self._stream_begins()
            said = replicated.headers() if self.status < 300 else ()
            message["headers"] = [*headers, (_REQUEST, self._request_id), *said]
        await self._send(message)

    async def problem(self, problem: Problem) -> None:
        """Answer with this problem."""
        start, body = problem.messages()
        await self.send(start)
        await self.send(body)


def _bounded(headers: dict[bytes, bytes], receive: Receive, largest: int) -> Receive:
    """A `receive` that gives no more than `largest` bytes. Raises Problem 413 when more are announced."""
    length = headers.get(b"content-length")
    if length is not None:
        if len(length) > 10 or (length.isdigit() and int(length) > largest):
            # What is on its way is not worth reading, so the connection cannot be used again.
            raise Problem(
                413, "too-large", "Too large", f"At most {largest} bytes.", headers={"Connection": "close"}
            )
        return receive
    if b"transfer-encoding" not in headers:
        return receive
    received = 0

    async def receive_bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > largest:
            # Not a Problem: FastAPI takes other errors while it reads the body for a malformed one.
            raise HTTPException(413, f"At most {largest} bytes.", headers={"Connection": "close"})
        return message

    return receive_bounded


def _replay(messages: Sequence[Message], then: Receive | None = None) -> Receive:
    """A `receive` that gives these, and then what another one does, or the last of them again."""
    left = list(messages)

    async def receive() -> Message:
        if len(left) > 1 or (left and then is not None):
            return left.pop(0)
        return left[0] if then is None else await then()

    return receive


async def _to_nobody(_: Message) -> None:
    """Where an answer goes that nobody gets."""


def _hang_up(scope: Scope, way: str = HANG_UP) -> None:
    hang_up = scope.get("extensions", {}).get(way)
    if hang_up is None:
        raise ConnectionAbortedError("this server cannot hang up")
    hang_up()


async def _part(scope: Scope, receive: Receive, way: str = HANG_UP) -> None:
    """Hang up, and wait until that has happened."""
    _hang_up(scope, way)
    await first_of(_client_leaves(receive), seconds=GONE_WITHIN)


async def _client_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
