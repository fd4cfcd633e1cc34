"""Newest first: what a timeline, or a list of notifications, promises of the order of its entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def misplaced(identifiers: Iterable[int]) -> Iterator[int]:
    """Those that stand below an older one. Ids carry their time, and a page is sorted by them: so this holds
    also where clocks differ. One that is there twice is no matter of order."""
    lowest: int | None = None
    for identifier in identifiers:
        if lowest is not None and identifier > lowest:
            yield identifier
        else:
            lowest = identifier
