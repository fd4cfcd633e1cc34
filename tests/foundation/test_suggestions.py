"""The answer to a name that there is not: short, and with what was probably meant."""

from __future__ import annotations

from foundation.failure import USAGE
from foundation.suggestions import unknown


def test_of_few_names_all_are_listed() -> None:
    failure = unknown("job", "ren", ["trim", "renew"])
    assert (failure.message, failure.code) == ("no job is named 'ren': did you mean renew?", USAGE)
    assert failure.next_step == "jobs: trim, renew"


def test_of_many_names_the_nearest_are() -> None:
    many = [f"part{number}" for number in range(40)] + ["post@east"]
    failure = unknown("part", "psot@east", many, "failwhale status")
    assert failure.message == "no part is named 'psot@east': did you mean post@east?"
    assert failure.next_step.startswith("parts: post@east, ")
    assert failure.next_step.endswith(" and 36 more: failwhale status")


def test_where_there_is_none_that_is_said() -> None:
    assert unknown("fault family", "x", []).next_step == "fault families: none"


def test_several_of_a_kind_are_named_as_in_english() -> None:
    steps = [unknown(kind, "x", ["a"]).next_step for kind in ("way", "journey", "fault family", "part")]
    assert steps == ["ways: a", "journeys: a", "fault families: a", "parts: a"]
