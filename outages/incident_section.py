"""The report's part about incidents: their verdicts, and which alerting rules noticed what users felt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from foundation.console import spell_duration
from outages.html_table import html_table
from outages.model import Played
from outages.rule_sets import RULE_SETS, RuleSetScore, Summary, summary

LATE = 20.0
"""Seconds of delay at which a cell's bar is full."""
EXPLAINED = (
    "Seconds from when the first journey was hurt to the first alert of that set of rules; of several runs "
    "the longest. “False” are alerts that came with nothing that users felt. "
    "docs/measuring-the-monitor.md says how this is counted."
)


def incident_section(played: Sequence[Played]) -> str:
    """Both tables as HTML; nothing of it where no incident was played."""
    if not played:
        return ""
    good = sum(one.is_good for one in played)
    return (
        f"<section><h2>Incidents: {good} of {len(played)} came out as they have to</h2>{_verdicts(played)}"
        f"{_noticed(played)}</section>"
    )


def _verdicts(played: Sequence[Played]) -> str:
    """Those first that did not come out as they have to."""
    rows = []
    groups = _groups(played, lambda one: (one.incident, one.manner))
    for (incident, manner), runs in sorted(groups, key=lambda group: all(one.is_good for one in group[1])):
        good = sum(one.is_good for one in runs)
        wrong = " | ".join(dict.fromkeys(one.why for one in runs if not one.is_good))
        hurt = dict.fromkeys(journey for one in runs for journey in one.hurt)
        css = "keep" if good == len(runs) else "keep missed"
        rows.append(
            [
                f"<b title='{escape(runs[0].title)}'>{escape(incident)}</b>",
                f"<span class='keep'>{escape(manner)}</span>",
                f"<span class='{css}'>{good} of {len(runs)}</span>",
                f"<span class='keep'>{escape(', '.join(dict.fromkeys(one.verdict for one in runs)))}</span>",
                spell_duration(round(max(one.seconds for one in runs), 1)),
                escape(", ".join(hurt)) or "<i>nobody</i>",
                f"<span class='error'>{escape(wrong)}</span>",
            ]
        )
    heads = ["incident", "played", "good", "verdict", "longest", "hurt", "not as it has to be"]
    return html_table(heads, rows, numbers=set())


def _noticed(played: Sequence[Played]) -> str:
    """By incident that hurt users, a cell for each set of rules."""
    rows = []
    hurt = sorted((one for one in played if one.hurt and one.rule_sets), key=lambda one: one.incident)
    for (incident,), runs in _groups(hurt, lambda one: (one.incident,)):
        cells = (_cell(summary(scores)) if (scores := _scores(runs, name)) else "" for name in RULE_SETS)
        rows.append([f"<b>{escape(incident)}</b>", *cells])
    if not rows:
        return ""
    table = html_table(["incident", *RULE_SETS], rows, numbers=set())
    return (
        f"<h3>Which alerting rules noticed what users felt</h3>{table}<p class='note'>{escape(EXPLAINED)}</p>"
    )


def _scores(runs: Iterable[Played], name: str) -> list[RuleSetScore]:
    return [
        RuleSetScore(**{**row, "alerts": tuple(row["alerts"])})
        for one in runs
        if (row := one.rule_sets.get(name)) is not None
    ]


def _cell(noticed: Summary) -> str:
    """The delay as a bar, longer where it is later; what was not noticed is marked."""
    if noticed.delay is None:
        return f"<span class='{'' if noticed.unknown else 'missed'}'>{noticed.words}</span>"
    share = min(1.0, noticed.delay / LATE)
    return f"<span class='delay' style='--share:{share:.0%}'>{noticed.words}</span>"


def _groups(
    played: Iterable[Played], key: Callable[[Played], tuple[str, ...]]
) -> Iterable[tuple[tuple[str, ...], list[Played]]]:
    groups: dict[tuple[str, ...], list[Played]] = {}
    for one in played:
        groups.setdefault(key(one), []).append(one)
    return groups.items()
