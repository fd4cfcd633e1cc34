"""Every registered fault does what it says: healthy, applied, users hurt as declared, reverted, healthy
again."""

from collections.abc import Iterator
from typing import Any

import pytest
from site_under_test import Site, wait_until

from bench.faults import Demonstrated
from chaos.catalogue import all_faults
from chaos.fault import Demonstration, Fault


def cases() -> Iterator[Any]:
    """All on plain processes, and on Docker those that can be done only there. Of the others one of each
    family and of each way in which a fault is undone: what is set inside a service is the same code on
    both."""
    for runtime in RUNTIMES:
        seen: set[object] = set()
        families: set[str] = set()
        for fault in all_faults():
            if not fault.listed or runtime not in fault.runtimes:
                continue
            if fault.runtimes[0] != runtime and (fault.family, fault.leaves) in seen:
                continue
            seen.add((fault.family, fault.leaves))
            for number, demonstration in enumerate(fault.demonstrations):
                target = demonstration.target.partition(":")[0]
                yield pytest.param(
                    runtime,
                    fault,
                    demonstration,
                    id="-".join((runtime, fault.name, *([target] if number else []))),
                    marks=MARKS[runtime, _is_everyday(fault, runtime, families)],
                )
                families.add(fault.family)


def _is_everyday(fault: Fault, runtime: str, families: set[str]) -> bool:
    wanted = DONE_OTHERWISE[runtime]
    return fault.family not in families and (wanted is None or fault.family in wanted)


RUNTIMES = ("processes", "docker")
MARKS: dict[tuple[str, bool], Any] = {
    ("processes", True): (),
    ("processes", False): pytest.mark.long("there are many; everyday runs take the first one of each family"),
    ("docker", True): pytest.mark.smoke("the first one of each family that is done otherwise there"),
    ("docker", False): (),
}
"""By runtime, and whether everyday runs take it."""
DONE_OTHERWISE = {"processes": None, "docker": ("certificates", "instance", "network", "store")}
"""Families of which everyday runs take the first one; None: all. What is set inside a service is the same
everywhere."""
LIMIT_SECONDS = 60
"""More than all of it takes: a fault is ended once users were seen to be hurt as declared. That each ends by
itself at its limit is seen by test_sigkill.py, for all of them at once."""

HURT_WITHIN = 16
"""Seconds. A bad certificate hurts who connects anew, and calls keep a connection for up to 12.5 s."""


def command(fault: Fault, demonstration: Demonstration) -> list[str]:
    return Demonstrated(fault, demonstration).words(LIMIT_SECONDS)


def refusal(site: Site, fault: Fault, demonstration: Demonstration) -> str:
    """Why this machine cannot do what others can, in the words of the command; empty when it can."""
    done = site.run(*command(fault, demonstration), "--detach")
    if done.returncode == 0:
        site.ok("chaos", "heal")
        return ""
    assert done.returncode == 2, done.stderr
    assert "the kernel of this machine cannot" in done.stderr
    return done.stderr


def was_a_hiccup(outage: dict[str, Any]) -> bool:
    """Whether one attempt was slow and the next was not: a busy machine does that, with no fault at all. What
    a fault does to its users goes on for longer."""
    return outage["kind"] == "slow" and outage["attempts"] == 1


@pytest.mark.parametrize(
    ("runtime", "fault", "demonstration"), list(cases()), indirect=["runtime"], scope="session"
)
def test_every_fault(site: Site, fault: Fault, demonstration: Demonstration) -> None:
    declared = dict(demonstration.hurts)
    if not fault.everywhere and (refused := refusal(site, fault, demonstration)):
        pytest.skip(refused)
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
    over_within = 0 if fault.lasting else 20  # of what happens once nobody has waited for the end
    wait_until(lambda: begun["id"] not in [row["id"] for row in site.active()], over_within, "it is over")
    lines = [line for line in site.ledger() if line.get("fault") == begun["id"]]
    for target in [row["target"] for row in begun["targets"]]:
        steps = [line["kind"].removeprefix("fault.") for line in lines if line["target"] == target]
        assert steps == ["requested", "applied", "verified", "reverting", "reverted"]
    site.wait_green()
    said = {journey for line in lines if line["kind"] == "fault.requested" for journey in line["hurts"]}

    def in_the_record() -> bool:
        """Who was hurt since it began is among those of whom it says so; those whom it promises to hurt are
        there, with it as the cause, and with their ends."""
        felt = site.json("outages")
        since = begun["times"]["requested"]
        others = [
            row
            for row in felt
            if row["start"] >= since and row["journey"] not in said and not was_a_hiccup(row)
        ]
        assert not others, f"it may hurt {sorted(said)} only"
        mine = [row for row in felt if begun["id"] in row["causes"] and row["end"]]
        return declared.items() <= {(row["journey"], row["kind"]) for row in mine}

    wait_until(in_the_record, 10, f"the outages in the record: {declared}, of {lines}")
