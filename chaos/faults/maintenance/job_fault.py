"""What job-off and job-stuck share: the injection point of a job, at each part that may come to do it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from chaos.fault import MAINTENANCE, Demonstration, Injection, Parameter, Proof, Value
from chaos.faults.calls.injection_point import SetInService, points_of
from foundation.failure import USAGE, Failure
from testbed.inventory import Part
from testbed.maintenance import JobRow, MaintenanceNow, maintenance_now, want
from testbed.site import Site


class JobFault(SetInService):
    """One that hurts a job of maintenance. The effect is seen at the part that leads, which is asked to do
    the job at once: by itself it may be due in a day.

    Each kind says in `is_hurt` by what it is known.
    """

    targets = (MAINTENANCE,)
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("job", "text", "Which job; failwhale status --json names them.", default="trim-events"),
    )
    demonstration = Demonstration("maintenance:all")

    @abstractmethod
    def is_hurt(self, row: JobRow) -> str:
        """What this fault does to the job, in words; empty when that cannot be seen."""

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        now = maintenance_now(site)
        if now is not None and now.jobs and parameters["job"] not in now.jobs:
            raise Failure(f"no job is named {parameters['job']!r}", f"jobs: {', '.join(now.jobs)}", USAGE)

    def verify(self, site: Site, injection: Injection) -> Proof:
        part, job = injection.part, str(injection.parameters["job"])
        if injection.id not in points_of(site, part):
            return Proof(False, f"{part.name} has no such injection point")
        now = maintenance_now(site)
        if now is None or now.lead is None:
            return Proof(None, "nobody does the jobs at this moment")
        if injection.id not in points_of(site, site.inventory.part(now.lead)):
            return Proof(False, f"{now.lead} does the jobs, and goes on to do {job}")
        return self._seen(site, now, job)

    def _seen(self, site: Site, now: MaintenanceNow, job: str) -> Proof:
        row = now.jobs[job]
        if hurt := self.is_hurt(row):
            return Proof(True, f"{job} {hurt}, at {now.lead}")
        want(site, now, job)
        return Proof(None, f"{job} is not seen to be hurt yet")

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        gone = super().verify_reverted(site, injection)
        if not gone.verdict:
            return gone
        now, job = maintenance_now(site), str(injection.parameters["job"])
        if now is None or now.lead is None or points_of(site, site.inventory.part(now.lead)):
            return gone  # nobody does the job, or a fault that is in force there hurts it, perhaps
        row = now.jobs[job]
        if row["error"] is None and row["due_in"] > 0 and not self.is_hurt(row):
            return Proof(True, f"{gone.evidence}, and {job} is done again")
        want(site, now, job)
        return Proof(False, f"{gone.evidence}, and {job} is not done yet")
