"""Was it as expected? Pure functions: from what was seen to findings, and from these to a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from foundation.console import duration, spell_duration
from foundation.failure import BASELINE_NOT_MET, FAILED, INCONCLUSIVE, NOT_RESTORED
from foundation.verdict import Verdict, all_of
from incidents.incident import Incident
from incidents.observer import Seen
from outages.model import BLIND, UNDER_WAY, Felt, Page


class Outcome(StrEnum):
    """The verdict on one run."""

    AS_EXPECTED = "as-expected"
    DEVIATED = "deviated"
    BASELINE_NOT_MET = "baseline-not-met"
    """The site was not well, or showed the signs, before anything was done."""
    INCONCLUSIVE = "inconclusive"
    NOT_RESTORED = "not-restored"


EXIT_CODES = {
    Outcome.AS_EXPECTED: 0,
    Outcome.DEVIATED: FAILED,
    Outcome.BASELINE_NOT_MET: BASELINE_NOT_MET,
    Outcome.INCONCLUSIVE: INCONCLUSIVE,
    Outcome.NOT_RESTORED: NOT_RESTORED,
}

LONGEST_UNSEEN = 5.0
"""Seconds before the end without a value of what has to hold all the while: it is asked for once a second."""


@dataclass(frozen=True)
class Finding:
    """One thing that was expected, whether it was so, and what was seen."""

    what: str
    verdict: Verdict
    seen: str


@dataclass(frozen=True)
class Observed:
    """One run. Times are Unix seconds, the rest is in seconds."""

    began: float
    ended: float
    """The end of all that was injected."""
    outages: Sequence[Felt]
    seen: Seen
    without_data: float = 0.0
    recovered: float | None = None
    """From that end until every journey was green; None: they were not in time."""
    doubts: Sequence[str] = ()
    """What was injected and not seen to bite."""
    checker: Finding | None = None
    """What it found of what the site had acknowledged; None: nobody used the site, but the prober."""
    fix: FixSeen | None = None
    pages: Sequence[Page] = ()
    """That came between its beginning and its end."""

    @property
    def is_blind(self) -> bool:
        """Whether nobody saw how users fared for so long that nothing can be said of them."""
        return self.without_data > BLIND * (self.ended - self.began)


@dataclass(frozen=True)
class FixSeen:
    """What a fix did, or a wrong one. Seconds from its first command on; None: users were not well."""

    commands: Sequence[str]
    failed: str = ""
    """Why one of the commands could not be done."""
    untried: str = ""
    """Why one could not even be typed: then nobody can say what it would have done."""
    unwell: Sequence[str] = ()
    """How users were at the end, who were not well: `login slow`."""
    well_after: float | None = None
    is_wrong: bool = False


def verdict(findings: Iterable[Finding], observed: Observed) -> Outcome:
    """Of all that was expected, and of the site afterwards."""
    if observed.recovered is None:
        return Outcome.NOT_RESTORED
    said = all_of(one.verdict for one in findings)
    if said is None:
        return Outcome.INCONCLUSIVE
    return Outcome.AS_EXPECTED if said else Outcome.DEVIATED


def findings(incident: Incident, observed: Observed) -> list[Finding]:
    """All that was expected, in the order of the file."""
    found = [*_injected(observed), *_hurt(incident, observed)]
    if observed.fix is None:  # a fix may hurt others while it is done, and come before an alert does
        found += [_others(incident, observed), *_stays(incident, observed)]
        found += [*_alert(incident, observed), *_paged(incident, observed)]
    if observed.fix is None or not incident.expect.hurt:
        found += _signs(incident, observed)
    if observed.checker is not None:
        found.append(observed.checker)
    if observed.fix is not None:
        found.append(_fixed(incident, observed.fix))
    return [*found, _recovered(incident, observed)]


def _injected(observed: Observed) -> Iterator[Finding]:
    for doubt in observed.doubts:
        yield Finding("what is injected bites", None, doubt)


def _hurt(incident: Incident, observed: Observed) -> Iterator[Finding]:
    expect = incident.expect
    for journey, kind in expect.hurt.items():
        times = [
            one
            for one in observed.outages
            if one.journey == journey
            and kind in ("hurt", one.kind)
            and -UNDER_WAY <= one.start - observed.began <= duration(expect.within)
        ]
        what = f"{journey} is {kind} within {expect.within}"
        if times:
            delay = max(0.0, min(one.start for one in times) - observed.began)
            seconds = sum(one.duration(observed.ended) for one in times)
            yield Finding(what, True, f"after {spell_duration(delay)}, for {spell_duration(seconds)}")
        elif observed.is_blind:
            yield Finding(what, None, _unseen(observed))
        else:
            yield Finding(what, False, "it is not")


def _others(incident: Incident, observed: Observed) -> Finding:
    allowed = {*incident.expect.hurt, *incident.expect.may_hurt}
    hurt = {
        f"{one.journey} {one.kind}"
        for one in observed.outages
        if one.journey not in allowed and one.start >= observed.began - UNDER_WAY
    }
    what = "all other journeys stay well"
    if not hurt and observed.is_blind:
        return Finding(what, None, _unseen(observed))
    return Finding(what, not hurt, ", ".join(sorted(hurt)) or "they do")


def _unseen(observed: Observed) -> str:
    return f"no data for {spell_duration(observed.without_data)}"


def _signs(incident: Incident, observed: Observed) -> Iterator[Finding]:
    for sign in incident.expect.signs:
        seen = observed.seen.signs[sign.what]
        what = f"{sign.what}: {sign.bound}"
        if not seen.asked:
            yield Finding(what, None, "Prometheus did not answer")
        elif seen.first is not None:
            after = spell_duration(max(0.0, seen.first - observed.began))
            yield Finding(what, True, f"{seen.value:.3g} after {after}")
        else:
            yield Finding(what, False, "no value" if seen.value is None else f"{seen.value:.3g}")


def _stays(incident: Incident, observed: Observed) -> Iterator[Finding]:
    for sign in incident.expect.stays:
        seen = observed.seen.signs[sign.what]
        what = f"all the while, {sign.what}: {sign.bound}"
        if not seen.asked:
            yield Finding(what, None, "Prometheus did not answer")
        elif seen.missing is not None:
            yield Finding(what, False, f"{seen.missing:.3g}")
        elif seen.last is None or observed.ended - seen.last > LONGEST_UNSEEN:
            yield Finding(what, None, "no value" if seen.last is None else "no value in the end")
        else:
            yield Finding(what, True, "so")


def _alert(incident: Incident, observed: Observed) -> Iterator[Finding]:
    expected = incident.expect.alert
    if expected is None:
        return
    at = observed.seen.alerts.get(expected.name)
    what = f"the alert {expected.name} fires within {expected.within}"
    if not observed.seen.asked:
        yield Finding(what, None, "Prometheus did not answer")
    elif at is None:
        others = ", ".join(sorted(observed.seen.alerts))
        yield Finding(what, False, f"it does not{f'; others: {others}' if others else ''}")
    else:
        after = at - observed.began
        yield Finding(what, after <= duration(expected.within), f"after {spell_duration(max(0.0, after))}")


def _paged(incident: Incident, observed: Observed) -> Iterator[Finding]:
    if incident.expect.paged is None:
        return
    seen = ", ".join(sorted({page.alert for page in observed.pages})) or "nobody"
    what = "somebody is paged" if incident.expect.paged else "nobody is paged"
    if not observed.pages and observed.is_blind:  # the prober is who records them
        yield Finding(what, None, _unseen(observed))
    else:
        yield Finding(what, bool(observed.pages) is incident.expect.paged, seen)


def _fixed(incident: Incident, fix: FixSeen) -> Finding:
    wanted = incident.wrong_fix if fix.is_wrong else incident.mitigation
    commands = "; ".join(fix.commands)
    what = (
        f"the wrong fix does not help: {commands}"
        if fix.is_wrong
        else f"users are well within {wanted.well_within} of: {commands}"
    )
    if fix.untried:
        return Finding(what, None, fix.untried)
    if fix.well_after is None or (fix.failed and not fix.is_wrong):
        seen = fix.failed or ", ".join(fix.unwell) or "users were not well"
        return Finding(what, fix.is_wrong, seen)
    return Finding(what, not fix.is_wrong, f"well after {spell_duration(fix.well_after)}")


def _recovered(incident: Incident, observed: Observed) -> Finding:
    what = f"all journeys are green within {incident.expect.recovered_within} of the end"
    after = observed.recovered
    if after is None:
        return Finding(what, False, "they are not")
    in_time = after <= duration(incident.expect.recovered_within)
    return Finding(what, in_time, f"after {spell_duration(after)}")
