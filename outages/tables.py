"""The tables of `outages` and `score`, as wide as the terminal. In a pipe a row is a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill, wrap
from typing import TYPE_CHECKING, Any

from foundation.console import print_table, spell_duration, stdout
from outages.model import Felt
from outages.score import Pair
from outages.stories import Story, stories
from outages.wording import (
    COMES_FROM_THE_PROBER,
    NO_FAULT,
    cause,
    causes,
    clock,
    detection,
    error,
    journeys_hurt,
    lasted,
    number_of,
)
from testbed.error_words import Names

if TYPE_CHECKING:
    from rich.console import Console

GAP = 2
INDENT = 10
"""Where an error begins that has a line of its own: below what comes behind the time."""
LEAST = 11
"""Columns that a cause keeps when the terminal is too narrow for all."""
SHORTEST = len("99 journeys")
LONGEST = 60
"""Columns for the journeys that one fault hurt, however wide it is, as in a pipe."""
NUMBERS = {"longest", "in all", "lasted", "failed", "alert"}
ONLY_SLOW = "no error, only slow"

Cell = tuple[str, str]
"""What is written, and its style."""


# --- by cause ---


def show(
    rows: Sequence[Felt], now: float, names: Names, title: str, each: str = "failwhale outages --all"
) -> None:
    """A line for each fault: whom it hurt, how long, and what they saw. `now` is in Unix seconds; `each` is
    the command that tells each outage by itself, empty where there is none."""
    console = stdout()
    console.print(f"[bold]{title}[/bold]")
    told = stories(rows)
    if not told:
        return
    cells = [_story(story, now) for story in told]
    heads = ["UTC", "cause", "longest", "in all"]
    widths = _widths(heads, cells, console.width - SHORTEST - GAP, give_way=1)
    errors = [error(story.outages, names) or _without_error(story) for story in told]
    room = console.width - sum(width + GAP for width in widths)
    beside_errors = room - max(map(len, errors)) - GAP
    for line, story in zip(cells, told, strict=True):
        beside = room if beside_errors < SHORTEST else beside_errors
        words = journeys_hurt(story.hurts(now), min(beside, LONGEST))
        line.append((words, "red" if any(row.kind == "down" for row in story.outages) else "yellow"))
    heads.append("hurt")
    _print(console, heads, [*widths, _longest(heads, cells)[-1]], cells, errors)
    if each and len(rows) > len(told):
        console.print(f"[dim]each time by itself: {each}[/dim]")


def _without_error(story: Story) -> str:
    """Prometheus knows that a journey was down, and no error."""
    return ONLY_SLOW if all(outage.kind == "slow" for outage in story.outages) else ""


def _story(story: Story, now: float) -> list[Cell]:
    longest = max(story.hurts(now), key=lambda hurt: hurt.seconds(now))
    return [
        (clock(story.start), ""),
        (cause(story), "" if story.causes else "dim"),
        (lasted(longest.seconds(now), at_least=longest.is_at_least), ""),
        (lasted(story.total(now), at_least=story.is_at_least), ""),
    ]


# --- each by itself ---


def show_each(rows: Sequence[Felt], now: float, names: Names, title: str) -> None:
    """A line for each outage. Where it is narrow the cause is shortened, and the error is below."""
    console = stdout()
    console.print(f"[bold]{title}[/bold]")
    if not rows:
        return
    heads = ["UTC", "journey", "", "lasted", "failed", "alert", "cause"]
    cells = [_outage(row, now) for row in rows]
    if not any(row.detected is not None for row in rows):
        heads, cells = _without("alert", heads, cells)
    if sum(_longest(heads, cells)[:-1]) + LEAST + GAP * (len(heads) - 1) > console.width:
        heads, cells = _without("failed", heads, cells)
    widths = _widths(heads, cells, console.width, give_way=len(heads) - 1)
    errors = [error([row], names) for row in rows]
    _print(console, heads, widths, cells, errors)


def _outage(row: Felt, now: float) -> list[Cell]:
    style = "red" if row.kind == "down" else "yellow"
    return [
        (clock(row.start), ""),
        (row.journey, style),
        (row.kind, style),
        (lasted(row.duration(now), at_least=not row.has_known_end), style),
        (f"{row.failed}/{row.attempts}" if row.attempts else "", ""),
        (detection(row), "dim" if row.detected else "red"),
        (causes(row) or NO_FAULT, "" if row.causes else "dim"),
    ]


# --- columns ---


def _without(
    head: str, heads: Sequence[str], cells: Sequence[Sequence[Cell]]
) -> tuple[list[str], list[list[Cell]]]:
    at = heads.index(head)
    return [*heads[:at], *heads[at + 1 :]], [[*line[:at], *line[at + 1 :]] for line in cells]


def _longest(heads: Sequence[str], cells: Iterable[Sequence[Cell]]) -> list[int]:
    said = ([text for text, _ in line] for line in cells)
    return [max(map(len, column)) for column in zip(heads, *said, strict=True)]


def _widths(heads: Sequence[str], cells: Iterable[Sequence[Cell]], room: int, give_way: int) -> list[int]:
    """As wide as what is in them; where there is no room for that, one column gives way."""
    widths = _longest(heads, cells)
    missing = sum(widths) + GAP * (len(widths) - 1) - room
    widths[give_way] = max(min(widths[give_way], LEAST), widths[give_way] - max(0, missing))
    return widths


def _print(
    console: Console,
    heads: Sequence[str],
    widths: Sequence[int],
    cells: Iterable[Sequence[Cell]],
    errors: Sequence[str],
) -> None:
    """The errors stand in the last column if it has room for the longest, else below what they belong to."""
    left = console.width - sum(width + GAP for width in widths)
    beside = left >= max(map(len, errors))
    words = [*heads, "error"] if beside and any(errors) else heads
    _print_line(console, [(word, "dim") for word in words], [*widths, left], words)
    for line, said in zip(cells, errors, strict=True):
        row = [*line, (said, "dim")] if beside else line
        _print_line(console, row, [*widths, left], [*heads, "error"])
        if not beside:
            for part in wrap(said, console.width - INDENT):
                console.print(f"{' ' * INDENT}{part}", style="dim", markup=False)


def _print_line(console: Console, cells: Sequence[Cell], widths: Sequence[int], heads: Sequence[str]) -> None:
    from rich.text import Text

    line = Text()
    for (text, style), width, head in zip(cells, widths, heads, strict=False):
        cell = Text(text, style=style)
        cell.truncate(width, overflow="ellipsis")
        padding = " " * (width - len(cell))
        line.append_text(Text(padding) + cell if head in NUMBERS else cell + Text(padding))
        line.append(" " * GAP)
    line.rstrip()
    console.print(line)


# --- beside the monitoring ---


def show_score(pairs: list[Pair], result: dict[str, Any]) -> None:
    """What was recorded, in counts and in seconds, what was alerted, and the two records side by side."""
    console, felt = stdout(), [row.felt for row in pairs if row.felt is not None]
    console.print(
        f"recorded by Prometheus: {result['detected']} detected, {result['missed']} missed,"
        f" {result['false_positives']} false positive{'' if result['false_positives'] == 1 else 's'}"
        + _quantile_words("; too long by", result["duration_error"])
    )
    detected, missed, false = (
        spell_duration(result["seconds"][name]) for name in ("detected", "missed", "false_positives")
    )
    console.print(f"in time: {detected} detected, {missed} missed, {false} false positive")
    console.print(
        f"alerted: {result['alerted']} of {number_of(felt)}"
        + (f", {result['late']} more when it was over" if result["late"] else "")
        + _quantile_words("; delay", result["detection_delay"])
        + (f" over {result['alerted']} alert{'' if result['alerted'] == 1 else 's'}" if felt else "")
    )
    of_all = f"{result['pages']} page{'' if result['pages'] == 1 else 's'}"
    console.print(
        f"paged: {result['paged']} of {number_of(felt)}; {of_all} came in all,"
        f" {result['acknowledged']} acknowledged" + _quantile_words(" after", result["time_to_acknowledge"])
    )
    console.print(f"[dim]{fill(COMES_FROM_THE_PROBER, console.width)}[/dim]")
    if not pairs:
        return

    def told(outage: Felt | None, now: float) -> tuple[str, str]:
        return ("", "") if outage is None else (clock(outage.start), spell_duration(outage.duration(now)))

    console.print()
    print_table(
        ["journey", "", "prober", "lasted", "prometheus", "lasted", "alert", "recorded"],
        (
            [
                row.journey,
                row.kind,
                *told(row.felt, row.now),
                *told(row.recorded, row.now),
                "" if row.felt is None else detection(row.felt),
                row.verdict,
            ]
            for row in sorted(pairs, key=lambda row: row.start)
        ),
        right=["lasted", "alert"],
    )


def show_rule_sets(scores: Mapping[str, dict[str, Any]]) -> None:
    """What each set of alerting rules noticed: outages in counts, and when the alert came."""

    def seconds(delay: float | None) -> str:
        return "" if delay is None else f"{delay:+.1f}s"

    stdout().print()
    numbers = ["detected", "missed", "unknown", "false positives", "alert (p50)", "alert (p90)"]
    print_table(
        ["rule set", *numbers],
        (
            [
                name,
                *(row[key] for key in ("detected", "missed", "unknown", "false_positives")),
                *(seconds(row["detection_delay"][rank]) for rank in ("p50", "p90")),
            ]
            for name, row in scores.items()
        ),
        right=numbers,
    )


def _quantile_words(what: str, quantiles: dict[str, float | None]) -> str:
    if quantiles["p50"] is None:
        return ""
    return f"{what} {quantiles['p50']:.1f} s (p50), {quantiles['p90']:.1f} s (p90)"
