"""Which journeys of the users pass through which service."""

from __future__ import annotations

from collections.abc import Mapping

WRITES = ("login", "login-second-factor", "post", "retweet", "freshness", "notification", "live-stream")
"""Journeys in which something is written."""
_READS = ("read-back", "home-timeline", "protected-posts")
_EVERY = ("handshake-east", "handshake-west", "page", *WRITES, *_READS)

JOURNEYS_OF: Mapping[str, tuple[str, ...]] = {
    "frontend": _EVERY,
    "auth": ("login", "login-second-factor"),
    "post": ("post", "read-back", "freshness", "notification", "live-stream", "protected-posts"),
    "retweet": ("retweet",),
    "timeline": ("home-timeline", "freshness", "protected-posts"),
    "notify": ("notification", "live-stream"),
    "store": (*WRITES, *_READS),
    "sentinel": (),
    "maintenance": (),
    # What goes from one place to the store of the other: writes, and reads until they turn to the replica.
    "link": (*WRITES, *_READS),
}
"""A service that is not named here carries no journey: the instruments."""


HANDSHAKES = ("handshake-east", "handshake-west")
"""Journeys that end before any request is sent: what befalls requests does not hurt them."""


SIGNED_IN = tuple(journey for journey in (*WRITES, *_READS) if not journey.startswith("login"))
"""Journeys of people who are logged in already."""


def journeys_through(service: str, place: str | None) -> tuple[str, ...]:
    """The journeys that may be hurt when this part is. One edge has no part in the handshake with another."""
    return tuple(
        journey
        for journey in JOURNEYS_OF.get(service, ())
        if not journey.startswith("handshake-") or journey == f"handshake-{place}"
    )


ROUTES_OF: Mapping[str, tuple[str, ...]] = {
    "page": ("GET /",),
    "login": ("POST /api/v1/sessions", "GET /api/v1/me/second-factor"),
    "login-second-factor": (
        "POST /api/v1/sessions",
        "POST /api/v1/sessions/second-factor",
        "GET /api/v1/me/second-factor",
    ),
    "post": ("POST /api/v1/posts",),
    "read-back": ("GET /api/v1/posts/{id}",),
    "retweet": (
        "PUT /api/v1/posts/{id}/retweet",
        "GET /api/v1/posts/{id}/retweets",
        "DELETE /api/v1/posts/{id}/retweet",
    ),
    "home-timeline": ("GET /api/v1/timelines/home",),
    "freshness": ("GET /api/v1/timelines/home",),
    "notification": ("GET /api/v1/notifications",),
    "live-stream": ("GET /api/v1/notifications/stream",),
    "protected-posts": (
        "GET /api/v1/posts/{id}",
        "GET /api/v1/timelines/users/{name}",
        "GET /api/v1/timelines/home",
    ),
}
"""What each journey asks for. A post that it needs and that is the journey of another is no part of it."""
