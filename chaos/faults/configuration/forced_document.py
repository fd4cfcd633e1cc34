"""What faults of the configuration share: a document is forced on the parts, and taken back."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from chaos.fault import Demonstration, Fault, Injection, Proof, Value
from chaos.target import SITE, Target
from foundation.failure import Failure
from testbed.control import Unreachable
from testbed.inventory import Part
from testbed.site import Site

AUTHOR = "chaos"
REPLICATED_WITHIN = 1.0
"""Seconds for what was undone at the primary to be undone at its replica."""


class ForcedDocument(Fault):
    """A change of the configuration that the schema would refuse, or that nobody in their senses would make.

    The document names the fault that made it, and what the same keys had before: so it is undone also when
    others have changed other keys since, and found without any record. A roll-back by hand ends it, too.
    """

    targets = (SITE,)
    restored = "is rolled back"
    demonstration = Demonstration(SITE)
    service: ClassVar[str]
    """Whose parts show the effect."""
    journeys: ClassVar[tuple[str, ...]]
    """That it hurts."""

    @abstractmethod
    def values(self, injection: Injection) -> Mapping[str, Any]:
        """What is forced, by key."""

    @abstractmethod
    def harm(self, site: Site, part: Part) -> str:
        """What a request of our own met that is this fault's, in words; empty when it was answered as ever.
        Raises Unreachable when it was not answered."""

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        return self.journeys

    def precondition(self, site: Site, part: Part) -> None:
        if part.service == self.service and "primary" not in site.store_roles().values():
            raise Failure("no store takes writes, so no configuration can be forced", "see: failwhale status")

    def apply(self, site: Site, injection: Injection) -> None:
        site.configuration.force(injection.id, self.values(injection), AUTHOR, f"fault {injection.id}")

    def verify(self, site: Site, injection: Injection) -> Proof:
        """By what requests of our own get, of every part that answers."""
        seen = self._seen(site, injection)
        if not seen:
            return Proof(None, f"no {self.service} answers")
        spared = [name for name, harm in seen.items() if not harm]
        if spared:
            return Proof(False, f"{', '.join(spared)}: a request of our own is answered as ever")
        return Proof(True, f"{', '.join(seen)}: {next(iter(seen.values()))}")

    def revert(self, site: Site, injection: Injection) -> None:
        site.configuration.release((injection.id,), AUTHOR, f"end of fault {injection.id}")

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        if site.configuration.is_forced(injection.id):
            return Proof(False, "what it forced is still in the configuration")
        seen = self._seen(site, injection)
        for name, harm in seen.items():
            if harm:
                return Proof(False, f"{name}: {harm}")
        return Proof(True, f"answered as ever: {', '.join(seen) or 'nobody was asked'}")

    def leftover(self, site: Site, part: Part) -> str:
        """Of all faults that force a document, whichever of them is asked."""
        newest = site.configurations_at(part) if part.kind == "store" else None
        return "had a configuration that a fault forced" if newest and newest[0].faults else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.configuration.release(None, AUTHOR, "what a fault had forced is undone")
        until = time.monotonic() + REPLICATED_WITHIN
        while self.leftover(site, part) and time.monotonic() < until:
            time.sleep(0.02)

    def _seen(self, site: Site, injection: Injection) -> dict[str, str]:
        """What became of a request to each part that answered."""
        seen = {}
        for part in self._parts(injection):
            try:
                seen[part.name] = self.harm(site, part)
            except Unreachable:
                continue  # another fault may be on it: it proves nothing
        return seen

    def _parts(self, injection: Injection) -> list[Part]:
        return [part for part in injection.target.parts if part.service == self.service]
