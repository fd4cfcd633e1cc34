"""What each set of alerting rules noticed of the outages that users felt: detected, missed, false positives.

An alert is about an outage when it began while users felt it, or before that, but since one of its causes was
there, and was then still firing; and when it names no other journey. SLACK is allowed on both sides, as where
the outages that Prometheus recorded are scored.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from foundation.failure import Failure
from foundation.state import State
from foundation.verdict import Verdict
from outages.history import History, history_of
from outages.model import Felt
from outages.prometheus import SILENCE, Prometheus, Samples
from outages.score import SLACK, SUCCESSION, Span, quantile
from outages.stories import counted

RULE_SETS = ("up-only", "golden-signals", "burn-rates", "journeys", "upkeep")
"""The label `rule_set` of alerts, and the names of their files in dashboards/prometheus/rule_sets."""
ALL = "all"
"""Whatever fired: of every set, and of none."""

FIRING = 'ALERTS{alertstate="firing"}'
EVALUATED = "monitoring:evaluated"
"""Has a sample for each second in which Prometheus evaluated its rules."""


@dataclass(frozen=True)
class Episode:
    """A time in which an alert fired, in Unix seconds; one that goes on ends with its last sample."""

    alert: str
    rule_set: str
    labels: Mapping[str, str]
    start: float
    end: float


@dataclass(frozen=True)
class Watched:
    """What Prometheus has to say of a time: which alerts fired, and when it evaluated any."""

    episodes: Sequence[Episode]
    evaluated: Sequence[Span]

    def of(self, rule_set: str) -> list[Episode]:
        """The alerts of one set, in the order in which they began."""
        return [one for one in self.episodes if rule_set in (ALL, one.rule_set)]

    def saw_all_of(self, start: float, end: float) -> bool:
        """Whether rules were evaluated from one time to the other."""
        return any(since - SILENCE <= start and end <= until + SILENCE for since, until in self.evaluated)


@dataclass(frozen=True)
class RuleSetScore:
    """What one set of rules made of one span of time, such as that of an incident."""

    detected: Verdict
    """Whether an alert was about what users felt. None: they felt nothing, or Prometheus cannot be asked, or
    evaluated no rules meanwhile."""
    delay: float | None
    """Seconds from when the first journey was hurt to the first alert; negative when that came before."""
    false_positives: int | None
    """Alerts that came with nothing that users felt. None: Prometheus cannot be asked."""
    alerts: tuple[str, ...]
    """The names of those that fired, in the order in which they began."""


@dataclass(frozen=True)
class Summary:
    """What one set of rules made of several runs of the same incident."""

    detected: int
    """Of how many runs it noticed something."""
    runs: int
    unknown: bool
    """Of one at least nobody can say."""
    delay: float | None
    """The longest, in seconds; None where not all were detected."""
    false_positives: int

    @property
    def words(self) -> str:
        """In a cell of a table."""
        about_nothing = f", {self.false_positives} false" if self.false_positives else ""
        if self.unknown:
            return f"unknown{about_nothing}"
        if self.delay is None:
            return f"{f'{self.detected} of {self.runs}' if self.detected else 'missed'}{about_nothing}"
        return f"{self.delay:.1f} s{about_nothing}"


def summary(scores: Sequence[RuleSetScore]) -> Summary:
    """What one rule set made of several runs of the same: the longest delay and the most false positives."""
    delay = None
    if all(one.detected for one in scores):
        delay = max(max(0.0, one.delay or 0.0) for one in scores)
    return Summary(
        detected=sum(one.detected is True for one in scores),
        runs=len(scores),
        unknown=any(one.detected is None for one in scores),
        delay=delay,
        false_positives=max((one.false_positives or 0) for one in scores),
    )


def judge(state: State, since: float, until: float) -> dict[str, RuleSetScore]:
    """What each rule set, and `all`, made of what began between two times (Unix seconds): of outages until
    they were over, or until now. An alert may come SLACK seconds later, so that is waited for. Raises Failure
    when nothing is recorded."""
    history = history_of(state)
    now = history.now()
    names = (*RULE_SETS, ALL)
    felt = [outage for outage in history.outages if since <= outage.start <= until]
    over = min(now, max([until, *(_end(outage, now) for outage in felt)]))
    try:
        prometheus = Prometheus.of(state, history.setting)
        _wait_for(over + SLACK)
        watched = watched_by(prometheus, since - 2 * SILENCE, over + SLACK)
    except Failure:
        return dict.fromkeys(names, RuleSetScore(None, None, None, ()))
    return {name: _judge(name, watched, felt, history, (since, until + SLACK)) for name in names}


def _wait_for(moment: float) -> None:
    """Until it has come (Unix seconds), and no longer than SLACK."""
    time.sleep(min(SLACK, max(0.0, moment - time.time())))


def _judge(name: str, watched: Watched, felt: list[Felt], history: History, within: Span) -> RuleSetScore:
    now = history.now()
    since, until = within
    # What fires since before belongs to what was before, and what comes later to what was felt, or to others.
    fired = [
        one
        for one in watched.of(name)
        if since <= one.start and (one.start <= until or any(is_about(one, outage, now) for outage in felt))
    ]
    false = false_positives(fired, history.outages, no_data(history), now)
    return RuleSetScore(
        detected=_detected(felt, fired, watched, now),
        delay=_delay(felt, fired, now),
        false_positives=len(false),
        alerts=tuple(dict.fromkeys(one.alert for one in fired)),
    )


def score(history: History, watched: Watched) -> dict[str, dict[str, Any]]:
    """By rule set, and for `all`: the outages that it detected, missed, and of which nobody can say, the
    false positives, and the detection delay. Outages are counted as `failwhale outages` does."""
    return {name: _score(history, watched, watched.of(name)) for name in (*RULE_SETS, ALL)}


def _score(history: History, watched: Watched, fired: list[Episode]) -> dict[str, Any]:
    now = history.now()
    outages = [hurt.times for hurt in counted(history.outages)]
    verdicts = [_detected(times, fired, watched, now) for times in outages]
    delays = [_delay(times, fired, now) for times in outages]
    known = sorted(delay for delay in delays if delay is not None)
    return {
        "detected": verdicts.count(True),
        "missed": verdicts.count(False),
        "unknown": verdicts.count(None),
        "false_positives": len(false_positives(fired, history.outages, no_data(history), now)),
        "detection_delay": {"p50": quantile(known, 0.5), "p90": quantile(known, 0.9)},
    }


def is_about(alert: Episode, outage: Felt, now: float) -> bool:
    """As the head of this file says."""
    names_it = alert.labels.get("journey", outage.journey) == outage.journey
    return names_it and _comes_with(alert, outage, now, SLACK)


def _comes_with(alert: Episode, outage: Felt, now: float, late: float) -> bool:
    first = min([outage.start, *(fault.requested for fault in outage.causes)])
    began = first - SLACK <= alert.start <= _end(outage, now) + late
    return began and alert.end >= outage.start - SLACK


def no_data(history: History) -> list[Span]:
    """When nobody knows what users felt: before the run, too, while Prometheus may be up already."""
    before = [] if history.began is None else [(-inf, history.began)]
    return [*before, *((gap.start, gap.end) for gap in history.gaps)]


def false_positives(
    fired: Iterable[Episode], outages: Sequence[Felt], unknown: Sequence[Span], now: float
) -> list[Episode]:
    """Alerts that came with no outage of any journey, unless nobody knows what users felt then. One that came
    too late to be about it came with it nevertheless."""
    return [
        one
        for one in fired
        if not any(_comes_with(one, outage, now, SUCCESSION) for outage in outages)
        and not any(start - SLACK <= one.end and one.start <= end + SLACK for start, end in unknown)
    ]


def _detected(times: Sequence[Felt], fired: Sequence[Episode], watched: Watched, now: float) -> Verdict:
    """Whether an alert was about an outage, each time that it came; None also where it came not at all."""
    if any(is_about(one, outage, now) for one in fired for outage in times):
        return True
    seen = (watched.saw_all_of(one.start, min(now, _end(one, now) + SLACK)) for one in times)
    return False if times and all(seen) else None


def _delay(times: Sequence[Felt], fired: Sequence[Episode], now: float) -> float | None:
    noticed = [one.start for one in fired if any(is_about(one, outage, now) for outage in times)]
    return round(min(noticed) - min(one.start for one in times), 3) if noticed else None


def _end(outage: Felt, now: float) -> float:
    return now if outage.end is None else outage.end


# --- what Prometheus has to say ---


def watched_by(prometheus: Prometheus, start: float, end: float) -> Watched:
    """Which alerts fired between two times, and when rules were evaluated. Raises Failure."""
    episodes = [
        Episode(labels["alertname"], labels.get("rule_set", ""), labels, *span)
        for labels, samples in prometheus.samples(FIRING, start, end)
        for span in spans(samples)
    ]
    evaluated = [span for _, samples in prometheus.samples(EVALUATED, start, end) for span in spans(samples)]
    return Watched(sorted(episodes, key=lambda one: one.start), evaluated)


def spans(samples: Samples) -> list[Span]:
    """Times in which samples came without a longer silence between them."""
    found: list[Span] = []
    for at, _ in samples:
        if found and at - found[-1][1] <= SILENCE:
            found[-1] = found[-1][0], at
        else:
            found.append((at, at))
    return found
