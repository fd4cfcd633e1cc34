"""What a fault did to a part is found and removed without any record of it: every fault sweeps for itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from chaos.catalogue import all_faults
from chaos.fault import Fault, Injection
from chaos.heal import mend
from chaos.selector import select
from chaos.target import SITE, at, whole
from testbed.inventory import Part

FAULTS = [fault for fault in all_faults() if fault.listed and fault.lasting]
WHERE = [(fault, runtime) for fault in FAULTS for runtime in fault.runtimes]


@pytest.mark.parametrize(("fault", "runtime"), WHERE, ids=lambda one: getattr(one, "name", one))
def test_what_a_fault_left_behind_is_swept(fault: Fault, runtime: str, laboratory: Any, parts: Any) -> None:
    site = laboratory.site
    site.runtime.name = runtime
    if fault.demonstration.target == SITE:  # what is the whole site's is told of where it lies
        target, told_of = whole(site.inventory), "store@" if fault.family == "configuration" else "chaos "
    else:
        (part, *_) = select(fault.demonstration.target, parts, lambda: site.roles, 0)
        target, told_of = at(part), f"{part.name} "
    assert mend(site, site.inventory.parts) == ([], [])
    fault.apply(site, Injection(f"{fault.name}-1", target, fault.check(fault.demonstration.parameters), 60.0))
    assert site.harm()
    mended, refusals = mend(site, site.inventory.parts)
    assert site.harm() == []
    assert refusals == []
    stores = 2 if fault.name == "config-path-broken" else 1
    assert [line.startswith(told_of) and line.endswith(fault.restored) for line in mended] == [True] * stores
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
