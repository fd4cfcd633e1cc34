"""What an answer is to say wrongly: told where the request comes in, obeyed where the answer is made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from services.platform.injection.spec import Kind

_wrong: ContextVar[Kind | None] = ContextVar("wrong", default=None)


def is_hit_by(kind: Kind) -> bool:
    """Whether a fault of this kind has hit the request."""
    return _wrong.get() == kind


@contextmanager
def wrong(kind: Kind) -> Iterator[None]:
    """Within the block the request is hit by a fault of this kind."""
    token = _wrong.set(kind)
    try:
        yield
    finally:
        _wrong.reset(token)
