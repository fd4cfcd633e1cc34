"""What the ledger's records are: every kind, its fields and their types.

Whoever writes one keeps to this table, and whoever reads one may rely on it once `fits` has said so. A record
may have more fields than are named here. All have `at`, the time of their being written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from foundation.clock import parse

Check = Callable[[object], bool]


def _time(value: object) -> bool:
    try:
        return isinstance(value, str) and parse(value) is not None
    except ValueError:
        return False


def _text(value: object) -> bool:
    return isinstance(value, str)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _object(value: object) -> bool:
    return isinstance(value, dict)


def _objects(value: object) -> bool:
    return isinstance(value, dict) and all(map(_object, value.values()))


def _texts(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value)


def _counts(value: object) -> bool:
    """By journey, how many attempts were good, slow, bad, ..."""
    return isinstance(value, dict) and all(
        isinstance(row, dict) and all(map(_number, row.values())) for row in value.values()
    )


def _or_absent(check: Check) -> Check:
    return lambda value: value is None or check(value)


_ATTEMPT: Mapping[str, Check] = {
    "journey": _text,
    "edge": _or_absent(_text),
    "start": _time,
    "end": _or_absent(_time),
    "error": _or_absent(_text),
}
_OUTAGE: Mapping[str, Check] = {
    "journey": _text,
    "type": _text,  # down or slow
    "start": _time,
    "end": _or_absent(_time),
    "attempts": _number,
    "failed": _number,
    "error": _text,
    "unobserved": _or_absent(_flag),  # nobody saw its end
    "stopping": _or_absent(_flag),  # it began with the stop of the site
}
_NO_DATA: Mapping[str, Check] = {
    "journey": _text,  # which could not be tried, since what it needs of another one failed
    "start": _time,
    "end": _or_absent(_time),
    "why": _text,
}
_PAGE: Mapping[str, Check] = {
    "alert": _text,
    "journey": _or_absent(_text),  # that it is about, if it is about one
    "labels": _object,
    "start": _time,
    "end": _or_absent(_time),
}
_FAULT: Mapping[str, Check] = {
    "fault": _text,  # the id of the injection
    "name": _text,
    "target": _text,  # one part
    "parameters": _or_absent(_object),
    "until": _or_absent(_time),
}
_OPERATION: Mapping[str, Check] = {
    "id": _text,
    "operation": _text,
    "target": _text,  # as a person said it; empty where none is asked for
    "parts": _texts,  # that it concerns
    "asked_by": _text,
    "reason": _or_absent(_text),
}

KINDS: Mapping[str, Mapping[str, Check]] = {
    "prober.started": {},
    "prober.stopped": {"journeys": _counts},
    "prober.gap": {"start": _time, "end": _time},
    "prober.stalled": {"start": _time, "end": _time, "asleep": _or_absent(_number)},
    "clock.moved": {"seconds": _number},
    "cast.assembled": {"seconds": _or_absent(_number)},
    "cast.lost": {"what": _or_absent(_text)},
    "tally": {"journeys": _counts},
    "attempt.failed": _ATTEMPT,
    "attempt.slow": _ATTEMPT,
    "outage.opened": _OUTAGE,
    "outage.closed": _OUTAGE,
    "no-data.opened": _NO_DATA,
    "no-data.closed": _NO_DATA,
    "page.opened": _PAGE,
    "page.acknowledged": {**_PAGE, "by": _text, "reason": _or_absent(_text), "until": _time},
    "page.closed": _PAGE,
    "records.dropped": {"count": _number},
    "fault.requested": {
        **_FAULT,
        "selector": _or_absent(_text),  # what a person aimed at
        "from_selector": _or_absent(_text),  # and at whose calls into it
        "callers": _or_absent(_texts),  # the parts that this means
        "asked": _or_absent(_text),  # the parameters beyond the defaults, in words
        "hurts": _or_absent(_texts),  # journeys
        "reason": _or_absent(_text),  # why, as somebody said
        "asked_by": _or_absent(_text),  # who asked for it
        "stop_when": _or_absent(_text),  # the condition that ends it early
    },
    "fault.applied": _FAULT,
    "fault.verified": {**_FAULT, "verified": _or_absent(_flag), "evidence": _or_absent(_text)},
    "fault.failed": {**_FAULT, "why": _or_absent(_text)},
    "fault.ceased": {**_FAULT, "evidence": _or_absent(_text)},
    "fault.reverting": {**_FAULT, "ended_by": _or_absent(_text)},
    "fault.reverted": {**_FAULT, "evidence": _or_absent(_text)},
    "fault.unknown": {**_FAULT, "evidence": _or_absent(_text)},
    "release.started": {
        "roll_out": _text,  # the id of the roll-out, or the roll-back
        "what": _text,  # roll-out or roll-back
        "moves": _texts,
        "asked_by": _or_absent(_text),
    },
    "release.changed": {
        "roll_out": _text,
        "part": _text,
        "release": _text,
        "former": _text,
        "good": _flag,  # whether it may go everywhere
        "hurts": _texts,  # journeys that may be hurt by it
    },
    "release.finished": {"roll_out": _text, "outcome": _text, "why": _or_absent(_text)},
    "configuration.begun": {"by": _text},
    "configuration.changed": {
        "version": _number,
        "by": _text,
        "reason": _or_absent(_text),
        "changes": _objects,  # by key, the value before (from) and after (to)
        "restores": _or_absent(_number),  # the version that it brings back
        "forced": _or_absent(_flag),  # a value that is not allowed was insisted on
        "way": _text,  # where it went: store, direct (to each part), or both
        "seconds": _or_absent(_number),  # until it was in force on the last part that has it
        "missing": _or_absent(_texts),  # parts that have it not
    },
    "operation.begun": _OPERATION,
    "operation.done": {**_OPERATION, "said": _text, "seconds": _number},
    "operation.refused": {**_OPERATION, "why": _text, "seconds": _number},
    "incident.started": {"incident": _text, "run": _text, "manner": _text, "title": _text},
    "incident.finished": {
        "incident": _text,
        "run": _text,
        "manner": _text,  # play, mitigate, no-op or wrong-fix
        "verdict": _text,
        "good": _flag,  # it came out as it has to: an incident as expected, a control not
        "title": _or_absent(_text),
        "seconds": _or_absent(_number),  # that it took
        "hurt": _or_absent(_texts),  # journeys
        "why": _or_absent(_text),  # what was not as expected, or why it was not played
        "rule_sets": _or_absent(_objects),  # by name: detected, delay, false_positives, alerts
    },
    "load.started": {
        "load": _or_absent(_text),
        "shape": _or_absent(_text),
        "people": _or_absent(_number),
        "rate": _or_absent(_number),
    },
    "load.finished": {"load": _or_absent(_text)},
}

_FORMER: Mapping[tuple[str, str], tuple[str, str]] = {
    ("proved", "proved"): ("verified", "verified"),
    ("reverted", "by"): ("reverting", "ended_by"),
    ("gone", "why"): ("reverted", "evidence"),
    ("ceased", "why"): ("ceased", "evidence"),
    ("unknown", "why"): ("unknown", "evidence"),
}
"""A step of a fault as it was once written, and the field that tells: what both are called now."""


def step_as_named_now(step: str, record: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """A step of a fault, in the journal or the ledger, that may have been written before the steps were named
    after the phases that they lead to. `reverted` meant then that it was about to be."""
    for (former, field), (name, renamed) in _FORMER.items():
        if step == former and field in record:
            return name, {**record, renamed: record[field]}
    return step, record


def fits(record: Mapping[str, Any]) -> bool:
    """Whether it is of a kind that is known, and has the fields of that kind in their types."""
    fields = KINDS.get(record["kind"])
    return (
        fields is not None
        and _time(record["at"])
        and all(check(record.get(name)) for name, check in fields.items())
    )
