"""What no fault of a site may exceed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from chaos.safety import Safety
from foundation.failure import USAGE, Failure


def test_without_a_setting_a_fault_may_be_everywhere_for_ten_minutes() -> None:
    assert Safety.from_environment({}) == Safety(600.0, None)
    Safety().refuse_beyond(600, [f"part{number}" for number in range(50)], [])


def test_the_settings_bound_time_and_parts() -> None:
    safety = Safety.from_environment({"FAILWHALE_LONGEST_FAULT": "30s", "FAILWHALE_MOST_PARTS": "2"})
    safety.refuse_beyond(30, ["post@east", "post@west"], [])
    with pytest.raises(Failure, match="may last 30s here, and not 31s"):
        safety.refuse_beyond(31, ["post@east"], [])
    with pytest.raises(Failure, match="faults on 3 parts at a time, and 2 are allowed"):
        safety.refuse_beyond(1, ["post@east", "post@west"], ["auth@east"])


def test_a_second_fault_on_the_same_part_is_no_further_part() -> None:
    Safety(most_parts=1).refuse_beyond(1, ["post@east"], ["post@east"])


@pytest.mark.parametrize(
    "environment",
    [
        {"FAILWHALE_LONGEST_FAULT": "long"},
        {"FAILWHALE_LONGEST_FAULT": "11m"},
        {"FAILWHALE_LONGEST_FAULT": "0s"},
        {"FAILWHALE_MOST_PARTS": "0"},
        {"FAILWHALE_MOST_PARTS": "-1"},
        {"FAILWHALE_MOST_PARTS": "all"},
    ],
)
def test_a_setting_that_is_none_is_refused_by_its_name(environment: Mapping[str, str]) -> None:
    with pytest.raises(Failure, match=next(iter(environment))) as refused:
        Safety.from_environment(environment)
    assert refused.value.code == USAGE
