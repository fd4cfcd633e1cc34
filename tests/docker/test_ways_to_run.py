"""The header of the compose file, .env.example and the Makefile say the same, and all there is."""

from __future__ import annotations

import re

import yaml
from compose_file import REPOSITORY, SERVICES, TEXT, variables

HEADER = TEXT[: TEXT.index("\nname:")]
MAKEFILE = (REPOSITORY / "Makefile").read_text()
# What Docker Compose itself reads from .env.
OF_COMPOSE = {"COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES", "COMPOSE_FILE"}


def test_every_combination_has_a_make_target_and_every_target_is_a_combination() -> None:
    targets = set(re.findall(r"^(docker-[a-z-]+|images[a-z-]*):", MAKEFILE, re.M))
    assert set(re.findall(r"make ((?:docker|images)[a-z-]*)", HEADER)) == targets


def test_no_docker_target_needs_python() -> None:
    recipes = re.findall(r"^(?:docker-[a-z-]+|images[a-z-]*):(.*)\n\t(.*)$", MAKEFILE, re.M)
    assert recipes
    for needs, recipe in recipes:
        assert needs.partition("##")[0].strip() == ""
        assert recipe.startswith(("@$(compose) ", "@sh docker/"))


def test_every_setting_is_in_the_example_with_its_default() -> None:
    example = (REPOSITORY / ".env.example").read_text()
    settings = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", example, re.M))
    assert settings.keys() == variables().keys() | OF_COMPOSE
    for name, default in variables().items():
        assert settings[name] == default


def test_the_pages_of_the_header_are_the_default_ports() -> None:
    assert set(re.findall(r"//localhost:(\d+)", HEADER)) == {
        default for name, default in variables().items() if name.endswith("_PORT")
    }


def test_without_grafana_leaves_out_grafana_and_nothing_else() -> None:
    override = yaml.safe_load((REPOSITORY / "docker/without-grafana.yml").read_text())
    assert override == {"services": {"grafana": {"profiles": ["grafana"]}}}
    assert [name for name, service in SERVICES.items() if "grafana" in service.get("depends_on", {})] == []
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["locust"]


def test_grafana_opens_with_a_dashboard_that_is_there() -> None:
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (REPOSITORY / "dashboards/grafana/dashboards" / home.rpartition("/")[2]).exists()
