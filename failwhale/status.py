"""`failwhale status`: what runs, where, and how it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypedDict

from foundation.console import (
    DEFAULT_STATE,
    JsonOption,
    StateOption,
    print_json,
    print_table,
    spell_names,
    stdout,
)
from foundation.state import State

if TYPE_CHECKING:
    from testbed.instruments import JourneyRow
    from testbed.runtimes import PartStatus
    from testbed.site import Site


def status(state: StateOption = DEFAULT_STATE, as_json: JsonOption = False) -> None:
    """What runs, where it listens, whether it is ready, and how much memory it takes (shared memory is
    split). And how users fare, which faults are active, which protections are off, and which jobs of
    maintenance are late.

    Examples:
      failwhale status
      failwhale status --json
    """
    from dataclasses import asdict

    from chaos.journal import read
    from failwhale.protections import say_of_themselves, switched_off
    from foundation.disk import is_full
    from outages.wording import record_problem
    from testbed.alertmanager import SERVICE as ALERTMANAGER
    from testbed.choice import lifecycle_of
    from testbed.instruments import prober_now
    from testbed.maintenance import is_well, maintenance_now, spell_maintenance
    from testbed.sentinels import spell_failover
    from testbed.site import Site
    from testbed.sitefile import SiteFile

    site = State(state)
    standing = lifecycle_of(site).look()
    chaos = Site(site)
    supervisor = standing.supervisor
    infos = say_of_themselves(chaos, {part.name for part in standing.parts if part.ready and not part.paused})
    parts = with_releases(chaos, standing.parts, infos)
    failover = chaos.failover_hindrance() if chaos.stores else None
    lag = chaos.replication_lag()
    content = SiteFile.read(site)
    edges = content.public
    prober = prober_now(site)
    record = prober.get("record", {})
    journal = read(site.journal)
    active = [entry.order.id for entry in journal.entries.values() if not entry.over]
    off = switched_off(infos)
    configuration = configuration_now(infos)
    maintenance = maintenance_now(chaos)
    full = is_full(site.path)
    total = sum(part.memory_bytes or 0 for part in parts) + (supervisor.memory_bytes if supervisor else 0)
    if as_json:
        print_json(
            {
                "runtime": content.runtime,
                "state": str(site.path),
                "edges": edges,
                "parts": [asdict(part) for part in parts],
                "supervisor": asdict(supervisor) if supervisor else None,
                "memory_bytes": total,
                "journeys": prober.get("journeys", {}),
                "record": record,
                "blocked": journal.blocked,
                "active_faults": active,
                "protections_off": off,
                "configuration": configuration,
                "maintenance": asdict(maintenance) if maintenance else None,
                "full": full,
                "left_out": [asdict(row) for row in content.left_out],
                "failover_hindrance": failover,
                "replication_lag_bytes": lag,
            }
        )
        return
    _show_parts(parts, supervisor is not None)
    for row in content.left_out:
        stdout().print(f"without {row.part}: {row.reason}")
    for place, address in edges.items():
        stdout().print(f"{place}: {address}")
    stdout().print(f"users: {_spell_journeys(prober.get('journeys', {}))}")
    if not prober and _has_expired(site):
        stdout().print(
            "certificates: that of operators has expired, so that no part answers here; those of parts may"
            " have, too: failwhale certificates renew all",
            style="red",
        )
    if any(part.service == ALERTMANAGER and not part.ready for part in parts):
        stdout().print(
            "pages: none comes, as the alertmanager does not answer (failwhale ops restart alertmanager)",
            style="yellow",
        )
    if journal.blocked:
        stdout().print("blocked: no fault begins until failwhale chaos unblock", style="yellow")
    if active:
        stdout().print(f"active faults: {', '.join(active)} (failwhale chaos active)", style="yellow")
    if configuration["version"] is not None:
        stdout().print(_spell_configuration(configuration), style="yellow" if configuration["others"] else "")
    for name, services in off.items():
        stdout().print(
            f"{name}: off on {spell_names(services, f'{len(services)} services')} (failwhale protections)",
            style="yellow",
        )
    if maintenance:
        stdout().print(spell_maintenance(maintenance), style="" if is_well(maintenance) else "yellow")
    if full:
        stdout().print(
            f"no room is left in {site.path}: no fault begins, what is in force ends all the same",
            style="red",
        )
    if problem := record_problem(record):
        stdout().print(f"the record: {problem}", style="red")
    if failover is not None:
        stdout().print(spell_failover(failover))
    for name, behind in lag.items():
        stdout().print(f"replication: {name} is {behind:,} bytes behind the primary")
    watched = f" and their supervisor (pid {supervisor.pid})" if supervisor else ""
    stdout().print(f"{len(parts)} parts{watched}: {total / 1e6:.0f} MB")


def _has_expired(site: State) -> bool:
    """Whether the operators' own certificate has, with which parts are asked."""
    from testbed.certificates import Flaw, flaw_of

    return flaw_of(site.pki, "client") is Flaw.EXPIRED


