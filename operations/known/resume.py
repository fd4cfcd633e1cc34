"""resume: a consumer takes events again, a job of maintenance is done again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from foundation.failure import Failure
from operations.operation import OnParts, Order, names_of, register
from operations.waiting import comes_true, not_in_time
from testbed.control import Unreachable
from testbed.event_log import GROUPS
from testbed.inventory import Part
from testbed.maintenance import SERVICE as MAINTENANCE
from testbed.maintenance import do_now, leading
from testbed.selector import Roles
from testbed.site import Site

JOB_WITHIN = 20.0
READS_WITHIN = 10.0
READS_EVERY = 2.0
"""Seconds. A member that has nothing to do asks for events each second."""

_JOB = re.compile(r"[a-z-]+")


class Resume(OnParts):
    name = "resume"
    help = (
        "Have consumers take events again, or a job of maintenance done at once. Of a job the run that is "
        "under way is cut, and one that was stopped is done again from now on."
    )
    example = "failwhale ops resume notify:all"
    kinds = ("service",)
    services = tuple(GROUPS)
    target_help = "Consumers: timeline:all, notify@east; or a job: trim-events, back-up-store"

    def parts(self, site: Site, target: str) -> tuple[Part, ...]:
        if _is_job(target, site.inventory.parts):
            leading(site, target)
        return super().parts(site, target)

    def among(self, target: str, parts: Sequence[Part], roles: Roles) -> tuple[Part, ...]:
        if _is_job(target, parts):
            return tuple(part for part in parts if part.service == MAINTENANCE)
        return super().among(target, parts, roles)

    def carry_out(self, order: Order) -> str:
        if all(self.is_for(part) for part in order.parts):
            return _resume_consumers(order)
        return _resume_job(order)


def _is_job(target: str, parts: Sequence[Part]) -> bool:
    return _JOB.fullmatch(target) is not None and target not in {part.service for part in parts}


def _resume_consumers(order: Order) -> str:
    for part in order.parts:
        order.site.set_right(part, "consumers")
    if not comes_true(lambda: all(_reads(order.site, part) for part in order.parts), READS_WITHIN):
        raise not_in_time(
            f"not all of {names_of(order.parts)} have asked for events",
            READS_WITHIN,
            f"failwhale ops restart {order.target}",
        )
    return f"take events again: {names_of(order.parts)}"


def _reads(site: Site, part: Part) -> bool:
    group = site.group_now(GROUPS[part.service])
    return group is not None and group.idle.get(part.name, READS_EVERY) < READS_EVERY


def _resume_job(order: Order) -> str:
    site, job = order.site, order.target
    for part in order.parts:
        try:
            site.control(part).ask("POST", f"/-/jobs/{job}/resume")
        except Unreachable:  # who is down does not do it
            if site.runtime.is_running(part.name):
                raise Failure(f"{part.name} does not answer", f"failwhale ops restart {part.name}") from None
    return f"{job} is done again, by {do_now(site, job, JOB_WITHIN)}"


register(Resume())
