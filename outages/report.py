"""The report: one HTML page without any external resource, the timeline drawn as SVG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from foundation.clock import stamp
from foundation.console import spell_duration
from foundation.failure import Failure
from foundation.state import State
from foundation.verdict import spell
from outages.drawing import timeline
from outages.history import History, order_of
from outages.html_table import html_table
from outages.incident_section import incident_section
from outages.journey_names import NAMES
from outages.model import Felt, InjectedFault
from outages.stories import counted, stories
from outages.wording import (
    COMES_FROM_THE_PROBER,
    WHAT_ALERT_MEANS,
    by_id,
    cause,
    causes,
    clock,
    detection,
    error,
    felt_by_journey,
    headline,
    journeys_hurt,
    lasted,
    number_of,
    parameters,
    targets,
)
from testbed.error_words import Names, names_in, spell_no_data
from testbed.sitefile import SiteFile

FOLDER = Path(__file__).parent
ROOM_FOR_NAMES = 90
"""Characters for the journeys that one fault hurt; more are told by how many they are."""


def page(history: History, names: Names) -> str:
    """The whole page as HTML; `names` are the parts that errors are about, by their addresses."""
    now = history.now()
    template = Template((FOLDER / "report.html").read_text(encoding="utf-8"))
    return template.substitute(
        style=(FOLDER / "report.css").read_text(encoding="utf-8"),
        headline=escape(headline(history)),
        when=_when(history, now),
        facts=_facts(history, now),
        timeline=timeline(history, names),
        outages=_outages(history, now, names),
        faults=_faults(history, now),
        incidents=incident_section(history.incidents),
        changes=_changes(history) + _operations(history),
        journeys=_journeys(history, now, names),
    )


def save(site: State, history: History, output: Path | None = None) -> Path:
    """Write the page to a file in a folder that is there, or to STATE/reports/report.html; returns which.
    Raises Failure when it cannot be written."""
    file = output or site.reports / "report.html"
    if output is not None and not output.parent.is_dir():
        raise Failure(f"no such folder: {output.parent}", "make it, or name another one: --output")
    try:
        if output is None:
            file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page(history, names_in(site)), encoding="utf-8")
    except OSError as error:
        step = "name another one: --output"
        if is_inside_a_container(site):
            copied = copied_out(site.reports / "report.html")
            step = f"leave --output away, and on the machine: {copied}; or: --output - > {file.name}"
        raise Failure(f"{file} cannot be written: {error.strerror}", step) from None
    return file


def is_inside_a_container(site: State) -> bool:
    """Whether this is the controller's container."""
    content = SiteFile.read_if_made(site)
    return content is not None and content.is_seen_from_inside


def copied_out(file: Path) -> str:
    """How a person gets a file out of that container."""
    return f"docker compose cp chaos:{file} ."


def _when(history: History, now: float) -> str:
    if history.began is None:
        return "No run is recorded."
    ended = "" if history.ended is not None else ", and still running when this was written"
    began = escape(stamp(history.began)[:19].replace("T", " "))
    return f"Began {began} UTC and lasted {spell_duration(now - history.began)}{ended}."


def _facts(history: History, now: float) -> str:
    counts = sum(history.attempts.values(), Counter[str]())
    tried = counts["good"] + counts["slow"] + counts["bad"]
    down = {outage.journey for outage in history.outages if outage.kind == "down"}
    slow = {outage.journey for outage in history.outages} - down
    asked = _was_asked(history)
    facts = [
        ("journeys down", f"{len(down)} of {len(NAMES)}", f"{len(slow)} more slow" if slow else ""),
        ("faults", str(len({fault.id for fault in history.faults})), ""),
    ]
    if tried:  # the prober writes its tally now and then, so a run that has just begun has none
        facts.insert(0, ("attempts", f"{tried:,}", f"{counts['bad']:,} failed"))
    if asked:
        alerted = sum(any(time.detected for time in one.times) for one in counted(history.outages))
        number, _, things = number_of(history.outages).partition(" ")
        facts.append(("alerts", f"{alerted} of {number}", f"{things} raised one"))
    people = max((load.people for load in history.loads), default=0)
    if people:
        facts.append(("people", f"{people:,}", "as load"))
    return "".join(
        f"<div><dt>{name}</dt><dd>{value}{f' <small>{more}</small>' if more else ''}</dd></div>"
        for name, value, more in facts
    )


