"""The drill as one HTML page without any external resource, fit to be shown to an auditor."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from string import Template

from drills.failover.drill import Drill
from drills.failover.result import Outcome, WayResult
from drills.failover.telling import WORDS, spell_interval, spell_lost
from foundation.clock import stamp
from foundation.failure import Failure
from outages.html_table import html_table
from outages.report import FOLDER as LOOKS

TEMPLATE = Path(__file__).parent / "page.html"
WIDTH, LABELS, RIGHT, ROW, TOP = 1120.0, 240.0, 30.0, 30.0, 26.0
LEAST_SECONDS = 4.0
TICKS = (0.5, 1, 2, 5, 10, 20, 60)
MOST_TICKS = 12


def page(drill: Drill) -> str:
    """All of it."""
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        style=(LOOKS / "report.css").read_text(encoding="utf-8"),
        headline=escape(drill.headline),
        when=f"{_runs(drill.repeat)} of each, until {stamp(time.time())[:19].replace('T', ' ')} UTC.",
        defects=_defects(drill),
        drawing=drawing(drill.results),
        ways=_ways(drill.results),
    )


def save(drill: Drill, file: Path) -> None:
    """Raises Failure when it cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page(drill), encoding="utf-8")
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}", "name another one: --output") from None


def _runs(number: int) -> str:
    return "One run" if number == 1 else f"{number} runs"


def _defects(drill: Drill) -> str:
    if not drill.defects:
        return ""
    rows = [
        [
            f"<b>{escape(finding.question)}</b>",
            escape(finding.because),
            "<br>".join(f"<code>{escape(step)}</code>" for step in finding.next_steps),
        ]
        for finding in drill.defects
    ]
    table = html_table(("question", "what is wrong", "what to do"), rows, set())
    return f"<section><h2>What was to be seen before anything was lost</h2>{table}</section>"


def _ways(results: Sequence[WayResult]) -> str:
    heads = ("way", "verdict", "users suffered", "noticed", "promoted", "lost", "because")
    rows = [
        [
            f"<b>{escape(one.name)}</b><br>{escape(one.title)}",
            f"<span class='keep{_missed(one)}'>{WORDS[one.outcome]}</span>",
            spell_interval(one.suffered),
            spell_interval(one.phase(lambda phases: phases.noticed)),
            spell_interval(one.phase(lambda phases: phases.promoted)),
            escape(spell_lost(one)),
            escape(one.because),
        ]
        for one in results
    ]
    return html_table(heads, rows, {2, 3, 4, 5})


def _missed(one: WayResult) -> str:
    return "" if one.outcome is Outcome.WORKS else " missed"


def drawing(results: Sequence[WayResult]) -> str:
    """A row for each way: when users were well again in each run, and the limit."""
    longest = max((value for one in results for value in (*one.each_suffered, one.within)), default=0.0)
    whole = max(LEAST_SECONDS, longest * 1.05)

    def x(seconds: float) -> float:
        return LABELS + seconds / whole * (WIDTH - LABELS - RIGHT)

    height = TOP + ROW * len(results) + 8
    step = next((one for one in TICKS if whole / one <= MOST_TICKS), TICKS[-1])
    parts = [
        f"<svg viewBox='0 0 {WIDTH:g} {height:g}' role='img' aria-label='Seconds until users were well'>"
    ]
    for number in range(int(whole / step) + 1):
        at = x(number * step)
        parts.append(f"<line class='tick' x1='{at:.1f}' x2='{at:.1f}' y1='{TOP:g}' y2='{height:g}'/>")
        parts.append(f"<text class='tick' x='{at:.1f}' y='12'>{number * step:g} s</text>")
    for number, one in enumerate(results):
        parts.append(_row(one, TOP + ROW * (number + 0.5), x))
    return "".join([*parts, "</svg>"])


def _row(one: WayResult, y: float, x: Callable[[float], float]) -> str:
    css = "hurt" if one.outcome is Outcome.BROKEN else ""
    parts = [f"<text class='label {css}' x='{LABELS - 12:g}' y='{y:g}'>{escape(one.name)}</text>"]
    if one.within:
        at = x(one.within)
        parts.append(
            f"<line x1='{at:.1f}' x2='{at:.1f}' y1='{y - 11:g}' y2='{y + 11:g}' stroke='var(--soft)'"
            " stroke-width='2' stroke-dasharray='3 2'><title>the limit</title></line>"
        )
    for judged in one.judged:
        if judged.verdict is None:
            continue
        colour = "var(--load)" if judged.verdict else "var(--down)"
        parts.append(
            f"<circle cx='{x(judged.suffered):.1f}' cy='{y:g}' r='6' fill='{colour}' fill-opacity='.55'>"
            f"<title>{judged.suffered:.1f} s: {escape(judged.because)}</title></circle>"
        )
    if not one.each_suffered:
        parts.append(f"<text class='beside' x='{LABELS + 4:g}' y='{y:g}'>untested</text>")
    return "".join(parts)
