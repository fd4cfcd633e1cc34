"""Where load may go, and what stands in the way of it in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from foundation.failure import Failure
from foundation.state import State
from loadtests.target import Census, Target, census_file, refuse_other_machines


@pytest.mark.parametrize("address", ["https://localhost:8443", "https://127.0.0.1:1", "https://[::1]:8443"])
def test_this_machine_may_be_loaded(address: str) -> None:
    refuse_other_machines({"east": address})


def test_a_part_of_the_site_may_load_its_front_ends() -> None:
    refuse_other_machines({"east": "https://frontend-east:8443", "west": "https://frontend-west:8443"})
    with pytest.raises(Failure, match="the edge west is https://frontend-east:8443"):
        refuse_other_machines({"west": "https://frontend-east:8443"})


@pytest.mark.parametrize(
    "address",
    [
        "https://frontend-east.example.com",
        "https://example.com",
        "https://10.0.0.1:8443",
        "https://localhost.example.com",
        "https://localhost@example.com/",
        "http://localhost:8443",
        "localhost:8443",
        "",
    ],
)
def test_nobody_else_is(address: str) -> None:
    with pytest.raises(Failure, match="not on this machine") as refused:
        refuse_other_machines({"east": address})
    assert refused.value.code == 2


def test_a_census_comes_back_as_it_was_written(tmp_path: Path) -> None:
    census = Census(1000, 7, 1_795_000_000_000, "secret", ("ann", "bob"))
    census.write(tmp_path / "deep" / "population.json")
    assert Census.read(tmp_path / "deep" / "population.json") == census


def test_a_census_that_is_half_loaded_absent_or_torn_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "population.json"
    with pytest.raises(Failure) as absent:
        Census.read(file)
    assert "failwhale populate" in absent.value.next_step
    Census(1000, 7, 1, "secret", (), loaded=False).write(file)
    assert Census.read(file, whole=False).people == 1000
    with pytest.raises(Failure) as half:
        Census.read(file)
    assert "--people 1000 --seed 7" in half.value.next_step
    file.write_text('{"people": 10')
    with pytest.raises(Failure, match="cannot be read"):
        Census.read(file)


def test_the_environment_names_a_site_or_its_edges(fake_site: Any, tmp_path: Path) -> None:
    of_state = Target.from_environment({"FAILWHALE_STATE": str(fake_site.state.path)})
    assert of_state == fake_site.target
    assert of_state.acknowledged == fake_site.record
    of_edges = Target.from_environment(
        {
            "FAILWHALE_EAST": "https://localhost:1/",
            "FAILWHALE_CA": str(fake_site.state.ca),
            "FAILWHALE_POPULATION": str(census_file(fake_site.state)),
        }
    )
    assert of_edges.edges == {"east": "https://localhost:1"}
    assert of_edges.acknowledged is None


def test_a_part_of_the_site_is_told_as_the_others_are(fake_site: Any) -> None:
    told = {
        "EDGES": "east=https://frontend-east:8443, west=https://frontend-west:8443/",
        "CA": "/pki/ca.pem",
        "STATE": str(fake_site.state.path),
    }
    target = Target.from_environment(told)
    assert target.edges == {"east": "https://frontend-east:8443", "west": "https://frontend-west:8443"}
    assert (target.ca, target.census) == (Path("/pki/ca.pem"), fake_site.target.census)
    assert target.acknowledged is None
    # Who chose a state folder means that one.
    chosen = Target.from_environment({**told, "FAILWHALE_STATE": str(fake_site.state.path)})
    assert chosen == fake_site.target
    for torn in ("east", "east=", "=https://localhost:1", "east=https://localhost:1,"):
        with pytest.raises(Failure, match="EDGES is"):
            Target.from_environment({**told, "EDGES": torn})


def test_a_site_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failure) as missing:
        Target.of(State(tmp_path))
    assert "failwhale up" in missing.value.next_step
