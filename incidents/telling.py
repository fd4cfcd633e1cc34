"""An incident and its runs as rows of JSON, and in words."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.markup import escape

from foundation.clock import stamp
from foundation.console import spell_duration
from foundation.verdict import spell
from incidents.incident import Fix, Incident, Sign
from incidents.result import Result
from outages.rule_sets import ALL, RULE_SETS, summary

MARKS = {True: "✔", False: "✘", None: "?"}


def row_of_incident(incident: Incident) -> dict[str, Any]:
    """As `failwhale incident list --json` and `show --json` have it."""
    expect = incident.expect
    return {
        "id": incident.id,
        "title": incident.title,
        "precedent": incident.precedent,
        "story": " ".join(incident.story.split()),
        "look_for": incident.look_for,
        "people": incident.people,
        "commands": commands_of(incident),
        "expected": {
            "hurt": dict(expect.hurt),
            "may_hurt": list(expect.may_hurt),
            "signs": [_sign(sign) for sign in expect.signs],
            "stays": [_sign(sign) for sign in expect.stays],
            "alert": expect.alert and expect.alert.name,
            "paged": expect.paged,
        },
        "mitigation": _fix(incident.mitigation),
        "wrong_fix": _fix(incident.wrong_fix),
    }


def _sign(sign: Sign) -> dict[str, Any]:
    return {"what": sign.what, "query": sign.query, "bound": sign.bound}


def _fix(fix: Fix) -> dict[str, Any]:
    return {"commands": list(fix.commands), "why": fix.why}


def commands_of(incident: Incident) -> list[str]:
    """What a person would type to have the same done by hand."""
    return [command for _, command in _timeline(incident)]


def _timeline(incident: Incident) -> Iterator[tuple[str, str]]:
    """When something is done, empty for at once, and its command."""
    if incident.release is not None:
        yield "", incident.release.commands[0]
    yield from ((one.at or "", one.command(detach=True)) for one in incident.injections)


def lines_of_incident(incident: Incident) -> Iterator[str]:
    """As `failwhale incident show` has it."""
    yield f"{incident.id}: {incident.title}"
    yield ""
    yield " ".join(incident.story.split())
    if incident.precedent:
        yield f"Precedent: {incident.precedent}."
    yield f"Look for: {incident.look_for}."
    yield ""
    yield "What is done:"
    for at, command in _timeline(incident):
        yield f"  {f'after {at}: ' if at else ''}{command}"
    yield "What is expected:"
    expect = incident.expect
    for journey, kind in expect.hurt.items():
        yield f"  {journey} is {kind} within {expect.within}"
    for sign in expect.signs:
        yield f"  {sign.what}, {sign.bound}: {sign.query}"
    for sign in expect.stays:
        yield f"  all the while {sign.what}, {sign.bound}: {sign.query}"
    if expect.alert:
        yield f"  the alert {expect.alert.name} fires within {expect.alert.within}"
    if expect.paged is not None:
        yield f"  {'somebody' if expect.paged else 'nobody'} is paged"
    yield f"  all journeys are green within {expect.recovered_within} of the end"
    yield f"What ends it: {incident.mitigation.why}"
    yield from (f"  {command}" for command in incident.mitigation.commands)
    yield f"  users are well within {incident.mitigation.well_within} of the first"
    yield f"What does not: {incident.wrong_fix.why}"
    yield from (f"  {command}" for command in incident.wrong_fix.commands)


def row_of_result(result: Result) -> dict[str, Any]:
    """As `failwhale incident run --json` has it."""
    now = result.finished
    return {
        "id": result.incident.id,
        "verdict": result.outcome.value,
        "good": result.is_good,
        "manner": result.manner.word,
        "noise": result.manner.noise,
        "began": stamp(result.began),
        "seconds": round(result.finished - result.began, 3),
        "why": result.why or None,
        "expected": [finding.what for finding in result.findings],
        "observed": [asdict(finding) for finding in result.findings],
        "outages": [outage.row(now) for outage in result.outages],
        "alerts": dict(sorted(result.alerts.items(), key=lambda alert: alert[1])),
        "rule_sets": {name: asdict(score) for name, score in result.rule_sets.items()},
        "mitigated_by": asdict(result.fix) if result.fix else None,
        "checker": asdict(result.checker) if result.checker else None,
    }


def lines_of_result(result: Result) -> list[str]:
    """A line for each finding, and the verdict, in the console's markup."""
    if result.why:
        return [f"[yellow]{result.outcome.value}[/yellow]: {escape(result.why)}"]
    lines = [
        f"  {_coloured(MARKS[finding.verdict], finding.verdict)} {escape(f'{finding.what}: {finding.seen}')}"
        for finding in result.findings
    ]
    if said := _rule_sets(result):
        lines.append(f"  [dim]noticed by: {said}[/dim]")
    took = spell_duration(round(result.finished - result.began, 1))
    said = f"{result.incident.id}: {result.outcome.value}, after {took}"
    if result.manner.control is not None:
        so = "this is as it has to be" if result.is_good else "this is WRONG"
        said += f" ({result.manner.control}, so {so})"
    return [*lines, f"[bold]{said}[/bold]"]


