"""What maintenance says of its jobs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, cast

from foundation.console import spell_duration
from foundation.failure import Failure
from foundation.suggestions import unknown
from testbed.control import Unreachable
from testbed.inventory import Part
from testbed.site import Site

SERVICE = "maintenance"
_ANSWERS_WITHIN = 1.0
POLL_SECONDS = 0.1


class JobRow(TypedDict):
    """How a job stands. Times are seconds, `last_success` a Unix time; None: never, or nothing is wrong."""

    every_days: float
    interval: float
    last_success: float | None
    age: float
    late: bool
    due_in: float
    running: float
    duration: float | None
    runs: int
    failures: int
    error: str | None
    grows: list[str]


@dataclass(frozen=True)
class MaintenanceNow:
    """The part that does the jobs (None: nobody says that it does), how each stands, and the size of what
    grows while one is not done."""

    lead: str | None = None
    jobs: Mapping[str, JobRow] = field(default_factory=dict)
    grown: Mapping[str, float] = field(default_factory=dict)


def parts_of(site: Site) -> list[Part]:
    """Those that could do the jobs; none in a site from before there were any."""
    return [part for part in site.inventory.parts if part.service == SERVICE]


def jobs_of(site: Site, part: Part) -> dict[str, Any]:
    """What one part says: `leads`, `lead`, `jobs`, `grown`. Raises Unreachable."""
    answer = site.control(part, _ANSWERS_WITHIN).ask("GET", "/-/jobs")
    try:
        return dict(answer.json())
    except (ValueError, TypeError) as error:
        raise Unreachable(f"{part.name} does not tell its jobs: {answer.detail}") from error


def maintenance_now(site: Site) -> MaintenanceNow | None:
    """By the word of the part that leads; None where the site has no maintenance."""
    parts = parts_of(site)
    for part in parts:
        try:
            said = jobs_of(site, part)
        except Unreachable:
            continue
        if said.get("leads"):
            return MaintenanceNow(part.name, cast(dict[str, JobRow], said["jobs"]), said["grown"])
    return MaintenanceNow() if parts else None


def want(site: Site, now: MaintenanceNow, job: str) -> None:
    """Have a job done at once, unless it is due or under way."""
    row = now.jobs[job]
    if now.lead is not None and row["due_in"] > 0 and not row["running"]:
        site.control(site.inventory.part(now.lead)).ask("POST", f"/-/jobs/{job}/run")


def leading(site: Site, job: str) -> tuple[MaintenanceNow, Part]:
    """How the jobs stand, and who does them. Raises Failure when nobody does, and (usage) for a job that
    there is not."""
    now = maintenance_now(site)
    if now is None or now.lead is None:
        raise Failure("nobody does the jobs at this moment", "failwhale ops restart maintenance:all")
    if job not in now.jobs:
        raise unknown("job", job, now.jobs)
    return now, site.inventory.part(now.lead)


def do_now(site: Site, job: str, seconds: float) -> str:
    """Have a job done at once, and wait for the end of a run that began since; returns who did it. Raises
    Failure when it fails, or is not done in so many seconds."""
    now, lead = leading(site, job)
    before, end = now.jobs[job], time.monotonic() + seconds
    site.control(lead).ask("POST", f"/-/jobs/{job}/run")
    while True:
        now, lead = leading(site, job)
        row = now.jobs[job]
        is_over = row["runs"] > before["runs"] and not row["running"]
        if is_over and row["error"]:
            raise Failure(f"{job} failed: {row['error']}", f"see: failwhale logs {lead.name}")
        if is_over and (row["last_success"] or 0) > (before["last_success"] or 0):
            return lead.name
        if time.monotonic() > end:
            raise Failure(
                f"{job} is not done within {spell_duration(seconds)}: {_spell_run(row)}",
                f"let it be done again: failwhale ops resume {job}",
            )
        time.sleep(POLL_SECONDS)


def _spell_run(row: JobRow) -> str:
    if row["running"]:
        return f"under way for {spell_duration(row['running'])}"
    return f"due for {spell_duration(-row['due_in'])}, and not begun" if row["due_in"] < 0 else "not begun"


def is_well(now: MaintenanceNow) -> bool:
    return now.lead is not None and not late_jobs(now)


def late_jobs(now: MaintenanceNow) -> list[str]:
    return [name for name, row in now.jobs.items() if row["late"]]


def spell_maintenance(now: MaintenanceNow) -> str:
    """A line for people: what is late, and what grows meanwhile."""
    if now.lead is None:
        return "maintenance: nobody does the jobs"
    late = late_jobs(now)
    if not late:
        return f"maintenance: {len(now.jobs)} jobs on time, done by {now.lead}"
    told = "; ".join(f"{name} is late, {_spell_late(now, name)}" for name in late)
    return f"maintenance: {told}; {len(now.jobs) - len(late)} of {len(now.jobs)} jobs on time"


def _spell_late(now: MaintenanceNow, name: str) -> str:
    row = now.jobs[name]
    words: Sequence[str] = (
        f"no success for {spell_duration(row['age'])}",
        f"it should be done every {spell_duration(row['interval'])}",
        *([row["error"]] if row["error"] else []),
        *(f"{metric} {now.grown[metric]:,.0f}" for metric in row["grows"] if metric in now.grown),
    )
    return ", ".join(words)
