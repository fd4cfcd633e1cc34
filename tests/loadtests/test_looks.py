"""What sessions missed: stale where a replica had it before they looked, else as it was announced."""

from __future__ import annotations

import pytest

from loadtests.acknowledged import Acknowledged
from loadtests.findings import Finding, Findings
from loadtests.looks import judge_looks

FIRST, SECOND, THIRD = (f"2026-01-01T00:00:0{second}.000000Z" for second in (1, 2, 3))


def line(
    kind: str,
    subject: str = "7",
    author: str = "ann",
    *,
    replicated: bool | None = True,
    at: str = FIRST,
    text: str = "",
    load: str = "one",
) -> Acknowledged:
    return Acknowledged(subject, author, text, replicated, load, at, kind)


def look(kind: str = "unseen", text: str = "/timelines/home", **of: str) -> Acknowledged:
    return line(kind, replicated=None, text=text, **{"at": SECOND, **of})


def judged(*lines: Acknowledged, load: str | None = None) -> Findings:
    findings = Findings(None, "")
    judge_looks(lines, load, findings)
    return findings


def test_what_a_session_wrote_and_did_not_see_is_stale() -> None:
    findings = judged(line("post"), look())
    what = "a session did not see what it had written"
    assert findings.stale == [Finding("7", "ann", "/timelines/home as ann", what)]


def test_what_a_session_saw_and_did_not_see_again_is_stale() -> None:
    findings = judged(line("post"), look("gone", "/timelines/users/ann", author="bob"))
    what = "a session saw it, and then did not"
    assert findings.stale == [Finding("7", "ann", "/timelines/users/ann as bob", what)]


@pytest.mark.parametrize("kind", ["like", "retweet", "follow"])
def test_a_change_that_does_not_show_is_stale(kind: str) -> None:
    findings = judged(line(kind), look(text=kind))
    assert [(one.post, one.where) for one in findings.stale] == [("7", f"{kind} as ann")]
    assert judged(line(kind, author="bob"), look(text=kind)).stale == [], "it is somebody else's"


def test_what_was_said_not_to_be_replicated_is_as_announced() -> None:
    for about in (line("post", replicated=False), line("like", replicated=False)):
        findings = judged(about, look(text="like" if about.kind == "like" else "/timelines/home"))
        assert findings.stale == []
        assert [one.post for one in findings.stale_as_announced] == ["7"]


def test_of_several_acknowledgements_one_that_was_replicated_is_enough() -> None:
    assert len(judged(line("like"), line("like", replicated=False), look(text="like")).stale) == 1


@pytest.mark.parametrize(
    "lines",
    [
        [look()],
        [line("post", at=THIRD), look()],
        [line("post", "8"), look()],
        [line("retweet", replicated=None), look(text="retweet")],
        [line("retweet"), line("undo-retweet", replicated=None, at=THIRD), look(text="retweet")],
        [line("undo-retweet"), line("retweet"), look(text="retweet")],
        [line("post-sent"), line("post-refused"), look()],
    ],
)
def test_what_was_not_promised_then_is_not_judged(lines: list[Acknowledged]) -> None:
    findings = judged(*lines)
    assert (findings.stale, findings.stale_as_announced) == ([], [])


def test_what_was_acknowledged_in_the_moment_of_the_look_was_promised() -> None:
    assert len(judged(line("post", at=SECOND), look()).stale) == 1


def test_each_is_told_once_and_for_the_load_that_is_asked_for() -> None:
    lines = [line("post"), look(), look(at=THIRD), look(author="bob", load="two")]
    assert [one.where for one in judged(*lines).stale] == ["/timelines/home as ann", "/timelines/home as bob"]
    assert [one.where for one in judged(*lines, load="two").stale] == ["/timelines/home as bob"]
