"""A whole data centre is cut off: the other one serves everybody, and afterwards both do."""

from __future__ import annotations

import json

import pytest
from site_under_test import Site, wait_until

LIMIT = "60s"
"""More than all of it takes: what holds while the place is cut off is looked at, and then it is healed."""
PLACES = {"east", "west"}

pytestmark = pytest.mark.parametrize("runtime", ["docker"], indirect=True)


@pytest.mark.parametrize(
    "role",
    [
        pytest.param("primary", marks=pytest.mark.smoke("only Docker can, and this is the worse half")),
        "replica",
    ],
)
def test_the_other_data_centre_serves_and_then_both(site: Site, role: str) -> None:
    home = site.primary().partition("@")[2]
    (lost,) = {home} if role == "primary" else PLACES - {home}
    (alive,) = PLACES - {lost}
    before = site.replicated()
    people = ("--people", "40", "--for", "25s", "--check")
    with site.running("load", "steady", *people, "--json", "--quiet") as load:
        wait_until(lambda: site.replicated() > before + 8, 30, "posts that must survive the primary")
        promised = site.replicated() - before
        fault = site.json("chaos", "partition", f"place:{lost}", f"--for={LIMIT}", "--detach")
        assert fault["verified"] is True, fault

        def is_lost() -> bool:
            return site.journeys().get(f"handshake-{lost}", {}).get("state") == "down"

        wait_until(is_lost, 10, f"{lost} not reached by users")
        wait_until(lambda: site.primary() == f"store@{alive}", 10, f"the primary in {alive}")
        cut = site.acknowledged()
        # Who is connected to the cut-off place waits for a time-out of 10 s, and writes nothing until then.
        wait_until(lambda: site.acknowledged() > cut, 20, f"posts acknowledged by {alive} alone")
        wait_until(lambda: site.is_green(but=f"handshake-{lost}"), 10, f"{alive} serves everything")
        assert is_lost()
        assert [row["id"] for row in site.active()] == [fault["id"]], "all of this while it was in force"

        site.ok("chaos", "heal")
        assert site.active() == []
        site.wait_green(30)
        for place in PLACES:
            with site.client(place) as client:
                assert client.get("/").status_code == 200
        output, _ = load.communicate(timeout=120)
        assert load.returncode == 0, output
    verdict = json.loads(output)["checker"]
    assert verdict["holds"] is True, verdict
    assert verdict["replicated"] >= promised
    assert (verdict["lost"], verdict["duplicated"]) == ([], [])
