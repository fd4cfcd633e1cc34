"""The refusal that says: the store cannot be reached from here, and nothing of this request was done.

It is a header and not a problem type, because who calls a service looks at no body. With it an answer may be
repeated at the other replica, whatever the method; a 503 without it may belong to a write that was done.
"""

from __future__ import annotations

from collections.abc import Iterable

HEADER = "failwhale-not-done"
"""Stays within the site: the front end does not pass it on."""

VALUE = "store"

_NAME = HEADER.encode("ascii")


def is_said_by(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether an answer says so; names of `headers` are in lower case."""
    return status == 503 and any(name == _NAME for name, _ in headers)
