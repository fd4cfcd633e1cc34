"""Incidents on a real site: played, ended by what an engineer does, and controls that come out otherwise."""

import json
from typing import Any

import pytest
from site_under_test import Site

from incidents.reading import catalogue

ONE = "retweets-fail"
"""Short, and hurts one journey only."""
OF_EACH_KIND = ("certificate-expires-edge", "config-denies-own-clients", "bad-release")
"""A certificate, a configuration, a release. Work is mended in the demo."""


def played(site: Site, name: str, *flags: str) -> dict[str, Any]:
    site.wait_green()
    run = site.run("incident", "run", name, *flags, "--json")
    (row,) = json.loads(run.stdout)
    wrong = [one for one in row["observed"] if one["verdict"] is not True]
    assert (run.returncode == 0) == row["good"], run.stderr
    assert site.active() == []
    return {**row, "wrong": wrong}


def test_it_is_as_expected_and_its_rule_sets_are_told(site: Site) -> None:
    row = played(site, ONE)
    assert (row["verdict"], row["good"]) == ("as-expected", True), row["wrong"]
    assert row["rule_sets"]["journeys"]["detected"] is True
    assert row["rule_sets"]["up-only"]["detected"] is False
    assert [one["journey"] for one in row["outages"]] == ["retweet"]


def test_without_what_is_injected_it_is_not_as_expected(site: Site) -> None:
    row = played(site, ONE, "--control", "no-op")
    assert (row["verdict"], row["good"]) == ("deviated", True)


def test_the_wrong_fix_does_not_help(site: Site) -> None:
    row = played(site, ONE, "--control", "wrong-fix")
    assert row["good"], row["wrong"]
    assert row["mitigated_by"]["well_after"] is None


@pytest.mark.parametrize("name", OF_EACH_KIND)
def test_an_engineer_ends_it_before_its_time(site: Site, name: str) -> None:
    row = played(site, name, "--mitigate")
    assert row["good"], row["wrong"]


@pytest.mark.long("all that there are")
@pytest.mark.parametrize("runtime", ["processes"], indirect=True)
@pytest.mark.parametrize("name", [name for name in catalogue() if name not in OF_EACH_KIND])
def test_every_other_incident_is_ended_before_its_time(site: Site, name: str) -> None:
    row = played(site, name, "--mitigate")
    assert row["good"], row["wrong"]
