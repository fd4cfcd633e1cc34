"""What a fault did to a part is found and removed without any record of it: every fault sweeps for itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from chaos.catalogue import all_faults
from chaos.fault import Fault, Injection
from chaos.faults.configuration.forced_document import ForcedDocument
from chaos.faults.load import Load
from chaos.heal import mend
from chaos.target import SITE, at, whole
from testbed.inventory import Part
from testbed.selector import select

FAULTS = [fault for fault in all_faults() if fault.listed and fault.lasting and not fault.leaves_nothing]
TOLD_OF = {"configuration": "store@", "store": "sentinel@"}
SEVERAL = {"config-path-broken": 2, "sentinels-down": 3, "quorum-lost": 2, "event-log-trimmed": 2}
"""Faults that leave something behind on several parts."""
WHERE = [(fault, runtime) for fault in FAULTS for runtime in fault.runtimes]


@pytest.mark.parametrize(("fault", "runtime"), WHERE, ids=lambda one: getattr(one, "name", one))
def test_what_a_fault_left_behind_is_swept(fault: Fault, runtime: str, laboratory: Any, parts: Any) -> None:
    site = laboratory.site
    site.runtime.name = runtime
    if fault.demonstration.target == SITE:  # what is the whole site's is told of where it lies
        target, told_of = whole(site.inventory), TOLD_OF.get(fault.family, "chaos ")
    else:
        (part, *_) = select(fault.demonstration.target, parts, lambda: site.roles, 0)
        target, told_of = at(part), f"{part.service}@" if fault.name in SEVERAL else f"{part.name} "
    if isinstance(fault, ForcedDocument):  # it lies in the stores, whichever part is to go by it
        told_of = TOLD_OF["configuration"]
    assert mend(site, site.inventory.parts) == ([], [])
    injection = Injection(f"{fault.name}-1", target, fault.check(fault.demonstration.parameters), 60.0)
    fault.apply(site, injection)
    assert site.harm()
    if isinstance(fault, Load):
        fault.stop(injection)  # as its controller did, since it is dead
    mended, refusals = mend(site, site.inventory.parts)
    assert site.harm() == []
    assert refusals == []
    if fault.name == "split-brain":  # services are led astray by points that are swept with all other points
        mended = [line for line in mended if "had an injection point" not in line]
    found = [line.startswith(told_of) and line.endswith(fault.restored) for line in mended]
    assert found == [True] * SEVERAL.get(fault.name, 1)
    assert mend(site, site.inventory.parts) == ([], [])


def test_a_part_is_asked_once_for_what_several_faults_leave_behind(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that does not answer cost a time-out for each fault that it has an injection point for."""
    asked: Counter[str] = Counter()
    control = laboratory.site.control

    def counting(part: Part, *args: Any, **options: Any) -> Any:
        asked[part.name] += 1
        return control(part, *args, **options)

    monkeypatch.setattr(laboratory.site, "control", counting)
    assert mend(laboratory.site, laboratory.site.inventory.parts) == ([], [])
    assert asked
    assert set(asked.values()) == {1}
