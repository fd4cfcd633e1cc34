"""docs/fault-coverage.md names what there is, and leaves no fault out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chaos.catalogue import all_faults
from failwhale.verbs import app
from services.releases import all_releases

PAGE = (Path(__file__).parents[2] / "docs" / "fault-coverage.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| family")
]
_, _, AFTER = PAGE.partition("What is here besides")
FAULTS = {fault.name for fault in all_faults()}


def names(cell: str) -> list[str]:
    return [name for name in re.findall("`([^`]+)`", cell) if not name.startswith("--")]


NAMES = sorted({name for row in ROWS for name in names(row[-1])} | set(names(AFTER)))


def test_every_row_says_what_is_here_or_why_nothing_is() -> None:
    assert len(ROWS) >= 67
    for row in ROWS:
        assert len(row) == 4, row
        assert bool(names(row[3])) != row[3].startswith("none: "), row


@pytest.mark.parametrize("name", NAMES)
def test_what_is_named_exists(name: str) -> None:
    first, *rest = name.split()
    if first == "release":
        assert rest[0] in all_releases()
    elif first == "failwhale":
        assert CliRunner().invoke(app, [*rest, "--help"]).exit_code == 0
    else:
        assert first in FAULTS


def test_every_fault_is_named() -> None:
    listed = {fault.name for fault in all_faults() if fault.listed}
    assert listed - {name.split()[0] for name in NAMES} == set()


def test_nine_of_ten_are_here_and_all_that_nobody_has() -> None:
    missing = [row[1] for row in ROWS if not names(row[3])]
    assert len(missing) <= len(ROWS) / 10, missing
    assert [row[1] for row in ROWS if row[0] == "**nobody**" and not names(row[3])] == []
