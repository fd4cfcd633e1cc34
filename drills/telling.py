"""What was found out about the ways of escape, as rows of JSON and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from drills.finding import Finding
from foundation.verdict import spell

READY = "ready"
NOT_READY = "NOT READY"
UNKNOWN = "cannot say"


def row_of_finding(finding: Finding) -> dict[str, Any]:
    """As `failwhale drill readiness --json` has it."""
    return asdict(finding)


def cells_of_finding(finding: Finding) -> tuple[str, str, str]:
    return finding.question, spell(finding.verdict, READY, NOT_READY, UNKNOWN), finding.because


def lines_after(findings: Sequence[Finding]) -> Iterator[str]:
    """The verdict in one line, and what to do."""
    wrong = _named(findings, False)
    unknown = _named(findings, None)
    if wrong:
        yield f"The next loss may not be survived: {', '.join(wrong)}."
    elif unknown:
        yield f"It cannot be said whether the next loss would be survived: {', '.join(unknown)}."
    else:
        yield "Nothing is seen that keeps the next loss from being survived."
    steps = dict.fromkeys(step for finding in findings for step in finding.next_steps)
    if steps:
        yield "What to do:"
        yield from (f"  {step}" for step in steps)


def _named(findings: Iterable[Finding], verdict: bool | None) -> list[str]:
    return [finding.question for finding in findings if finding.verdict is verdict]
