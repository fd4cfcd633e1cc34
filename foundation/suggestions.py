"""The answer to a name that does not exist. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from foundation.failure import USAGE, Failure


def unknown(kind: str, name: str, known: Iterable[str]) -> Failure:
    """Says which name was probably meant, and lists all there are."""
    names = list(known)
    close = get_close_matches(name, names, n=1)
    question = f": did you mean {close[0]}?" if close else ""
    return Failure(f"no {kind} is named {name!r}{question}", f"{kind}s: {', '.join(names) or 'none'}", USAGE)
