"""Where the public comes in: nothing that a client says about itself gets past here but its session token.

Services trust the `failwhale-...` headers, so those that come from outside are dropped. Who is asking is read
from the token, here and only here, and without a call to anybody.
"""

import time
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from services.frontend.plans import CLIENT, CLIENT_HEADER
from services.platform.calls import deadline
from services.platform.identity import NAME_HEADER, USER_HEADER, not_signed_in
from services.platform.problems import Problem
from services.platform.site import Site
from services.platform.tokens import Session

VISITOR: Final = "failwhale.visitor"
"""In the scope of every public request: its Session, None for a stranger, or the Problem with its token."""

_OURS = b"failwhale-"
_USER = USER_HEADER.encode("ascii")
_NAME = NAME_HEADER.encode("ascii")


class Edge:
    """The outermost layer of the public listener."""

    def __init__(self, app: ASGIApp, site: Site, deadline_seconds: float) -> None:
        self._app = app
        self._site = site
        self._deadline_seconds = deadline_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            authorization = None
            headers = []
            for header in scope["headers"]:
                name = header[0]
                if name == b"authorization":
                    authorization = header[1]
                elif not name.startswith(_OURS):
                    headers.append(header)
                elif name == CLIENT_HEADER:
                    scope[CLIENT] = header[1]
            headers.append((deadline.HEADER, deadline.encode(time.time() + self._deadline_seconds)))
            visitor = self._visitor(authorization)
            if isinstance(visitor, Session):
                headers.append((b"authorization", authorization))
                headers.append((_USER, b"%d" % visitor.user.id))
                headers.append((_NAME, visitor.user.name.encode("latin-1")))
            scope["headers"] = headers
            scope[VISITOR] = visitor
        await self._app(scope, receive, send)

    def _visitor(self, authorization: bytes | None) -> Session | Problem | None:
        """Who is asking. A bad token is not raised here, because refusals are measured further in."""
        if authorization is None:
            return None
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            return not_signed_in("Authorization must be of the form: Bearer TOKEN.")
        try:
            session = self._site.session_keys.verify(token.decode("latin-1"))
        except Problem as problem:
            return problem
        revocations = self._site.revocations
        if revocations.is_revoked(session):
            return not_signed_in("The session has ended.")
        if not revocations.are_known:
            # Just started, and cut off from the store: this may be one of the sessions that have ended.
            return Problem(
                503,
                "sessions-unknown",
                "Nobody can be recognised yet, try again in a moment",
                headers={"Retry-After": "1"},
            )
        return session
