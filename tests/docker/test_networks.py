"""Who can reach whom: a data centre can be cut off, and its store is reached from the other one by the link
only."""

from __future__ import annotations

import pytest
from compose_file import FILE, SERVICES, label

PLACES = ("east", "west")
IN_BOTH = ("auth", "post", "retweet", "timeline", "notify", "frontend", "maintenance")


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
    for name in ("prober", "prometheus", "alertmanager", "grafana", "locust"):
        assert networks(name) == {"edge"}
    assert networks("chaos") == {"edge", "replication"}
    assert networks("sentinel-witness") == {"replication"}
    assert SERVICES["genesis"]["network_mode"] == "none"


PORTS = {
    name: int(SERVICES[name]["environment"]["LISTEN"].rpartition(":")[2])
    for name in ("store-east", "store-west", "sentinel-east", "sentinel-west", "sentinel-witness")
}


@pytest.mark.parametrize("place", PLACES)
def test_a_service_is_told_only_addresses_that_it_can_reach(place: str) -> None:
    (other,) = {*PLACES} - {place}
    for name in (f"{service}-{place}" for service in IN_BOTH):
        environment = SERVICES[name]["environment"]
        assert environment["PLACE"] == place
        there, witness = PORTS[f"sentinel-{other}"], PORTS["sentinel-witness"]
        sentinels = [
            f"sentinel-{place}:{PORTS[f'sentinel-{place}']}",
            *(f"link-{place}:{port}" for port in (there, witness)),
        ]
        assert environment["SENTINELS"].split(",") == sentinels
        port = PORTS[f"store-{other}"]
        assert environment["STORE_ROUTES"] == f"store-{other}:{port}=link-{place}:{port}"


@pytest.mark.parametrize("place", PLACES)
def test_a_port_leads_to_the_same_store_or_sentinel_wherever_it_is_answered(place: str) -> None:
    """Or else who has an old address in mind may take one for another: containers change theirs."""
    (other,) = {*PLACES} - {place}
    assert len(set(PORTS.values())) == len(PORTS)
    routes = SERVICES[f"link-{place}"]["environment"]["ROUTES"].split(",")
    behind = [f"store-{other}", f"sentinel-{other}", "sentinel-witness"]
    assert routes == [f"0.0.0.0:{PORTS[name]}={name}:{PORTS[name]}" for name in behind]
