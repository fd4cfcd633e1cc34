"""Every key of the configuration: its type and bounds, its default, and what it does.

The order is that of `failwhale config show`. A default is what the parts do without any configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.platform.configuration.values import (
    Choice,
    Kind,
    Number,
    Patterns,
    Reference,
    Switch,
    Texts,
    Whole,
)
from services.platform.protections import PROTECTIONS

SCHEMA: Final = 1
"""The form of a document. A part refuses one of another form, and goes on with what it has."""

OWN_CLIENTS: Final = ("page", "app", "prober", "load")
"""Clients of the site's own, by the name that they give themselves in the header `failwhale-client`."""

OTHERS: Final = "other"
"""All clients that give no such name."""

PLANS: Final = ("own", "free")

ACCESS: Final = ("none", "read", "read-write")

SECOND_FACTOR: Final = "flags.second-factor"
BLOCKED_PATTERNS: Final = "post.blocked-patterns"
BLOCKED_ADDRESSES: Final = "blocked.addresses"
BLOCKED_ACCOUNTS: Final = "blocked.accounts"

FEATURES: Final[Mapping[str, str]] = {
    "sign-up": "Whether new accounts can be made.",
    "retweets": "Whether posts can be retweeted.",
    "live-updates": "Whether notifications are pushed to open pages.",
}

MOST_BLOCKED: Final = 1000
"""Addresses, or accounts, that are let in no more."""

MOST_PATTERNS: Final = 200
"""Blocked patterns for which `post` has room. It would rather end than let posts pass unread by the rest."""

CALLED: Final = ("auth", "post", "retweet", "timeline", "notify")
"""Those that front ends call."""

_PLACES: Final = ("east", "west")

_PROTECTIONS_HELP: Final[Mapping[str, str]] = {
    "deadlines": "Whether work whose time is over is not begun.",
    "retries": "Whether a failed call is repeated at the other replica, within a budget.",
    "ejection": "Whether a replica that keeps failing is not asked for a while.",
    "shedding": "Whether work over the bound is refused at once.",
}


MOST_REQUESTS: Final = 10_000.0
"""Per second: more than a front end can do, so that it is bounded by what it can."""


def capacity_of(place: str) -> str:
    """The key that says for how many requests a second the edge of a place is provisioned."""
    return f"capacity.{place}"


@dataclass(frozen=True)
class Key:
    """One thing that can be configured."""

    name: str
    kind: Kind
    default: Any
    help: str


def _keys() -> Iterator[Key]:
    for client in (*OWN_CLIENTS, OTHERS):
        plan = "free" if client == OTHERS else "own"
        yield Key(f"clients.{client}", Choice(PLANS), plan, f"The plan of the client {client}.")
    for plan in PLANS:
        yield Key(
            f"plans.{plan}.access", Choice(ACCESS), "read-write", f"What clients of the plan {plan} may do."
        )
        yield Key(
            f"plans.{plan}.session-rate",
            Number(0.001, 100_000),
            100.0,
            f"Requests per second of a session of the plan {plan}, on average.",
        )
        yield Key(
            f"plans.{plan}.session-burst", Whole(1, 1_000_000), 200, "And how many on top of that at a time."
        )
    for limit, of, rate, burst in (
        ("address", "Requests of strangers per second and address, of new connections", 500.0, 2000),
        ("repeat", "The same, of connections that have asked before", 100.0, 200),
    ):
        yield Key(f"limits.{limit}-rate", Number(0.001, 100_000), rate, f"{of}.")
        yield Key(
            f"limits.{limit}-burst", Whole(1, 1_000_000), burst, "And how many on top of that at a time."
        )
    for place in _PLACES:
        yield Key(
            capacity_of(place),
            Number(1, MOST_REQUESTS),
            MOST_REQUESTS,
            f"Requests per second that the edge in {place} takes; at the end only the most important.",
        )
    for protection in PROTECTIONS:
        yield Key(f"protections.{protection}", Switch(), True, _PROTECTIONS_HELP[protection])
    yield Key(
        SECOND_FACTOR,
        Switch(),
        True,
        "Whether codes are checked; if not, who has a second factor cannot log in.",
    )
    for feature, what in FEATURES.items():
        yield Key(f"features.{feature}", Switch(), True, what)
    yield Key(
        BLOCKED_PATTERNS,
        Patterns(MOST_PATTERNS, 200),
        [],
        "Regular expressions of texts that may not be posted; each post is searched for each of them.",
    )
    yield Key(
        BLOCKED_ADDRESSES,
        Texts(MOST_BLOCKED, 50, "192.0.2.7"),
        [],
        "IP addresses from which front ends let nobody in.",
    )
    yield Key(
        BLOCKED_ACCOUNTS,
        Texts(MOST_BLOCKED, 50, "eve"),
        [],
        "Handles of accounts whose sessions front ends do not let in.",
    )
    for service in CALLED:
        for place in _PLACES:
            yield Key(
                f"addresses.{service}.{place}", Reference(), "", f"Where front ends find {service}@{place}."
            )
    for service in CALLED:
        for place in _PLACES:
            yield Key(
                f"drained.{service}.{place}",
                Switch(),
                False,
                f"Whether front ends do not call {service}@{place}, while there is another one.",
            )


KEYS: Final[Mapping[str, Key]] = {key.name: key for key in _keys()}

LIMITS: Final = tuple(name for name in KEYS if name.endswith(("-rate", "-burst")))
"""The keys that say how much may be asked for."""
