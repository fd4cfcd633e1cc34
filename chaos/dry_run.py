"""What a fault would do: to which parts and calls, whom it may hurt, and whether a failover would follow."""

from __future__ import annotations

from typing import NamedTuple

from chaos.faults.calls.injection_point import is_meant
from chaos.injector import Plan, Request
from chaos.target import CALLERS, Target
from foundation.console import print_json, spell_duration, stdout
from testbed.inventory import Part
from testbed.sentinels import spell_failover
from testbed.site import Site

USERS = "users"
SHOWN_CALLS = 4
"""So many kinds of call of a part are shown to a person; all are in the JSON."""


class Touched(NamedTuple):
    """The calls into one part that would be touched. `calls` are operations, None: the part cannot say; of a
    part that is no service they are commands and bytes, without names."""

    part: str
    calls: tuple[str, ...] | None
    callers: tuple[str, ...]


def show(request: Request, planned: Plan, site: Site, *, json: bool) -> None:
    """Print it, and do nothing."""
    failover = _failover_of(site, planned)
    touched = [one for target in planned.targets for one in _touched(site, target, planned)]
    hurts = sorted(
        {journey for target in planned.targets for journey in planned.fault.hurts(target, planned.parameters)}
    )
    if json:
        print_json(
            {
                "fault": request.fault,
                "target": request.target,
                "from": request.from_selector,
                "callers": list(planned.callers),
                "targets": [target.name for target in planned.targets],
                "touches": [one._asdict() for one in touched],
                "parameters": dict(planned.parameters),
                "seconds": request.seconds,
                "seed": request.seed,
                "hurts": hurts,
                "failover_hindrance": failover,
                "dry_run": True,
            }
        )
        return
    targets = ", ".join(target.name for target in planned.targets)
    how, callers = planned.fault.spell(planned.parameters), ", ".join(planned.callers)
    stdout().print(
        f"{request.fault} would hit {targets}{f' from {callers}' if callers else ''} for"
        f" {spell_duration(request.seconds)}{f' ({how})' if how else ''}"
    )
    for one in touched:
        stdout().print(f"  {one.part}: {_spell(one)}", markup=False)
    stdout().print(f"may hurt: {', '.join(hurts) or 'no journey'}")
    if failover is not None:
        stdout().print(spell_failover(failover))


def _touched(site: Site, target: Target, planned: Plan) -> list[Touched]:
    return [
        Touched(part.name, _calls(site, part, planned), target.callers or _callers(site, part))
        for part in target.parts
        if not part.is_instrument
    ]


def _calls(site: Site, part: Part, planned: Plan) -> tuple[str, ...] | None:
    """The operations of a service that the fault is about: all of them, or those of one route."""
    if part.kind != "service":
        return ()
    wanted, routes = planned.parameters.get("route"), site.routes(part)
    if wanted is None or routes is None:
        return routes
    return tuple(route for route in routes if is_meant(str(wanted), route))


def _callers(site: Site, part: Part) -> tuple[str, ...]:
    """Who calls a part: other parts by name, or users."""
    if part.service == "frontend":
        return (USERS,)
    if part.kind != "service":  # a store, a link: whoever needs it, by its own protocol
        return ()
    callers = CALLERS.get(part.service, ())
    return tuple(one.name for one in site.inventory.parts if one.service in callers)


def _spell(touched: Touched) -> str:
    if touched.calls is None:
        return "cannot say now what it answers"
    if not touched.calls:
        return "whatever is asked of it"
    some = ", ".join(touched.calls[:SHOWN_CALLS])
    more = len(touched.calls) - SHOWN_CALLS
    whose = f" (called by {', '.join(touched.callers)})" if touched.callers else ""
    return f"{some}{f' and {more} more' if more > 0 else ''}{whose}"


def _failover_of(site: Site, planned: Plan) -> str | None:
    """Why a loss of the primary would not be failed over now, empty when it would; None if it is not hit. A
    replica that is hit as well is nobody to promote."""
    hit = [part for part in planned.parts if part.kind == "store"]
    if not any(site.store_role(part) == "primary" for part in hit):
        return None
    left = [part for part in site.stores if part not in hit]
    return site.failover_hindrance() if left else "every store is among the targets"
