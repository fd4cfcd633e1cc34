"""The mark at the end of each text that a load writes: it tells which load, and no two texts have the same.

What a load writes without a record has a mark that names no load: nothing is known of it afterwards.
"""

from __future__ import annotations

_LONGEST_KEY = 10


def mark(load: str | None, key: str) -> str:
    """Of a text that is posted with this idempotency key; None is a load without a record."""
    return f"#{key[:_LONGEST_KEY]}" if load is None else f"#{load}_{key[:_LONGEST_KEY]}"


def load_of(text: str) -> str | None:
    """The load that wrote a text, by its mark; None where it has none that names one."""
    last = text.rsplit(" ", 1)[-1]
    load, joint, key = last[1:].rpartition("_")
    return load if last.startswith("#") and joint and key else None
