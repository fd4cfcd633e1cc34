"""The rules of a running Prometheus are changed as files, and made whole again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from foundation.failure import Failure
from testbed.alert_rules import ADDED, AlertRules

OWN = Path(__file__).parents[2] / "dashboards" / "prometheus"


def rules_in(folder: Path) -> list[tuple[str, Any]]:
    """Every rule of every file that Prometheus would read, with its file and group."""
    return [
        (f"{path.name}/{group['name']}", rule)
        for path in sorted(folder.rglob("*.rules.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


ALERTS = [rule["alert"] for _, rule in rules_in(OWN) if "alert" in rule]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in OWN.rglob("*.rules.yml"):
        shutil.copy(path, tmp_path)
    return tmp_path


@pytest.mark.parametrize("alert", ALERTS)
def test_one_rule_is_taken_out_and_put_back(folder: Path, alert: str) -> None:
    rules, whole = AlertRules(folder), rules_in(folder)
    rules.take_out(alert)
    assert rules.is_incomplete
    assert rules_in(folder) == [(where, rule) for where, rule in whole if rule.get("alert") != alert]
    rules.put_back()
    assert not rules.is_incomplete
    assert rules_in(folder) == whole
    assert {path.name for path in folder.iterdir()} == {path.name for path in OWN.rglob("*.rules.yml")}


def test_taken_out_twice_is_put_back_whole(folder: Path) -> None:
    """A controller that died between two steps does them again."""
    rules, whole = AlertRules(folder), rules_in(folder)
    with pytest.raises(Failure, match="no rule for an alert 'Journey'"):
        rules.take_out("Journey")
    rules.take_out("JourneyDown")
    rules.take_out("JourneyDown")
    rules.put_back()
    rules.put_back()
    assert rules_in(folder) == whole


def test_rules_are_added_beside_the_own_ones(folder: Path) -> None:
    rules, whole = AlertRules(folder), rules_in(folder)
    rules.add([{"alert": "A", "expr": "vector(1)"}, {"alert": "B", "expr": "vector(1)"}])
    rules.add([{"alert": "C", "expr": "vector(1)"}])
    assert rules.has_added
    added = [rule for where, rule in rules_in(folder) if where.startswith(ADDED)]
    assert added == [{"alert": "C", "expr": "vector(1)"}]
    rules.remove_added()
    rules.remove_added()
    assert not rules.has_added
    assert rules_in(folder) == whole
