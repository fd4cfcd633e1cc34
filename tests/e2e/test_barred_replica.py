"""The primary dies, and the failover that should have worked does not: its replica may not be promoted."""

from __future__ import annotations

import pytest
from site_under_test import Site, wait_until

USUAL = 4.0
"""Seconds. A failover that works takes less, as a rule about two. The bar lasts far longer, so that the kill
comes in time on a busy machine, too."""


@pytest.mark.long("sentinels give up on a failover, and try again")
def test_nobody_is_promoted_until_the_bar_is_lifted(site: Site) -> None:
    old = site.primary()
    with site.running("load", "steady", "--people", "20", "--for", "60s", "--quiet"):
        barred = site.json("chaos", "replica-barred", "store:replica", "--for=16s", "--detach")
        assert barred["verified"] is True
        assert "barred from promotion" in site.ok("status")
        wait_until(site.is_green, 3, "nobody hurt while the primary lives")
        killed = site.json("chaos", "kill", "store:primary", "--for=60s", "--detach")
        assert [row["target"] for row in killed["targets"]] == [old]

        def is_barred() -> bool:
            return any(row["id"] == barred["id"] and row["phase"] == "verified" for row in site.active())

        def promoted() -> bool:
            return "primary" in site.as_chaos_sees_it().store_roles().values()

        wait_until(lambda: not is_barred() or promoted(), 30, "the bar lifted")
        assert not is_barred(), "somebody was promoted in spite of it"
        wait_until(promoted, 10, "a promotion, once it may be")
        site.ok("chaos", "heal")
    site.wait_green(30)
    down = [
        row["duration"]
        for row in site.json("outages")
        if killed["id"] in row["causes"] and row["journey"] == "post" and row["end"]
    ]
    assert sum(down) > USUAL, down
