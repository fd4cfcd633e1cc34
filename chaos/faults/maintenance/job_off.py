"""job-off: a job of maintenance is not begun any more."""

from chaos.fault import register
from chaos.faults.maintenance.job_fault import JobFault
from testbed.maintenance import JobRow

_OVERDUE = 1.2
"""Seconds. The part that leads looks twice a second, or more often, whether a job is due."""


class JobOff(JobFault):
    name = "job-off"
    help = (
        "Have a job of maintenance not begun any more. Nobody is hurt at once; what it looks after creeps "
        "up: failwhale status and the alert MaintenanceJobLate tell it."
    )
    example = "failwhale chaos job-off maintenance:all --job back-up-store --for 10m --detach"

    def is_hurt(self, row: JobRow) -> str:
        if row["running"] or row["due_in"] > -_OVERDUE:
            return ""
        return f"has been due for {-row['due_in']:.1f} s and is not begun"


register(JobOff())
