"""Which service answers what: the public API as one table.

The edge looks a request up here instead of asking a framework, because every request takes this path.
The path is matched as the services will see it (percent-decoded), so that both agree on what it means.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

PREFIX: Final = "/api/v1"

Limit = Literal["session", "address"]

Criticality = Literal["high", "normal", "low"]
"""Who keeps room where a front end has too little: `high` is what people come for, to read, and to be logged
out; `low` what can wait for an hour."""


@dataclass(frozen=True, slots=True)
class EdgeRoute:
    """One operation of the public API and the service that answers it."""

    method: str
    template: str
    service: str
    idempotent: bool
    """Sending it twice does no more than sending it once, so the caller may retry it on another replica."""
    limit: Limit = "session"
    open: bool = False
    """Strangers may ask for it as well. What they may not is refused here, so that it costs the service
    nothing."""
    keyed: bool = False
    """A POST that becomes safe to repeat with an idempotency key."""
    stream: bool = False
    feature: str = ""
    """What it belongs to that can be switched off (features.NAME in the configuration)."""
    criticality: Criticality = "normal"

    @property
    def path_format(self) -> str:
        """The template under the name that a framework's route has it: requests are measured by it."""
        return self.template


@dataclass(frozen=True, slots=True)
class Unmatched:
    """No operation: `allowed` holds the methods that the path does know, empty for an unknown path."""

    allowed: tuple[str, ...]


def _route(service: str, operation: str, **extra: object) -> EdgeRoute:
    method, template = operation.split(" ")
    idempotent = bool(extra.pop("idempotent", method != "POST"))
    return EdgeRoute(method, PREFIX + template, service, idempotent, **extra)  # type: ignore[arg-type]


ROUTES: Final[tuple[EdgeRoute, ...]] = (
    _route("auth", "POST /accounts", limit="address", open=True, feature="sign-up", criticality="low"),
    # A login changes nothing, so a lost one may be repeated. A code is used up by its first try: it may not.
    _route("auth", "POST /sessions", limit="address", idempotent=True, open=True),
    _route("auth", "POST /sessions/second-factor", limit="address", open=True),
    _route("auth", "DELETE /sessions/current", criticality="high"),
    _route("auth", "DELETE /sessions", criticality="high"),
    _route("auth", "GET /me/second-factor", criticality="low"),
    _route("auth", "POST /me/second-factor", criticality="low"),
    _route("auth", "POST /me/second-factor/confirm", criticality="low"),
    _route("auth", "DELETE /me/second-factor", idempotent=False, criticality="low"),
    _route("post", "POST /posts", keyed=True, idempotent=True),
    _route("post", "GET /posts/{id}", open=True, criticality="high"),
    _route("post", "DELETE /posts/{id}"),
    _route("post", "PUT /posts/{id}/like"),
    _route("post", "DELETE /posts/{id}/like"),
    _route("post", "GET /posts/{id}/likes", open=True, criticality="low"),
    _route("post", "PUT /me/protection"),
    _route("post", "DELETE /me/protection"),
    _route("retweet", "PUT /posts/{id}/retweet", feature="retweets"),
    _route("retweet", "DELETE /posts/{id}/retweet", feature="retweets"),
    _route("retweet", "GET /posts/{id}/retweets", open=True, criticality="low"),
    _route("timeline", "GET /timelines/home", criticality="high"),
    _route("timeline", "GET /timelines/users/{name}", open=True, criticality="high"),
    _route("timeline", "PUT /users/{name}/follow"),
    _route("timeline", "DELETE /users/{name}/follow"),
    _route("timeline", "GET /users/{name}", open=True, criticality="high"),
    _route("timeline", "GET /users/{name}/followers", open=True, criticality="low"),
    _route("timeline", "GET /users/{name}/following", open=True, criticality="low"),
    _route("timeline", "GET /me/suggestions", criticality="low"),
    _route("timeline", "GET /me/follow-requests", criticality="low"),
    _route("timeline", "PUT /me/follow-requests/{name}"),
    _route("timeline", "DELETE /me/follow-requests/{name}"),
    _route("timeline", "DELETE /me/followers/{name}"),
    _route("notify", "GET /notifications", criticality="high"),
    _route("notify", "GET /notifications/unread", criticality="high"),
    _route("notify", "PUT /notifications/read", criticality="low"),
    _route("notify", "GET /notifications/stream", stream=True, feature="live-updates", criticality="low"),
)


class _Node:
    """One place in the tree of path segments."""

    __slots__ = ("any", "named", "routes")

    def __init__(self) -> None:
        self.named: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.routes: dict[str, EdgeRoute] = {}

    def grow(self, segment: str) -> "_Node":
        if not segment.startswith("{"):
            return self.named.setdefault(segment, _Node())
        if self.any is None:
            self.any = _Node()
        return self.any


class EdgeRouteTable:
    """Looks operations up by method and path."""

    def __init__(self, routes: Iterable[EdgeRoute] = ROUTES) -> None:
        self.routes = tuple(routes)
        self._root = _Node()
        for route in self.routes:
            node = self._root
            for segment in route.template.split("/"):
                node = node.grow(segment)
            node.routes[route.method] = route
            if route.method == "GET" and not route.stream:
                node.routes["HEAD"] = route

    @property
    def services(self) -> tuple[str, ...]:
        """The services that the table sends requests to, sorted."""
        return tuple(sorted({route.service for route in self.routes}))

    def find(self, method: str, path: str) -> EdgeRoute | Unmatched:
        """The operation for `method` on the percent-decoded `path`. HEAD finds what GET finds."""
        node = self._root
        for segment in path.split("/"):
            after = node.named.get(segment)
            if after is None:
                # An empty segment is no name: /users//follow is not a user.
                if not segment or node.any is None:
                    return Unmatched(())
                after = node.any
            node = after
        route = node.routes.get(method)
        return route if route is not None else Unmatched(tuple(sorted(node.routes)))
