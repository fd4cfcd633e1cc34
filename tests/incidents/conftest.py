"""Incidents and what was seen of them, made for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from incidents.incident import Expectation, ExpectedAlert, Fix, Incident, Sign
from incidents.judge import Observed
from incidents.observer import Seen, SignSeen
from incidents.planned import PlannedInjection
from outages.model import Felt
from tests.chaos.conftest import laboratory

__all__ = ["laboratory"]

SIGN = Sign("share of errors", "errors", at_least=0.2)
STAYS = Sign("share of errors elsewhere", "other_errors", at_most=0.01)


@pytest.fixture
def incident() -> Incident:
    return Incident(
        title="Retweets stop working",
        story="Both replicas of one service answer errors.",
        look_for="one journey",
        expect=Expectation(
            hurt={"retweet": "down"},
            may_hurt=("post",),
            within="6s",
            signs=(SIGN,),
            stays=(STAYS,),
            alert=ExpectedAlert("JourneyDown", "10s"),
        ),
        mitigation=Fix(("failwhale ops restart retweet:all",), "replaced"),
        wrong_fix=Fix(("failwhale ops restart post:all",), "another service"),
        injections=(PlannedInjection("errors", "retweet:all", "7s"),),
        id="retweets-fail",
    )


@pytest.fixture
def observed() -> Callable[..., Observed]:
    """All as the incident expects, but for what is said otherwise. It begins at 100 and ends at 107."""

    def make(**otherwise: Any) -> Observed:
        seen = Seen(
            signs={SIGN.what: SignSeen(102.0, 0.9, asked=True), STAYS.what: SignSeen(asked=True, last=107.0)},
            alerts={"JourneyDown": 104.0},
            asked=True,
        )
        usual = Observed(100.0, 107.0, [Felt("retweet", "down", 100.5, 107.2)], seen, recovered=0.5)
        return replace(usual, **otherwise)

    return make
