"""How long a lab day takes."""

from __future__ import annotations

import pytest

from services.platform.lab_time import LabTime
from services.platform.settings import SettingsError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("10s", 10), ("500ms", 0.5), ("1.5m", 90), ("24h", 86_400), (" 2h ", 7200)],
)
def test_a_duration_says_how_long_a_lab_day_takes(text: str, seconds: float) -> None:
    assert LabTime.from_environment({"FAILWHALE_DAY": text}).day_seconds == pytest.approx(seconds)


@pytest.mark.parametrize("environment", [{}, {"FAILWHALE_DAY": ""}])
def test_without_the_setting_a_lab_day_is_a_real_one(environment: dict[str, str]) -> None:
    assert LabTime.from_environment(environment).day_seconds == 86_400


@pytest.mark.parametrize("text", ["1", "s", "1 fortnight", "-1s", "1e3s", "nan", "1s2s"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(SettingsError, match="FAILWHALE_DAY must be a duration such as 1s, 10s, 5m or 24h"):
        LabTime.from_environment({"FAILWHALE_DAY": text})


@pytest.mark.parametrize("text", ["0s", "99ms", "25h"])
def test_a_day_too_short_for_its_jobs_or_longer_than_a_real_one_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"FAILWHALE_DAY must be between 0\.1s and 24h"):
        LabTime.from_environment({"FAILWHALE_DAY": text})


def test_lab_days_and_real_seconds_are_converted_into_each_other() -> None:
    lab = LabTime(day_seconds=10)
    assert lab.seconds(30) == 300
    assert lab.days(300) == 30
