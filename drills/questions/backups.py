"""Is there a backup that is good, and a way to it from either data centre?"""

from __future__ import annotations

from collections.abc import Iterator

from drills.finding import Defect, Question
from foundation.console import spell_duration
from testbed.backups import JOB, why_unreachable
from testbed.maintenance import leading, parts_of
from testbed.site import Site


def ask(site: Site) -> Iterator[Defect]:
    now, _ = leading(site, JOB)
    row = now.jobs[JOB]
    if row["late"] or row["error"]:
        age = f"no good backup for {spell_duration(round(row['age']))}"
        yield Defect(f"{age}: {row['error']}" if row["error"] else age, f"failwhale ops resume {JOB}")
    for part in parts_of(site):
        if why := why_unreachable(site, part):
            yield Defect(f"{part.name} has no way to the backups: {why}", "failwhale chaos heal")


BACKUPS = Question("backups", "the last one is no older than it should be", ask)
