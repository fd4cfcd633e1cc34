"""Which parts a person means: a part, `post:all`, `post:any`, `post:50%`, `store:primary`, `place:east`; or
several of these: `post@east,auth@east`."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Collection, Mapping, Sequence

from foundation.failure import USAGE, Failure
from foundation.suggestions import close_to, nearest
from testbed.inventory import Part

_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?)%")

NEAREST = 5
"""How many parts are named to somebody who has named none that there is."""

Roles = Callable[[], Mapping[str, str]]


def pieces(text: str) -> tuple[str, ...]:
    """The selectors of which this consists: one, or several with commas between them."""
    return tuple(piece.strip() for piece in text.split(","))


def select(
    text: str, parts: Sequence[Part], roles: Roles, seed: int, services: Collection[str] | None = None
) -> tuple[Part, ...]:
    """The parts that `text` names, at least one, in the order of the inventory.

    `roles` is asked for the live roles of the stores (primary, replica) by part, only when they matter. The
    same seed chooses the same parts. Raises Failure (usage) when nothing matches a selector; it names what is
    near to it, and of that only these `services`, when they are given: those to choose from.
    """
    chosen = {
        part.name for piece in pieces(text) for part in _select_by_one(piece, parts, roles, seed, services)
    }
    return tuple(part for part in parts if part.name in chosen)


def select_services(text: str, parts: Sequence[Part], roles: Roles) -> tuple[Part, ...]:
    """The services that a selector means; all for an empty one. Raises Failure (usage) as `select` does."""
    services = tuple(part for part in parts if part.kind == "service")
    return select(text, services, roles, seed=0) if text else services


def _select_by_one(
    text: str, parts: Sequence[Part], roles: Roles, seed: int, services: Collection[str] | None
) -> tuple[Part, ...]:
    named = tuple(part for part in parts if part.name == text)
    chosen = named or _by_selector(text, parts, roles, seed)
    if not chosen:
        _refuse_bare_kind(text, parts)
        offered = [part for part in parts if services is None or part.service in services]
        meant = close_to(text, _selectors(offered), 2)
        question = f": did you mean {' or '.join(meant)}?" if meant else ""
        raise Failure(f"{text!r} matches no part of this site{question}", _what_is_near(text, offered), USAGE)
    return chosen


def _refuse_bare_kind(text: str, parts: Sequence[Part]) -> None:
    """Whether one or all of them are meant makes the difference between hardly anybody and everybody."""
    group = [part.name for part in parts if part.service == text]
    if group:
        raise Failure(
            f"{text!r} can mean one part or all of {', '.join(group)}",
            f"one of them: {text}:any; all of them: {text}:all",
            USAGE,
        )


def _by_selector(text: str, parts: Sequence[Part], roles: Roles, seed: int) -> tuple[Part, ...]:
    subject, colon, which = text.partition(":")
    if not colon:
        return ()
    if subject == "place":
        # Instruments measure the rest, so only their own name means them.
        return tuple(part for part in parts if part.place == which and not part.is_instrument)
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


def _selectors(parts: Sequence[Part]) -> list[str]:
    """What can be written for these parts, without the shares."""
    groups = dict.fromkeys(f"{part.service}:{which}" for which in ("all", "any") for part in parts)
    return [*(part.name for part in parts), *groups, *_roles(parts), *_places(parts)]


def _what_is_near(text: str, parts: Sequence[Part]) -> str:
    names = ", ".join(nearest(text, [part.name for part in parts], NEAREST))
    also = ", ".join(("KIND:all", "KIND:any", "KIND:50%", *_roles(parts), *_places(parts)))
    return f"parts such as {names}; also {also}"


def _roles(parts: Sequence[Part]) -> tuple[str, ...]:
    return ("store:primary", "store:replica") if any(part.service == "store" for part in parts) else ()


def _places(parts: Sequence[Part]) -> Sequence[str]:
    there = dict.fromkeys(part.place for part in parts if part.place and not part.is_instrument)
    return [f"place:{place}" for place in there]
