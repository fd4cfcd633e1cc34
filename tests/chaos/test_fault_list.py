"""The list of faults: by family, readable at any width, and only what was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.cli import commands
from chaos.fault_list import fitting
from foundation.failure import USAGE, Failure


def names(*asked: str | None) -> set[str]:
    return {fault.name for fault in fitting(*asked)}


def test_all_that_are_listed_are_there_by_family_and_the_skeleton_is_not() -> None:
    faults = fitting(None, None, None)
    assert [(one.family, one.name) for one in faults] == sorted((one.family, one.name) for one in faults)
    assert "noop" not in names(None, None, None)


def test_only_those_with_the_word_of_the_family_or_that_may_hurt_the_journey() -> None:
    assert {"replica-barred", "replication-cut", "promote"} <= names("REPLICA", None, None)
    assert "kill" not in names("replica", None, None)
    assert names(None, "store", None) >= {"replica-barred"}
    assert "kill" not in names(None, "store", None)
    assert "kill" in names(None, None, "notification")
    assert names("sigkill", "instance", "page") == {"kill"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("zzz", None, None), "no fault is like that"),
        ((None, "stores", None), "no fault family is named 'stores': did you mean store?"),
        ((None, None, "notifications"), "no journey is named 'notifications': did you mean notification?"),
    ],
)
def test_what_fits_nothing_is_told_with_what_there_is(asked: Any, said: str) -> None:
    with pytest.raises(Failure) as failure:
        fitting(*asked)
    assert (failure.value.message, failure.value.code) == (said, USAGE)


@pytest.mark.parametrize("width", [80, 200])
def test_no_line_is_wider_than_the_terminal_and_every_fault_begins_one(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    commands()(["list"], standalone_mode=False)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    begun = {line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "}
    assert names(None, None, None) <= begun


def test_what_has_a_precedent_says_who_suffered_it(capsys: pytest.CaptureFixture[str]) -> None:
    commands()(["show", "partition"], standalone_mode=False)
    assert "precedent" in (out := capsys.readouterr().out)
    assert "GitHub" in out


def test_a_fault_of_replication_says_first_what_it_does_to_users() -> None:
    (fault,) = fitting("replication-cut", None, None)
    assert fault.summary.startswith("What is read from a replica of the store grows stale")
