"""Who is the primary when two believe to be, by the word of the sentinels."""

from __future__ import annotations

from typing import Any

import pytest
from site_files import kind_of

from chaos.catalogue import fault_named
from chaos.fault import Injection
from chaos.target import at
from testbed.inventory import Inventory, Part
from testbed.site import Site


def redis(name: str, address: str) -> Part:
    service, _, place = name.partition("@")
    return Part(name, service, place, name.replace("@", "-"), "1", {"1": address}, kind_of(service))


STORES = {"store@east": "store-east:6379", "store@west": "store-west:6379"}
PARTS = (
    *(redis(name, address) for name, address in STORES.items()),
    *(redis(f"sentinel@{place}", f"sentinel-{place}:26379") for place in ("east", "west", "witness")),
)
EAST, WEST = PARTS[:2]


class TalkingSite(Site):
    """`sentinels`: what each names, and its epoch. Roles change as they are told to."""

    def __init__(self, sentinels: dict[str, tuple[str, int]], primaries: set[str]) -> None:
        self.inventory = Inventory(PARTS, {})
        self.sentinels = sentinels
        self.primaries = primaries
        self.replica = {b"flags": b"slave", b"slave-priority": b"100", b"master-link-down-time": b"0"}
        self.flags = b"master"
        self.said: list[tuple[str, ...]] = []

    def _redis_says(self, part: Part, *command: str | bytes) -> Any:
        words = [word.decode() if isinstance(word, bytes) else word for word in command]
        self.said.append((part.name, *words))
        if words[0] in ("CLIENT", "DEL"):
            return b"OK" if words[0] == "CLIENT" else 0
        if words == ["ROLE"]:
            return [b"master" if part.name in self.primaries else b"slave"]
        if words[0] == "REPLICAOF":
            assert ":".join(words[1:]) in set(STORES.values()) - {STORES[part.name]}
            self.primaries.discard(part.name)
            return b"OK"
        if part.name not in self.sentinels:
            return None
        address, epoch = self.sentinels[part.name]
        if words == ["SENTINEL", "MASTERS"]:
            known = [b"name", b"failwhale", b"ip", b"another", b"config-epoch", str(epoch).encode()]
            return [[*known, b"flags", self.flags]]
        if words == ["SENTINEL", "FAILOVER", "failwhale"]:
            return b"OK"
        if words == ["SENTINEL", "REPLICAS", "failwhale"]:
            (other,) = set(STORES.values()) - {address}
            host, _, port = other.partition(":")
            row = {b"ip": host.encode(), b"port": port.encode(), **self.replica}
            return [[word for pair in row.items() for word in pair]]
        assert words == ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "failwhale"]
        return [word.encode() for word in address.split(":")]


def test_the_latest_promotion_counts_not_who_is_asked_first() -> None:
    east, west = STORES["store@east"], STORES["store@west"]
    site = TalkingSite(
        {"sentinel@east": (east, 3), "sentinel@west": (west, 4), "sentinel@witness": (west, 4)},
        {"store@east", "store@west"},
    )
    assert site.last_promoted() == WEST
    site.welcome_back(EAST)
    assert site.primaries == {"store@west"}


@pytest.mark.parametrize("part", [EAST, WEST, PARTS[2]])
def test_where_nothing_was_promoted_everybody_stays_what_it_is(part: Part) -> None:
    site = TalkingSite(
        dict.fromkeys(("sentinel@east", "sentinel@west"), (STORES["store@east"], 0)), {"store@east"}
    )
    site.welcome_back(part)
    assert site.primaries == {"store@east"}


def test_without_a_sentinel_nobody_is_demoted() -> None:
    site = TalkingSite({}, {"store@east", "store@west"})
    assert site.last_promoted() is None
    site.welcome_back(EAST)
    assert site.primaries == {"store@east", "store@west"}


# --- a switchover, and whether another would work ---

SENTINELS = ("sentinel@east", "sentinel@west", "sentinel@witness")


def agreeing(address: str, primaries: set[str]) -> TalkingSite:
    return TalkingSite(dict.fromkeys(SENTINELS, (address, 4)), primaries)


def test_the_old_primary_is_not_demoted_before_every_sentinel_names_the_new_one() -> None:
    east, west = STORES["store@east"], STORES["store@west"]
    promote, injection = fault_named("promote"), Injection("promote-1", at(WEST), {}, 1.0)
    site = agreeing(east, {"store@east", "store@west"})
    site.flags = b"master,failover_in_progress"
    assert promote.verify(site, injection).verdict is False
    promote.revert(site, injection)
    assert promote.verify_reverted(site, injection).verdict is False
    site.flags = b"master"
    site.sentinels["sentinel@witness"] = (west, 5)
    promote.revert(site, injection)
    assert promote.verify_reverted(site, injection).verdict is False
    assert site.primaries == {"store@east", "store@west"}
    site.sentinels = dict.fromkeys(SENTINELS, (west, 5))
    assert promote.verify(site, injection).verdict is True
    promote.revert(site, injection)
    assert site.primaries == {"store@west"}
    assert ("store@east", "CLIENT", "UNPAUSE") in site.said
    assert promote.verify_reverted(site, injection).verdict is True


