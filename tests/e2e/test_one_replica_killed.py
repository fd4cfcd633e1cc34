"""One replica of two dies under load: users may notice for a second, and hardly after it."""

import pytest
from site_under_test import Site, wait_until

SERVICES = {
    "processes": ["frontend", "auth", "post", "retweet", "timeline", "notify"],
    # It takes three times as long, so: what users connect to, and one of what stands behind it.
    "docker": ["frontend", "post"],
}
BOTH = [(runtime, service) for runtime, services in SERVICES.items() for service in services]


@pytest.mark.parametrize(("runtime", "service"), BOTH, indirect=["runtime"], scope="session")
def test_one_replica_killed(site: Site, service: str) -> None:
    part = f"{service}@east"
    before = site.life(part)
    fault = site.json("chaos", "kill", part, "--for", "30s", "--detach")
    assert fault["proved"] is True
    assert site.life(part) == ""
    assert site.status(part)["ready"] is False

    load = site.json("load", "steady", "--people", "30", "--for", "4s")
    failed = sum(load["errors"].values())
    assert load["completed"] > 100
    assert failed < load["completed"] / 100, load

    site.ok("chaos", "heal")
    site.wait_green()
    assert site.status(part)["ready"] is True
    assert site.life(part) not in ("", before)


def test_both_replicas_killed_is_an_outage_of_its_journeys(site: Site) -> None:
    fault = site.json("chaos", "kill", "retweet:all", "--for", "5s")
    assert fault["gone"] is True
    site.wait_green()

    def caused() -> list[dict[str, object]]:
        return [row for row in site.json("outages") if fault["id"] in row["causes"] and row["end"]]

    (outage,) = wait_until(caused, 10, "the outage in the record")
    assert outage["journey"] == "retweet"
    assert outage["kind"] == "down"
    assert 3 < float(str(outage["duration"])) < 9
