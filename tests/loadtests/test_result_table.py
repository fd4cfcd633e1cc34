"""The table of a load claims no percentile that its number of requests cannot carry."""

from __future__ import annotations

import pytest

from loadtests.cli import _spell_percentile
from loadtests.load import Operation


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, {"p50": "", "p90": "", "p99": "", "p999": ""}),
        (2, {"p50": "100ms", "p90": "", "p99": "", "p999": ""}),
        (99, {"p50": "100ms", "p90": "200ms", "p99": "", "p999": ""}),
        (100, {"p50": "100ms", "p90": "200ms", "p99": "300ms", "p999": ""}),
        (1000, {"p50": "100ms", "p90": "200ms", "p99": "300ms", "p999": "400ms"}),
    ],
)
def test_a_percentile_of_too_few_requests_is_not_said(count: int, told: dict[str, str]) -> None:
    row = Operation("GET /", count, count, {"p50": 0.1, "p90": 0.2, "p99": 0.3, "p999": 0.4})
    assert {name: _spell_percentile(row, name) for name in told} == told
