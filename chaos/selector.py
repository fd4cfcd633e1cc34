"""Which parts a person means: a part, `post:all`, `post:any`, `post:50%`, `store:primary`, `place:east`."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence

from chaos.inventory import Part
from failwhale.failure import USAGE, Failure

INSTRUMENTS = frozenset({"prober", "chaos", "prometheus"})
"""They measure the fault, so only their own name hits them."""

_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?)%")

Roles = Callable[[], Mapping[str, str]]


def select(text: str, parts: Sequence[Part], roles: Roles, seed: int) -> tuple[Part, ...]:
    """The parts that `text` names, at least one, in the order of the inventory.

    `roles` is asked for the live roles of the stores (primary, replica) by part, only when they matter. The
    same seed chooses the same parts. Raises Failure (usage) that lists what exists when nothing matches.
    """
    named = tuple(part for part in parts if part.name == text)
    chosen = named or _by_selector(text, parts, roles, seed)
    if not chosen:
        raise Failure(f"{text!r} matches no part of this site", _what_exists(parts), code=USAGE)
    return chosen


def _by_selector(text: str, parts: Sequence[Part], roles: Roles, seed: int) -> tuple[Part, ...]:
    subject, colon, which = text.partition(":")
    if not colon:
        return ()
    if subject == "place":
        return tuple(part for part in parts if part.place == which and part.service not in INSTRUMENTS)
    group = tuple(part for part in parts if part.service == subject)
    if not group:
        return ()
    if which == "all":
        return group
    if which == "any":
        return _some(group, 1, text, seed)
    if which in ("primary", "replica"):
        return _in_role(group, subject, which, roles)
    share = _SHARE.fullmatch(which)
    if share is None:
        return ()
    percent = float(share[1])
    if not 0 < percent <= 100:
        raise Failure(f"{which!r} is not a share: it must be above 0% and at most 100%", code=USAGE)
    return _some(group, max(1, int(len(group) * percent / 100 + 0.5)), text, seed)


def _some(group: tuple[Part, ...], count: int, text: str, seed: int) -> tuple[Part, ...]:
    chosen = set(random.Random(f"{seed} {text}").sample(range(len(group)), count))
    return tuple(part for index, part in enumerate(group) if index in chosen)


def _in_role(group: tuple[Part, ...], service: str, role: str, roles: Roles) -> tuple[Part, ...]:
    if service != "store":
        raise Failure(f"only the store has a primary and replicas, {service} has not", code=USAGE)
    known = roles()
    chosen = tuple(part for part in group if known.get(part.name) == role)
    if not chosen:
        now = ", ".join(f"{part.name} {known.get(part.name, 'does not answer')}" for part in group)
        raise Failure(f"no store is a {role} at this moment", f"now: {now}", code=USAGE)
    return chosen


def _what_exists(parts: Sequence[Part]) -> str:
    names = ", ".join(part.name for part in parts)
    places = ", ".join(f"place:{place}" for place in dict.fromkeys(part.place for part in parts) if place)
    return (
        f"parts: {names}; also SERVICE:all, SERVICE:any, SERVICE:50%, store:primary, store:replica, {places}"
    )
