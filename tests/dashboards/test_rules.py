"""The recording and alerting rules, checked and unit-tested by Prometheus's own promtool."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "dashboards" / "prometheus").glob("*.rules.yml"))


def promtool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([folder / "promtool", *arguments], capture_output=True, text=True, timeout=60)


def test_there_are_rules_to_check() -> None:
    assert {rules.name for rules in RULES} == {
        "certificates.rules.yml",
        "journeys.rules.yml",
        "parts.rules.yml",
    }


def test_rules_are_valid(prometheus: Path) -> None:
    checked = promtool(prometheus, "check", "rules", *map(str, RULES))
    assert checked.returncode == 0, checked.stderr


def test_rules_see_outages_and_nothing_else(prometheus: Path) -> None:
    tested = promtool(prometheus, "test", "rules", str(ROOT / "tests" / "dashboards" / "rules.test.yml"))
    assert tested.returncode == 0, tested.stdout + tested.stderr
