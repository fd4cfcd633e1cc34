"""The ways of escape: what is lost, and what its loss may cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from foundation.suggestions import unknown


@dataclass(frozen=True)
class Way:
    """One loss that has to be survived."""

    name: str
    title: str
    target: str
    """What dies, as a selector."""
    within: float
    """Seconds after the loss within which users have to be well, without what was lost."""
    spared: tuple[str, ...] = ()
    """Journeys that are about what is lost itself, and are down for as long as it is."""
    also: str = ""
    """What is gone before."""
    comes_back: str = ""
    """What its return is called, where users may be hurt by that as well; empty where they cannot."""

    @property
    def takes_a_primary(self) -> bool:
        """Whether somebody may have to be promoted."""
        return self.target.startswith(("store:", "place:"))


_PLACES = ("east", "west")

WAYS = (
    *(
        Way(f"edge-{place}", f"the edge {place} is lost", f"frontend@{place}", 3.0, (f"handshake-{place}",))
        for place in _PLACES
    ),
    Way("store-replica", "the replica of the store is lost", "store:replica", 3.0),
    Way("store-primary", "the primary store is lost", "store:primary", 8.0),
    Way(
        "store-primary-two-votes",
        "the primary store is lost, and one sentinel was before",
        "store:primary",
        8.0,
        also="sentinel@witness",
    ),
    *(
        Way(
            f"data-centre-{place}",
            f"everything in {place} is lost",
            f"place:{place}",
            8.0,
            (f"handshake-{place}",),
            comes_back=f"failback-{place}",
        )
        for place in _PLACES
    ),
)


def ways_named(names: Iterable[str]) -> tuple[Way, ...]:
    """These ways, or all where none is named. Raises Failure (usage) for a name that there is not."""
    by_name = {way.name: way for way in WAYS}
    wanted = list(names) or list(by_name)
    for name in wanted:
        if name not in by_name:
            raise unknown("way", name, by_name)
    return tuple(by_name[name] for name in wanted)
