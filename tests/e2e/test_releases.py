"""Releases on the real site: a good one is rolled out under load and nobody notices; each bad one hurts whom
it says, and nobody else, until it is rolled back."""

import json
import signal
from typing import Any

import pytest
from site_under_test import Site, wait_until

from services.releases import all_releases
from services.releases.release import SERVICES, Release

GOOD = "1.1"
BAD = [release for release in all_releases().values() if not release.is_good]
SHORT = ("1.2-posts-fail", "1.2-protected-posts-shown")
"""Bad releases that `make test` rolls out: one of each kind of harm."""
LONG = pytest.mark.long("others of their kind are rolled out")
EACH = [
    *(
        pytest.param(
            *("processes", release),
            id=f"processes-{release.version}",
            marks=() if release.version in SHORT else LONG,
        )
        for release in BAD
    ),
    # A container takes longer to come back, and what differs is the same.
    pytest.param("docker", all_releases()["1.2-posts-fail"], id="docker", marks=pytest.mark.smoke),
]
# On Docker as well: what users connect to, and one of what stands behind it.
EVERYWHERE = {"processes": SERVICES, "docker": ("frontend", "timeline")}
A_KIND_WITHIN = 5.0
"""Seconds for all replicas of a kind, on plain processes."""


def releases(site: Site) -> dict[str, str]:
    """What each service says that it runs."""
    return {row["name"]: row["release"] for row in site.json("status")["parts"] if row["service"] in SERVICES}


def hurt_now(site: Site, since: dict[str, dict[str, Any]]) -> set[tuple[str, str]] | None:
    """(journey, down or slow) of those that are hurt; None while not every other one has been tried, and
    tried well, since it was as it is in `since`. What cannot be tried, for another one is hurt, is left
    aside."""
    now = site.journeys()
    hurt = {(name, row["state"]) for name, row in now.items() if row["state"] in ("down", "slow")}
    others = [name for name, row in now.items() if row["state"] == "green"]
    tried = all(now[name]["attempts"] >= since[name]["attempts"] + 2 for name in others)
    return hurt if now and tried else None


def test_a_good_release_is_rolled_out_and_back_under_load_and_no_request_is_lost(site: Site) -> None:
    with site.running("load", "steady", "--people", "20", "--for", "120s", "--json", "--quiet") as load:
        wait_until(lambda: site.acknowledged() > 0, 20, "the load at work")
        kinds = EVERYWHERE[site.runtime]
        target = ",".join(f"{kind}:all" for kind in kinds)
        rolled = site.json("release", "roll-out", GOOD, target)
        assert (rolled["outcome"], len(rolled["done"])) == ("done", 2 * len(kinds))
        run_it = {part for part, version in releases(site).items() if version == GOOD}
        assert run_it == {row["part"] for row in rolled["done"]}
        back = site.json("release", "roll-back")
        assert (back["outcome"], len(back["done"])) == ("done", 2 * len(kinds))
        assert load.poll() is None, "all of this was under load"
        load.send_signal(signal.SIGINT)
        output, _ = load.communicate(timeout=60)
    told = json.loads(output)
    assert told["completed"] > 100
    assert sum(told["errors"].values()) == 0, told
    assert set(releases(site).values()) == {"1.0"}
    site.wait_green()


@pytest.mark.parametrize(("runtime", "release"), EACH, indirect=["runtime"], scope="session")
def test_a_bad_release_hurts_whom_it_says_and_nobody_else(site: Site, release: Release) -> None:
    services = [service for service in release.services if service != "frontend"]
    target = ",".join(f"{service}:all" for service in services)
    declared = set(release.hurts_on(services).items())
    before = releases(site)
    try:
        some = roll_out(site, release, target, "--share", "50%")
        assert [row["part"] for row in some["done"]] == [f"{service}@east" for service in services]
        run_it = {part for part, version in releases(site).items() if version == release.version}
        assert run_it == {f"{service}@east" for service in services}
        rest = roll_out(site, release, target)
        assert [row["part"] for row in rest["done"]] == [f"{service}@west" for service in services]
        since = site.journeys()
        # On a busy machine others are hurt, too, by that: not all the time, as by a release.
        wait_until(lambda: hurt_now(site, since) == declared, 40, f"these hurt and no others: {declared}")
    finally:
        back = site.json("release", "roll-back", target)
    assert back["outcome"] == "done"
    if site.runtime == "processes":
        assert back["seconds"] < A_KIND_WITHIN * len(services)
    assert releases(site) == before
    site.wait_green()


def roll_out(site: Site, release: Release, target: str, *options: str) -> Any:
    done = site.run("release", "roll-out", release.version, target, "--json", *options)
    return json.loads(done.stdout)
