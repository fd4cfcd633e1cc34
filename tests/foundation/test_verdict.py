"""The three values of a verdict, taken together and told."""

from __future__ import annotations

import json

import pytest

from foundation.verdict import Verdict, all_of, spell


@pytest.mark.parametrize(
    ("verdicts", "together"),
    [
        ([], True),
        ([True, True], True),
        ([True, None], None),
        ([None, None], None),
        ([True, None, False], False),
        ([False, True], False),
    ],
)
def test_all_are_true_unless_one_is_false_or_one_is_unknown(
    verdicts: list[Verdict], together: Verdict
) -> None:
    assert all_of(iter(verdicts)) is together


def test_a_person_is_told_unknown_and_false_apart_and_json_has_a_word_for_each() -> None:
    values: list[Verdict] = [True, False, None]
    assert [spell(one) for one in values] == ["yes", "no", "-"]
    assert [spell(one, "kept", "BROKEN", "unknown") for one in values] == ["kept", "BROKEN", "unknown"]
    assert json.dumps(values) == "[true, false, null]"
