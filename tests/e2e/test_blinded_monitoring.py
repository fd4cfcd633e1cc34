"""What the monitoring was kept from is missed, and the score says so."""

from __future__ import annotations

import httpx
import pytest
from site_under_test import Site, wait_until

from foundation.clock import parse
from outages.model import UNDER_WAY

CASES = {
    # What is done to the monitoring: is the outage recorded, does JourneyDown fire, for how many is somebody
    # paged? Who misses JourneyDown may be paged by ErrorBudgetBurnsFast, unless that fires already.
    "": ("detected", True, 1),
    "alerts-to-nobody prober": ("detected", True, 0),
    "alert-silenced prometheus --alert=JourneyDown": ("detected", False, None),
    "journey-unwatched prober --journey=retweet": ("missed", False, 0),
    "prober-blind prober": ("missed", False, 0),
}


def pages_that_fire(site: Site) -> list[str]:
    """The alerts about the journey, as Prometheus has them now."""
    answer = httpx.get(f"http://127.0.0.1:{site.ports['prometheus']}/api/v1/alerts")
    labels = [row["labels"] for row in answer.json()["data"]["alerts"] if row["state"] == "firing"]
    return [
        row["alertname"] for row in labels if (row.get("journey"), row["severity"]) == ("retweet", "page")
    ]


EVERY_DAY = ("", "prober-blind prober")
EACH = [
    pytest.param(case, marks=() if case in EVERY_DAY else pytest.mark.long("others keep it from seeing, too"))
    for case in CASES
]


@pytest.mark.parametrize("blinded", EACH)
def test_what_the_monitoring_was_kept_from_is_missed(site: Site, blinded: str) -> None:
    if "without Prometheus" in site.run("score", "--json").stderr:
        pytest.skip("this site runs without Prometheus")
    wait_until(lambda: not pages_that_fire(site), 30, "what was before is over for Prometheus")
    paged = site.json("score")["paged"]
    if blinded:
        done = site.json("chaos", *blinded.split(), "--for=60s", "--detach")
    broken = site.json("chaos", "errors", "retweet:all", "--for=5s")
    if blinded:
        # An Alertmanager goes on to try: whoever is there again is paged for what still fires.
        wait_until(lambda: not pages_that_fire(site), 30, "no alert about the journey fires")
        site.ok("chaos", "end", done["id"])
    since = parse(broken["times"]["requested"]) - UNDER_WAY
    seen = []

    def as_expected() -> bool:
        score = site.json("score")
        more = None if CASES[blinded][2] is None else score["paged"] - paged
        seen[:] = [
            (row["verdict"], row["detection_delay"] is not None, more)
            for row in score["rows"]
            if row["journey"] == "retweet" and row["felt"] and parse(row["start"]) >= since
        ]
        return seen == [CASES[blinded]]

    try:
        wait_until(as_expected, 8, str(CASES[blinded]))
    except AssertionError as error:
        rows = site.json("score")["rows"][-5:]
        raise AssertionError(f"{error}; seen: {seen}, of {rows}") from None
