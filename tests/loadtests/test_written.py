"""What is there and was never written, was refused, or was written twice though nobody answered."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.acknowledged import Acknowledged
from loadtests.evidence import Timeline
from loadtests.findings import Finding, Findings
from loadtests.marks import mark
from loadtests.written import Written

HELLO, BYE = f"hello {mark('one', 'aa')}", f"bye {mark('one', 'bb')}"


def line(kind: str, text: str = HELLO, author: str = "ann", load: str = "one") -> Acknowledged:
    return Acknowledged("7" if kind == "post" else "", author, text, None, load, "", kind)


def shown(*posts: tuple[int, str, str], reader: str = "ann") -> Timeline:
    timeline = Timeline(reader, "/timelines/home", [])
    timeline.items = [
        {"id": str(post), "author": {"name": author}, "text": text} for post, author, text in posts
    ]
    return timeline


def judged(lines: list[Acknowledged], *timelines: Timeline, load: str | None = None) -> Findings:
    findings = Findings(None, "")
    Written(lines, load).judge(timelines, findings)
    return findings


def phantoms(*arguments: Any, **options: Any) -> list[tuple[str, str]]:
    return [(one.post, one.what) for one in judged(*arguments, **options).phantom]


@pytest.mark.parametrize("fate", [[], [line("post")]])
def test_what_was_sent_may_be_there_whatever_became_of_it(fate: list[Acknowledged]) -> None:
    assert judged([line("post-sent"), *fate], shown((7, "ann", HELLO))) == Findings(None, "")


def test_what_was_refused_must_not_be_there() -> None:
    lines = [line("post-sent"), line("post-refused"), line("post-sent", BYE)]
    findings = judged(lines, shown((8, "ann", BYE), (7, "ann", HELLO)))
    assert findings.phantom == [Finding("7", "ann", "/timelines/home of ann", "it was refused")]


def test_what_nobody_sent_must_not_be_there() -> None:
    assert phantoms([line("post-sent")], shown((7, "ann", BYE))) == [("7", "nobody wrote it")]
    assert phantoms([line("post-sent")], shown((7, "bob", HELLO))) == [("7", "nobody wrote it")]


@pytest.mark.parametrize("text", ["by hand", f"no record {mark(None, 'aa')}", f"old {mark('two', 'aa')}"])
def test_what_others_wrote_says_nothing(text: str) -> None:
    assert judged([line("post-sent")], shown((7, "ann", text))) == Findings(None, "")


def test_a_load_that_did_not_take_down_what_it_sent_is_not_judged() -> None:
    assert phantoms([line("post", BYE)], shown((7, "ann", HELLO))) == []


def test_only_the_load_that_is_asked_for_is_judged() -> None:
    other = f"hello {mark('two', 'aa')}"
    lines = [line("post-sent"), line("post-sent", f"x {mark('two', 'cc')}", load="two")]
    timeline = shown((8, "ann", other), (7, "ann", BYE))
    assert [post for post, _ in phantoms(lines, timeline)] == ["8", "7"]
    assert [post for post, _ in phantoms(lines, timeline, load="one")] == ["7"]
    assert [post for post, _ in phantoms(lines, timeline, load="two")] == ["8"]


def test_what_nobody_answered_is_there_once_at_most() -> None:
    lines = [line("post-sent")]
    twice = shown((8, "ann", HELLO), (7, "ann", HELLO))
    findings = judged(lines, twice, shown((8, "ann", HELLO), reader="bob"))
    assert findings.duplicated == [Finding("7", "ann", "/timelines/home of ann", "written twice")]
    assert judged([*lines, line("post")], twice).duplicated == [], "that is counted elsewhere"


def test_the_timelines_of_those_are_read_of_whom_nothing_was_acknowledged() -> None:
    lines = [
        line("post-sent"),
        line("post"),
        line("post-sent", BYE, "bob"),
        line("post-refused", HELLO, "cleo"),
    ]
    timelines = Written([*lines, line("like", author="dana")], None).timelines()
    assert [(one.reader, one.path, one.expected) for one in timelines] == [
        ("bob", "/timelines/users/bob", []),
        ("cleo", "/timelines/users/cleo", []),
    ]
    many = [line("post-sent", author=f"somebody{number}") for number in range(120)]
    assert [one.reader for one in Written(many, None).timelines()] == [
        f"somebody{number}" for number in range(20, 120)
    ]
