"""Newest first: what stands below an older one is misplaced."""

from __future__ import annotations

import pytest

from loadtests.order import misplaced


@pytest.mark.parametrize(
    ("identifiers", "wrong"),
    [
        ([], []),
        ([5], []),
        ([9, 7, 5], []),
        ([9, 9, 5, 5], []),
        ([7, 9, 5], [9]),
        ([9, 5, 7, 6], [7, 6]),
        ([1, 9, 8, 7], [9, 8, 7]),
        ([9, 5, 8, 3], [8]),
    ],
)
def test_what_stands_below_an_older_one_is_misplaced(identifiers: list[int], wrong: list[int]) -> None:
    assert list(misplaced(identifiers)) == wrong
