"""The dashboards and their provisioning, as far as they can be checked without a Grafana."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from dashboards.grafana.__main__ import FOLDER, render
from dashboards.grafana.is_the_site_up import RELEASES
from dashboards.grafana.queries import SCRAPE_SECONDS, Question, questions
from failwhale.verbs import VERBS

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "dashboards" / "grafana"

COLUMNS = 24
PANELS = {"stat", "table", "timeseries", "state-timeline"}

# What Grafana's documentation names: Administration, Provisioning.
DATASOURCE_KEYS = {
    *("name", "type", "access", "orgId", "uid", "url", "user", "database", "basicAuth", "basicAuthUser"),
    *("withCredentials", "isDefault", "jsonData", "secureJsonData", "version", "editable"),
}
PROMETHEUS_KEYS = {"httpMethod", "timeInterval", "manageAlerts", "prometheusType", "prometheusVersion"}
PROVIDER_KEYS = {
    *("name", "orgId", "folder", "folderUid", "type", "disableDeletion", "updateIntervalSeconds"),
    *("allowUiUpdates", "options"),
}

FILES = sorted(FOLDER.glob("*.json"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def content(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request.param.read_text())
    return found


def panels_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in content["panels"] if panel["type"] != "row"]


def test_the_files_are_what_the_code_makes() -> None:
    made = render()
    assert set(made) == set(FILES)
    for path, text in made.items():
        assert path.read_text() == text, "not what the code makes: python -m dashboards.grafana"


def test_it_is_a_dashboard_of_the_scheme(content: dict[str, Any]) -> None:
    """The SDK's own reader takes it and writes the same; what it does not know would be lost."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()
    again = json.loads(json.dumps(Dashboard.from_json(content), cls=JSONEncoder))
    for one in (*again["links"], *again["annotations"]["list"]):
        del one["placement"]
    assert again == content
    assert content["schemaVersion"] == 42
    assert content["refresh"] == "5s"
    assert content["time"] == {"from": "now-15m", "to": "now"}


@pytest.mark.parametrize("range_seconds", [900, 86_400])
def test_every_query_can_be_parsed(content: dict[str, Any], range_seconds: int) -> None:
    asked = list(questions(content))
    assert {question.kind for question in asked} == {"instant", "range", "values"}
    for question in asked:
        expr = question.asked(range_seconds)
        assert not re.search(r"\$[a-z_{]", expr), question
        promql_parser.parse(expr)


def test_a_question_is_asked_as_grafana_would() -> None:
    question = Question(
        "", "range", 'rate(a{place=~"$place"}[$__rate_interval]) + b[$__interval] + c[$__range:1s]'
    )
    assert question.asked(60) == 'rate(a{place=~".+"}[4s]) + b[1s] + c[60s:1s]'
    assert Question("", "range", "a[$__rate_interval]", step=5).asked(60) == "a[20s]"


def test_every_number_comes_from_the_provisioned_data_source(content: dict[str, Any]) -> None:
    (source,) = load("datasources/prometheus.yml")["datasources"]
    expected = {"type": source["type"], "uid": source["uid"]}
    for panel in panels_of(content):
        assert panel["datasource"] == expected, panel["title"]
        assert panel["targets"], panel["title"]
        assert all(target["datasource"] == expected for target in panel["targets"]), panel["title"]
    for one in (*content["annotations"]["list"], *content["templating"]["list"]):
        assert one["datasource"] == expected, one["name"]