def _outages(history: History, now: float, names: Names) -> str:
    """A row for each fault, and each time by itself for who wants to know."""
    if not history.outages:
        return "<p class='calm'>No outage: every journey went well, every time.</p>"
    each = f"each time by itself, {len(history.outages)} of them"
    return (
        f"{_by_cause(history, now, names)}"
        f"<details><summary>{each}</summary>{_each(history, now, names)}</details>"
    )


def _by_cause(history: History, now: float, names: Names) -> str:
    rows = []
    for story in stories(history.outages):
        hurts = story.hurts(now)
        longest = max(hurts, key=lambda hurt: hurt.seconds(now))
        rows.append(
            [
                f"<b>{escape(cause(story))}</b>",
                f"<time datetime='{stamp(story.start)}'>{clock(story.start)}</time>",
                lasted(longest.seconds(now), at_least=longest.is_at_least),
                lasted(story.total(now), at_least=story.is_at_least),
                escape(journeys_hurt(hurts, ROOM_FOR_NAMES)),
                f"<span class='error'>{escape(error(story.outages, names))}</span>",
            ]
        )
    return html_table(["cause", "began", "longest", "in all", "hurt", "error"], rows, numbers={2, 3})


def _each(history: History, now: float, names: Names) -> str:
    asked = _was_asked(history)
    heads = ["journey", "", "began", "lasted", "failed", "error", "cause", *(["alert"] if asked else [])]
    rows = (
        [
            f"<b>{escape(outage.journey)}</b>",
            f"<span class='tag {outage.kind}'>{outage.kind}</span>",
            f"<time datetime='{stamp(outage.start)}'>{clock(outage.start)}</time>",
            f"{_lasted(outage, now)}",
            f"{outage.failed} of {outage.attempts}" if outage.attempts else "",
            f"<span class='error'>{escape(error([outage], names))}</span>",
            escape(causes(outage)) or "<i>no known fault</i>",
            *([_alert(outage)] if asked else []),
        ]
        for outage in history.outages
    )
    notes = (WHAT_ALERT_MEANS, COMES_FROM_THE_PROBER) if asked else ()
    return html_table(heads, rows, numbers={3, 4}) + "".join(
        f"<p class='note'>{escape(note)}</p>" for note in notes
    )


def _was_asked(history: History) -> bool:
    """Whether Prometheus said what it had noticed."""
    return any(outage.detected is not None for outage in history.outages)


def _lasted(outage: Felt, now: float) -> str:
    more = " and goes on" if outage.end is None else " at least" if outage.unobserved else ""
    return f"{spell_duration(outage.duration(now))}{more}"


def _alert(outage: Felt) -> str:
    css = "keep" if outage.detected and not outage.is_late else "missed"
    return f"<span class='{css}'>{detection(outage)}</span>"


def _faults(history: History, now: float) -> str:
    if not history.faults:
        return "<p class='calm'>No fault was injected.</p>"
    rows = ([*_fault_cells(parts, now), _felt_of(parts, history, now)] for parts in by_id(history.faults))
    return html_table(["fault", "target", "applied", "in force", "verified", "users felt"], rows, numbers={3})


def _changes(history: History) -> str:
    """What people changed in the configuration; nothing of it where nobody did."""
    if not history.reconfigured:
        return ""
    rows = (
        [
            f"<time datetime='{stamp(change.at)}'>{clock(change.at)}</time>",
            str(change.version),
            escape(change.by),
            escape(change.what),
            escape(change.reason),
        ]
        for change in history.reconfigured
    )
    table = html_table(["when", "version", "who", "what", "why"], rows, numbers={1})
    return f"<section><h2>Configuration</h2>{table}</section>"


def _operations(history: History) -> str:
    """What engineers did; nothing of it where nobody did anything."""
    if not history.operations:
        return ""
    rows = (
        [
            f"<time datetime='{stamp(one.at)}'>{clock(one.at)}</time>",
            escape(" ".join(filter(None, (one.operation, one.target)))),
            escape(one.by),
            escape(one.said if one.is_done else f"refused: {one.said}"),
            escape(one.reason),
        ]
        for one in history.operations
    )
    table = html_table(["when", "operation", "who", "what came of it", "why"], rows, numbers=set())
    return f"<section><h2>Operations</h2>{table}</section>"


