"""A switchover, and at once the death of the new primary: the store fails over again, and what the commands
say of it at their end is true."""

import pytest
from site_under_test import Site

ROUNDS = 2
WRITES_BACK = 8.0
"""Seconds within which people must be able to post again."""


@pytest.mark.long("five failovers")
def test_the_primary_dies_right_after_a_switchover(site: Site) -> None:
    for _ in range(ROUNDS):
        promoted = site.json("chaos", "promote", "store:replica")
        assert promoted["phase"] == "reverted"
        assert site.is_green(), site.journeys()
        killed = site.json("chaos", "kill", "store:primary", "--for", "6s")
        assert [row["target"] for row in killed["targets"]] == [row["target"] for row in promoted["targets"]]
        assert killed["phase"] == "reverted"
        assert killed["not_well"] == []
        assert site.is_green(), site.journeys()
        down = [
            row["duration"]
            for row in site.json("outages")
            if killed["id"] in row["causes"] and row["journey"] == "post" and row["kind"] == "down"
        ]
        assert sum(down) < WRITES_BACK, down
