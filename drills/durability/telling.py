"""The comparison as JSON, as a table, and in words that somebody can act on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from drills.durability.comparison import LossResult, ModeResult
from drills.failover.interval import Interval
from drills.failover.telling import row_of_interval

COLUMNS = ("mode", "a post, p50", "p90", "loss", "acknowledged", "gone a loss", "in silence", "failed a loss")

MEANS = {
    "off": "off: nobody asks the replica. What it lacks at a loss is gone, and nothing was said to be safe.",
    "reported": (
        "reported: a write is acknowledged once the primary has it, and the answer says whether a replica has"
        " it. What can be gone is what was said not to be replicated."
    ),
    "required": (
        "required: nothing is acknowledged that no replica has. Nothing can be gone, and nobody can write"
        " while the replica is away."
    ),
}


def row_of(result: ModeResult) -> dict[str, Any]:
    """A mode, as `failwhale drill durability --json` has it; latencies in seconds, and null for what nobody
    can say."""
    return {
        "mode": result.mode,
        "post": {"p50": result.p50, "p90": result.p90},
        "losses": [_row(one) for one in result.losses],
    }


def _row(one: LossResult) -> dict[str, Any]:
    return {
        "loss": one.loss.name,
        "title": one.loss.title,
        "trials": len(one.trials),
        "acknowledged": one.acknowledged,
        "lost": {"although_replicated": one.lost, "as_announced": one.announced},
        "gone": row_of_interval(one.gone),
        "failed": row_of_interval(one.failed),
        "unknown": list(one.unknown),
    }


def cells_of(result: ModeResult) -> Iterator[tuple[str, ...]]:
    """The rows of a mode in the table."""
    for number, one in enumerate(result.losses):
        mode = ("", "", "") if number else (result.mode, _latency(result.p50), _latency(result.p90))
        counts = (_number(one.acknowledged), _count(one.gone), _number(one.lost), _count(one.failed))
        yield (*mode, one.loss.name, *counts)


def lines_after(results: Sequence[ModeResult]) -> Iterator[str]:
    """What it means, and what could not be said."""
    for result in results:
        yield MEANS[result.mode]
    for result in results:
        for one in result.losses:
            yield from (f"not known: {result.mode}, {one.loss.name}: {why}" for why in one.unknown)
    yield "To run a site in one of them: FAILWHALE_REPLICATION=required failwhale up"


def _latency(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f} ms"


def _number(count: int | None) -> str:
    return "-" if count is None else str(count)


def _count(found: Interval | None) -> str:
    if found is None:
        return "-"
    if found.low is None or found.high is None:
        return f"{found.mean:.1f}"
    return f"{found.mean:.1f} ({found.low:.1f} to {found.high:.1f})"
