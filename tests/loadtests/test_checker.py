"""The checker against a site that loses, doubles, alters or is silent: it must say so, and never guess."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from loadtests import checker
from loadtests.acknowledged import Acknowledged, Record, TornRecord, read
from loadtests.evidence import MAY_BE_TRIMMED
from loadtests.findings import Findings
from loadtests.public_api import PublicApi


def write_posts(site: Any, count: int = 4, load: str = "one") -> None:
    """As a poster of the load would: written, acknowledged, recorded."""
    record = Record(site.record, load)
    public = [person.name for person in site.population.people if not person.protected]
    for number in range(count):
        author = public[number % 3]
        text = f"post {number} of {load} #{time.monotonic_ns()}"
        post = site.write(author, text)
        record.add(post["id"], author, text, post["replicated"])
    record.close()


def check(site: Any, *, within: float = 0.2, **options: Any) -> Findings:
    return checker.check(site.target, site.record, within=within, settle=0, **options)


def test_posts_that_are_everywhere_once_are_a_kept_promise(fake_site: Any) -> None:
    write_posts(fake_site)
    findings = check(fake_site)
    assert findings.holds is True, findings
    assert findings.acknowledged == 4
    assert findings.timelines > 3
    assert findings.looked_for > findings.timelines


def test_posts_beyond_the_first_page_are_found(fake_site: Any) -> None:
    write_posts(fake_site, count=1)
    name = fake_site.population.people[0].name
    for number in range(150):
        fake_site.write(name, f"noise {number}")
    for person in fake_site.population.people[1:]:
        for number in range(4):
            fake_site.write(person.name, f"noise {person.name} {number}")
    assert check(fake_site).holds is True


def test_lost_posts_are_told(fake_site: Any) -> None:
    fake_site.lose = True
    write_posts(fake_site)
    findings = check(fake_site)
    assert findings.holds is False
    assert {finding.post for finding in findings.lost} == {post.id for post in read(fake_site.record)}
    assert {finding.where for finding in findings.lost} == {"the site"}


def test_a_loss_that_was_announced_breaks_no_promise_and_is_still_told(fake_site: Any) -> None:
    write_posts(fake_site, load="kept")
    fake_site.lose, fake_site.replicated = True, False
    write_posts(fake_site, load="lost")
    findings = check(fake_site)
    assert findings.holds is True
    assert len(findings.lost_as_announced) == 4
    assert "4 that were said not to be replicated" in findings.because


def test_when_every_post_is_lost_as_announced_nothing_is_known(fake_site: Any) -> None:
    fake_site.lose, fake_site.replicated = True, False
    write_posts(fake_site)
    findings = check(fake_site)
    assert findings.holds is None
    assert (findings.replicated, findings.lost, len(findings.lost_as_announced)) == (0, [], 4)
    assert "too few were said to be replicated: 0 of 4" in findings.because
    assert "4 that were said not to be replicated" in findings.because


@pytest.mark.parametrize(("replicated", "holds"), [(0, None), (1, None), (2, True), (20, True)])
def test_too_few_replicated_posts_prove_nothing_also_when_none_is_lost(
    fake_site: Any, replicated: int, holds: bool | None
) -> None:
    fake_site.replicated = False
    write_posts(fake_site, count=20 - replicated)
    fake_site.replicated = True
    write_posts(fake_site, count=replicated)
    findings = check(fake_site)
    assert findings.holds is holds, findings
    assert (findings.replicated, findings.acknowledged) == (replicated, 20)


def test_a_broken_promise_is_told_however_few_were_replicated(fake_site: Any) -> None:
    fake_site.replicated = False
    write_posts(fake_site, count=20)
    fake_site.lose = fake_site.replicated = True
    write_posts(fake_site, count=1)
    findings = check(fake_site)
    assert (findings.holds, findings.because) == (False, "1 lost")


def test_posts_without_their_fan_out_are_lost(fake_site: Any) -> None:
    fake_site.lose_fan_out = True
    write_posts(fake_site)
    findings = check(fake_site)
    assert findings.holds is False
    assert len(findings.lost) == findings.looked_for
    assert "/timelines/home" in findings.lost[-1].where


def test_a_fan_out_that_takes_its_time_is_waited_for(fake_site: Any) -> None:
    fake_site.fan_out_at = time.monotonic() + 1.5
    write_posts(fake_site)
    findings = check(fake_site, within=10)
    assert findings.holds is True, findings
    assert time.monotonic() >= fake_site.fan_out_at


@pytest.mark.parametrize("how", ["duplicate", "write_twice"])
def test_posts_that_are_there_twice_are_told(fake_site: Any, how: str) -> None:
    setattr(fake_site, how, True)
    write_posts(fake_site)
    findings = check(fake_site)
    assert findings.holds is False
    assert len(findings.duplicated) == findings.looked_for
    assert findings.lost == []


def test_below_where_a_timeline_may_have_been_trimmed_nothing_is_called_lost(fake_site: Any) -> None:
    fake_site.lose_fan_out = True
    write_posts(fake_site, count=1)
    fake_site.lose_fan_out = False
    (post,) = read(fake_site.record)
    for number in range(MAY_BE_TRIMMED + 1):
        fake_site.write(post.author, f"noise {number}")
    findings = check(fake_site)
    assert findings.holds is None
    assert len(findings.unknown) == findings.looked_for
    assert "trimmed" in findings.because


def test_a_post_with_another_text_is_told(fake_site: Any) -> None:
    fake_site.alter = True
    write_posts(fake_site)
    findings = check(fake_site)
    assert findings.holds is False
    assert len(findings.altered) == 4


def test_only_the_load_that_is_asked_for_is_judged(fake_site: Any) -> None:
    write_posts(fake_site, load="good")
    fake_site.lose = True
    write_posts(fake_site, load="bad")
    assert check(fake_site, load="good").holds is True
    assert check(fake_site, load="bad").holds is False
    assert check(fake_site).acknowledged == 8


def test_nothing_acknowledged_is_unknown(fake_site: Any) -> None:
    assert check(fake_site).holds is None
    write_posts(fake_site, load="one")
    assert check(fake_site, load="another").holds is None


def test_a_torn_record_is_unknown(fake_site: Any) -> None:
    write_posts(fake_site)
    with fake_site.record.open("a") as file:
        file.write('{"id": "1", "aut')
    findings = check(fake_site)
    assert findings.holds is None
    assert "not whole" in findings.because


def test_a_site_that_does_not_answer_is_unknown(fake_site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write_posts(fake_site)
    fake_site.refusal = (503, "1")
    impatient = lambda target: PublicApi(target, patience=0.3)  # noqa: E731
    monkeypatch.setattr(checker, "PublicApi", impatient)
    findings = check(fake_site)
    assert findings.holds is None
    assert len(findings.unknown) == 4 + findings.looked_for
    assert "503" in findings.because


def test_a_checker_that_crashes_is_unknown(fake_site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write_posts(fake_site)

    async def crash(*_: Any) -> None:
        raise RuntimeError("out of cheese")

    monkeypatch.setattr(PublicApi, "text_of", crash)
    findings = check(fake_site)
    assert findings.holds is None
    assert "out of cheese" in findings.because


def test_its_own_command_says_it_in_words_json_and_exit_codes(fake_site: Any) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "loadtests.checker", *arguments],
            env={**os.environ, "FAILWHALE_STATE": str(fake_site.state.path)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    nothing = run()
    assert (nothing.returncode, nothing.stdout.split(":")[0]) == (4, "unknown")
    fake_site.record.parent.mkdir(parents=True)
    line = Acknowledged("1", fake_site.population.people[0].name, "gone", True, "old", "2026-01-01T00:00:00Z")
    fake_site.record.write_text(json.dumps(asdict(line)) + "\n")
    done = run("--json", "--within", "100ms")
    findings = json.loads(done.stdout)
    assert (done.returncode, findings["holds"], findings["lost"][0]["post"]) == (1, False, "1")


def test_the_record_keeps_the_lines_of_two_loads_apart(tmp_path: Path) -> None:
    one, two = Record(tmp_path / "deep" / "record", "one"), Record(tmp_path / "deep" / "record", "two")
    one.add("1", "ann", 'with "quotes"\nand lines', True)
    two.add("2", "bob", "text", False)
    assert [(post.id, post.load) for post in read(tmp_path / "deep" / "record")] == [
        ("1", "one"),
        ("2", "two"),
    ]
    (post,) = read(tmp_path / "deep" / "record", "two")
    assert (post.author, post.replicated) == ("bob", False)
    (tmp_path / "torn").write_text("{}\n")
    with pytest.raises(TornRecord, match="line 1"):
        list(read(tmp_path / "torn"))
