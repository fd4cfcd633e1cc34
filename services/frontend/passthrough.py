"""The API as the front end serves it: find the service, pass the bytes on, pass the answer back.

A plain ASGI layer in front of the framework. Nothing is parsed here: this is the path of every request.
"""

import math
import secrets
from http import HTTPStatus
from typing import Final, NamedTuple, Self

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from services.frontend.address_limit import AddressLimit, address_of
from services.frontend.blocked import Blocked
from services.frontend.capacity import Capacity
from services.frontend.edge import VISITOR
from services.frontend.failed_logins import FailedLogins
from services.frontend.failed_services import FAILED, FailedServices, whole
from services.frontend.options import Options
from services.frontend.plans import CLIENT, Plans
from services.frontend.routes import PREFIX, EdgeRoute, EdgeRouteTable, Unmatched
from services.frontend.streams import OpenStreams, relay
from services.platform import identity, replicated, wall_clock
from services.platform.calls import Caller
from services.platform.idempotency import KEY_SECONDS_HEADER
from services.platform.identity import not_signed_in
from services.platform.intake import CROWDED
from services.platform.problems import Problem
from services.platform.settings import Replica
from services.platform.site import Site
from services.platform.tokens import Session

OWN_PATHS: Final = frozenset({"/", "/docs", f"{PREFIX}/openapi.json"})
OWN_FOLDER: Final = "/static/"
"""What the front end answers itself, in public."""

STEPS_OF_A_LOGIN: Final = 2
"""Password and code."""

LOGIN: Final = ("POST", f"{PREFIX}/sessions")
"""Where passwords are checked."""

_API = f"{PREFIX}/"

_TO_SERVICE = frozenset(
    {
        b"accept",
        b"authorization",
        b"content-type",
        b"idempotency-key",
        b"last-event-id",
        b"traceparent",
        b"tracestate",
        b"user-agent",
        identity.USER_HEADER.encode("ascii"),
        identity.NAME_HEADER.encode("ascii"),
    }
)
_TO_CLIENT = frozenset(
    {
        b"allow",
        b"content-length",
        b"content-type",
        b"link",
        b"location",
        b"retry-after",
        b"www-authenticate",
        replicated.HEADER.encode("ascii"),
    }
)
_KEY_SECONDS = (KEY_SECONDS_HEADER.encode("ascii"), b"60")
"""How long a key is kept that no client knows: longer than any request is repeated."""

_ALWAYS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))

Headers = list[tuple[bytes, bytes]]


class Admission(NamedTuple):
    """What bounds the requests that are let in, as the configuration says."""

    plans: Plans
    strangers: AddressLimit
    visitors_of_pages: AddressLimit
    blocked: Blocked
    capacity: Capacity

    @classmethod
    def of(cls, options: Options, site: Site) -> Self:
        return cls(
            Plans(options),
            AddressLimit(options, first=STEPS_OF_A_LOGIN),
            AddressLimit(options, first=1),
            Blocked(),
            Capacity(site),
        )


