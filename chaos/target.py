"""What an injection is aimed at: a part, the calls into a part, or the whole site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foundation.failure import USAGE, Failure
from testbed.inventory import Inventory, Part

SITE = "site"
"""How the whole site is called, as a target and among the `targets` of a fault."""

CALLERS: Mapping[str, tuple[str, ...]] = {
    "auth": ("frontend",),
    "post": ("frontend",),
    "retweet": ("frontend",),
    "timeline": ("frontend",),
    "notify": ("frontend",),
}
"""By service, the services that call it. Nobody of the site calls a front end: users do."""


@dataclass(frozen=True)
class Target:
    """One part, or the calls into it that come from some callers, or the whole site.

    A share of the users is no target of its own: it is the parameter `users` of a fault of calls.
    """

    name: str
    """As journal and ledger have it: `post@east`, or `site`."""
    parts: tuple[Part, ...]
    callers: tuple[str, ...] = ()
    """The parts whose calls into the part are meant; empty: everybody's, and whatever else the part does."""

    @property
    def part(self) -> Part:
        """The one part. Raises ValueError for the whole site."""
        (part,) = self.parts
        return part


def at(part: Part, callers: Sequence[str] = ()) -> Target:
    """A part, or the calls into it from these callers."""
    return Target(part.name, (part,), tuple(callers))


def whole(inventory: Inventory) -> Target:
    """The whole site, without the instruments that measure what is done to it."""
    return Target(SITE, tuple(part for part in inventory.parts if not part.is_instrument))


def named(name: str, inventory: Inventory, callers: Sequence[str] = ()) -> Target | None:
    """The target that had this name when the fault began; None when the part is gone from the site."""
    if name == SITE:
        return whole(inventory)
    return next((at(part, callers) for part in inventory.parts if part.name == name), None)


def calls_into(part: Part, callers: Sequence[Part], inventory: Inventory) -> Target:
    """The calls into a part from those of the callers that call it. Raises Failure (usage) when none does; it
    names who does."""
    callers_of = CALLERS.get(part.service, ())
    if part.kind != "service":
        raise Failure(
            f"{part.name} does not know who calls: it cannot be hurt for some callers only",
            "leave --from out, or do it to a service",
            USAGE,
        )
    if not callers_of:
        raise Failure(
            f"no part calls {part.name}, users do: it cannot be hurt for some callers only",
            "leave --from out, or hurt some of the users: --users 20%",
            USAGE,
        )
    meant = [caller.name for caller in callers if caller.service in callers_of]
    if not meant:
        who_does = ", ".join(one.name for one in inventory.parts if one.service in callers_of)
        names = ", ".join(caller.name for caller in callers)
        verb = "calls" if len(callers) == 1 else "call"
        raise Failure(f"{names} never {verb} {part.name}", f"these do: {who_does}", USAGE)
    return at(part, meant)