def test_a_promotion_that_sentinel_gave_up_before_it_saw_it_is_asked_for_again() -> None:
    site = agreeing(STORES["store@east"], {"store@east", "store@west"})
    fault_named("promote").revert(site, Injection("promote-1", at(WEST), {}, 1.0))
    assert ("sentinel@east", "SENTINEL", "FAILOVER", "failwhale") in site.said
    assert site.primaries == {"store@east", "store@west"}


def test_writes_that_were_held_in_vain_are_released() -> None:
    site = agreeing(STORES["store@east"], {"store@east"})
    fault_named("promote").revert(site, Injection("promote-1", at(WEST), {}, 1.0))
    assert ("store@east", "CLIENT", "UNPAUSE") in site.said
    assert site.primaries == {"store@east"}


def test_a_primary_that_the_sentinels_do_not_lead_to_is_not_ready() -> None:
    """What a switchover left behind whose new primary died too early: nobody could write, all seemed well."""
    site = agreeing(STORES["store@east"], {"store@west"})
    assert not site.ready(WEST)
    site = agreeing(STORES["store@west"], {"store@west"})
    assert site.ready(WEST)


@pytest.mark.parametrize(
    ("replica", "why"),
    [
        ({}, ""),
        ({b"flags": b"slave,s_down"}, "store@west does not answer it"),
        ({b"slave-priority": b"0"}, "store@west is barred from promotion"),
        ({b"master-link-down-time": b"9000"}, "store@west has not followed for 9 s"),
    ],
)
def test_why_a_loss_would_not_be_failed_over(replica: dict[bytes, bytes], why: str) -> None:
    site = agreeing(STORES["store@east"], {"store@east"})
    site.replica |= replica
    assert site.failover_hindrance() == (f"sentinel@east: {why}" if why else "")


def test_a_bar_is_in_force_once_every_sentinel_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    site = agreeing(STORES["store@east"], {"store@east"})
    monkeypatch.setattr(site, "is_barred", lambda part: True)
    bar, injection = fault_named("replica-barred"), Injection("replica-barred-1", at(WEST), {}, 1.0)
    assert bar.verify(site, injection).evidence == (
        "sentinel@east, sentinel@west, sentinel@witness would promote store@west"
    )
    site.replica[b"slave-priority"] = b"0"
    assert bar.verify(site, injection).verdict is True
    monkeypatch.setattr(site, "is_barred", lambda part: False)
    assert bar.verify_reverted(site, injection).verdict is False
    site.replica[b"slave-priority"] = b"100"
    assert bar.verify_reverted(site, injection).verdict is True


def test_without_a_majority_that_agrees_there_is_no_failover() -> None:
    east, west = STORES["store@east"], STORES["store@west"]
    alone = TalkingSite({"sentinel@east": (east, 1)}, {"store@east"})
    assert alone.failover_hindrance() == "1 of 3 sentinels answer"
    split = TalkingSite({"sentinel@east": (east, 1), "sentinel@west": (west, 2)}, {"store@west"})
    assert split.failover_hindrance() == "the sentinels name store@east and store@west"
    assert split.agreed_primary() is None
    busy = agreeing(east, {"store@east"})
    busy.flags = b"master,o_down,failover_in_progress"
    assert busy.failover_hindrance() == "a failover is under way"


@pytest.mark.parametrize(
    ("offsets", "primaries", "behind"),
    [
        ({"store@east": 900, "store@west": 650}, {"store@east"}, {"store@west": 250}),
        ({"store@east": 900, "store@west": 910}, {"store@east"}, {"store@west": 0}),
        ({"store@east": 900, "store@west": None}, {"store@east"}, {}),
        ({"store@east": None, "store@west": 650}, {"store@east"}, {}),
        ({"store@east": 900, "store@west": 650}, set(), {}),
    ],
    ids=["behind", "asked a moment later", "a silent replica", "a silent primary", "no primary"],
)
def test_how_far_a_replica_is_behind_is_told_where_both_answer(
    offsets: dict[str, int | None],
    primaries: set[str],
    behind: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = agreeing(STORES["store@east"], primaries)
    monkeypatch.setattr(site, "_offset", lambda part: offsets[part.name])
    assert site.replication_lag() == behind
