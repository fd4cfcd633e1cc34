"""A verdict has three values: true, false, and unknown, which is neither of them."""

from __future__ import annotations

from collections.abc import Iterable

Verdict = bool | None
"""None: it cannot be said. So it is in JSON, too: true, false, null."""


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Whether all are true: one false makes it false, else one unknown makes it unknown."""
    known = set(verdicts)
    if False in known:
        return False
    return None if None in known else True


def spell(verdict: Verdict, true: str = "yes", false: str = "no", unknown: str = "-") -> str:
    """A verdict for a person, in these words."""
    return unknown if verdict is None else true if verdict else false
