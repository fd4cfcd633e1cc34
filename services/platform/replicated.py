"""Whether a replica has what a request wrote: every answer to a write says so, in a header."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar

HEADER = "failwhale-replicated"
"""`true`: what was written survives the loss of the primary. `false`: it is on the primary only, and may be
lost. Absent where nothing was written."""

_NAME = HEADER.encode("ascii")
_HEADERS = {None: (), True: ((_NAME, b"true"),), False: ((_NAME, b"false"),)}

_written: ContextVar[bool | None] = ContextVar("replicated", default=None)


def forget() -> None:
    """A request begins, and has written nothing yet."""
    _written.set(None)


def note(replicated: bool) -> None:
    """The request at hand has written something. A replica has all of it only if it has each part."""
    _written.set(replicated and _written.get() is not False)


def headers() -> Sequence[tuple[bytes, bytes]]:
    """What the answer of the request at hand says about it."""
    return _HEADERS[_written.get()]
