"""`make mutants` on a project of one function: it names what survived, and fails when that is too much."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MUTANTS = Path(__file__).with_name("mutants.py")
SETTINGS = """
[tool.mutmut]
source_paths = ["toy"]

[tool.failwhale.mutants]
at_least = 90
minutes = 1

[tool.failwhale.mutants.modules]
"toy/sum.py" = ["tests/test_sum.py"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy/__init__.py").touch()
    (tmp_path / "toy/sum.py").write_text("def add(a: int, b: int) -> int:\n    c = a + b\n    return c\n")
    (tmp_path / "tests").mkdir()
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def mutants(project: Path, test: str, *modules: str) -> subprocess.CompletedProcess[str]:
    (project / "pyproject.toml").write_text(SETTINGS)
    (project / "tests/test_sum.py").write_text(f"from toy.sum import add\n\n\ndef test_it():\n    {test}\n")
    return subprocess.run(
        [sys.executable, MUTANTS, *modules], cwd=project, capture_output=True, text=True, timeout=60
    )


def test_a_survivor_is_named_with_what_it_changed_and_fails(project: Path) -> None:
    said = mutants(project, "assert add(0, 0) == 0")
    assert said.returncode == 1, said.stdout
    assert "survived: toy.sum.x_add__mutmut_" in said.stdout
    assert "-    c = a + b\n      +    c = a - b" in said.stdout
    assert "less than 90 % killed: toy/sum.py" in said.stdout


@pytest.mark.long("it runs a suite for each mutant, and one such test is enough every day")
def test_all_killed_is_well(project: Path) -> None:
    said = mutants(project, "assert add(2, 3) == 5", "toy/sum.py")
    assert said.returncode == 0, said.stdout
    assert "survived:" not in said.stdout
    assert "100 %" in said.stdout


@pytest.mark.long("it runs a suite for each mutant, and one such test is enough every day")
def test_tests_that_fail_by_themselves_are_no_measure(project: Path) -> None:
    said = mutants(project, "assert add(2, 3) == 6")
    assert said.returncode == 1
    assert "assert 5 == 6" in said.stderr


def test_a_module_without_tests_of_its_own_is_refused(project: Path) -> None:
    said = mutants(project, "pass", "toy/other.py")
    assert said.returncode == 2
    assert "names no tests for toy/other.py; it knows toy/sum.py" in said.stderr
