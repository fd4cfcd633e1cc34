"""What faults share that change the rules of a running Prometheus."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from chaos.fault import Fault, Injection, Proof
from foundation.failure import Failure
from testbed.control import Unreachable
from testbed.inventory import Part
from testbed.site import Site

PROMETHEUS = "prometheus"


class RulesFault(Fault):
    """One that Prometheus reads from its files, by a reload. A start of Prometheus ends it."""

    targets: ClassVar[tuple[str, ...]] = (PROMETHEUS,)

    def precondition(self, site: Site, part: Part) -> None:
        try:
            site.evaluated_alerts(part)
        except Unreachable as error:
            raise Failure(f"Prometheus cannot be told: {error}", "see: failwhale status") from None

    @abstractmethod
    def is_restored(self, evaluated: Mapping[str, str], injection: Injection) -> bool:
        """Whether Prometheus goes by its own rules again, by the alerts that it evaluates."""

    @abstractmethod
    def change(self, site: Site, injection: Injection) -> None:
        """Change the files."""

    @abstractmethod
    def restore(self, site: Site) -> None:
        """Make them what they were."""

    def apply(self, site: Site, injection: Injection) -> None:
        self.change(site, injection)
        site.runtime.reload(injection.part.name)

    def revert(self, site: Site, injection: Injection) -> None:
        self.sweep(site, injection.part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        if not site.runtime.is_running(injection.part.name):
            return Proof(True, "Prometheus is down, and begins with its own rules")
        restored = self.is_restored(site.evaluated_alerts(injection.part), injection)
        return Proof(restored, f"Prometheus goes by {'its own' if restored else 'changed'} rules")

    def sweep(self, site: Site, part: Part) -> None:
        self.restore(site)
        site.runtime.reload(part.name)