def _rule_sets(result: Result) -> str:
    """Which sets of rules noticed it, and after how long."""
    noticed = {name: one.delay for name, one in result.rule_sets.items() if one.detected and name != ALL}
    return ", ".join(
        name if delay is None else f"{name} after {spell_duration(max(0.0, round(delay, 1)))}"
        for name, delay in noticed.items()
    )


def _coloured(mark: str, verdict: bool | None) -> str:
    colour = spell(verdict, "green", "red", "yellow")
    return f"[{colour}]{mark}[/{colour}]"


def rows_of_runs(results: Iterable[Result]) -> list[tuple[str, ...]]:
    """By incident: how often it came out how, how long it took, and what was not as expected."""
    by_id: dict[str, list[Result]] = {}
    for result in results:
        by_id.setdefault(result.incident.id, []).append(result)
    return [
        (
            name,
            f"{sum(one.is_good for one in runs)} of {len(runs)}",
            ", ".join(dict.fromkeys(one.outcome.value for one in runs)),
            f"{max(one.finished - one.began for one in runs):.1f} s",
            _not_as_expected(runs),
        )
        for name, runs in by_id.items()
    ]


def rows_of_rule_sets(results: Iterable[Result]) -> list[tuple[str, ...]]:
    """By incident that hurt users, what each rule set made of it: after how long, and how many alerts were
    about nothing; over several runs the longest and the most."""
    by_id: dict[str, list[Result]] = {}
    for result in results:
        if result.hurt and result.rule_sets:
            by_id.setdefault(result.incident.id, []).append(result)
    return [
        (name, *(summary([one.rule_sets[which] for one in runs]).words for which in RULE_SETS))
        for name, runs in by_id.items()
    ]


def _not_as_expected(runs: Sequence[Result]) -> str:
    return " | ".join(dict.fromkeys(one.not_as_expected for one in runs if not one.is_good))


def event(kind: str, words: str) -> Mapping[str, Any]:
    """A line of `--ndjson`."""
    return {"at": stamp(time.time()), "event": kind, "what": words}


def first_lines(identifier: str) -> str:
    """A new incident's file, which can be played as it is."""
    return TEMPLATE.replace("ID", identifier)


TEMPLATE = """\
# One file an incident; docs/adding-an-incident.md says what each key means.
# Check it:  failwhale incident validate ID.yaml
# Play it:   failwhale incident run ID.yaml
# And see that it can fail, and be ended:
#            failwhale incident run ID.yaml --control no-op
#            failwhale incident run ID.yaml --mitigate
#            failwhale incident run ID.yaml --control wrong-fix

title: "Retweets stop working, the rest is fine"
story: >
  What happened, why, and what made it hard to see. This one is an example: both replicas of one service
  answer errors, and nothing else does.
precedent: ""
look-for: "one journey goes red, all others stay green"

injections:
  - {fault: errors, target: "retweet:all", for: 8s}

expect:
  hurt: {retweet: down}
  signs:
    - what: share of errors of the service
      query: max(service:errors:ratio5s{service="retweet"})
      at-least: 0.2
  alert: {name: JourneyDown, within: 10s}

mitigation:
  commands: [failwhale ops restart retweet:all]
  why: "The processes that answer errors are replaced."

wrong-fix:
  commands: [failwhale ops restart post:all]
  why: "Another service is well, and nobody asks it for retweets."
"""
