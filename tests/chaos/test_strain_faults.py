"""Faults that a service does to its own process: what is no proof of them, and what may be asked for."""

from __future__ import annotations

from typing import Any

import pytest

import chaos.faults.instance.loop_blocked
from chaos.catalogue import fault_named
from chaos.fault import Injection
from chaos.target import at
from foundation.failure import Failure
from testbed.runtimes import Usage

KINDS = (
    "loop-blocked",
    "cpu-burn",
    "memory-leak",
    "memory-hog",
    "never-ready",
    "crash-loop",
    "slow-start",
    "out-of-memory",
    "threads",
)


def injected(laboratory: Any, parts: Any, name: str) -> Injection:
    fault = fault_named(name)
    (part,) = [part for part in parts if part.name == ("auth@east" if name == "threads" else "post@east")]
    injection = Injection(f"{name}-1", at(part), fault.check({}), 60.0)
    fault.apply(laboratory.site, injection)
    return injection


@pytest.mark.parametrize("name", KINDS)
def test_that_a_service_was_asked_for_it_proves_nothing(
    laboratory: Any, parts: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    injection = injected(laboratory, parts, name)
    assert fault_named(name).verify(laboratory.site, injection).verdict is True
    laboratory.site.harmless = True
    monkeypatch.setattr(chaos.faults.instance.loop_blocked, "_OF_A_PAUSE", 10)
    assert fault_named(name).verify(laboratory.site, injection).verdict is not True


def test_memory_is_counted_from_what_the_part_had_also_when_it_is_asked_again(
    laboratory: Any, parts: Any
) -> None:
    """Had the second asking begun with what the first one took, nothing would have grown."""
    fault, injection = fault_named("memory-hog"), injected(laboratory, parts, "memory-hog")
    fault.apply(laboratory.site, injection)
    assert "128 MB, 64 MB more than before" in fault.verify(laboratory.site, injection).evidence


@pytest.mark.parametrize(("limit", "refused"), [(None, False), (256, False), (100, True)])
def test_a_part_is_not_asked_for_more_than_it_may_take(
    laboratory: Any, parts: Any, monkeypatch: pytest.MonkeyPatch, limit: int | None, refused: bool
) -> None:
    site = laboratory.site
    usage = Usage(0.0, 64 * 2**20, None if limit is None else limit * 2**20)
    monkeypatch.setattr(site.runtime, "usage", lambda _: usage)
    fault = fault_named("memory-hog")
    ask = (site, parts[0], fault.check({"megabytes": 64}))
    if not refused:
        fault.refuse_misfit(*ask)
        return
    with pytest.raises(Failure, match="can take 20 MB more at most, not 64"):
        fault.refuse_misfit(*ask)
