"""One replica of two dies under load: users may notice for a second, and hardly after it."""

import json
import signal

import pytest
from site_under_test import Site, wait_until

IN_TURN = {
    "processes": ["frontend", "auth", "post", "retweet", "timeline", "notify"],
    # A container takes longer to come back, so: what users connect to, and one of what stands behind it.
    "docker": ["frontend", "post"],
}
DEAD_SECONDS = 2


@pytest.mark.long("every replica in turn")
def test_each_replica_killed_in_turn(site: Site) -> None:
    parts = [f"{service}@east" for service in IN_TURN[site.runtime]]
    before = {part: site.life(part) for part in parts}
    with site.running("load", "steady", "--people", "20", "--for", "120s", "--json", "--quiet") as load:
        for part in parts:
            fault = site.json("chaos", "kill", part, "--for", f"{DEAD_SECONDS}s")
            assert (fault["verified"], fault["phase"]) == (True, "reverted"), fault
            site.wait_green()
            assert site.life(part) not in ("", before[part])
        assert load.poll() is None, "all of this was under load"
        load.send_signal(signal.SIGINT)
        output, _ = load.communicate(timeout=60)
        assert load.returncode == 130, output
    told = json.loads(output)
    failed = sum(told["errors"].values())
    assert told["completed"] > 100
    assert failed < told["completed"] / 100, told


def test_a_dead_replica_is_said_to_be_dead(site: Site) -> None:
    part = "post@east"
    fault = site.json("chaos", "kill", part, "--for", "30s", "--detach")
    assert fault["verified"] is True
    assert site.life(part) == ""
    assert site.status(part)["ready"] is False
    site.ok("chaos", "heal")
    site.wait_green()
    assert site.status(part)["ready"] is True


def test_both_replicas_killed_is_an_outage_of_its_journeys(site: Site) -> None:
    fault = site.json("chaos", "kill", "retweet:all", "--for", "5s")
    assert fault["phase"] == "reverted"
    site.wait_green()

    def caused() -> list[dict[str, object]]:
        return [row for row in site.json("outages") if fault["id"] in row["causes"] and row["end"]]

    (outage,) = wait_until(caused, 10, "the outage in the record")
    assert outage["journey"] == "retweet"
    assert outage["kind"] == "down"
    assert 3 < float(str(outage["duration"])) < 9
