"""What is wrong in an incident file is told with file, line and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from failwhale.typed import check_command
from foundation.failure import USAGE, Failure
from incidents.reading import anything, catalogue, examine, file_of, read
from incidents.telling import first_lines

GOOD = first_lines("mine")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.yaml"


def problems(file: Path, text: str) -> list[str]:
    file.write_text(text, encoding="utf-8")
    return [line.removeprefix(f"{file}:") for line in examine(file, check_command)[1]]


def test_what_new_writes_is_well_formed_and_says_what_it_plays(file: Path) -> None:
    assert problems(file, GOOD) == []
    incident = read(file)
    assert incident.id == "mine"
    assert incident.injections[0].fault == "errors"
    assert incident.expect.hurt == {"retweet": "down"}


def line_of(part: str) -> int:
    return next(number for number, line in enumerate(GOOD.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("old", "new", "where", "key", "what"),
    [
        ("fault: errors", "fault: erors", "fault: errors", "injections[0]", "did you mean errors"),
        ("for: 8s", "for: 8 s", "for: 8s", "injections[0].for", "Such as 500ms"),
        ("for: 8s", "for: 8s, parameters: {share: 200%}", "for: 8s", "injections[0]", "share"),
        ("retweet: down", "retwet: down", "hurt:", "expect.hurt.retwet", "there is no journey 'retwet'"),
        ("retweet: down", "retweet: dwon", "hurt:", "expect.hurt.retweet", "is not one of"),
        ("at-least: 0.2", "at-lest: 0.2", "at-least", "expect.signs[0].at-lest", "is not known"),
        ("mitigation:", "mitigatoin:", "mitigation:", "mitigatoin", "is not known: title"),
        ("ops restart", "ops restrat", "ops restart retweet", "mitigation.commands[0]", "restrat"),
        ("retweet:all", "retwet:all", "fault: errors", "injections[0]", "matches no part"),
        ("fault: errors", "fault: threads", "fault: errors", "injections[0]", "threads cannot be done to"),
        ("for: 8s", "at: 30m, for: 8s", "injections:", "injections", "over after 2m"),
        ("JourneyDown", "JourneyDwon", "alert:", "expect.alert.name", "did you mean JourneyDown"),
        ("restart retweet:all", "restart retwet:all", "restart retw", "mitigation.commands[0]", "no part"),
        ("restart post:all", "drain prober", "restart post", "wrong-fix.commands[0]", "not for prober"),
        ("ops restart retweet:all", "ops", "failwhale ops", "mitigation.commands[0]", "only shows its help"),
        ("[failwhale ops", "[rm", "ops restart retweet", "mitigation.commands[0]", "begins with failwhale"),
    ],
)
def test_each_mistake_is_named_with_its_line_and_key(
    file: Path, old: str, new: str, where: str, key: str, what: str
) -> None:
    found = problems(file, GOOD.replace(old, new, 1))
    assert any(
        line.startswith(f"{line_of(where)}:") and f" {key}:" in f" {line}:" and what in line for line in found
    ), found


def test_what_is_no_yaml_is_told_with_its_line(file: Path) -> None:
    (problem,) = problems(file, GOOD.replace("hurt: {", "hurt: [{", 1))
    assert problem.startswith(f"{line_of('signs:')}:")


def test_the_first_mistake_refuses_a_file_and_says_how_to_see_all(file: Path) -> None:
    file.write_text(GOOD.replace("title:", "titel:"), encoding="utf-8")
    with pytest.raises(Failure, match=":9: titel: is not known") as refused:
        read(file)
    assert refused.value.code == USAGE
    assert refused.value.next_step == f"see all: failwhale incident validate {file}"


def test_a_name_that_there_is_not_is_answered_with_the_nearest() -> None:
    with pytest.raises(Failure, match="did you mean retweets-fail"):
        file_of("retweet-fails")


@pytest.mark.parametrize("name", catalogue())
def test_every_incident_of_the_catalogue_is_well_formed(name: str) -> None:
    assert examine(file_of(name), check_command)[1] == []
    incident = read(file_of(name), anything)
    assert incident.id == name
    assert incident.lasts <= 25
    assert set(incident.mitigation.commands) != set(incident.wrong_fix.commands)


def test_the_readme_counts_the_incidents() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"| stories that are played and judged | {len(catalogue())}, " in readme


def test_the_series_that_the_guide_names_are_recorded() -> None:
    root = Path(__file__).parents[2]
    guide = (root / "docs" / "adding-an-incident.md").read_text(encoding="utf-8")
    recorded = (root / "dashboards" / "prometheus" / "recorded.rules.yml").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z]+:[a-z0-9_:]+)`", guide.partition("## What a sign can ask")[2])
    assert len(named) >= 5
    for series in named:
        assert f"record: {series}\n" in recorded
