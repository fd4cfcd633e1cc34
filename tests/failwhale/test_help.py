"""The help of every command: one style, an example each, and what the README says is there."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from failwhale.chaos import app as chaos
from failwhale.config import commands as config
from failwhale.drill import app as drill
from failwhale.incident import app as incident
from failwhale.ops import app as ops
from failwhale.release import app as release
from failwhale.verbs import VERBS, app
from foundation.console import run
from foundation.version import VERSION

ROOT = Path(__file__).parents[2]
GROUPS = {
    "chaos": chaos,
    "release": release,
    "config": config,
    "drill": drill,
    "incident": incident,
    "ops": ops,
}
COMMANDS = [
    *((verb,) for verb in VERBS),
    *(
        (group, info.name or info.callback.__name__)
        for group, commands in GROUPS.items()
        for info in commands.registered_commands
        if info.callback
    ),
]


def help_of(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert run(app, "failwhale", [*words, "--help"]) == 0
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("TERM", "dumb")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_and_one_form_of_placeholders(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    shown = help_of(words, capsys)
    name = f"failwhale {' '.join(words)}"
    assert re.search(r"Examples?:", shown), shown
    assert re.search(rf"Examples?:\s+{name}\b", shown), shown
    assert "<" not in shown
    (usage,) = re.findall(rf"Usage: {name} \[OPTIONS\](.*)", shown)
    if "COMMAND" not in usage:
        for word in usage.replace(" | ", "|").split():
            assert re.fullmatch(r"[A-Z|]+|\[[A-Z|]+\]", word), usage


@pytest.mark.parametrize("words", [(), *((group,) for group in GROUPS)], ids=" ".join)
def test_a_group_alone_shows_its_help(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, "failwhale", list(words)) == 0
    alone = capsys.readouterr()
    assert (alone.out, alone.err) == (help_of(words, capsys), "")


def readme_commands() -> Iterator[list[str]]:
    for line in (ROOT / "README.md").read_text().splitlines():
        words = re.sub(r"\s+#.*", "", line).strip().removeprefix("docker compose exec chaos ")
        if line.startswith("    ") and words.startswith("failwhale "):
            yield shlex.split(words)[1:]


@pytest.mark.parametrize("words", list(readme_commands()), ids=" ".join)
def test_what_the_readme_types_is_in_the_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    command = (words[0], words[1]) if words[0] in GROUPS else (words[0],)
    assert command in COMMANDS
    shown = help_of(command, capsys)
    for option in (word for word in words if word.startswith("-")):
        assert re.search(rf"(^|[\s│,]){option}\b", shown), (option, shown)


def test_there_is_one_version(capsys: pytest.CaptureFixture[str]) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert run(app, "failwhale", ["--version"]) == 0
    assert capsys.readouterr().out == f"failwhale {VERSION}\n"
    assert version == VERSION
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].values()
    ours = [part for part in services if "SERVICE" in part.get("environment", {})]
    assert {part["environment"].get("RELEASE") for part in ours} == {VERSION}
    assert {part["image"] for part in ours} == {f"failwhale:{VERSION}"}
