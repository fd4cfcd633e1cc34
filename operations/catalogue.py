"""All the operations there are."""

from __future__ import annotations

import operations.known  # noqa: F401  (its modules register themselves)
from foundation.suggestions import unknown
from operations.operation import REGISTER, Operation


def all_operations() -> tuple[Operation, ...]:
    """By name."""
    return tuple(REGISTER[name] for name in sorted(REGISTER))


def operation_named(name: str) -> Operation:
    """Raises Failure (usage) that says which was probably meant, and lists them."""
    if name not in REGISTER:
        raise unknown("operation", name, sorted(REGISTER))
    return REGISTER[name]