def test_panels_have_their_own_place_and_number(content: dict[str, Any]) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in content["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= COLUMNS, panel["title"]
        across = range(place["x"], place["x"] + place["w"])
        down = range(place["y"], place["y"] + place["h"])
        for cell in itertools.product(across, down):
            assert cell not in taken, f"{panel['title']} lies on {taken[cell]}"
            taken[cell] = panel["title"]
    bottom = max(y for _, y in taken) + 1
    assert len(taken) == COLUMNS * bottom, "there is a hole between the panels"
    numbers = [panel["id"] for panel in content["panels"]]
    assert len(set(numbers)) == len(numbers)
    assert [panel["title"] for panel in content["panels"]].count("") == 0


def test_every_panel_says_what_it_shows_and_what_to_do_next(content: dict[str, Any]) -> None:
    for panel in panels_of(content):
        what, _, next_step = panel["description"].partition("\n\nNext: ")
        assert what, panel["title"]
        assert next_step, panel["title"]
        assert panel["type"] in PANELS
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references), panel["title"]
        if panel["type"] in ("state-timeline", "table"):
            assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]
        if panel["type"] == "timeseries":
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


def test_a_command_that_a_panel_names_is_one(content: dict[str, Any]) -> None:
    for panel in panels_of(content):
        for command in re.findall(r"`failwhale ([a-z]+)", panel["description"]):
            assert command in VERBS, f"{panel['title']}: failwhale {command}"


CHANGE_OF_RELEASE = """
evaluation_interval: 1s
tests:
  - interval: 1s
    input_series:
      - {series: 'failwhale_build_info{service="post",place="east",release="1.0"}', values: '1x29 stale'}
      - {series: 'failwhale_build_info{service="post",place="east",release="1.1"}', values: '_x31 1x40'}
      - series: failwhale_build_info{service="post",place="west",release="1.0"}
        values: '1x20 stale _ _ 1x60'
      - {series: 'failwhale_build_info{service="auth",place="east",release="1.0"}', values: '_x25 1x50'}
    promql_expr_test:
"""


def test_a_change_of_release_is_marked_and_neither_a_restart_nor_a_new_part(
    prometheus: Path, tmp_path: Path
) -> None:
    marked = "{service='post', place='east', release='1.1'}"
    expected = [
        (second, [marked] if 31 <= second <= 40 else []) for second in (15, 27, 30, 31, 36, 40, 41, 60)
    ]
    lines = [
        f"      - {{expr: {json.dumps(RELEASES)}, eval_time: {second}s, exp_samples: "
        f"[{', '.join(f'{{labels: {json.dumps(labels)}, value: 1}}' for labels in found)}]}}"
        for second, found in expected
    ]
    file = tmp_path / "releases.test.yml"
    file.write_text(CHANGE_OF_RELEASE + "\n".join(lines))
    done = subprocess.run([prometheus / "promtool", "test", "rules", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# --- provisioning ---


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((GRAFANA / "provisioning" / name).read_text())
    return found


def test_the_data_source_is_provisioned_as_documented() -> None:
    content = load("datasources/prometheus.yml")
    assert content["apiVersion"] == 1
    assert set(content) <= {"apiVersion", "datasources", "deleteDatasources", "prune"}
    (source,) = content["datasources"]
    assert set(source) <= DATASOURCE_KEYS
    assert set(source["jsonData"]) <= PROMETHEUS_KEYS
    assert source["url"] == "$PROMETHEUS_URL"
    assert source["access"] == "proxy"


def test_grafana_asks_as_often_as_prometheus_looks() -> None:
    prometheus = yaml.safe_load((ROOT / "dashboards" / "prometheus" / "prometheus.yml").read_text())
    (source,) = load("datasources/prometheus.yml")["datasources"]
    assert (
        source["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"] == f"{SCRAPE_SECONDS}s"
    )


def test_the_dashboards_are_provisioned_as_documented() -> None:
    content = load("dashboards/failwhale.yml")
    assert content["apiVersion"] == 1
    (provider,) = content["providers"]
    assert set(provider) <= PROVIDER_KEYS
    assert set(provider["options"]) <= {"path", "foldersFromFilesStructure"}
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    grafana = compose["services"]["grafana"]
    assert f"./dashboards/grafana/dashboards:{provider['options']['path']}:ro" in grafana["volumes"]
    assert "./dashboards/grafana/provisioning:/etc/grafana/provisioning:ro" in grafana["volumes"]
    assert grafana["environment"]["PROMETHEUS_URL"] == "http://prometheus:9090"
