"""The recording and alerting rules, checked and unit-tested by Prometheus's own promtool."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "dashboards" / "prometheus").glob("*.rules.yml"))


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool") or shutil.which(
        "promtool", path=str(Path.home() / ".cache" / "failwhale" / "prometheus" / "usr" / "bin")
    )
    if program is None:
        pytest.skip("promtool is missing: install the package 'prometheus', or run 'make prometheus'")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)


def test_there_are_rules_to_check() -> None:
    assert {rules.name for rules in RULES} == {"journeys.rules.yml", "parts.rules.yml"}


def test_rules_are_valid() -> None:
    checked = promtool("check", "rules", *map(str, RULES))
    assert checked.returncode == 0, checked.stderr


def test_rules_see_outages_and_nothing_else() -> None:
    tested = promtool("test", "rules", str(ROOT / "tests" / "dashboards" / "rules.test.yml"))
    assert tested.returncode == 0, tested.stdout + tested.stderr