class PassThrough:
    """Answers /api/v1/ from the services; the rest of what is public goes on to the framework."""

    def __init__(
        self,
        app: ASGIApp,
        site: Site,
        options: Options,
        table: EdgeRouteTable,
        admission: Admission,
        failed_logins: FailedLogins,
    ) -> None:
        self._app = app
        self._site = site
        self._table = table
        self._plans, self._strangers, self._visitors_of_pages, self._blocked, self._capacity = admission
        self._failed_logins = failed_logins
        self._streams = OpenStreams(options.account_streams, options.streams)
        self._failed = FailedServices()
        self._timings: dict[Replica, tuple[bytes, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if VISITOR in scope:
            self._blocked.refuse_address(scope)
        path: str = scope["path"]
        if path in OWN_PATHS or path.startswith(OWN_FOLDER):
            _raise_if_too_many(self._visitors_of_pages.wait(scope))
            await self._app(scope, receive, send)
        elif path.startswith(_API):
            await self._pass(scope, receive, send)
        elif VISITOR in scope:
            # Control endpoints and metrics are not for the public: for it, they do not exist.
            raise _not_found()
        else:
            await self._app(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        method: str = scope["method"]
        found = self._table.find(method, scope["path"])
        if isinstance(found, Unmatched):
            _raise_if_too_many(self._strangers.wait(scope))
            await self._answer_unmatched(method, found, send)
            return
        scope["route"] = found  # what the request is measured under
        self._capacity.admit(found, scope.get(CROWDED, 0.0))
        session = self._admit(scope, found)
        headers = [header for header in scope["headers"] if header[0] in _TO_SERVICE]
        target = _target(scope)
        caller = self._caller(found)
        if found.stream:
            with self._streams.place(session) as ended:
                async with caller.stream(found.method.encode("ascii"), target, headers) as upstream:
                    timing = self._timing(found.service, upstream.replica)
                    if upstream.status >= FAILED:
                        document = await whole(upstream.body)
                        failed = self._failed.in_public(found.service, upstream.status, document)
                        await _answer_failed(send, failed, upstream.headers, timing)
                        return
                    await _start(send, upstream.status, upstream.headers, timing)
                    await relay(upstream.body, receive, send, ended, lambda: self._is_over(session))
            return
        body = await _body(scope, receive)
        if body is None:
            return
        if found.keyed and not any(name == b"idempotency-key" for name, _ in headers):
            # So that a retry on the way cannot post twice, although the client did not ask for it.
            headers.append((b"idempotency-key", secrets.token_hex(16).encode("ascii")))
            headers.append(_KEY_SECONDS)
        answer = await caller.send(
            found.method.encode("ascii"), target, headers, body, idempotent=found.idempotent
        )
        timing = self._timing(found.service, answer.replica)
        if answer.status == HTTPStatus.UNAUTHORIZED and (method, found.template) == LOGIN:
            self._failed_logins.note(address_of(scope))
        if answer.status >= FAILED:
            failed = self._failed.in_public(found.service, answer.status, answer.body)
            await _answer_failed(send, failed, answer.headers, timing)
            return
        await _start(send, answer.status, answer.headers, timing)
        await send({"type": "http.response.body", "body": answer.body})

    def _admit(self, scope: Scope, route: EdgeRoute) -> Session | None:
        """The session of a request that may go on. Raises the Problem of its token or of none, 403 where the
        plan of its client does not include it, or 429."""
        plan = self._plans.admit(scope.get(CLIENT), scope["method"], route)
        visitor: Session | Problem | None = scope.get(VISITOR)
        if isinstance(visitor, Problem):
            raise visitor
        if visitor is None and not route.open:
            raise not_signed_in()
        self._blocked.refuse_account(visitor)
        if visitor is not None and route.limit == "session":
            _raise_if_too_many(plan.sessions.take(visitor.sid))
        else:
            _raise_if_too_many(self._strangers.wait(scope))
        return visitor

    def _caller(self, route: EdgeRoute) -> Caller:
        caller = self._site.calls.get(route.service)
        if caller is None:
            raise Problem(
                503, "service-missing", "This part of the site is not there", f"The service {route.service}."
            )
        return caller

    def _is_over(self, session: Session | None) -> bool:
        """Whether a session has ended since it was let in."""
        if session is None:
            return False
        return session.expires <= wall_clock.now() or self._site.revocations.is_revoked(session)

    def _timing(self, service: str, replica: Replica) -> tuple[bytes, bytes]:
        """Says which replica answered, for whoever looks into their browser's network view."""
        timing = self._timings.get(replica)
        if timing is None:
            timing = (b"server-timing", f'{service};desc="{replica.place}"'.encode("latin-1"))
            self._timings[replica] = timing
        return timing

    async def _answer_unmatched(self, method: str, unmatched: Unmatched, send: Send) -> None:
        if not unmatched.allowed:
            raise _not_found()
        allowed = ", ".join((*unmatched.allowed, "OPTIONS"))
        if method != "OPTIONS":
            raise Problem(405, "method-not-allowed", "Method not allowed", headers={"Allow": allowed})
        await send(
            {
                "type": "http.response.start",
                "status": 204,
                "headers": [(b"allow", allowed.encode("ascii")), *_ALWAYS],
            }
        )
        await send({"type": "http.response.body"})


def _raise_if_too_many(wait: float) -> None:
    if wait:
        raise Problem(
            429,
            "too-many-requests",
            "Too many requests",
            f"Slow down and try again in {wait:.1f} s.",
            headers={"Retry-After": str(math.ceil(wait))},
        )


def _not_found() -> Problem:
    return Problem(404, "not-found", "There is nothing here")


def _target(scope: Scope) -> bytes:
    """Path and query, as they came."""
    raw: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return b"%b?%b" % (raw, query) if query else raw


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """The whole body, bounded; None when the client left before it was complete. Raises Problem 413."""
    for name, _ in scope["headers"]:
        if name == b"content-length" or name == b"transfer-encoding":
            break
    else:
        return b""
    chunks: list[bytes] = []
    while True:
        try:
            message = await receive()
        except HTTPException as error:
            # The platform's bound on a body that did not announce its length.
            raise Problem(error.status_code, "too-large", "Too large", error.detail, error.headers) from None
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _answer_failed(send: Send, failed: Problem, headers: Headers, timing: tuple[bytes, bytes]) -> None:
    """Answer with what stands for a service's failure; only its document is another one."""
    start, body = failed.messages()
    about_document = {name for name, _ in start["headers"]}
    others = [header for header in headers if header[0] not in about_document]
    await _start(send, failed.status, [*start["headers"], *others], timing)
    await send(body)


async def _start(send: Send, status: int, headers: Headers, timing: tuple[bytes, bytes]) -> None:
    kept = [header for header in headers if header[0] in _TO_CLIENT]
    kept.append(timing)
    kept.extend(_ALWAYS)
    await send({"type": "http.response.start", "status": status, "headers": kept})
