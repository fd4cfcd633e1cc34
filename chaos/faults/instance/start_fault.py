"""What faults share that a service has from its start on, so that one that dies of it has it again."""

from __future__ import annotations

from dataclasses import replace

from chaos.fault import Depth, Injection, Proof, Value
from chaos.faults.instance.strain_fault import StrainFault
from services.platform.injection.spec import FaultSpec
from testbed.inventory import Part
from testbed.site import Site


class StartFault(StrainFault):
    """The part is told by a file, which expires by itself, and what runs is told at once."""

    lies = Depth.AROUND

    def apply(self, site: Site, injection: Injection) -> None:
        """What was found then is kept at the part: so it is told once."""
        part = injection.part
        if injection.id in site.releases.told_faults(part.name):
            return
        whole = replace(injection, parameters={**injection.parameters, **self.found(site, part)})
        site.releases.tell_fault(part.name, injection.id, FaultSpec.model_validate(self.wish(whole)))
        super().apply(site, whole)

    def found(self, site: Site, part: Part) -> dict[str, Value]:
        """What is to be known of the part as it was before."""
        return {"before": site.runtime.restarts(part.name)}

    def verify(self, site: Site, injection: Injection) -> Proof:
        if injection.id not in site.releases.told_faults(injection.part.name):
            return Proof(False, f"{injection.part.name} is not told to start with it")
        return self.seen(site, injection)

    def deaths(self, site: Site, injection: Injection) -> int:
        """How often the part has died since by itself."""
        before = site.releases.told_faults(injection.part.name)[injection.id].before
        return site.runtime.restarts(injection.part.name) - before

    def revert(self, site: Site, injection: Injection) -> None:
        """One that is dead and waits for its next start starts now."""
        site.releases.forget_fault(injection.part.name, injection.id)
        super().revert(site, injection)
        if not site.runtime.is_running(injection.part.name):
            site.runtime.restart(injection.part.name)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        name = injection.part.name
        if injection.id in site.releases.told_faults(name):
            return Proof(False, f"{name} is told to start with it")
        return super().verify_reverted(site, injection)

    def leftover(self, site: Site, part: Part) -> str:
        found = site.releases.told_faults(part.name)
        return f"was told to start with a fault ({', '.join(found)})" if found else ""

    def sweep(self, site: Site, part: Part) -> None:
        for identifier in site.releases.told_faults(part.name):
            site.releases.forget_fault(part.name, identifier)
        super().sweep(site, part)
        if not site.runtime.is_running(part.name):
            site.runtime.restart(part.name)
