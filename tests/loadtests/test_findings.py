"""What follows from what was found: which word, in which order, with which reason."""

from __future__ import annotations

import pytest

from loadtests.findings import LEAST_REPLICATED, Finding, Findings

ONE = Finding("1", "ann", "the site", "what happened")
TWO = Finding("2", "bob", "the site", "something else")


def decided(**found: object) -> tuple[bool | None, str]:
    """The verdict on ten replicated posts and what was found of them."""
    facts = {"acknowledged": 10, "replicated": 10, "timelines": 3, **found}
    findings = Findings(None, "", **facts)
    assert findings.decide() is findings
    return findings.holds, findings.because


def test_nothing_wrong_is_a_kept_promise() -> None:
    assert decided() == (True, "10 posts, each exactly once on 3 timelines")
    assert decided(changes=4, replicated=14) == (
        True,
        "10 posts, each exactly once on 3 timelines, and 4 changes",
    )
    assert decided(notifications=2, changes=4)[1].endswith(" on 3 timelines, 2 notifications, and 4 changes")


@pytest.mark.parametrize(
    "kind", ["lost", "duplicated", "altered", "returned", "phantom", "out_of_order", "exposed", "stale"]
)
def test_each_kind_of_broken_promise_is_one(kind: str) -> None:
    word = kind.replace("_", " ")
    assert decided(**{kind: [ONE]}) == (False, f"1 {word}")
    assert decided(**{kind: [ONE, TWO]}, unknown=[ONE]) == (False, f"2 {word}"), "also beside what is unknown"
    assert decided(**{kind: [ONE]}, replicated=0) == (False, f"1 {word}"), "and where few were replicated"


def test_all_kinds_are_told_in_order() -> None:
    broken = {"returned": [ONE], "altered": [ONE], "duplicated": [ONE, TWO], "lost": [ONE]}
    assert decided(**broken) == (False, "1 lost, 2 duplicated, 1 altered, 1 returned")
    others = {"stale": [ONE], "exposed": [TWO], "out_of_order": [ONE], "phantom": [ONE, TWO]}
    assert decided(**broken, **others)[1].endswith(", 2 phantom, 1 out of order, 1 exposed, 1 stale")


def test_what_could_not_be_judged_makes_it_unknown_whatever_else_is_well() -> None:
    assert decided(unknown=[ONE, TWO]) == (None, "2 could not be judged: what happened")
    assert decided(unknown=[TWO], replicated=0) == (None, "1 could not be judged: something else")


@pytest.mark.parametrize(
    ("replicated", "acknowledged", "changes", "holds"),
    [
        (0, 1, 0, None),
        (0, 0, 1, None),
        (1, 10, 0, True),
        (1, 11, 0, None),
        (1, 9, 1, True),
        (1, 10, 1, None),
        (9, 91, 0, None),
        (10, 60, 40, True),
    ],
)
def test_less_than_a_tenth_replicated_proves_nothing(
    replicated: int, acknowledged: int, changes: int, holds: bool | None
) -> None:
    assert LEAST_REPLICATED == 0.1
    word, because = decided(replicated=replicated, acknowledged=acknowledged, changes=changes)
    assert word is holds
    too_few = f"too few were said to be replicated: {replicated} of {acknowledged + changes}"
    assert (because == too_few) == (holds is None)


@pytest.mark.parametrize(
    ("found", "begins"),
    [
        ({}, "10 posts, each exactly once on 3 timelines"),
        ({"lost": [ONE]}, "1 lost"),
        ({"unknown": [ONE]}, "1 could not be judged: what happened"),
        ({"replicated": 0}, "too few were said to be replicated: 0 of 10"),
    ],
)
def test_what_was_lost_as_announced_is_told_and_changes_no_verdict(
    found: dict[str, object], begins: str
) -> None:
    announced = decided(**found, lost_as_announced=[ONE, TWO])
    assert announced == (
        decided(**found)[0],
        f"{begins}; also lost: 2 that were said not to be replicated",
    )


def test_what_was_not_seen_as_announced_is_told_and_changes_no_verdict() -> None:
    said = "10 posts, each exactly once on 3 timelines; also not seen: 1 that were said not to be replicated"
    assert decided(stale_as_announced=[ONE]) == (True, said)


def test_findings_are_all_told_in_json() -> None:
    findings = Findings(False, "1 lost", acknowledged=5, changes=2, replicated=6, timelines=3, looked_for=9)
    findings.lost.append(ONE)
    nothing = {
        **{"duplicated": [], "altered": [], "returned": [], "phantom": [], "out_of_order": [], "exposed": []},
        **{"stale": [], "lost_as_announced": [], "stale_as_announced": [], "unknown": []},
    }
    assert findings.as_json() == {
        "holds": False,
        "because": "1 lost",
        "acknowledged": 5,
        "changes": 2,
        "replicated": 6,
        "timelines": 3,
        "looked_for": 9,
        "notifications": 0,
        "lost": [{"post": "1", "author": "ann", "where": "the site", "what": "what happened"}],
        **nothing,
    }


def test_findings_begin_with_nothing_found() -> None:
    first, second = Findings(None, ""), Findings(None, "")
    assert (first.acknowledged, first.changes, first.replicated, first.timelines, first.looked_for) == (
        0,
    ) * 5
    assert first.notifications == 0
    first.lost.append(ONE)
    assert second.lost == []
    assert Finding("1", "ann", "there").what == ""
