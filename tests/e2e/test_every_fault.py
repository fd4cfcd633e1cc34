"""Every registered fault does what it says: healthy, applied, users hurt as declared, reverted, healthy
again."""

import pytest
from site_under_test import Site, wait_until

from chaos.catalogue import all_faults
from chaos.fault import Demonstration, Fault, Parameter

FIRST_ON_DOCKER = {
    fault.family: fault for fault in reversed(all_faults()) if fault.listed and "docker" in fault.runtimes
}
SMOKE = pytest.mark.smoke("one of each family")
FAULTS = [
    pytest.param(
        runtime,
        fault,
        demonstration,
        id="-".join((runtime, fault.name, *([demonstration.target.partition(":")[0]] if number else []))),
        marks=SMOKE if not number and fault in FIRST_ON_DOCKER.values() else (),
    )
    for fault in all_faults()
    if fault.listed
    for runtime in fault.runtimes
    for number, demonstration in enumerate(fault.demonstrations)
]
LIMIT = "60s"
"""More than all of it takes: a fault is ended once users were seen to be hurt as declared. That each ends by
itself at its limit is seen by test_sigkill.py, for all of them at once."""

HURT_WITHIN = 16
"""Seconds. A bad certificate hurts who connects anew, and calls keep a connection for up to 12.5 s."""


def spell(parameter: Parameter, value: object) -> str:
    match parameter.type, value:
        case "duration", float() | int():
            return f"{value:g}s"
        case "share", float() | int():
            return f"{value * 100:g}%"
    return str(value)


def command(fault: Fault, demonstration: Demonstration) -> list[str]:
    known = {parameter.name: parameter for parameter in fault.parameters}
    options = [f"--{name}={spell(known[name], value)}" for name, value in demonstration.parameters.items()]
    return ["chaos", fault.name, demonstration.target, f"--for={LIMIT}", *options]


@pytest.mark.parametrize(("runtime", "fault", "demonstration"), FAULTS, indirect=["runtime"], scope="session")
def test_every_fault(site: Site, fault: Fault, demonstration: Demonstration) -> None:
    declared = dict(demonstration.hurts)
    begun = site.json(*command(fault, demonstration), "--detach")
    assert begun["verified"] is True

    def as_declared() -> bool:
        now = site.journeys()
        return all(now[journey]["state"] == kind for journey, kind in declared.items())

    wait_until(as_declared, HURT_WITHIN, f"users hurt as declared: {declared}")

    if fault.lasting:
        assert begun["id"] in [row["id"] for row in site.active()], "all of this while it was in force"
        ended = site.json("chaos", "end", begun["id"])
        assert ended["phase"] == "reverted", ended
    assert begun["id"] not in [row["id"] for row in site.active()]
    lines = [line for line in site.ledger() if line.get("fault") == begun["id"]]
    for target in [row["target"] for row in begun["targets"]]:
        steps = [line["kind"].removeprefix("fault.") for line in lines if line["target"] == target]
        assert steps == ["requested", "applied", "verified", "reverting", "reverted"]
    site.wait_green()

    def in_the_record() -> bool:
        rows = [row for row in site.json("outages") if begun["id"] in row["causes"] and row["end"]]
        return declared.items() <= {(row["journey"], row["kind"]) for row in rows}

    try:
        wait_until(in_the_record, 10, f"the outages in the record: {declared}")
    except AssertionError as error:
        raise AssertionError(f"{error}; {lines} and {site.json('outages')[-5:]}") from None
