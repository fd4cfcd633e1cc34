"""What a loss comes to."""

from __future__ import annotations

import pytest

import outages.model
from drills.failover.judging import Felt, judge
from drills.failover.way import WAYS, Way, ways_named
from foundation.failure import USAGE, Failure
from foundation.verdict import Verdict
from loadtests.findings import Finding, Findings

WAY = Way("store-primary", "the primary store", "store:primary", 8.0, ("handshake-east",), comes_back="back")
LOST, RETURNED = 100.0, 112.0
KEPT = Findings(True, "all there")
GONE = Findings(False, "1 lost", lost=[Finding("p", "a", "site")])
UNKNOWN = "what was lost is not known: x"
ANNOUNCED = Findings(True, "all there", lost_as_announced=[Finding("p", "a", "site")] * 3)


@pytest.mark.parametrize(
    ("felt", "blind", "kept", "verdict", "because", "suffered"),
    [
        ([], 0.0, KEPT, True, "nobody felt it", 0.0),
        ([Felt("post", 100.5, 102.5)], 0.0, KEPT, True, "hurt: post", 2.5),
        ([Felt("post", 100.5, 102), Felt("login", 101, 104)], 0.0, KEPT, True, "hurt: login, post", 4.0),
        ([Felt("login", 100.5, 104), Felt("post", 101, 102)], 0.0, KEPT, True, "hurt: login, post", 4.0),
        ([Felt("handshake-east", 100.2, 113.0)], 0.0, KEPT, True, "nobody felt it", 0.0),
        ([Felt("post", 100.5, 108.1)], 0.0, KEPT, False, "it took longer than 8s: post", 8.1),
        ([Felt("post", 100.5, 112.5)], 0.0, KEPT, False, "users were well only once it was back: post", 12.5),
        ([Felt("post", 100.5, 109.0, is_slow=True)], 0.0, KEPT, True, "hurt: post", 9.0),
        ([Felt("post", 100.5, 112.5, is_slow=True)], 0.0, KEPT, True, "slow until it was back: post", 0.0),
        (
            [Felt("post", 100.5, 102.5, is_slow=True), Felt("page", 101, 113, is_slow=True)],
            *(0.0, KEPT, True, "hurt: post; slow until it was back: page", 2.5),
        ),
        ([Felt("post", 100.5, 102.5)], 0.0, GONE, False, "of what was acknowledged: 1 lost", 2.5),
        ([], 0.0, Findings(None, "no replica"), None, "what was lost is not known: no replica", 0.0),
        ([], 0.0, Findings(None, "1 of 15", acknowledged=15, replicated=1), True, "nobody felt it", 0.0),
        ([], 0.0, Findings(None, "x", 15, unknown=[Finding("p", "a", "site")]), None, UNKNOWN, 0.0),
        ([], 0.0, Findings(None, "x", 15, lost_as_announced=[Finding("p", "a", "site")]), None, UNKNOWN, 0.0),
        ([], 1.25, KEPT, None, "nobody looked for 1.2s", 0.0),
        ([Felt("post", 100.5, 120.0)], 1.5, KEPT, None, "nobody looked for 1.5s", 20.0),
        ([], 1.0, KEPT, True, "nobody felt it", 0.0),
        ([Felt("post", 99.0, 99.9)], 0.0, KEPT, True, "nobody felt it", 0.0),
        ([Felt("post", 98.0, 101.0)], 0.0, KEPT, None, "not well before: post", 0.0),
        ([Felt("post", 111.0, 113.0)], 0.0, KEPT, True, "nobody felt it", 0.0),
        ([Felt("post", 110.0, 112.5)], 0.0, KEPT, False, "users were well only once it was back: post", 12.5),
        ([Felt("post", 111.0, 111.5)], 0.0, KEPT, False, "it took longer than 8s: post", 11.5),
    ],
)
def test_the_loss(
    felt: list[Felt], blind: float, kept: Findings, verdict: Verdict, because: str, suffered: float
) -> None:
    judged, _ = judge(WAY, felt, LOST, RETURNED, blind, kept)
    assert (judged.verdict, judged.because) == (verdict, because)
    assert judged.suffered == pytest.approx(suffered)


def test_what_is_gone_is_counted_by_what_was_promised() -> None:
    judged, _ = judge(WAY, [], LOST, RETURNED, 0.0, ANNOUNCED)
    assert (judged.verdict, judged.lost, judged.announced) == (True, 0, 3)
    judged, _ = judge(WAY, [], LOST, RETURNED, 0.0, GONE)
    assert (judged.verdict, judged.lost, judged.announced) == (False, 1, 0)


@pytest.mark.parametrize(
    ("felt", "blind", "verdict", "suffered"),
    [
        ([], 0.0, True, 0.0),
        ([Felt("post", 100.5, 113.0)], 0.0, True, 0.0),  # of the loss
        ([Felt("handshake-east", 112.5, 113.0)], 0.0, True, 0.0),
        ([Felt("post", 112.0, 114.5)], 0.0, False, 2.5),
        ([Felt("post", 111.0, 114.5)], 0.0, False, 2.5),  # an attempt that was under way when it came back
        ([Felt("post", 111.0, 111.5)], 0.0, True, 0.0),
        ([Felt("post", 98.0, 101.0)], 0.0, None, 0.0),
        ([Felt("post", 112.0, 114.5, is_slow=True)], 0.0, True, 2.5),
        ([Felt("post", 112.0, 114.5, is_slow=True), Felt("page", 112.0, 113.0)], 0.0, False, 1.0),
        ([Felt("post", 112.0, 114.5)], 1.5, None, 0.0),
    ],
)
def test_the_return(felt: list[Felt], blind: float, verdict: Verdict, suffered: float) -> None:
    _, back = judge(WAY, felt, LOST, RETURNED, blind, KEPT)
    assert back is not None
    assert (back.verdict, back.suffered) == (verdict, suffered)


def test_where_nobody_asks_for_the_return_nothing_is_said_of_it() -> None:
    assert judge(ways_named(["store-replica"])[0], [], LOST, RETURNED, 0.0, KEPT)[1] is None


def test_an_outage_that_goes_on_has_lasted_until_now() -> None:
    assert Felt.of(outages.model.Felt("post", "slow", 1.0, 2.0), 9.0).is_slow
    assert Felt.of(outages.model.Felt("post", "down", 1.0), 9.0) == Felt("post", 1.0, 9.0)
    assert Felt.of(outages.model.Felt("post", "down", 1.0, 2.0), 9.0) == Felt("post", 1.0, 2.0)


def test_ways_are_named_once_and_all_are_meant_where_none_is() -> None:
    assert ways_named([]) == WAYS
    names = [way.name for way in WAYS] + [way.comes_back for way in WAYS if way.comes_back]
    assert len(set(names)) == len(names)
    with pytest.raises(Failure, match="no way is named 'edge-north': did you mean edge-") as unknown:
        ways_named(["edge-north"])
    assert unknown.value.code == USAGE
    assert {way.name: way.takes_a_primary for way in WAYS} == {
        "edge-east": False,
        "edge-west": False,
        "store-replica": True,
        "store-primary": True,
        "store-primary-two-votes": True,
        "data-centre-east": True,
        "data-centre-west": True,
    }
