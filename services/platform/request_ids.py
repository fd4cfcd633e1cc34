"""The id that a request keeps on its way through the services, so that its log lines can be found
together."""

from __future__ import annotations

import random
import re
from contextvars import ContextVar

HEADER = "failwhale-request"

current: ContextVar[str] = ContextVar("failwhale-request", default="")
"""The id of the request being served; calls to other services pass it on in HEADER. Empty outside of a
request."""

_SENSIBLE = re.compile(rb"[A-Za-z0-9_-]{1,64}\Z")


def accept(header: bytes | None) -> str:
    """The id that came with a request, or a new one when none came or it is not a sensible id."""
    if header is not None and _SENSIBLE.match(header):
        return header.decode("ascii")
    return f"{random.getrandbits(64):016x}"  # to tell requests apart, not to be a secret
