"""The parts of the site in memory."""

from __future__ import annotations

from site_files import kind_of

from services.platform import pki
from testbed.inventory import Part


def make_part(name: str) -> Part:
    service, _, place = name.partition("@")
    address = {"8000": "127.0.0.1:1"}
    return Part(name, service, place or None, name.replace("@", "-"), "8000", address, kind_of(service))


SERVICES = ("frontend", "auth", "post", "retweet", "timeline", "notify", "store", "sentinel", "link")
NAMES = (
    *(f"{service}@{place}" for place in ("east", "west") for service in SERVICES),
    "sentinel@witness",
    "maintenance@east",
    "prober",
    "chaos",
    "alertmanager",
    "prometheus",
)
ROUTES = {"/api/v1/posts": {"post": {}}, "/api/v1/posts/{id}": {"get": {}, "delete": {}}}
PARTS = tuple(make_part(name) for name in NAMES)
CERTIFICATE = pki.new_authority().certificate
"""What is presented, whatever is wrong with it."""


UNKNOWN = {
    ("sessions-lost", "frontend"): "The session has ended.",
    ("token-key-mismatch", "frontend"): "This is not a session token.",
    ("token-key-mismatch", "auth"): "The challenge is not good any more, log in again",
}
"""Why a session, or a challenge, is not known by a service that has such an injection point."""
