"""Who can reach whom: a data centre can be cut off, and its store is reached from the other one by the line
only."""

from __future__ import annotations

import pytest
from compose_file import FILE, SERVICES, label

PLACES = ("east", "west")
IN_BOTH = ("auth", "post", "retweet", "timeline", "notify", "frontend")


def networks(name: str) -> set[str]:
    return set(SERVICES[name].get("networks", ()))


def test_only_the_edge_leads_outside() -> None:
    assert FILE["networks"]["edge"] is None
    for name in ("replication", *PLACES):
        assert FILE["networks"][name] == {"internal": True}
    published = {name for name in SERVICES if "ports" in SERVICES[name]}
    assert all("edge" in networks(name) for name in published)


@pytest.mark.parametrize("place", PLACES)
def test_a_data_centre_is_a_network_and_all_that_stands_in_it_is_there(place: str) -> None:
    members = {name for name in SERVICES if label(name, "place") == place}
    assert members == {name for name in SERVICES if place in networks(name)}
    for name in members:
        expected = {place, "edge"} if label(name, "service") in IN_BOTH else {place, "replication"}
        assert networks(name) == expected, name


@pytest.mark.parametrize("place", PLACES)
def test_nobody_reaches_another_data_centres_store_but_the_line_and_the_controller(place: str) -> None:
    reaching = {
        name
        for name in SERVICES
        if label(name, "place") != place and networks(name) & networks(f"store-{place}")
    }
    (other,) = {*PLACES} - {place}
    assert reaching == {"chaos", "sentinel-witness", f"store-{other}", f"sentinel-{other}", f"link-{other}"}


def test_who_looks_and_who_uses_is_outside() -> None:
    for name in ("prober", "prometheus", "grafana", "locust"):
        assert networks(name) == {"edge"}
    assert networks("chaos") == {"edge", "replication"}
    assert networks("sentinel-witness") == {"replication"}
    assert SERVICES["genesis"]["network_mode"] == "none"


@pytest.mark.parametrize("place", PLACES)
def test_a_service_is_told_only_addresses_that_it_can_reach(place: str) -> None:
    (other,) = {*PLACES} - {place}
    for name in (f"{service}-{place}" for service in IN_BOTH):
        environment = SERVICES[name]["environment"]
        assert environment["PLACE"] == place
        assert environment["SENTINELS"] == f"sentinel-{place}:26379,link-{place}:26379,link-{place}:26380"
        assert environment["STORE_ROUTES"] == f"store-{other}:6379=link-{place}:6379"
    routes = SERVICES[f"link-{place}"]["environment"]["ROUTES"].split(",")
    targets = [f"store-{other}:6379", f"sentinel-{other}:26379", "sentinel-witness:26379"]
    assert [route.partition("=")[2] for route in routes] == targets
