"""What a roll-out does to a site that is in memory: its order, its end, and what is kept and told of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from foundation.failure import Failure
from foundation.ledger import Ledger
from foundation.records import fits
from foundation.state import State
from testbed import roll_out
from testbed.inventory import Part
from testbed.releases import Releases
from testbed.roll_out import backward, carry_out, forward, release_named, share_of
from testbed.site import Site


def part(service: str, place: str, kind: str = "service") -> Part:
    return Part(f"{service}@{place}", service, place, f"{service}-{place}", "8000", {}, kind)  # type: ignore[arg-type]


POST = [part("post", "east"), part("post", "west")]
ALL = [*POST, part("notify", "east"), part("notify", "west")]


@dataclass
class MemorySite:
    """Parts run what they were told when they were started last; what is `broken` never comes up with it."""

    state: State
    broken: set[str] = field(default_factory=set)
    down: set[str] = field(default_factory=set)
    restarted: list[str] = field(default_factory=list)
    running: dict[str, str] = field(default_factory=dict)
    ready_before: list[tuple[str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.releases = Releases(self.state)
        self.runtime = self

    def restart(self, name: str) -> None:
        if self.restarted:
            last = self.restarted[-1]
            self.ready_before.append((name, self.running[last] == self.releases.told_last(last)))
        self.restarted.append(name)
        self.running[name] = self.releases.told_last(name)

    def is_running(self, name: str) -> bool:
        return name not in self.down

    def release(self, part: Part) -> str | None:
        return self.running[part.name]

    def ready(self, part: Part) -> bool:
        return self.running[part.name] not in self.broken


@pytest.fixture
def memory(tmp_path: Path) -> MemorySite:
    return MemorySite(State(tmp_path))


def site(memory: MemorySite) -> Site:
    return cast(Site, memory)


def records(memory: MemorySite) -> list[dict[str, Any]]:
    found = list(Ledger(memory.state.ledger).read())
    assert all(map(fits, found))
    return found


def test_each_replica_is_ready_before_the_next_one_is_touched(memory: MemorySite) -> None:
    said: list[str] = []
    moves = forward(site(memory), "1.2-posts-fail", ALL)
    rolled = carry_out(site(memory), memory.state, "roll-out", moves, say=said.append)
    assert (rolled.outcome, [row["part"] for row in rolled.done]) == ("done", memory.restarted)
    assert memory.restarted == [one.name for one in ALL]
    assert memory.ready_before == [(one.name, True) for one in ALL[1:]]
    assert said[0].startswith("post@east 1.0 -> 1.2-posts-fail: ready after")
    first, *changed, last = records(memory)
    assert (first["kind"], first["what"], last["kind"], last["outcome"]) == (
        "release.started",
        "roll-out",
        "release.finished",
        "done",
    )
    assert [(row["part"], row["release"], row["former"], row["hurts"]) for row in changed] == [
        ("post@east", "1.2-posts-fail", "1.0", ["post"]),
        ("post@west", "1.2-posts-fail", "1.0", ["post"]),
        ("notify@east", "1.2-posts-fail", "1.0", []),
        ("notify@west", "1.2-posts-fail", "1.0", []),
    ]


def test_back_is_what_ran_before(memory: MemorySite) -> None:
    for version in ("1.1", "1.2-slow"):
        carry_out(site(memory), memory.state, "roll-out", forward(site(memory), version, POST))
    for expected in ("1.1", "1.0"):
        carry_out(site(memory), memory.state, "roll-back", backward(site(memory), ALL))
        assert set(memory.running.values()) == {expected}
    with pytest.raises(Failure, match="no release before this one"):
        backward(site(memory), ALL)


def test_what_runs_it_already_is_left_alone(memory: MemorySite) -> None:
    carry_out(site(memory), memory.state, "roll-out", forward(site(memory), "1.1", POST[:1]))
    rolled = carry_out(site(memory), memory.state, "roll-out", forward(site(memory), "1.1", POST))
    assert [row["part"] for row in rolled.done] == ["post@west"]
    assert memory.releases.told("post@east") == ("1.0", "1.1")


def test_one_that_does_not_come_up_ends_the_roll_out(
    memory: MemorySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roll_out, "READY_SECONDS", 0.05)
    memory.broken = {"1.2-crash-at-start"}
    moves = forward(site(memory), "1.2-crash-at-start", POST)
    rolled = carry_out(site(memory), memory.state, "roll-out", moves)
    assert (rolled.outcome, memory.restarted) == ("failed", ["post@east"])
    assert rolled.why.startswith("post@east: not ready with 1.2-crash-at-start")
    assert memory.releases.told("post@west") == ("1.0",)
    back = carry_out(site(memory), memory.state, "roll-back", backward(site(memory), POST))
    assert (back.outcome, memory.running) == ("done", {"post@east": "1.0"})


def test_at_once_is_all_at_the_same_time(memory: MemorySite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roll_out, "READY_SECONDS", 0.05)
    memory.broken = {"1.2-crash-at-start"}
    moves = forward(site(memory), "1.2-crash-at-start", POST)
    rolled = carry_out(site(memory), memory.state, "roll-out", moves, at_once=True)
    assert (rolled.outcome, memory.restarted) == ("failed", ["post@east", "post@west"])


@pytest.mark.parametrize(
    ("before", "after", "outcome", "touched"),
    [
        ({"post": "green"}, {"post": "green"}, "done", 2),
        ({"post": "green"}, {"post": "down"}, "paused", 1),
        ({"post": "green"}, {"post": "slow"}, "paused", 1),
        ({"post": "down"}, {"post": "down"}, "done", 2),
        ({"post": "green"}, {"post": "unknown"}, "done", 2),
    ],
    ids=["all well", "down", "slow", "hurt before", "no data"],
)
def test_paused_when_users_are_hurt_who_were_not_before(
    memory: MemorySite,
    monkeypatch: pytest.MonkeyPatch,
    before: dict[str, str],
    after: dict[str, str],
    outcome: str,
    touched: int,
) -> None:
    monkeypatch.setattr(roll_out, "WATCHED_SECONDS", 0.0)
    now = lambda _: {  # noqa: E731
        name: {"state": state} for name, state in (after if memory.restarted else before).items()
    }
    monkeypatch.setattr(roll_out, "journeys_now", now)
    moves = forward(site(memory), "1.2-posts-fail", POST)
    rolled = carry_out(site(memory), memory.state, "roll-out", moves, pause_on_errors=True)
    assert (rolled.outcome, len(memory.restarted)) == (outcome, touched)


def test_without_a_prober_nobody_can_say_whether_users_are_hurt(
    memory: MemorySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roll_out, "journeys_now", lambda _: {})
    moves = forward(site(memory), "1.1", POST)
    with pytest.raises(Failure, match="the prober does not answer"):
        carry_out(site(memory), memory.state, "roll-out", moves, pause_on_errors=True)
    assert memory.restarted == []
    assert [row["kind"] for row in records(memory)] == ["release.started", "release.finished"]
    assert memory.releases.obstacle() == ""


def test_one_that_is_interrupted_says_so_and_leaves_the_road(memory: MemorySite) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(site(memory), memory.state, "roll-out", forward(site(memory), "1.1", POST), say=interrupt)
    last = records(memory)[-1]
    assert (last["kind"], last["outcome"], last["why"]) == (
        "release.finished",
        "failed",
        "it was interrupted",
    )
    assert memory.restarted == ["post@east"]
    assert memory.releases.obstacle() == ""


def test_what_is_down_is_told_and_left_down(memory: MemorySite) -> None:
    memory.down = {"post@west"}
    carry_out(site(memory), memory.state, "roll-out", forward(site(memory), "1.1", POST))
    assert memory.restarted == ["post@east"]
    assert memory.releases.told("post@west") == ("1.0", "1.1")


def test_nothing_is_touched_while_somebody_else_is_at_it(memory: MemorySite) -> None:
    memory.releases.block("releng", "roll-out of 1.2", "build-7")
    with pytest.raises(Failure, match="nothing can be rolled out or back"):
        carry_out(site(memory), memory.state, "roll-out", forward(site(memory), "1.1", POST))
    assert memory.restarted == []
    assert not memory.state.ledger.exists()


def test_a_share_is_of_each_kind_and_of_one_at_least() -> None:
    assert [one.name for one in share_of(ALL, 0.5)] == ["post@east", "notify@east"]
    assert [one.name for one in share_of(ALL, 0.01)] == ["post@east", "notify@east"]
    assert share_of(ALL, 1.0) == ALL


def test_only_services_have_releases_and_only_those_that_there_are(memory: MemorySite) -> None:
    with pytest.raises(Failure, match="store@east is no service"):
        forward(site(memory), "1.1", [part("store", "east", "store")])
    with pytest.raises(Failure, match=r"no release is named '1\.3': did you mean"):
        release_named("1.3")