def _fault_cells(parts: Sequence[InjectedFault], now: float) -> list[str]:
    """One fault, on all its parts."""
    how = parameters(parts[0])
    begun = [part.applied for part in parts if part.applied is not None]
    if not begun:
        applied, lasts = "<i>never</i>", ""
    else:
        ends = [part.end for part in parts if part.applied is not None]
        applied = f"<time datetime='{stamp(min(begun))}'>{clock(min(begun))}</time>"
        ceased = any(part.ceased for part in parts)
        how_it_ended = " and still is" if None in ends else ", then ceased" if ceased else ""
        lasts = spell_duration(max(now if end is None else end for end in ends) - min(begun)) + how_it_ended
    if any(part.unknown for part in parts):
        lasts = "<span class='missed'>end unknown</span>"
    verdicts = [part.verified for part in parts]
    seen = False if False in verdicts else True if all(verdicts) else None
    verified = spell(seen, "yes", f"<span class='missed'>{_without_effect(parts)}</span>", "not known")
    name = f"<b title='{escape(parts[0].id)}'>{escape(parts[0].name)}</b>"
    small = f" <small>{escape(how)}</small>" if how else ""
    many = f" <small>{len(parts)} parts</small>" if len(parts) > 1 else ""
    return [name + small, escape(targets(parts)) + many, applied, lasts, verified]


def _without_effect(parts: Sequence[InjectedFault]) -> str:
    spared = [part.target for part in parts if part.verified is False]
    return "no effect" if len(spared) == len(parts) else f"no effect on {escape(', '.join(spared))}"


def _felt_of(parts: Sequence[InjectedFault], history: History, now: float) -> str:
    """Which journeys a fault hurt, worst first, and which when it was over."""
    caused = [outage for outage in history.outages if any(part in outage.causes for part in parts)]
    during = _hurt([outage for outage in caused if not outage.after_effect], now)
    after = _hurt([outage for outage in caused if outage.after_effect], now)
    words = [during, f"<small>afterwards:</small> {after}" if after else ""]
    return "; ".join(filter(None, words)) or "<i>nothing</i>"


def _hurt(caused: Sequence[Felt], now: float) -> str:
    down = [f"{escape(name)} {spell_duration(seconds)}" for name, seconds in felt_by_journey(caused, now)]
    slow = sorted({outage.journey for outage in caused if outage.kind == "slow"}, key=order_of)
    return ", ".join(down + [f"{escape(name)} slow" for name in slow])


def _journeys(history: History, now: float, names: Names) -> str:
    heads = ["journey", "attempts", "good", "slow", "failed", "good share", "down for", "no data for"]
    seconds = dict(felt_by_journey(history.outages, now))
    return html_table(
        heads,
        (
            [
                f"<b>{name}</b>",
                *_counts(history.attempts.get(name, Counter())),
                _down_for(seconds.get(name)),
                _no_data_for(name, history, now, names),
            ]
            for name in NAMES
        ),
        numbers={1, 2, 3, 4, 5, 6, 7},
    )


def _no_data_for(journey: str, history: History, now: float, names: Names) -> str:
    """How long it could not be tried, with the latest reason."""
    rows = [row for row in history.unmeasured if row.journey == journey]
    if not rows:
        return ""
    lasted = sum((now if row.end is None else row.end) - row.start for row in rows)
    return f"<span title='{escape(spell_no_data(rows[-1].why, names))}'>{spell_duration(lasted)}</span>"


def _counts(counts: Counter[str]) -> list[str]:
    tried = counts["good"] + counts["slow"] + counts["bad"]
    # Rounded down: 100 % is said only where every attempt was good.
    share = f"{counts['good'] * 10_000 // tried / 100:.2f}%" if tried else ""
    return [str(tried), str(counts["good"]), str(counts["slow"] or ""), str(counts["bad"] or ""), share]


def _down_for(seconds: float | None) -> str:
    return f"<span class='missed'>{spell_duration(seconds)}</span>" if seconds else ""
