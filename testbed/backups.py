"""The backups of the store, as maintenance has them, and how one is put back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from foundation.failure import Failure
from testbed.control import Answer, Unreachable
from testbed.inventory import Part
from testbed.maintenance import leading
from testbed.site import Site

JOB = "back-up-store"

_RESTORED_WITHIN = 90.0
"""Seconds. A backup is loaded first, and put back in one step."""


@dataclass(frozen=True)
class Backup:
    """A dump that was loaded and looked at when it was made."""

    name: str
    made: float
    """Unix seconds."""

    @property
    def age(self) -> float:
        """In seconds."""
        return max(0.0, time.time() - self.made)


class NotGood(Failure):
    """This backup cannot be loaded; another one may be."""


def backups_of(site: Site) -> list[Backup]:
    """The newest first. Raises Failure when there is none, with what became of the last attempt."""
    now, lead = leading(site, JOB)
    answer = _asked(site, lead, "GET", "/-/backups", 2.0)
    why = "" if answer.status == 200 else answer.detail
    found = [] if why else [Backup(row["name"], row["made"]) for row in answer.json()]
    if found:
        return found
    row = now.jobs[JOB]
    last = why or row["error"]
    raise Failure(
        "there is no backup that was tried out and is good"
        + (f": {last}" if last else f": {JOB} was never done" if row["last_success"] is None else ""),
        "does a replica have what is lost? failwhale ops failover;"
        f" a backup for the next time: failwhale ops resume {JOB}",
    )


def why_unreachable(site: Site, part: Part) -> str:
    """Why this part of maintenance has no way to the backups; empty when it has. Raises Unreachable."""
    answer = site.control(part, 2.0).ask("GET", "/-/backups")
    return "" if answer.status == 200 else answer.detail


def restore(site: Site, backup: Backup) -> dict[str, Any]:
    """Give the store what this backup has, and take all that it has now; returns `keys`, `removed` and
    `replicated`. Raises NotGood, and Failure when the store does not take it or nobody answers."""
    _, lead = leading(site, JOB)
    answer = _asked(site, lead, "POST", f"/-/backups/{backup.name}/restore", _RESTORED_WITHIN)
    if answer.problem == "backup-not-good":
        raise NotGood(f"{backup.name}: {answer.detail}", f"see: failwhale logs {lead.name}")
    if answer.status != 200:
        raise Failure(f"{backup.name} was not restored: {answer.detail}", "see: failwhale status")
    return dict(answer.json())


def _asked(site: Site, lead: Part, method: str, path: str, seconds: float) -> Answer:
    try:
        return site.control(lead, seconds).ask(method, path)
    except Unreachable:
        raise Failure(f"{lead.name} does not answer", f"failwhale ops restart {lead.name}") from None
