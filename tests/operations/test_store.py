"""failover and renew: what they wait for, and why they are refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from foundation.failure import Failure
from operations.known import failover, renew


@pytest.fixture
def store(site: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A store whose sentinels promote the replica when they are asked, unless that is `hindered`."""
    monkeypatch.setattr(failover, "DONE_WITHIN", 0.05)
    store = SimpleNamespace(hindered="", barred=False, stands_still=False, site=site)
    east, west = site.stores

    def ask_failover() -> None:
        site.trace.append("ask")
        if not store.hindered:
            site.roles = dict.fromkeys(site.roles, "replica") | {west.name: "primary"}

    site.begin_switchover = lambda: (site.trace.append("hold writes"), ask_failover())
    site.ask_failover = ask_failover
    site.settle_switchover = lambda to: None
    site.lags = lambda part: store.stands_still
    site.let_go = lambda part: site.trace.append(f"let go {part.name}")
    site.is_barred = lambda part: store.barred
    site.agreed_primary = lambda: west if site.roles.get(west.name) == "primary" else east
    site.failover_hindrance = lambda: store.hindered
    return store


def test_the_replica_is_promoted_in_good_order(do: Any, store: Any) -> None:
    assert do("failover").said == "store@west is the primary, in good order"
    assert store.site.trace == ["hold writes", "ask"]


def test_without_the_old_primary_nothing_is_held(do: Any, store: Any) -> None:
    del store.site.roles["store@east"]
    assert "without the old primary" in do("failover").said
    assert store.site.trace == ["ask"]


def test_one_that_does_not_follow_is_promoted_as_it_is_and_takes_writes(do: Any, store: Any) -> None:
    store.stands_still = True
    assert do("failover").said == "store@west is the primary, and has what it had when it followed last"
    assert store.site.trace[-1] == "let go store@west"


@pytest.mark.parametrize(
    ("spoil", "why", "next_step"),
    [
        (
            lambda store: store.site.roles.pop("store@west"),
            "no replica of the store answers: nobody can be promoted",
            "failwhale ops start store@west, or restart",
        ),
        (
            lambda store: setattr(store, "barred", True),
            "store@west is barred from promotion",
            "failwhale ops unbar store@west",
        ),
        (
            lambda store: setattr(store, "hindered", "1 of 3 sentinels answer"),
            "store@west is not the primary after 0.05 s: 1 of 3 sentinels answer",
            "a sentinel that is down: failwhale ops start sentinel:all; see: failwhale status",
        ),
    ],
)
def test_a_failover_that_cannot_be_says_why_and_what_to_do(
    do: Any, store: Any, spoil: Any, why: str, next_step: str
) -> None:
    spoil(store)
    with pytest.raises(Failure) as refusal:
        do("failover")
    assert (refusal.value.message, refusal.value.next_step) == (why, next_step)


def test_a_certificate_is_renewed_once_it_is_presented(
    do: Any, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renew, "LOADED_WITHIN", 0.05)
    renewed: list[str] = []
    loads = True
    site.renew_certificate = lambda part: renewed.append(part.name)
    site.presented_certificate = lambda part: (
        None
        if part.name in site.down
        else SimpleNamespace(flaw=None if loads and part.name in renewed else "expired", certificate="fresh")
    )
    site.lying_certificate = lambda part: "fresh"
    site.down.add("post@west")
    assert do("renew", "post:all").said == (
        "renewed: post@east, post@west; post@west is silent, and has it when it answers"
    )
    loads = False
    with pytest.raises(Failure, match="renewed, and post@east does not present it within 50ms"):
        do("renew", "post@east")
