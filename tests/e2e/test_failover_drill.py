"""The drill: ways of escape that work are said to, and one that is broken in secret is named, and why."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from site_under_test import Site


def drill(site: Site, *words: str, code: int) -> dict[str, Any]:
    done = site.run("drill", "failover", *words, "--json", timeout=400)
    assert done.returncode == code, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    page = site.read("reports/drill.html")
    assert page.count("<circle") == sum(len(way["each"]) for way in found["ways"])
    shutil.rmtree(site.state / "reports", ignore_errors=True)  # a purge leaves a person's pages
    return found


# On Docker a machine of two processors has little left for users while a data centre starts, though it starts
# only two parts at a time: what they feel of it then says more about the machine than about the site.
@pytest.mark.parametrize("runtime", ["processes"], indirect=True, scope="session")
@pytest.mark.long("everything in a data centre dies and comes back")
def test_a_site_without_a_defect_survives_each_loss(site: Site) -> None:
    site.wait_green()
    found = drill(site, code=0)
    assert {way["way"]: way["verdict"] for way in found["ways"]} == dict.fromkeys(
        [
            "edge-east",
            "edge-west",
            "store-replica",
            "store-primary",
            "store-primary-two-votes",
            "data-centre-east",
            "failback-east",
            "data-centre-west",
            "failback-west",
        ],
        "works",
    )
    assert found["readiness"] == []
    primary = next(way for way in found["ways"] if way["way"] == "store-primary")
    assert 0 < primary["noticed"]["mean"] <= primary["decided"]["mean"] <= primary["promoted"]["mean"] < 8
    assert all(way["lost"]["although_replicated"] == 0 for way in found["ways"])


@pytest.mark.long("nobody is promoted until what was lost is back")
def test_a_way_that_is_broken_in_secret_is_named_and_so_is_why(site: Site) -> None:
    site.wait_green()
    site.ok("chaos", "replica-barred", "store:replica", "--for", "5m", "--detach", "--quiet")
    found = drill(site, "store-primary", code=1)
    (way,) = found["ways"]
    assert way["verdict"] == "broken"
    assert way["suffered"]["mean"] > way["within"]
    assert "only once it was back" in way["because"]
    assert "a replica to promote" in [finding["question"] for finding in found["readiness"]]
    site.ok("chaos", "heal")
    site.wait_green(40)


def test_one_way_is_tried_and_told(site: Site) -> None:
    (way,) = drill(site, "edge-east", code=0)["ways"]
    assert (way["way"], way["verdict"], way["lost"]["although_replicated"]) == ("edge-east", "works", 0)
    assert len(way["each"]) == 1
    assert not site.active()
    site.wait_green(40)
