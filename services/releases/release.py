"""What a release says of itself, and how it changes the code."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

from services.platform.release import EVERY_SERVICE, package_of

SERVICES = ("frontend", "auth", "post", "retweet", "timeline", "notify", "maintenance")

Harm = Literal["down", "slow"]


@dataclass(frozen=True)
class Release:
    """One release. `hurts` says by service what becomes of which journeys once every replica of that service
    runs it."""

    version: str
    help: str
    """What differs, in a line, as who uses the site sees it."""
    hurts: Mapping[str, Mapping[str, Harm]] = field(default_factory=dict)
    is_good: bool = False
    """It may go everywhere. One that is not may hurt nobody at once, and somebody later."""
    only_beside_another: bool = False
    """It hurts only while some of the services whose code differs run another release."""

    @property
    def services(self) -> tuple[str, ...]:
        """The services whose code differs."""
        folder = find_spec(package_of(self.version))
        assert folder is not None
        modules = {module.name for module in pkgutil.iter_modules(folder.submodule_search_locations)}
        return SERVICES if EVERY_SERVICE in modules else tuple(name for name in SERVICES if name in modules)

    def hurts_on(self, services: Collection[str]) -> dict[str, Harm]:
        """What becomes of which journeys when all replicas of these services run it, and no others."""
        if self.only_beside_another and set(self.services) <= set(services):
            return {}
        return {
            journey: harm
            for service, journeys in self.hurts.items()
            if service in services
            for journey, harm in journeys.items()
        }


def wrap(owner: Any, name: str, around: Callable[[Any], Any]) -> None:
    """Put another function in the place of the one that `owner` (a class, a module) has by this name. It
    is made from that one. Raises AttributeError when there is none: the code has changed since the
    release was written."""
    setattr(owner, name, around(getattr(owner, name)))
