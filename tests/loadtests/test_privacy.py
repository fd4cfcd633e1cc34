"""Who may not see whom, by the population and the record; and strangers who look."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loadtests import privacy as module
from loadtests.acknowledged import Acknowledged
from loadtests.findings import Finding, Findings
from loadtests.population import EPOCH_MILLISECONDS, Person, Population, generate
from loadtests.privacy import DOES_NOT_FOLLOW, Hidden, Privacy, hidden_accounts
from loadtests.public_api import Unreadable
from loadtests.target import Census

NAMES = ("ann", "bob", "cleo", "dana")
# Ann protects her posts. Bob follows her.
PEOPLE = Population(
    3,
    0,
    tuple(Person(number, name, name == "ann", 0) for number, name in enumerate(NAMES)),
    ((2,), (0,), (3,), (2,)),
    (),
)


def line(
    kind: str, author: str, subject: str = "", replicated: bool | None = True, load: str = "one"
) -> Acknowledged:
    return Acknowledged(subject, author, "", replicated, load, "2026-01-01T00:00:00.000000Z", kind)


def hidden_from(*lines: Acknowledged, author: str = "ann") -> list[str]:
    privacy = Privacy(PEOPLE, lines)
    return [name for name in NAMES if privacy.hides(author, name)]


def test_a_protected_account_is_hidden_from_those_who_do_not_follow() -> None:
    assert hidden_from() == ["cleo", "dana"]
    assert hidden_from(author="bob") == []
    assert hidden_from(author="nobody") == []
    assert Privacy(PEOPLE, []).hides("ann", "a stranger")
    assert [name for name in (*NAMES, "x") if Privacy(PEOPLE, []).is_protected(name)] == ["ann"]


@pytest.mark.parametrize("replicated", [True, False, None])
def test_whoever_asked_to_follow_may_follow_since(replicated: bool | None) -> None:
    assert hidden_from(line("follow", "cleo", "ann", replicated)) == ["dana"]


@pytest.mark.parametrize(
    ("lines", "hidden"),
    [
        ([line("unprotect", "ann", "ann")], []),
        ([line("unprotect", "ann", "ann", None)], []),
        ([line("unprotect", "ann", "ann"), line("protect", "ann", "ann")], ["cleo", "dana"]),
        ([line("unprotect", "ann", "ann"), line("protect", "ann", "ann", None)], []),
        ([line("protect", "ann", "ann", False)], []),
        ([line("protect", "bob", "bob")], ["cleo", "dana"]),
    ],
)
def test_the_last_change_of_protection_counts_where_it_is_certain(
    lines: list[Acknowledged], hidden: list[str]
) -> None:
    assert hidden_from(*lines) == hidden


def test_protection_that_begins_hides_the_account() -> None:
    assert hidden_from(line("protect", "bob", "bob"), author="bob") == ["ann", "cleo", "dana"]


def test_the_people_of_a_site_are_worked_out_again() -> None:
    census = Census(40, 7, EPOCH_MILLISECONDS + 100 * 86_400_000, "failwhale", ())
    population = generate(census.people, census.seed, census.as_of)
    protected = next(person.name for person in population.people if person.protected)
    privacy = Privacy.of(census, [line("follow", population.people[0].name, protected)])
    assert privacy.seed == 7
    assert list(privacy.names) == [person.name for person in population.people]
    follows = {population.people[0].name, protected} | {
        person.name
        for person, followed in zip(population.people, population.following, strict=True)
        if privacy.names[protected] in followed
    }
    assert {name for name in privacy.names if not privacy.hides(protected, name)} == follows


def test_a_later_reading_of_the_record_counts() -> None:
    privacy = Privacy(PEOPLE, []).with_lines([line("unprotect", "ann", "ann")])
    assert not privacy.hides("ann", "cleo")


def test_who_was_never_protected_and_who_followed_at_first_is_certain() -> None:
    privacy = Privacy(PEOPLE, [line("unprotect", "cleo", "cleo")])
    assert [name for name in (*NAMES, "x") if privacy.was_never_protected(name)] == ["bob", "dana"]
    assert privacy.follows_from_the_first("bob", "ann")
    assert not privacy.follows_from_the_first("ann", "bob")
    assert not privacy.follows_from_the_first("x", "ann")
    assert not privacy.follows_from_the_first("ann", "x")


# --- strangers ---


class Api:
    """Shows some paths, and says who follows whom."""

    def __init__(self, *shown: str, state: str = "none", fails: str = "") -> None:
        self.shown, self.state, self.fails = shown, state, fails
        self.asked: list[tuple[str, str]] = []

    async def find(self, path: str, reader: str) -> Any:
        self.asked.append((path, reader))
        if path == self.fails:
            raise Unreadable("503")
        if path.startswith("/users/"):
            return {"state": self.state}
        return {} if path in self.shown else None


def looked(api: Api) -> Hidden:
    hidden = Hidden("ann", "cleo", ["7", "8"])
    asyncio.run(hidden.look(api))
    return hidden


def judged(hidden: Hidden, *lines: Acknowledged, but: Any = ()) -> Findings:
    findings = Findings(None, "")
    hidden.judge(findings, Privacy(PEOPLE, lines), but)
    return findings


def test_a_stranger_who_sees_nothing_proves_it_hidden() -> None:
    api = Api()
    hidden = looked(api)
    assert api.asked == [("/timelines/users/ann", "cleo"), ("/posts/7", "cleo"), ("/posts/8", "cleo")]
    assert hidden.is_complete()
    assert judged(hidden) == Findings(None, "")


@pytest.mark.parametrize(("path", "post"), [("/timelines/users/ann", ""), ("/posts/8", "8")])
def test_what_a_stranger_sees_is_exposed(path: str, post: str) -> None:
    hidden = looked(Api(path))
    assert not hidden.is_complete()
    assert judged(hidden).exposed == [Finding(post, "ann", f"{path} as cleo", DOES_NOT_FOLLOW)]
    assert judged(hidden, but={"ann"}).exposed == []
    assert judged(hidden, line("unprotect", "ann", "ann")).exposed == [], "a load that goes on shows it"


def test_who_was_approved_by_hand_is_no_stranger() -> None:
    api = Api("/posts/7", state="following")
    hidden = looked(api)
    assert api.asked[-1] == ("/users/ann", "cleo")
    assert hidden.is_complete()
    assert judged(hidden) == Findings(None, "")
    assert len(judged(looked(Api("/posts/7", state="requested"))).exposed) == 1


def test_of_a_follower_nothing_is_hidden() -> None:
    assert (
        judged(Hidden("ann", "cleo", [], {"/posts/7": "7"}, ""), line("follow", "cleo", "ann")).exposed == []
    )
    assert len(judged(Hidden("ann", "cleo", [], {"/posts/7": "7"}, "")).exposed) == 1


@pytest.mark.parametrize("fails", ["/posts/8", "/users/ann"])
def test_what_cannot_be_looked_at_is_unknown(fails: str) -> None:
    hidden = looked(Api("/posts/7", fails=fails))
    assert not hidden.is_complete()
    findings = judged(hidden)
    assert findings.unknown == [Finding("", "ann", "hidden from cleo", "503")]
    assert judged(hidden, but={"ann"}).unknown == []
    assert [one.what for one in judged(Hidden("ann", "cleo", [])).unknown] == ["it was never looked at"]


def test_strangers_are_sent_to_protected_accounts_of_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        *(line("post", "ann", str(number)) for number in range(30)),
        line("post", "bob", "99"),
        line("post-sent", "cleo"),
        line("protect", "dana", "dana", load="two"),
    ]
    privacy = Privacy(PEOPLE, lines)
    (hidden,) = hidden_accounts(privacy, lines, "one")
    assert (hidden.author, hidden.posts) == ("ann", [str(number) for number in range(25, 30)])
    assert hidden.stranger in ("cleo", "dana")
    again = {hidden_accounts(privacy, lines, "one")[0].stranger for _ in range(20)}
    assert again == {hidden.stranger}, "the same each time"
    assert {one.author for one in hidden_accounts(privacy, lines, None)} == {"ann", "dana"}
    assert [one.posts for one in hidden_accounts(privacy, lines, "two")] == [[]]
    monkeypatch.setattr(module, "MOST_PROTECTED", 1)
    assert len(hidden_accounts(privacy, lines, None)) == 1
