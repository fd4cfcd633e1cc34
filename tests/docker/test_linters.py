"""Linters that know more than we do about containers. A finding that stays has its reason in docker/."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from compose_file import REPOSITORY

PROGRAMS = Path(sys.executable).parent


COMMANDS = (
    "compose-lint check --config docker/compose-lint.yml --strict-config --fail-on low --no-env "
    "docker-compose.yml",
    "hadolint --no-color --failure-threshold style Dockerfile",
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.split()[0])
def test_finds_nothing_unanswered(command: str) -> None:
    name, *words = command.split()
    program = PROGRAMS / name
    assert program.exists(), f"{name} is missing: make install-dev"
    done = subprocess.run([program, *words], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_suppression_has_a_reason() -> None:
    rules = yaml.safe_load((REPOSITORY / "docker/compose-lint.yml").read_text())["rules"]
    for rule, how in rules.items():
        reasons = [how["reason"]] if how.get("enabled") is False else how["exclude_services"].values()
        assert all(len(reason) > 40 for reason in reasons), rule
    assert "hadolint ignore" not in (REPOSITORY / "Dockerfile").read_text()
