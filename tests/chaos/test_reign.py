"""Who is the primary when two believe to be, by the word of the sentinels."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.inventory import Inventory, Part
from chaos.site import Site


def redis(name: str, address: str) -> Part:
    service, _, place = name.partition("@")
    return Part(name, service, place, name.replace("@", "-"), "1", {"1": address})


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

    def _redis_says(self, part: Part, *command: str | bytes) -> Any:
        words = [word.decode() if isinstance(word, bytes) else word for word in command]
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
            return [[b"name", b"failwhale", b"ip", b"another", b"config-epoch", str(epoch).encode()]]
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
