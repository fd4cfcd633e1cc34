"""The recording and alerting rules, checked and unit-tested by Prometheus's own promtool."""

import subprocess
from pathlib import Path

import yaml

from outages.rule_sets import RULE_SETS

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "dashboards" / "prometheus").rglob("*.rules.yml"))


def promtool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([folder / "promtool", *arguments], capture_output=True, text=True, timeout=60)


def test_each_alert_belongs_to_the_set_in_whose_file_it_stands() -> None:
    alerts = {
        rules.name.removesuffix(".rules.yml"): [
            rule
            for group in yaml.safe_load(rules.read_text())["groups"]
            for rule in group["rules"]
            if "alert" in rule
        ]
        for rules in RULES
    }
    assert alerts.pop("recorded") == []
    assert set(alerts) == set(RULE_SETS)
    for name, rules in alerts.items():
        assert rules, name
        assert {rule["labels"]["rule_set"] for rule in rules} == {name}
    names = [rule["alert"] for rules in alerts.values() for rule in rules]
    assert len(names) == len(set(names))


def test_rules_are_valid(prometheus: Path) -> None:
    checked = promtool(prometheus, "check", "rules", *map(str, RULES))
    assert checked.returncode == 0, checked.stderr


def test_rules_see_outages_and_nothing_else(prometheus: Path) -> None:
    tested = promtool(prometheus, "test", "rules", str(ROOT / "tests" / "dashboards" / "rules.test.yml"))
    assert tested.returncode == 0, tested.stdout + tested.stderr
