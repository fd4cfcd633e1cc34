"""The answer to a name that does not exist. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher, get_close_matches
from heapq import nlargest

from foundation.failure import USAGE, Failure

FEW = 12
"""Names that are all listed; of more only the nearest are."""
NEAREST = 5


def unknown(kind: str, name: str, known: Iterable[str], listing: str = "") -> Failure:
    """Says which name was probably meant, and lists all there are; of many the nearest, and which command
    lists them all."""
    names = list(known)
    close = close_to(name, names, 1)
    question = f": did you mean {close[0]}?" if close else ""
    kinds = f"{kind[:-1]}ies" if kind.endswith("y") and kind[-2] not in "aeiou" else f"{kind}s"
    return Failure(
        f"no {kind} is named {name!r}{question}", f"{kinds}: {_listed(name, names, listing)}", USAGE
    )


def _listed(name: str, names: Sequence[str], listing: str) -> str:
    if len(names) <= FEW:
        return ", ".join(names) or "none"
    all_of_them = f": {listing}" if listing else ""
    return f"{', '.join(nearest(name, names, NEAREST))} and {len(names) - NEAREST} more{all_of_them}"


def close_to(name: str, known: Sequence[str], count: int) -> list[str]:
    """Those that were probably meant, at most so many, the likeliest first; often none."""
    return get_close_matches(name, known, n=count)


def nearest(name: str, known: Sequence[str], count: int) -> list[str]:
    """The most similar ones, however little they are so."""
    return nlargest(count, known, key=lambda one: SequenceMatcher(None, one, name).ratio())
