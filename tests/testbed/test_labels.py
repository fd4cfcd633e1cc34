"""What the labels of docker-compose.yml make of its parts."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from site_files import kind_of

from foundation.failure import USAGE, Failure
from testbed.labels import Labels, part_name

COMPOSE_FILE = Path(__file__).parents[2] / "docker-compose.yml"
SERVICES = yaml.safe_load(COMPOSE_FILE.read_text())["services"]


def labels_of(name: str) -> Labels:
    return Labels.of(SERVICES[name]["labels"], name)


@pytest.mark.parametrize("name", SERVICES)
def test_every_part_of_the_site_says_its_kind(name: str) -> None:
    assert "failwhale.kind" in SERVICES[name]["labels"]
    assert labels_of(name).kind == kind_of(labels_of(name).service)
    assert labels_of(name).name == name.replace("-", "@")


@pytest.mark.parametrize(
    ("name", "alive", "ready"),
    [
        ("post-east", "/-/health", "/-/ready"),
        ("prometheus", "/-/healthy", "/-/ready"),
        ("alertmanager", "/-/healthy", "/-/ready"),
        ("grafana", "/api/health", "/api/health"),
        ("locust", "/", "/"),
    ],
)
def test_a_part_is_asked_at_its_own_paths(name: str, alive: str, ready: str) -> None:
    assert (labels_of(name).alive_path, labels_of(name).ready_path) == (alive, ready)


def test_without_labels_it_is_a_service_named_as_in_the_file() -> None:
    bare = Labels.of({}, "web")
    assert (bare.name, bare.service, bare.place, bare.kind) == ("web", "web", None, "service")
    assert not bare.is_optional


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Failure, match="web: no kind of part is named 'database'") as raised:
        Labels.of({"failwhale.kind": "database"}, "web")
    assert raised.value.code == USAGE
    assert "service, store" in raised.value.next_step


def test_a_place_is_part_of_the_name() -> None:
    assert part_name("post", "east") == "post@east"
    assert part_name("prometheus", None) == "prometheus"
