"""Likes, retweets, follows, protections and ended sessions: recorded as acknowledged, and looked for."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from loadtests import checker
from loadtests.acknowledged import CHANGES, Acknowledged, Record, read, read_all
from loadtests.changes import Changed, promised_changes
from loadtests.crowd import Crowd
from loadtests.findings import Findings
from loadtests.outcome import Outcome
from loadtests.public_api import PublicApi
from loadtests.visitor import LOOKING_AFTER, Visitor

KINDS = sorted(CHANGES)


def check(site: Any, **options: Any) -> Findings:
    return checker.check(site.target, site.record, within=0.2, settle=0, **options)


@pytest.fixture
def record(fake_site: Any) -> Any:
    """Adds lines to the record of one load."""
    record = Record(fake_site.record, "one")
    yield record
    record.close()


def make(
    site: Any, record: Record, kind: str, replicated: bool | None = True, *, forget: bool = False
) -> None:
    """A change as a load makes it: done, acknowledged, recorded. One that is forgotten was never done."""
    ann, bob = site.population.people[0].name, site.population.people[1].name
    post = str(next(iter(site.posts)))
    state, on = CHANGES[kind]
    subject = {"like": post, "retweet": post, "follow": bob, "protect": ann, "revoke": "a session"}[state]
    token = f"{ann}.old" if kind == "revoke" else ""
    site.forgetful = forget
    if kind == "revoke":
        site.log_out(token)
    else:
        site.change(state, ann, subject, on)
    record.add(subject, ann, token, replicated, kind=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_that_is_so_is_a_kept_promise(fake_site: Any, record: Record, kind: str) -> None:
    make(fake_site, record, kind)
    findings = check(fake_site)
    assert findings.holds is True, findings
    assert (findings.acknowledged, findings.changes, findings.replicated) == (0, 1, 1)
    assert findings.because.endswith(", and 1 changes")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if CHANGES[kind][1]])
def test_a_change_that_is_not_so_any_more_is_lost(fake_site: Any, record: Record, kind: str) -> None:
    make(fake_site, record, kind, forget=True)
    findings = check(fake_site)
    assert (findings.holds, findings.because) == (False, "1 lost")
    (finding,) = findings.lost
    assert (finding.where, finding.author) == (kind, fake_site.population.people[0].name)
    assert "acknowledged at 2" in finding.what


@pytest.mark.parametrize(("on", "off"), [("retweet", "undo-retweet"), ("protect", "unprotect")])
def test_what_was_taken_back_and_is_there_again_is_told(
    fake_site: Any, record: Record, on: str, off: str
) -> None:
    make(fake_site, record, on)
    make(fake_site, record, off, forget=True)
    findings = check(fake_site)
    assert (findings.holds, findings.because) == (False, "1 returned")
    assert [finding.where for finding in findings.returned] == [off]
    assert findings.changes == 1, "the first was made undone"


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_that_was_announced_breaks_no_promise(fake_site: Any, record: Record, kind: str) -> None:
    if not CHANGES[kind][1]:
        state, _ = CHANGES[kind]
        make(fake_site, record, state)
    make(fake_site, record, kind, replicated=False, forget=True)
    for number in range(3):
        record.add(str(number), "somebody", "", True, kind="like")
        fake_site.forgetful = False
        fake_site.change("like", "somebody", str(number), True)
    findings = check(fake_site)
    assert len(findings.lost_as_announced) == 1
    assert (findings.lost, findings.returned) == ([], [])
    assert findings.changes == 4
    assert findings.replicated == 3


@pytest.mark.parametrize("kind", KINDS)
def test_only_announced_changes_prove_nothing(fake_site: Any, record: Record, kind: str) -> None:
    make(fake_site, record, kind, replicated=False)
    findings = check(fake_site)
    assert findings.holds is None
    assert findings.because == "too few were said to be replicated: 0 of 1"


@pytest.mark.parametrize("kind", KINDS)
def test_where_nobody_knows_the_last_change_nothing_is_promised(
    fake_site: Any, record: Record, kind: str
) -> None:
    make(fake_site, record, kind, forget=True)
    make(fake_site, record, kind, replicated=None)
    findings = check(fake_site)
    assert (findings.holds, findings.changes) == (None, 0)
    assert "nothing was acknowledged" in findings.because


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_read_is_unknown(
    fake_site: Any, record: Record, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(fake_site, record, kind)
    fake_site.refusal = (503, "1")
    monkeypatch.setattr(checker, "PublicApi", lambda target: PublicApi(target, patience=0.3))
    findings = check(fake_site)
    assert findings.holds is None
    assert [finding.where for finding in findings.unknown] == [kind]
    assert "503" in findings.because


@pytest.mark.parametrize("kind", ["like", "retweet", "undo-retweet"])
def test_a_change_of_a_post_that_is_gone_is_unknown_unless_the_post_is_judged(
    fake_site: Any, record: Record, kind: str
) -> None:
    ann = fake_site.population.people[0].name
    record.add("7", ann, "", True, kind=kind)
    findings = check(fake_site)
    assert findings.holds is None
    assert "not there any more" in findings.because

    record.add("7", ann, "the text", True)
    findings = check(fake_site)
    assert (findings.holds, findings.because) == (False, "1 lost")
    assert findings.unknown == []


def test_somebody_who_is_gone_is_unknown(fake_site: Any, record: Record, monkeypatch: Any) -> None:
    make(fake_site, record, "follow")

    async def nobody(*_: Any) -> None:
        return None

    monkeypatch.setattr(PublicApi, "find", nobody)
    assert check(fake_site).holds is None


@pytest.mark.parametrize("edge", ["east", "west"])
def test_a_session_that_one_edge_still_takes_is_not_ended(fake_site: Any, record: Record, edge: str) -> None:
    make(fake_site, record, "revoke")
    fake_site.ended[edge].clear()
    findings = check(fake_site)
    assert findings.holds is False
    assert [finding.where for finding in findings.lost] == ["revoke"]


def test_an_ended_session_that_gets_another_answer_is_unknown(
    fake_site: Any, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(fake_site, record, "revoke")
    fake_site.refusal = (404, "1")
    findings = check(fake_site)
    assert findings.holds is None
    assert "a session that was ended: 404" in findings.because


def test_a_change_that_shows_late_is_waited_for(fake_site: Any, record: Record) -> None:
    make(fake_site, record, "revoke")
    asked = fake_site.ended["west"]
    asked.clear()
    answer = fake_site.answer

    def learn(method: str, path: str, *more: Any) -> Any:
        answered = answer(method, path, *more)
        if path == "/notifications/unread" and more[-1] == "west":
            asked.add(more[1])
        return answered

    fake_site.answer = learn
    assert checker.check(fake_site.target, fake_site.record, within=10, settle=0).holds is True


def line(
    kind: str, subject: str, who: str, replicated: bool | None = True, load: str = "one"
) -> Acknowledged:
    return Acknowledged(subject, who, "", replicated, load, "2026-01-01T00:00:00.000000Z", kind)


def test_the_last_change_of_each_thing_is_what_counts() -> None:
    lines = [
        line("retweet", "1", "ann"),
        line("like", "1", "ann"),
        line("retweet", "1", "bob"),
        line("retweet", "2", "ann"),
        line("undo-retweet", "1", "ann", False),
        Acknowledged("1", "ann", "a post", True, "one"),
        line("unseen", "1", "ann", None),
        line("retweet", "2", "ann", None),
        line("undo-retweet", "1", "bob", None),
        line("retweet", "1", "bob", True, load="two"),
    ]
    last = [(one.promise.kind, one.promise.id, one.promise.author) for one in promised_changes(lines, None)]
    assert last == [("undo-retweet", "1", "ann"), ("like", "1", "ann"), ("retweet", "1", "bob")]
    assert [one.promise.author for one in promised_changes(lines, "two")] == ["bob"]
    assert [one.promise.kind for one in promised_changes(lines, "one")] == ["undo-retweet", "like"]


def test_what_was_never_looked_at_is_neither_complete_nor_judged() -> None:
    never, findings = Changed(line("like", "1", "ann")), Findings(None, "")
    assert not never.is_complete()
    never.judge(findings, but=())
    assert [finding.what for finding in findings.unknown] == ["it was never looked at"]
    never.found = True
    assert not never.is_complete(), "it has still not been looked at"


def test_posts_and_changes_are_told_apart_and_a_kind_that_nobody_knows_is_no_record(tmp_path: Path) -> None:
    record = Record(tmp_path / "record", "one")
    record.add("1", "ann", "text", True)
    record.add("1", "bob", "", None, kind="like")
    record.close()
    posts, every = list(read(tmp_path / "record")), list(read_all(tmp_path / "record"))
    assert [(post.author, post.kind) for post in posts] == [("ann", "post")]
    assert [(line.author, line.kind, line.replicated) for line in every] == [
        ("ann", "post", True),
        ("bob", "like", None),
    ]
    with (tmp_path / "record").open("a") as file:
        file.write('{"id": "1", "author": "a", "text": "", "replicated": true, "kind": "wish"}\n')
    with pytest.raises(Exception, match="line 3"):
        list(read_all(tmp_path / "record"))


# --- how a load records them ---


class Scripted:
    """A browser whose answers are given, and that remembers what it was asked."""

    def __init__(self) -> None:
        self.answer = Outcome(200, {"token": "t0k3n"}, "")
        self.asked: list[tuple[str, str]] = []

    def ask(self, method: str, path: str, **_: Any) -> Outcome:
        self.asked.append((method, path.removeprefix("/api/v1")))
        return self.answer


@pytest.fixture
def browser() -> Scripted:
    return Scripted()


@pytest.fixture
def visitor(fake_site: Any, record: Record, browser: Scripted) -> Visitor:
    """Somebody who protects their posts, is logged in, and has seen a post."""
    crowd = Crowd(fake_site.target.census)
    name = crowd.hermit()
    assert name in crowd.protected
    visitor = Visitor(name, "east", browser, crowd, record=record, chance=random.Random(1))
    visitor.log_in()
    browser.asked.clear()
    visitor._seen.append("17")
    return visitor


def recorded(site: Any) -> list[tuple[str, str, bool | None]]:
    return [(line.kind, line.id, line.replicated) for line in read_all(site.record)]


@pytest.mark.parametrize("replicated", [True, False])
def test_visitors_record_what_was_acknowledged(
    fake_site: Any, visitor: Visitor, browser: Scripted, replicated: bool
) -> None:
    browser.answer = Outcome(200, {}, "", replicated=replicated)
    visitor.like()
    visitor.retweet()
    visitor.undo_retweet()
    visitor.protect()
    assert recorded(fake_site) == [
        ("like", "17", replicated),
        ("retweet", "17", replicated),
        ("undo-retweet", "17", replicated),
        ("unprotect", visitor.name, replicated),
        ("protect", visitor.name, replicated),
    ]
    assert browser.asked == [
        ("PUT", "/posts/17/like"),
        ("PUT", "/posts/17/retweet"),
        ("DELETE", "/posts/17/retweet"),
        ("DELETE", "/me/protection"),
        ("PUT", "/me/protection"),
    ]
    visitor.follow()
    assert recorded(fake_site)[-1][0] == "follow"
    assert browser.asked[-1] == ("PUT", f"/users/{recorded(fake_site)[-1][1]}/follow")


def test_whoever_logs_out_records_the_token_and_uses_it_no_more(
    fake_site: Any, visitor: Visitor, browser: Scripted
) -> None:
    browser.answer = Outcome(204, None, "", replicated=True)
    visitor.log_out()
    (line,) = read_all(fake_site.record)
    assert (line.kind, line.author, line.text) == ("revoke", visitor.name, "t0k3n")
    assert line.id != "t0k3n"
    assert visitor._token == ""


@pytest.mark.parametrize("status", [0, 200, 500, 503])
def test_what_is_not_known_to_be_refused_is_recorded_as_unknown(
    fake_site: Any, visitor: Visitor, browser: Scripted, status: int
) -> None:
    browser.answer = Outcome(status, None, "broken", replicated=True)
    visitor.like()
    assert recorded(fake_site) == [("like", "17", None)]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 499])
def test_what_was_refused_is_not_recorded(
    fake_site: Any, visitor: Visitor, browser: Scripted, status: int
) -> None:
    browser.answer = Outcome(status, None, f"status-{status}")
    visitor.like()
    assert recorded(fake_site) == []


def test_only_those_who_are_taken_for_protected_show_themselves(
    fake_site: Any, visitor: Visitor, browser: Scripted
) -> None:
    visitor.name = next(one.name for one in fake_site.population.people if not one.protected)
    browser.answer = Outcome(200, {"items": []}, "", replicated=True)
    visitor.protect()
    assert recorded(fake_site) == []
    assert [method for method, _ in browser.asked] == ["GET"]


def test_who_looks_after_an_account_does_all_that_nobody_else_does() -> None:
    assert {Visitor.follow, Visitor.protect, Visitor.log_out} <= set(LOOKING_AFTER)
