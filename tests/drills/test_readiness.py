"""Readiness: what a question comes to, how it is told, and with which exit code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import drills.readiness
from drills.finding import Defect, Finding, Question
from drills.questions import QUESTIONS
from drills.questions.headroom import HEADROOM
from drills.questions.parts import PARTS
from drills.questions.votes import VOTES
from drills.readiness import readiness
from drills.telling import lines_after
from failwhale.verbs import app
from foundation.console import run
from foundation.failure import FAILED, INCONCLUSIVE, OK, Failure
from testbed.certificates import Flaw, Presented
from testbed.control import Unreachable
from testbed.inventory import Inventory, Part
from testbed.site import Site

NOBODY = cast(Site, None)


def question(*told: Defect | Exception, name: str = "votes") -> Question:
    def ask(site: Site) -> Iterator[Defect]:
        for one in told:
            if isinstance(one, Exception):
                raise one
            yield one

    return Question(name, "all is well", ask)


WRONG = Defect("a replica is barred", "failwhale ops unbar store@west")
SILENT = Failure("nobody answers", "failwhale status")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((), Finding("votes", True, "all is well")),
        ((WRONG,), Finding("votes", False, WRONG.because, (WRONG.next_step,))),
        ((WRONG, WRONG), Finding("votes", False, f"{WRONG.because}; {WRONG.because}", (WRONG.next_step,))),
        ((SILENT,), Finding("votes", None, "nobody answers", ("failwhale status",))),
        ((Unreachable("no route"),), Finding("votes", None, "no route", ("failwhale status",))),
        ((Failure("it is not told"),), Finding("votes", None, "it is not told", ())),
    ],
)
def test_a_question_is_answered_with_yes_no_or_nothing(
    told: tuple[Defect | Exception, ...], expected: Finding
) -> None:
    assert readiness(NOBODY, [question(*told)]) == [expected]


def test_what_is_known_to_be_wrong_counts_though_the_rest_cannot_be_said() -> None:
    (finding,) = readiness(NOBODY, [question(WRONG, SILENT)])
    assert finding.verdict is False
    assert finding.because == "a replica is barred; nobody answers"
    assert finding.next_steps == (WRONG.next_step, SILENT.next_step)


def test_findings_come_in_the_order_of_the_questions() -> None:
    asked = [question(name=str(number)) for number in range(20)]
    assert [finding.question for finding in readiness(NOBODY, asked)] == [str(n) for n in range(20)]
    assert len({one.name for one in QUESTIONS}) == len(QUESTIONS)


def test_the_last_words_say_what_is_wrong_and_what_to_do() -> None:
    good, wrong, unknown = readiness(
        NOBODY, [question(name="a"), question(WRONG, name="b"), question(SILENT, name="c")]
    )
    assert list(lines_after([good])) == ["Nothing is seen that keeps the next loss from being survived."]
    assert list(lines_after([good, wrong, unknown])) == [
        "The next loss may not be survived: b.",
        "What to do:",
        "  failwhale ops unbar store@west",
        "  failwhale status",
    ]
    assert next(iter(lines_after([good, unknown]))).startswith("It cannot be said whether")


# --- questions that need no site ---


def part(name: str, kind: str) -> Part:
    service, _, place = name.partition("@")
    return Part(name, service, place, name.replace("@", "-"), None, {}, kind=cast(Any, kind))


SENTINELS = ("sentinel@east", "sentinel@west", "sentinel@witness")


class Votes:
    """Sentinels that answer, and stores; as much of a site as the votes need."""

    def __init__(self, quorum: dict[str, bool], sentinels: tuple[str, ...] = SENTINELS) -> None:
        self.stores = [part("store@east", "store"), part("store@west", "store")]
        self.inventory = Inventory((*self.stores, *(part(name, "sentinel") for name in sentinels)), {})
        self.without_quorum = lambda: quorum


@pytest.mark.parametrize(
    ("votes", "because"),
    [
        (Votes(dict.fromkeys(SENTINELS, False)), []),
        (
            Votes({"sentinel@east": False, "sentinel@west": False}),
            [
                "sentinel@witness does not answer",
                "without east 1 of 3 votes are left, and it takes 2",
                "without west 1 of 3 votes are left, and it takes 2",
            ],
        ),
        (
            Votes(dict.fromkeys(("a@east", "b@east", "c@west"), False), ("a@east", "b@east", "c@west")),
            ["without east 1 of 3 votes are left, and it takes 2"],
        ),
        (
            Votes({**dict.fromkeys(SENTINELS, False), "sentinel@west": True}),
            ["sentinel@west reaches too few others"],
        ),
    ],
    ids=["all", "one down", "most in one data centre", "without a quorum"],
)
def test_votes_are_counted_without_either_data_centre(votes: Votes, because: list[str]) -> None:
    assert [defect.because for defect in VOTES.ask(cast(Site, votes))] == because


def test_a_part_whose_certificate_is_refused_is_not_told_twice() -> None:
    class Parts:
        inventory = Inventory((part("post@east", "service"), part("post@west", "service")), {})

        @staticmethod
        def ready(one: Part) -> bool:
            return False

        @staticmethod
        def presented_certificate(one: Part) -> Presented | None:
            return Presented(cast(Any, None), Flaw.EXPIRED if one.place == "east" else None)

    (defect,) = PARTS.ask(cast(Site, Parts()))
    assert defect == Defect("post@west is not ready", "failwhale ops restart post@west")


POSTS = ("post@east", "post@west")


@pytest.mark.parametrize(
    ("used", "verdict", "because"),
    [
        ({"post@east": 0.3, "post@west": 0.4}, True, "all is well"),
        (
            {"post@east": 0.4, "post@west": 0.5},
            False,
            "one post would need 90% of a processor for what two do now",
        ),
        (
            {"post@east": 0.4},
            None,
            "Prometheus does not say (yet) how busy they are: post@west",
        ),
        ({}, None, "Prometheus does not say (yet) how busy they are: post@east, post@west"),
    ],
    ids=["room", "no room", "one is unseen", "nothing is seen"],
)
def test_there_is_room_only_where_all_replicas_are_seen(
    monkeypatch: pytest.MonkeyPatch, used: dict[str, float], verdict: bool | None, because: str
) -> None:
    monkeypatch.setattr("drills.questions.headroom.SEEN_WITHIN", 0.05)
    finding = room_by(monkeypatch, used)
    assert (finding.verdict, finding.because) == (verdict, because)


def test_for_a_site_that_has_just_come_up_prometheus_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drills.questions.headroom.SEEN_WITHIN", 60.0)
    finding = room_by(monkeypatch, {}, {"post@east": 0.2}, {"post@east": 0.2, "post@west": 0.3})
    assert (finding.verdict, finding.because) == (True, "all is well")


def room_by(monkeypatch: pytest.MonkeyPatch, *looks: dict[str, float]) -> Finding:
    """What is found where Prometheus says one thing after the other, and the last of them for good."""
    left = list(looks)

    class Sees:
        def now(self, query: str) -> list[tuple[dict[str, str], float]]:
            used = left.pop(0) if len(left) > 1 else left[0]
            return [({"part": name}, share) for name, share in used.items()] + [({"part": "prober"}, 0.9)]

    class Parts:
        state = None
        inventory = Inventory((*(part(name, "service") for name in POSTS), part("prober", "instrument")), {})

    monkeypatch.setattr("drills.questions.headroom.Prometheus", SimpleNamespace(of=lambda state: Sees()))
    monkeypatch.setattr("drills.questions.headroom.LOOK_EVERY", 0.001)
    (finding,) = readiness(cast(Site, Parts()), [Question("room", "all is well", HEADROOM.ask)])
    return finding


# --- the command ---


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    def type_it(findings: list[Finding], *words: str) -> tuple[int, str]:
        monkeypatch.setattr(drills.readiness, "readiness", lambda site: findings)
        monkeypatch.setattr("testbed.sitefile.refuse_down", lambda state: None)
        monkeypatch.setattr("testbed.site.Site", lambda state: NOBODY)
        code = run(app, "failwhale", ["drill", "readiness", "--state", str(tmp_path), *words])
        return code, capsys.readouterr().out

    return type_it


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [([True, True], OK), ([True, None], INCONCLUSIVE), ([None, False], FAILED)],
)
def test_the_exit_code_is_that_of_the_worst(
    command: Callable[..., tuple[int, str]], verdicts: list[bool | None], code: int
) -> None:
    findings = [Finding(str(number), verdict, "so") for number, verdict in enumerate(verdicts)]
    assert command(findings)[0] == code
    again, printed = command(findings, "--json")
    assert again == code
    assert [row["verdict"] for row in json.loads(printed)] == verdicts
    assert json.loads(printed)[0] == {
        "question": "0",
        "verdict": verdicts[0],
        "because": "so",
        "next_steps": [],
    }
