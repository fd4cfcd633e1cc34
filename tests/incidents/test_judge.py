"""The judge says yes where all is as expected, and for each thing that is not no, or that nobody knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from incidents.incident import Incident
from incidents.judge import Finding, FixSeen, Outcome, findings, verdict
from incidents.observer import Seen, SignSeen
from outages.model import Felt, Page
from tests.incidents.conftest import SIGN, STAYS

KEPT = "nothing that was acknowledged is lost"
ALERT = "the alert JourneyDown fires within 10s"
RETWEET = Felt("retweet", "down", 100.5, 107.2)


def outcome(incident: Incident, observed: Any) -> Outcome:
    return verdict(findings(incident, observed), observed)


def test_all_as_expected(incident: Incident, observed: Any) -> None:
    assert outcome(incident, observed()) is Outcome.AS_EXPECTED


@pytest.mark.parametrize(
    ("paged", "pages", "without_data", "what", "good"),
    [
        (True, [Page("JourneyDown", "retweet", 104.0)], 0.0, "somebody is paged", True),
        (True, [], 0.0, "somebody is paged", False),
        (False, [Page("JourneyDown", "retweet", 104.0)], 0.0, "nobody is paged", False),
        (False, [], 0.0, "nobody is paged", True),
        (False, [], 6.0, "nobody is paged", None),
        (True, [], 6.0, "somebody is paged", None),
        (True, [Page("JourneyDown", "retweet", 104.0)], 6.0, "somebody is paged", True),
    ],
)
def test_whether_anybody_is_paged_is_judged_where_the_file_says_so(
    incident: Incident,
    observed: Any,
    paged: bool,
    pages: list[Page],
    without_data: float,
    what: str,
    good: bool | None,
) -> None:
    wanted = replace(incident, expect=replace(incident.expect, paged=paged))
    seen = observed(pages=pages, without_data=without_data)
    (said,) = [one.verdict for one in findings(wanted, seen) if one.what == what]
    assert said is good
    assert not [one for one in findings(incident, observed(pages=pages)) if one.what == what]


def signs(**sign: Any) -> Seen:
    alerts = {"JourneyDown": 104.0}
    both = {SIGN.what: SignSeen(**sign), STAYS.what: SignSeen(asked=True, last=107.0)}
    return Seen(signs=both, alerts=alerts, asked=True)


@pytest.mark.parametrize(
    ("otherwise", "what"),
    [
        ({"outages": []}, "retweet is down within 6s"),
        ({"outages": [Felt("retweet", "slow", 100.5, 107.2)]}, "retweet is down within 6s"),
        ({"outages": [Felt("retweet", "down", 106.1, 107.2)]}, "retweet is down within 6s"),
        ({"outages": [Felt("retweet", "down", 90.0, 107.2)]}, "retweet is down within 6s"),
        ({"outages": [RETWEET, Felt("login", "slow", 101.0, 102.0)]}, "all other journeys stay well"),
        ({"seen": signs(value=0.1, asked=True)}, "share of errors: at least 0.2"),
        ({"seen": signs(asked=True)}, "share of errors: at least 0.2"),
        ({"recovered": 10.5}, "all journeys are green within 10s of the end"),
        ({"checker": Finding(KEPT, False, "1 lost")}, KEPT),
    ],
)
def test_what_is_not_as_expected_is_named_and_makes_it_deviate(
    incident: Incident, observed: Any, otherwise: dict[str, Any], what: str
) -> None:
    seen = observed(**otherwise)
    assert [one.what for one in findings(incident, seen) if one.verdict is False] == [what]
    assert outcome(incident, seen) is Outcome.DEVIATED


@pytest.mark.parametrize(
    ("otherwise", "what"),
    [
        ({"seen": signs()}, "share of errors: at least 0.2"),
        ({"seen": replace(signs(first=101.0, value=0.9, asked=True), alerts={}, asked=False)}, ALERT),
        ({"doubts": ("it was not verified",)}, "what is injected bites"),
        ({"checker": Finding(KEPT, None, "2 unknown")}, KEPT),
    ],
)
def test_what_nobody_could_see_makes_it_inconclusive(
    incident: Incident, observed: Any, otherwise: dict[str, Any], what: str
) -> None:
    seen = observed(**otherwise)
    assert [one.what for one in findings(incident, seen) if one.verdict is None] == [what]
    assert outcome(incident, seen) is Outcome.INCONCLUSIVE


def test_what_is_false_outweighs_what_nobody_could_see(incident: Incident, observed: Any) -> None:
    seen = observed(doubts=("not verified",), outages=[RETWEET, Felt("page", "down", 101.0, 102.0)])
    assert outcome(incident, seen) is Outcome.DEVIATED


def test_a_site_that_is_not_well_afterwards_is_not_restored_whatever_else(
    incident: Incident, observed: Any
) -> None:
    assert outcome(incident, observed(recovered=None)) is Outcome.NOT_RESTORED


def test_what_may_be_hurt_and_what_was_hurt_before_says_nothing(incident: Incident, observed: Any) -> None:
    before = Felt("login", "down", 90.0, 99.0)
    assert outcome(incident, observed(outages=[before, RETWEET, Felt("post", "down", 101.0, 102.0)])) is (
        Outcome.AS_EXPECTED
    )


@pytest.mark.parametrize("alerts", [{}, {"PartDown": 101.0}, {"JourneyDown": 110.5}])
def test_an_alert_that_is_missing_or_late_makes_it_deviate(
    incident: Incident, observed: Any, alerts: dict[str, float]
) -> None:
    seen = observed().seen
    seen.alerts = alerts
    assert outcome(incident, observed(seen=seen)) is Outcome.DEVIATED


def test_where_nobody_looked_it_is_not_said_that_users_were_well(incident: Incident, observed: Any) -> None:
    seen = observed(outages=[], without_data=6.0)
    unknown = [one.what for one in findings(incident, seen) if one.verdict is None]
    assert unknown == ["retweet is down within 6s", "all other journeys stay well"]
    assert outcome(incident, seen) is Outcome.INCONCLUSIVE
    hurt = observed(outages=[Felt("login", "slow", 101.0, 102.0)], without_data=6.0)
    assert "all other journeys stay well" in {
        one.what for one in findings(incident, hurt) if one.verdict is False
    }


@pytest.mark.parametrize("last", [None, 101.0])
def test_what_has_to_stay_and_has_no_value_makes_it_inconclusive(
    incident: Incident, observed: Any, last: float | None
) -> None:
    seen = observed().seen
    seen.signs[STAYS.what].last = last
    assert outcome(incident, observed(seen=seen)) is Outcome.INCONCLUSIVE


def test_what_has_to_stay_and_does_not_makes_it_deviate(incident: Incident, observed: Any) -> None:
    seen = observed().seen
    seen.signs[STAYS.what].missing = 0.3
    assert outcome(incident, observed(seen=seen)) is Outcome.DEVIATED


@pytest.mark.parametrize(
    ("fix", "expected"),
    [
        (FixSeen(("renew",), well_after=3.0), Outcome.AS_EXPECTED),
        (FixSeen(("renew",)), Outcome.DEVIATED),
        (FixSeen(("renew",), failed="exit code 1", well_after=3.0), Outcome.DEVIATED),
        (FixSeen(("restart",), is_wrong=True), Outcome.AS_EXPECTED),
        (FixSeen(("restart",), is_wrong=True, well_after=3.0), Outcome.DEVIATED),
        (FixSeen(("restart",), is_wrong=True, failed="refused"), Outcome.AS_EXPECTED),
        (FixSeen(("restart",), is_wrong=True, failed="refused", well_after=3.0), Outcome.DEVIATED),
        (FixSeen(("restrat",), is_wrong=True, untried="no such command"), Outcome.INCONCLUSIVE),
        (FixSeen(("renwe",), untried="no such command"), Outcome.INCONCLUSIVE),
    ],
)
def test_a_fix_has_to_help_and_a_wrong_one_not(
    incident: Incident, observed: Any, fix: FixSeen, expected: Outcome
) -> None:
    assert outcome(incident, observed(fix=fix)) is expected


def test_with_a_fix_users_have_to_be_hurt_before_and_no_alert_is_waited_for(
    incident: Incident, observed: Any
) -> None:
    fix = FixSeen(("renew",), well_after=3.0)
    quiet = Seen(signs={SIGN.what: SignSeen(asked=True), STAYS.what: SignSeen(asked=True, last=107.0)})
    assert outcome(incident, observed(fix=fix, seen=quiet)) is Outcome.AS_EXPECTED
    assert outcome(incident, observed(fix=fix, outages=[])) is Outcome.DEVIATED
