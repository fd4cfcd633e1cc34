"""What the ledger adds up to: runs, outages with causes, and what is said about them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.clock import parse, stamp
from foundation.ledger import Ledger, Record
from outages.causes import name_causes
from outages.history import History, read
from outages.interrupted import close_what_was_left_open
from outages.model import UNDER_WAY, Felt, InjectedFault, LoadRun
from outages.wording import causes, detection, headline, parameters

T = 1_700_000_000.0


def at(second: float) -> str:
    return stamp(T + second)


def line(second: float, kind: str, **fields: Any) -> Record:
    return {"at": at(second), "kind": kind, **fields}


def outage(journey: str, start: float, end: float | None, kind: str = "down", **more: Any) -> list[Record]:
    fields = {"journey": journey, "type": kind, "start": at(start), "error": "refused"}
    opened = line(start + 0.1, "outage.opened", **fields, end=None, attempts=1, failed=1)
    if end is None:
        return [opened]
    return [opened, line(end + 1, "outage.closed", **fields, end=at(end), attempts=5, failed=4, **more)]


def fault(name: str, target: str, applied: float, reverted: float | None, **more: Any) -> list[Record]:
    fields = {
        "fault": name,
        "name": "kill",
        "target": target,
        "parameters": {},
        "until": at(applied + 10),
        **more,
    }
    lines = [line(applied - 0.1, "fault.requested", **fields), line(applied, "fault.applied", **fields)]
    return lines if reverted is None else [*lines, line(reverted, "fault.reverted", **fields)]


STARTED = line(0, "prober.started")
STOPPED = line(100, "prober.stopped", journeys={"page": {"good": 3, "bad": 1}})


def test_an_acknowledgement_is_of_the_latest_page_with_its_labels() -> None:
    post, page = ({"alertname": "JourneyDown", "journey": name} for name in ("post", "page"))
    about = {"alert": "JourneyDown", "start": at(4), "end": None}
    history = read(
        [
            STARTED,
            line(5, "page.opened", **about, journey="post", labels=post),
            line(20, "page.opened", **about, journey="post", labels=post),
            line(21, "page.opened", **about, journey="page", labels=page),
            line(26, "page.acknowledged", **about, journey="post", labels=post, by="anna", until=at(300)),
        ]
    )
    acknowledged = [None if one.acknowledged is None else one.acknowledged - one.at for one in history.pages]
    assert acknowledged == [None, 6.0, None]
    assert history.pages[1].acknowledged_by == "anna"


def test_outages_are_joined_to_the_faults_that_were_in_force() -> None:
    history = read(
        [
            STARTED,
            *fault("a", "post@east", 10, 20),
            *fault("b", "auth@west", 15, 18),
            *outage("post", 12, 16),
            *outage("login", 21, 23),
            *outage("page", 40, 41),
            STOPPED,
        ]
    )
    causes = {row.journey: [fault.id for fault in row.causes] for row in history.outages}
    assert causes == {"post": ["a"], "login": [], "page": []}


def test_a_fault_that_hits_an_outage_that_goes_on_is_a_cause_too_if_it_says_so() -> None:
    history = read(
        [
            STARTED,
            *fault("first", "post@east", 10, 12.5, hurts=["post"]),
            *fault("second", "post@west", 14, 20, hurts=["post"]),
            *fault("of another journey", "auth@west", 14, 20, hurts=["login"]),
            *fault("that does not say", "store@west", 14, 20),
            *fault("too late", "post@east", 21, 22, hurts=["post"]),
            *outage("post", 12, 20.5),
        ]
    )
    (row,) = history.outages
    assert [one.id for one in row.causes] == ["first", "second"]
    assert not row.after_effect


def test_only_a_fault_that_was_just_over_and_says_so_has_an_after_effect() -> None:
    history = read(
        [
            STARTED,
            *fault("old", "post@east", 9, 19.5, hurts=["login", "post"]),
            *fault("latest", "store@east", 10, 20, hurts=["login"]),
            *fault("latest", "store@west", 10, 20.2, hurts=["login"]),
            *fault("other", "timeline@east", 10, 20.5, hurts=["home-timeline"]),
            *outage("login", 21, 23),
            *outage("page", 21, 23),
            *outage("post", 21.6, 23),
        ]
    )
    told = {row.journey: (causes(row), row.row(T + 30)) for row in history.outages}
    assert told["login"][0] == "after kill store@east,west"
    assert (told["login"][1]["causes"], told["login"][1]["after_effect"]) == (["latest"], True)
    assert (told["page"][1]["causes"], told["page"][1]["after_effect"]) == ([], False)
    assert told["post"][0] == ""


@given(
    st.lists(st.tuples(st.floats(1, 50), st.floats(0, 20), st.sampled_from([("post",), ("page",)]))),
    st.floats(1, 60),
)
def test_a_cause_was_in_force_in_the_outage_or_was_the_only_one_just_before(
    spells: list[tuple[float, float, tuple[str, ...]]], onset: float
) -> None:
    records = [STARTED]
    for number, (applied, lasted, hurts) in enumerate(spells):
        records += fault(f"f{number}", "post@east", applied, applied + lasted, hurts=hurts)
    (row,) = read([*records, *outage("post", onset, onset + 5)]).outages
    able = [
        one for one in read(records).faults if one.applied and one.reverted and "post" in (one.hurts or ())
    ]
    start = row.start
    end = row.end or 0.0
    in_force = {one.id for one in able if one.applied < end and start <= one.reverted}
    begun = any(one.requested <= start + UNDER_WAY for one in able if one.id in in_force)
    named = {one.id for one in row.causes}
    joined = {one.id for one in row.joined}
    if row.after_effect:
        assert joined == in_force
        assert not begun
        assert len(named) == 1
        assert all(start - 2 <= one.reverted <= start for one in row.causes if one.reverted)
    else:
        assert (named, joined) == ((in_force, set()) if begun else (set(), in_force))


def stepped(records: list[Record], second: float, seconds: float) -> list[Record]:
    """The same run on a machine whose wall clock was set at `second`: all times in a record are by the clock
    that wrote it."""

    def told(value: Any, moved: float) -> Any:
        return stamp(parse(value) + moved) if isinstance(value, str) and value.startswith("20") else value

    written = []
    for record in sorted(records, key=lambda record: record["at"]):
        up = parse(record["at"]) - T
        moved = seconds if up >= second else 0.0
        row = {key: told(value, moved) for key, value in record.items()}
        written.append({**row, "up": 1000 + up, "boot": "x"})
    return written


OPERATION = {
    "id": "o-1",
    "operation": "failover",
    "target": "",
    "parts": ["store@east"],
    "asked_by": "anna",
    "said": "done",
    "seconds": 1.0,
}


@given(st.sampled_from([-3600.0, -10.0, -1.0, 1.0, 10.0, 3600.0]), st.integers(0, 45))
def test_a_step_of_the_wall_clock_changes_no_span_and_no_cause(seconds: float, second: int) -> None:
    records = [
        STARTED,
        *fault("before", "post@east", 2, 6, hurts=["page", "post"]),
        *fault("long", "post@east", 20, 34, hurts=["post"]),
        *fault("after", "post@east", 42, 44, hurts=["page", "post"]),
        *outage("post", 22, 30),
        *outage("page", 9, 12),
        *outage("page", 43, None),
        line(25, "prober.gap", start=at(24), end=at(25)),
        line(26, "load.started", load="x", shape="steady", people=5, rate=1.0),
        line(28, "operation.done", **OPERATION),
        line(33, "load.finished", load="x"),
        line(27, "attempt.failed", journey="post", start=at(27), end=at(27)),
        line(46, "tally", seconds=10, journeys={}),
    ]
    plain, moved = read(stepped(records, 50, 0)), read(stepped(records, second, seconds))

    def told(history: History, by: float) -> list[Any]:
        def moment(value: float | None) -> float | None:
            return None if value is None else round(value - T - by, 3)

        assert history.began is not None
        return [
            moment(history.began),
            moment(history.last),
            [(row.journey, moment(row.start), moment(row.end)) for row in history.outages],
            [[one.id for one in row.causes] for row in history.outages],
            [
                (one.id, *map(moment, (one.requested, one.applied, one.reverted, one.until)))
                for one in history.faults
            ],
            [(moment(load.start), moment(load.end)) for load in history.loads],
            [moment(one.at) for one in history.operations],
            [(moment(gap.start), moment(gap.end)) for gap in history.gaps],
            [(journey, kind, moment(start)) for journey, kind, start in history.seen_bad],
        ]

    assert told(moved, seconds) == told(plain, 0.0)
    assert told(plain, 0.0)[3] == [[], ["long"], ["after"]]


def test_a_step_moves_every_time_that_is_known() -> None:
    history = read([])
    history.outages = [Felt("post", "down", 1.0, 2.0)]
    history.faults = [InjectedFault("f", "kill", "post@east", {}, *[3.0] * 4, until=3.0)]
    history.loads = [LoadRun("x", "steady", 1, 0.5, 4.0, 5.0)]
    history._tell_anew(100.0)
    times = [
        getattr(thing, one.name)
        for thing in (*history.outages, *history.faults, *history.loads)
        for one in dataclasses.fields(thing)
        if "float" in str(one.type) and one.name not in ("rate", "detection_delay")
    ]
    assert times == [101.0, 102.0, *[103.0] * 5, 104.0, 105.0]


def fault_between(requested: float, applied: float, reverted: float | None, *hurts: str) -> InjectedFault:
    return InjectedFault("f", "kill", "post@east", {}, requested, applied, reverted, hurts=hurts or None)


@pytest.mark.parametrize(
    ("one", "causes", "after_effect"),
    [
        (fault_between(10, 11, 12), 1, False),  # requested at the very onset
        (fault_between(5, 6, 10), 1, False),  # over at the very onset
        (fault_between(5, 6, 9.9), 0, False),  # over, and it does not say whom it hurts
        (fault_between(5, 6, 9.9, "page"), 0, False),
        (fault_between(5, 6, 9.9, "post"), 1, True),
        (fault_between(5, 6, 8, "post"), 1, True),
        (fault_between(5, 6, 7.9, "post"), 0, False),
        (fault_between(11.5, 19.9, 25, "post"), 1, False),  # an attempt that it hurts was under way
        (fault_between(11.6, 12, 25, "post"), 0, False),  # it had begun without a fault
        (fault_between(11, 20, 25, "post"), 0, False),  # applied when users were well again
        (fault_between(11, 13, None), 0, False),
    ],
)
def test_the_bounds_of_being_a_cause(one: InjectedFault, causes: int, after_effect: bool) -> None:
    outage = Felt("post", "down", 10, 20)
    name_causes([outage], [one], 50)
    assert (len(outage.causes), outage.after_effect) == (causes, after_effect)


def test_what_goes_on_has_no_end_for_its_causes() -> None:
    outage = Felt("post", "down", 14)
    name_causes([outage], [fault_between(15, 16, None, "post"), fault_between(49, 50, 51, "post")], 50)
    assert [fault.requested for fault in outage.causes] == [15]
    assert outage.joined == []


def test_what_began_without_a_fault_is_not_explained_by_a_later_one() -> None:
    outage = Felt("post", "slow", 10)
    name_causes([outage], [fault_between(70, 71, 80, "post")], 100)
    assert (outage.causes, [fault.requested for fault in outage.joined]) == ([], [70])
    row = outage.row(100)
    assert (row["causes"], row["also_in_force"]) == ([], ["f"])


def test_a_fault_that_goes_on_is_in_force_until_now() -> None:
    outage = Felt("post", "down", 40)
    name_causes([outage], [fault_between(5, 6, None)], 30)  # in force until now, and that was before
    assert outage.causes == []


def test_the_machine_slept_or_the_prober_stood_still() -> None:
    spans = {"start": at(5), "end": at(9)}
    history = read(
        [
            STARTED,
            line(9, "prober.stalled", **spans),
            line(9, "prober.stalled", **spans, asleep=0.1),
            line(9, "prober.stalled", **spans, asleep=3.9),
            line(10, "clock.moved", seconds=-10.04),
        ]
    )
    assert [gap.why for gap in history.gaps] == [
        "the prober stood still",
        "the prober stood still",
        "the machine slept",
        "the wall clock was set by -10.0 s",
    ]


def test_one_fault_on_several_parts_is_one_cause_as_it_was_typed() -> None:
    both = [*fault("a", "post@east", 10, 20), *fault("a", "post@west", 10, 20)]
    (row,) = read([STARTED, *both, *outage("post", 12, 16)]).outages
    assert causes(row) == "kill post@east,west"
    places = ("east", "west")
    typed = [one for place in places for one in fault("a", f"post@{place}", 10, 20, selector="post:all")]
    (row,) = read([STARTED, *typed, *outage("post", 12, 16)]).outages
    assert causes(row) == "kill post:all"
    lines = fault("a", "post@east", 10, 20, selector="post:all", from_selector="frontend@east")
    (row,) = read([STARTED, *lines, *outage("post", 12, 16)]).outages
    assert causes(row) == "kill post:all from frontend@east"


def test_parameters_are_told_as_they_were_asked_for_and_otherwise_by_name() -> None:
    lines = fault("a", "post@east", 10, 20, parameters={"delay": 2.5, "route": None}, asked="delay 2.5s")
    (asked,) = read([STARTED, *lines]).faults
    assert parameters(asked) == "delay 2.5s"
    assert (
        parameters(InjectedFault("x", "unheard-of", "post@east", {"depth": 3, "route": None}, T)) == "depth 3"
    )


def test_an_alert_that_comes_when_all_is_over_is_late() -> None:
    row = Felt("post", "down", 10, 12)
    assert detection(row) == ""
    row.detected = False
    assert detection(row) == "none"
    row.detected, row.detection_delay = True, 1.9
    assert detection(row) == "+1.9s"
    row.detection_delay = 2.1
    assert detection(row) == "late"


def test_a_fault_that_says_what_it_hurts_causes_nothing_else() -> None:
    history = read(
        [
            STARTED,
            *fault("a", "post@east", 10, 20, hurts=["post"]),
            *outage("page", 12, 16),
            *outage("post", 12, 16),
        ]
    )
    assert [(row.journey, len(row.causes)) for row in history.outages] == [("page", 0), ("post", 1)]


def test_a_fault_in_force_causes_what_happens_now() -> None:
    history = read([STARTED, *fault("a", "post@east", 10, None), *outage("post", 50, None)])
    (row,) = history.outages
    assert row.row(T + 60)["causes"] == ["a"]
    assert row.row(T + 60)["end"] is None
    assert row.row(T + 60)["duration"] == 10.0


def test_an_open_outage_counts_its_failures() -> None:
    failed = [line(n, "attempt.failed", journey="post", start=at(n), end=at(n)) for n in (5, 6, 7)]
    history = read([STARTED, *outage("post", 5, None), *failed])
    assert (history.outages[0].attempts, history.outages[0].failed) == (3, 3)


def test_a_new_run_begins_after_a_stop_and_goes_on_after_a_kill() -> None:
    first = [STARTED, *outage("post", 5, 8)]
    assert len(read([*first, STOPPED, line(200, "prober.started")]).outages) == 0
    went_on = read([*first, line(9, "prober.gap", start=at(8), end=at(9)), line(9, "prober.started")])
    assert len(went_on.outages) == 1
    assert went_on.began == T
    assert [gap.why for gap in went_on.gaps] == ["the prober was down"]


def test_a_site_that_is_taken_down_is_no_outage() -> None:
    history = read([STARTED, *outage("post", 99, 100, unobserved=True, stopping=True), STOPPED])
    assert history.outages == []


def test_strange_records_are_passed_over() -> None:
    history = read(
        [
            STARTED,
            line(1, "outage.opened"),
            line(2, "fault.applied", fault=3),
            line(3, "tally", journeys=[]),
            STOPPED,
        ]
    )
    assert history.outages == []
    assert history.attempts["page"]["good"] == 3


def test_an_interrupted_prober_leaves_an_unobserved_end_and_a_gap(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.ndjson")
    for record in [STARTED, *outage("post", 5, None), line(7, "tally", seconds=10, journeys={})]:
        ledger.append(**record)
    assert close_what_was_left_open(ledger, T + 20)
    ledger.append("prober.started", at=at(20))
    history = read(ledger.path)
    (row,) = history.outages
    assert row.unobserved
    assert row.end == T + 7
    assert [(gap.start, gap.end) for gap in history.gaps] == [(T + 7, T + 20)]
    assert not close_what_was_left_open(ledger, T + 200)  # so long ago that the site may be another one


@pytest.mark.parametrize(
    ("records", "seconds"),
    [
        ([], 20.0),
        ([STARTED], 20.0),
        ([STARTED, line(9, "tally", seconds=10, journeys={})], 0.0),
        ([STARTED, line(2, "tally", seconds=10, journeys={})], 18.0),
        ([STARTED, line(12, "prober.stopped", journeys={})], 8.0),
        ([line(5, "prober.started"), line(19, "tally", seconds=10, journeys={})], 5.0),
        (
            [
                STARTED,
                line(9, "prober.gap", start=at(4), end=at(7)),
                line(19, "tally", seconds=10, journeys={}),
            ],
            3.0,
        ),
    ],
)
def test_seconds_without_data_are_those_in_which_no_prober_looked(
    tmp_path: Path, records: list[dict[str, Any]], seconds: float
) -> None:
    ledger = Ledger(tmp_path / "ledger.ndjson")
    for record in records:
        ledger.append(**record)
    assert read(ledger.path).seconds_without_data(T, T + 20) == seconds


def test_a_prober_that_was_stopped_in_order_leaves_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.ndjson")
    ledger.append("prober.started", at=at(0))
    ledger.append("prober.stopped", at=at(1), journeys={})
    assert not close_what_was_left_open(ledger, T + 2)
    assert len(list(ledger.read())) == 2


def test_what_could_not_be_measured_is_told_with_its_reason_and_ends_where_nobody_looks() -> None:
    def no_data(kind: str, start: float, end: float | None, journey: str = "freshness") -> Record:
        told = None if end is None else at(end)
        return line(start + 0.1, f"no-data.{kind}", journey=journey, start=at(start), end=told, why="post: x")

    rows = [no_data("opened", 5, None), no_data("closed", 5, 8), no_data("opened", 20, None)]
    going_on = read([STARTED, *rows]).unmeasured
    assert [(row.journey, row.start - T, row.end, row.why) for row in going_on[1:]] == [
        ("freshness", 20.0, None, "post: x")
    ]
    over = read([STARTED, *rows, STOPPED]).unmeasured
    assert [(row.start - T, (row.end or 0) - T) for row in over] == [(5.0, 8.0), (20.0, 100.0)]
    assert read([STARTED, *rows, STOPPED]).outages == []


def test_the_headline_says_it_plainly() -> None:
    def said(*records: Record) -> str:
        history = History()
        for record in records:
            history.take(record)
        return headline(history)

    assert said() == "No data yet: the prober has not run."
    assert said(STARTED, STOPPED) == "No outage, and no fault was injected."
    assert said(STARTED, *fault("a", "post@east", 1, 2), STOPPED) == "No outage."
    two = [*outage("post", 5, 8), *outage("post", 20, 29.3), *outage("page", 20, 21)]
    assert said(STARTED, *two, STOPPED) == "3 outages; post was down longest, for 12.3s in all."
    slow = outage("page", 5, 8, "slow")
    assert said(STARTED, *slow, STOPPED) == "No outage, and no fault was injected; 1 degradation."
    both = said(STARTED, *slow, *two, STOPPED)
    assert both == "3 outages and 1 degradation; post was down longest, for 12.3s in all."


def test_a_fault_that_ceased_is_the_cause_of_nothing_that_begins_later() -> None:
    """It says that it was undone long after it had ceased to hurt anybody."""
    hurts = {"hurts": ["post"]}
    ceased = line(12, "fault.ceased", fault="a", name="kill", target="post@east", evidence="it is up")
    pause = fault("a", "post@east", 10, 20, **hurts)
    kill = fault("b", "post@east", 11, 18, **hurts)
    lines = [STARTED, *pause[:2], *kill, ceased, pause[2], *outage("post", 11.5, 13), *outage("post", 15, 16)]
    history = read([*lines, *outage("post", 19, 19.5)])
    assert [{one.id for one in felt.causes} for felt in history.outages] == [{"a", "b"}, {"b"}, {"b"}]
    assert [felt.after_effect for felt in history.outages] == [False, False, True]
    (first,) = [one for one in history.faults if one.id == "a"]
    assert (first.ceased, first.reverted, first.end) == (T + 12, T + 20, T + 12)


def test_a_fault_that_ceased_is_not_active_although_nobody_confirmed_its_end() -> None:
    pause = fault("a", "post@east", 10, None)
    ceased = line(12, "fault.ceased", fault="a", name="kill", target="post@east", evidence="so")
    assert read([STARTED, *pause]).faults[0].is_active
    assert not read([STARTED, *pause, ceased]).faults[0].is_active


def test_a_ledger_from_before_the_steps_were_named_after_the_phases_says_the_same() -> None:
    def step(second: float, kind: str, **more: Any) -> Record:
        return line(second, kind, fault="a", name="kill", target="post@east", parameters={}, **more)

    begun = [
        STARTED,
        *fault("a", "post@east", 10, None),
        step(11, "fault.proved", proved=True, evidence="it is down"),
    ]
    ending = [*begun, step(20, "fault.reverted", by="controller")]
    (one,) = read(ending).faults
    assert (one.verified, one.is_active) == (True, True)
    (one,) = read([*ending, step(21, "fault.gone", why="ready")]).faults
    assert (one.reverted, one.is_active) == (T + 21, False)


def changed(
    second: float, part: str, release: str, *hurts: str, good: bool = False, roll_out: str = "r-1"
) -> Record:
    return line(
        second,
        "release.changed",
        roll_out=roll_out,
        part=part,
        release=release,
        former="1.0",
        good=good,
        hurts=list(hurts),
    )


def test_a_bad_release_is_the_cause_of_what_it_says_until_it_is_rolled_back() -> None:
    history = read(
        [
            STARTED,
            line(9, "release.started", roll_out="r-1", what="roll-out", moves=[], asked_by="ann"),
            changed(10, "post@east", "1.2-posts-fail", "post"),
            changed(12, "post@west", "1.2-posts-fail", "post"),
            line(13, "release.finished", roll_out="r-1", outcome="done", why=""),
            *outage("post", 14, 20),
            *outage("page", 15, 16),
            changed(21, "post@east", "1.0", good=True, roll_out="r-2"),
            changed(22, "post@west", "1.0", good=True, roll_out="r-2"),
            line(23, "release.finished", roll_out="r-2", outcome="done", why=""),
            *outage("post", 40, 41),
        ]
    )
    told = {
        (row.journey, row.start - T): {(one.name, one.target) for one in row.causes}
        for row in history.outages
    }
    assert told == {
        ("post", 14): {("release 1.2-posts-fail", "post@east"), ("release 1.2-posts-fail", "post@west")},
        ("page", 15): set(),
        ("post", 40): set(),
    }
    assert not [one for one in history.faults if one.is_active]
    assert [(one.target, one.requested - T, (one.reverted or 0) - T) for one in history.faults] == [
        ("post@east", 10, 21),
        ("post@west", 12, 22),
        ("post@east", 21, 22),
        ("post@west", 22, 23),
    ]


def test_what_begins_while_a_part_is_restarted_with_a_good_release_is_put_down_to_that() -> None:
    history = read(
        [
            STARTED,
            changed(10, "frontend@east", "1.1", good=True),
            *outage("handshake-east", 10.5, 11),
            line(12, "release.finished", roll_out="r-1", outcome="done", why=""),
            *outage("handshake-east", 13, 14),
        ]
    )
    assert [[one.name for one in row.causes] for row in history.outages] == [["release 1.1"], []]


def test_one_that_does_not_say_whom_it_hurts_may_be_the_cause_of_anything_that_begins() -> None:
    history = read(
        [STARTED, changed(10, "timeline@east", "1.2-memory-leak"), *outage("home-timeline", 90, 91)]
    )
    assert [[one.name for one in row.causes] for row in history.outages] == [["release 1.2-memory-leak"]]
    assert [one.is_active for one in history.faults] == [True]


def test_down_longest_is_said_to_be_a_sum_where_it_is_one() -> None:
    cut = fault("cut", "post@east", 10, 20)
    once = [STARTED, *cut, *outage("post", 11, 13), *outage("post", 14, 15), STOPPED]
    assert headline(read(once)) == "1 outage; post was down longest, for 3s."
    again = [STARTED, *cut, *outage("post", 11, 13), *outage("post", 40, 44), STOPPED]
    assert headline(read(again)) == "2 outages; post was down longest, for 6s in all."


def test_what_begins_with_a_change_of_the_configuration_is_put_down_to_it() -> None:
    changes = {"features.retweets": {"from": True, "to": False}}
    changed = line(10.5, "configuration.changed", version=3, by="ann", changes=changes, way="store")
    records = [STARTED, line(10, "configuration.begun", by="ann"), changed]
    felt = [*outage("retweet", 10.2, 40), *outage("post", 13.4, 15), *outage("login", 14, 15)]
    told = {row.journey: causes(row) for row in read([*records, *felt]).outages}
    assert told == {
        "retweet": "configuration 3 features.retweets",
        "post": "configuration 3 features.retweets",
        "login": "",
    }
