"""How the checker goes about it: when it looks, how often, how much at once, and what its command says."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from loadtests import checker
from loadtests.acknowledged import Acknowledged, Record
from loadtests.findings import KINDS, Finding, Findings
from loadtests.population import Population
from loadtests.privacy import Privacy
from loadtests.public_api import Unreadable

NOTHING = "nothing was acknowledged, so there is nothing to look for"


@dataclass
class Site:
    """What the API answers: a post is there from so many looks on."""

    there_from: dict[str, int] = field(default_factory=dict)
    looks: Counter[str] = field(default_factory=Counter)
    at_once: int = 0
    most_at_once: int = 0
    naps: list[float] = field(default_factory=list)
    fails: Exception | None = None
    opened: list[Any] = field(default_factory=list)

    async def __aenter__(self) -> Site:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.opened.append("closed")

    async def text_of(self, post: str, reader: str) -> str | None:
        if self.fails:
            raise self.fails
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        for _ in range(3):
            await _yield()
        self.at_once -= 1
        self.looks[post] += 1
        return "text" if self.looks[post] >= self.there_from.get(post, 1) else None

    async def find(self, path: str, reader: str) -> Any:
        return {"liked": True}


class _Turn:
    def __await__(self) -> Any:
        yield


async def _yield() -> None:
    """One turn of the loop, without `asyncio.sleep`, which the test counts."""
    await _Turn()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site where nobody lives, of which no timeline and no notification is read; naps take no time."""
    site = Site()

    def opened(target: Any) -> Site:
        site.opened.append(target)
        return site

    async def nap(seconds: float) -> None:
        site.naps.append(seconds)
        await _yield()

    async def no_inboxes(*_: Any) -> list[Any]:
        return []

    nobody = Population(0, 0, (), (), ())
    monkeypatch.setattr(checker, "PublicApi", opened)
    monkeypatch.setattr(checker.Privacy, "of", lambda census, lines: Privacy(nobody, lines))
    monkeypatch.setattr(checker, "inboxes_to_read", no_inboxes)
    monkeypatch.setattr(checker, "timelines_to_read", lambda census, posts, followers: [])
    monkeypatch.setattr(checker.asyncio, "sleep", nap)
    return site


class Target:
    census = None


