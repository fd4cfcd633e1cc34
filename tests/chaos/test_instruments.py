"""Faults of what watches the site: what is refused, and what an automation does to a healthy part."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

import chaos.faults.instruments.health_monitor_kills
from chaos.catalogue import fault_named
from chaos.fault import Injection, Value
from chaos.injector import Request
from chaos.target import at
from foundation.failure import USAGE, Failure


def injection(laboratory: Any, fault: str, part: str, parameters: Mapping[str, Value]) -> Injection:
    checked = fault_named(fault).check(parameters)
    return Injection(f"{fault}-1", at(laboratory.site.inventory.part(part)), checked, 60.0)


@pytest.mark.parametrize(
    ("fault", "target", "parameters", "message"),
    [
        ("alert-silenced", "prometheus", {"alert": "Nonsense"}, "no alert is named 'Nonsense'"),
        ("journey-unwatched", "prober", {"journey": "lunch"}, "no journey is named 'lunch'"),
    ],
)
def test_what_is_not_watched_cannot_be_taken_out(
    laboratory: Any, fault: str, target: str, parameters: dict[str, Value], message: str
) -> None:
    with pytest.raises(Failure, match=message) as failure:
        laboratory.controller().order(Request(fault, target, 5.0, parameters))
    assert failure.value.code == USAGE


def test_rules_that_a_start_of_prometheus_brings_back_are_a_fault_no_more(
    laboratory: Any, settle: Any, wait_until: Any
) -> None:
    injector = laboratory.controller()
    injector.order(Request("alert-silenced", "prometheus", 30.0, id="silenced"))

    def progress() -> Any:
        return injector.entry("silenced").progress["prometheus"]

    wait_until(lambda: progress().verified, "verified")
    laboratory.site.rules.put_back()
    laboratory.site.runtime.reload("prometheus")
    wait_until(lambda: progress().ceased is not None, "ceased")
    (entry,) = settle(injector)
    assert entry.over


@pytest.fixture
def monitor(laboratory: Any) -> Any:
    """A monitor that has killed a part: what it does at each look, and whether the part runs then."""
    fault = fault_named("health-monitor-kills")
    order = injection(laboratory, fault.name, "post@east", {"every": 1.0, "replaces": 0.5})
    fault.apply(laboratory.site, order)

    def look() -> bool:
        fault.sustain(laboratory.site, order)
        return bool(laboratory.site.runtime.is_running("post@east"))

    return look


def test_a_healthy_part_is_killed_replaced_and_killed_again_when_it_is_old_enough(
    laboratory: Any, monitor: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not monitor(), "it is not replaced at once"
    wait_until(monitor, "replaced")
    monkeypatch.setattr(laboratory.site.runtime, "age", lambda part: 0.9)
    assert monitor(), "it is too young to be checked"
    monkeypatch.setattr(laboratory.site.runtime, "age", lambda part: 1.1)
    assert not monitor()


def test_a_monitor_that_another_controller_takes_over_replaces_what_is_down(
    laboratory: Any, monitor: Any, wait_until: Any
) -> None:
    successor = chaos.faults.instruments.health_monitor_kills.HealthMonitorKills()
    order = injection(laboratory, "health-monitor-kills", "post@east", {"replaces": 0.5})

    def replaced() -> bool:
        successor.sustain(laboratory.site, order)
        return bool(laboratory.site.runtime.is_running("post@east"))

    began = time.monotonic()
    wait_until(replaced, "replaced")
    assert time.monotonic() - began >= 0.5


def test_a_monitor_that_is_patient_kills_nobody_and_is_no_fault(laboratory: Any) -> None:
    fault = fault_named("health-monitor-kills")
    order = injection(laboratory, fault.name, "post@east", {"tolerates": 1.0})
    laboratory.site.runtime.processes["post@east"].began = time.monotonic() - 100
    fault.apply(laboratory.site, order)
    assert laboratory.site.runtime.is_running("post@east")
    assert fault.verify(laboratory.site, order).verdict is False