def with_releases(
    site: Site, parts: Sequence[PartStatus], infos: Mapping[str, Mapping[str, Any]]
) -> list[PartStatus]:
    """What services say that they run; who is not in `infos` is asked, all at once. Of one that does not
    answer it is what it was told."""
    from dataclasses import replace

    services = {part.name: part for part in site.inventory.parts if part.kind == "service"}

    def asked(part: PartStatus) -> PartStatus:
        if part.name not in services:
            return part
        says = infos.get(part.name, {}).get("release")
        if says is None and part.running and not part.paused:
            says = site.release(services[part.name])
        return replace(part, release=says or site.releases.told_last(part.name))

    with ThreadPoolExecutor(max(1, len(parts))) as together:
        return list(together.map(asked, parts))


class ConfigurationNow(TypedDict):
    """The version that most services go by; None: none answers. And those that go by another one."""

    version: int | None
    others: dict[str, int]


def configuration_now(infos: Mapping[str, Mapping[str, Any]]) -> ConfigurationNow:
    """Of what services say of themselves."""
    versions = {part: info["configuration"] for part, info in infos.items() if "configuration" in info}
    if not versions:
        return {"version": None, "others": {}}
    (most, _), *_ = Counter(versions.values()).most_common(1)
    return {"version": most, "others": {part: one for part, one in versions.items() if one != most}}


def _spell_configuration(now: ConfigurationNow) -> str:
    others = "".join(f"; {part} has version {version}" for part, version in now["others"].items())
    return f"configuration: version {now['version']}{others} (failwhale config show)"


def _show_parts(parts: Sequence[PartStatus], are_processes: bool) -> None:
    """A table. A container's name is that of its part, at length: --json has it."""
    columns = [
        "part",
        "state",
        "role",
        *(["pid"] if are_processes else []),
        "address",
        "release",
        "memory",
        "restarts",
    ]
    rows = [
        [
            part.name,
            _spell_state(part.running, part.paused, part.ready),
            part.role,
            *([part.pid] if are_processes else []),
            part.address,
            part.release,
            f"{part.memory_bytes / 1e6:.0f} MB" if part.memory_bytes else None,
            part.restarts or None,
        ]
        for part in parts
    ]
    if not any(part.restarts for part in parts):  # most of the time
        columns.pop()
        rows = [row[:-1] for row in rows]
    print_table(columns, rows, right=("pid", "memory", "restarts"))


def _spell_journeys(journeys: Mapping[str, JourneyRow]) -> str:
    """How users fare by the prober, in a line."""
    if not journeys:
        return "no data, the prober does not answer"
    ill = []
    for state, word in (("down", "down"), ("slow", "slow"), ("unknown", "no data")):
        names = [name for name, row in journeys.items() if row["state"] == state]
        if names:
            ill.append(f"{spell_names(names, str(len(names)))} {word}")
    if not ill:
        return f"all {len(journeys)} journeys green"
    green = sum(row["state"] == "green" for row in journeys.values())
    return f"{', '.join(ill)}; {green} of {len(journeys)} journeys green"


def _spell_state(running: bool, paused: bool, ready: bool) -> str:
    if not running:
        return "down"
    return "paused" if paused else "ready" if ready else "unready"
