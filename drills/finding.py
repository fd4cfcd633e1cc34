"""What one question about a way of escape came to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from foundation.verdict import Verdict
from testbed.site import Site


@dataclass(frozen=True)
class Defect:
    """Something that nobody feels now, and that keeps a loss from being survived."""

    because: str
    next_step: str
    """A command, as a rule."""


@dataclass(frozen=True)
class Finding:
    """`verdict`: whether nothing stands in the way; None: it cannot be said."""

    question: str
    verdict: Verdict
    because: str
    next_steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """Something that is asked of a site without hurting it. `ask` yields what is wrong, and raises Failure
    or Unreachable where nobody can say; `well` is what is true where nothing is."""

    name: str
    well: str
    ask: Callable[[Site], Iterator[Defect]]