def write(path: Path, *posts: str, ago: float = 3600.0, load: str = "one") -> Path:
    at = (datetime.now(UTC) - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        for post in posts:
            line = {"id": post, "author": "ann", "text": "text", "replicated": True, "load": load, "at": at}
            file.write(json.dumps(line) + "\n")
    return path


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "record"


def test_what_was_acknowledged_long_ago_is_looked_at_at_once(site: Site, record: Path) -> None:
    target = Target()
    findings = checker.check(target, write(record, "1", "2"))
    assert (findings.holds, findings.acknowledged, findings.timelines) == (True, 2, 0)
    assert site.naps == [0.0]
    assert site.looks == {"1": 1, "2": 1}
    assert site.opened == [target, "closed"]


@pytest.mark.parametrize(("ago", "nap"), [(1.0, 3.0), (5.0, 0.0), (-3600.0, 4.0)])
def test_the_site_gets_time_to_settle_after_the_last_acknowledgement(
    site: Site, record: Path, ago: float, nap: float
) -> None:
    write(record, "1", ago=900)
    checker.check(Target(), write(record, "2", ago=ago))
    assert site.naps[0] == pytest.approx(nap, abs=0.9)
    assert site.naps[0] <= checker.SETTLE == 4.0
    site.naps.clear()
    checker.check(Target(), record, settle=0.0)
    assert site.naps == [0.0]


def test_only_what_is_missing_is_looked_for_again_until_it_is_there(site: Site, record: Path) -> None:
    site.there_from = {"2": 3}
    findings = checker.check(Target(), write(record, "1", "2"), within=1000)
    assert findings.holds is True
    assert site.looks == {"1": 1, "2": 3}
    assert site.naps == [0.0, 0.5, 0.5]


def test_when_time_is_up_it_is_lost(site: Site, record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.there_from = {"1": 99}
    clock = iter([100.0, 109.9, 110.0])
    monkeypatch.setattr(checker, "time", SimpleNamespace(monotonic=lambda: next(clock), time=time.time))
    findings = checker.check(Target(), write(record, "1"), within=10.0)
    assert (findings.holds, findings.because) == (False, "1 lost")
    assert site.looks["1"] == 2


def test_a_few_are_looked_at_at_a_time(site: Site, record: Path) -> None:
    findings = checker.check(Target(), write(record, *map(str, range(40))))
    assert findings.holds is True
    assert site.most_at_once == 8
    assert len(site.looks) == 40


def test_changes_alone_are_enough_to_look_for(site: Site, record: Path) -> None:
    file = Record(record, "one")
    file.add("7", "ann", "", True, kind="like")
    file.close()
    assert checker.check(Target(), record).changes == 1
    assert checker.check(Target(), record, load="two").because == NOTHING


def test_what_keeps_it_from_looking_is_unknown_and_said(
    site: Site, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checker.check(Target(), record) == Findings(None, NOTHING)
    write(record, "1", load="one")
    assert checker.check(Target(), record, load="two") == Findings(None, NOTHING)
    site.fails = RuntimeError("out of cheese")
    assert checker.check(Target(), record) == Findings(
        None, "the checker failed: RuntimeError('out of cheese')"
    )

    def unreadable(target: Any) -> Any:
        raise Unreadable("no way in")

    monkeypatch.setattr(checker, "PublicApi", unreadable)
    assert checker.check(Target(), record) == Findings(None, "no way in")
    record.write_text("half a li")
    assert checker.check(Target(), record) == Findings(None, f"line 1 of {record} is not whole")


def test_followers_and_what_was_written_decide_which_timelines_are_read(
    site: Site, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def none(*arguments: Any) -> list[Any]:
        asked.append(arguments)
        return []

    monkeypatch.setattr(checker, "timelines_to_read", none)
    write(record, "1")
    checker.check(Target(), record)
    checker.check(Target(), record, followers=3)
    assert [(census, [post.id for post in posts], followers) for census, posts, followers in asked] == [
        (None, ["1"], checker.FOLLOWERS),
        (None, ["1"], 3),
    ]
    assert isinstance(asked[0][1][0], Acknowledged)


# --- the command ---


def say(
    findings: Findings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *words: str
) -> tuple[int, str, Any]:
    """What the command prints of a findings, its exit code, and how it asked."""
    asked: dict[str, Any] = {}

    def check(target: Any, record: Path, **options: Any) -> Findings:
        asked.update(target=target, record=record, **options)
        return findings

    monkeypatch.setattr(checker, "check", check)
    monkeypatch.setattr(checker.Target, "of", lambda state: f"the site in {state.path}")
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    app.command()(checker.main)
    done = CliRunner().invoke(app, ["--state", str(tmp_path), *words])
    return done.exit_code, done.output, asked


@pytest.mark.parametrize(
    ("holds", "word", "code"), [(True, "true", 0), (False, "false", 1), (None, "unknown", 4)]
)
def test_the_command_says_one_of_three_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, holds: bool | None, word: str, code: int
) -> None:
    findings = Findings(holds, "because of this")
    exit_code, output, asked = say(findings, monkeypatch, tmp_path)
    assert (exit_code, output) == (code, f"{word}: because of this\n")
    assert checker.exit_code(findings) == code
    assert asked == {
        "target": f"the site in {tmp_path}",
        "record": tmp_path / "record" / "acknowledged.ndjson",
        "load": None,
        "followers": 10,
        "within": 20.0,
    }


def test_the_command_passes_on_what_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    words = ("--load", "abc", "--followers", "3", "--within", "5s", "--json")
    exit_code, output, asked = say(Findings(True, "well"), monkeypatch, tmp_path, *words)
    assert exit_code == 0
    assert json.loads(output) == Findings(True, "well").as_json()
    assert (asked["load"], asked["followers"], asked["within"]) == ("abc", 3, 5.0)


def test_the_command_lists_findings_of_each_kind_but_not_all_of_many(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    findings = Findings(False, "much")
    for kind in KINDS:
        getattr(findings, kind).append(Finding("1", "ann", "the site", f"of {kind}"))
    _, output, _ = say(findings, monkeypatch, tmp_path)
    assert output.splitlines()[1:] == [f"  {kind}: 1 by ann, the site: of {kind}" for kind in KINDS]

    findings = Findings(False, "much")
    findings.lost.extend(Finding(str(number), "ann", "the site", "gone") for number in range(10))
    _, output, _ = say(findings, monkeypatch, tmp_path)
    assert len(output.splitlines()) == 11
    findings.lost.append(Finding("10", "ann", "the site", "gone"))
    _, output, _ = say(findings, monkeypatch, tmp_path)
    lines = output.splitlines()
    assert lines[1] == "  11 lost; the first of them:"
    assert lines[2] == "  lost: 0 by ann, the site: gone"
    assert len(lines) == 12
