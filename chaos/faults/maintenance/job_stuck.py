"""job-stuck: a job of maintenance is begun every time, and gets nowhere until it is cut."""

from chaos.fault import register
from chaos.faults.maintenance.job_fault import JobFault
from testbed.maintenance import JobRow

_LONGER = 5
"""How many times longer than the last run a run must be under way to be called stuck."""
_LEAST = 1.0
"""Seconds; most jobs take less."""


class JobStuck(JobFault):
    name = "job-stuck"
    help = (
        "Have every run of a job of maintenance begin and never end, so that it is cut at its limit. "
        "Nobody is hurt at once; what it looks after creeps up as with job-off, but the job is begun, and "
        "who counts only runs sees nothing."
    )
    example = "failwhale chaos job-stuck maintenance:all --job trim-data --for 10m --detach"

    def is_hurt(self, row: JobRow) -> str:
        usual = row["duration"] if row["duration"] is not None and row["error"] is None else 0.0
        if row["running"] < max(_LEAST, _LONGER * usual):
            return ""
        return f"has been under way for {row['running']:.1f} s"


register(JobStuck())
