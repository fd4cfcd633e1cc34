"""A site that nobody breaks has no outage."""

import time

import pytest
from site_under_test import Site, wait_until

SECONDS = 20


@pytest.mark.long("nothing happens for a while")
def test_no_false_outage_at_rest(site: Site) -> None:
    before = len(site.ledger())
    end = time.monotonic() + SECONDS
    wait_until(lambda: time.monotonic() > end or not site.is_green(), SECONDS + 1, "the time to pass")
    false_alarms = [line for line in site.ledger()[before:] if line["kind"].startswith(("outage", "attempt"))]
    assert false_alarms == []
    assert site.is_green()
