"""The runbooks: one for each alert, and every command in them is one that can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from failwhale.typed import check_command

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
PAGES = sorted(page for page in RUNBOOKS.glob("*.md") if page.stem != "README")


def alerts() -> Iterator[dict[str, Any]]:
    for file in (ROOT / "dashboards" / "prometheus").rglob("*.rules.yml"):
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from (rule for rule in group["rules"] if "alert" in rule)


def commands(page: Path) -> list[str]:
    """Of its indented blocks, and what stands in a table between backticks."""
    text = page.read_text()
    blocks = [line.split("#")[0].strip() for line in text.splitlines() if line.startswith("    ")]
    return blocks + re.findall(r"`([^`]+)`", text)


def test_every_alert_has_a_page_and_names_it_and_no_page_is_left_over() -> None:
    found = {rule["alert"]: rule["annotations"].get("runbook") for rule in alerts()}
    assert found == {page.stem: str(page.relative_to(ROOT)) for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_it_means_where_to_look_and_what_ends_it(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert lines[0] == f"# {page.stem}"
    assert [line for line in lines if line.startswith("## ")] == ["## Look first", "## What ends it"]
    assert f"[{page.stem}]({page.name})" in (RUNBOOKS / "README.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_page_can_be_typed(page: Path) -> None:
    found = commands(page)
    assert len(found) >= 2
    for command in found:
        assert shlex.split(command)[1] != "chaos", f"{command}: who is on call knows nothing of chaos"
        check_command(command)


@pytest.mark.parametrize(
    "words",
    [
        ["ops", "reboot", "post@east"],
        ["ops", "failover", "store@east"],
        ["status", "--no-such"],
        ["ops", "restart"],
    ],
)
def test_what_cannot_be_typed_would_be_seen(words: list[str]) -> None:
    with pytest.raises(Exception, match=r"no operation|unexpected extra|No such option|Missing parameter"):
        check_command(shlex.join(["failwhale", *words]))
