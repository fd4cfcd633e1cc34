"""Two faults at once: what is left of them is told, and so is a second one that is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import bench.pairs
from bench.faults import Demonstrated, lasting_faults
from bench.pairs import Paired, _ills, _round
from bench.site import BenchError, Site
from foundation.failure import INCONCLUSIVE

SITE = Site(Path("/nowhere"), "https://localhost:1", 1.0)
WELL: dict[str, Any] = {
    "parts": [{"name": "post@east", "ready": True}],
    "active_faults": [],
    "journeys": {"post": {"state": "green"}},
}
FIRST, SECOND = list(lasting_faults("processes"))[:2]


def answering(monkeypatch: pytest.MonkeyPatch, *, status: dict[str, Any], mended: list[str]) -> list[str]:
    """What is asked for; the second fault is refused where it is the same as the first."""
    asked: list[str] = []

    def order(site: Site, *words: str) -> str:
        asked.append(" ".join(words[:3]))
        if words[0] == "status":
            return json.dumps(status)
        if words[:2] == ("chaos", "heal"):
            return json.dumps({"mended": mended})
        if words[:2] == ("chaos", "end"):
            return json.dumps({"phase": "reverted"})
        if words[1] in [one.split()[1] for one in asked[:-1]]:
            raise BenchError(f"{words[1]} is in force there already\nend it")
        return json.dumps({"id": f"{words[1]}-1", "verified": True})

    monkeypatch.setattr(bench.pairs, "order", order)
    monkeypatch.setattr(bench.pairs, "WHOLE_WITHIN", 0.0)
    return asked


def test_all_that_is_not_well_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    status = {
        "parts": [{"name": "post@east", "ready": False}],
        "active_faults": ["kill-1"],
        "journeys": {"post": {"state": "down"}, "login": {"state": "green"}},
    }
    answering(monkeypatch, status=status, mended=[])
    assert _ills(SITE) == ["post@east is not ready", "kill-1 is active", "post is down"]


@pytest.mark.parametrize("backwards", [False, True])
def test_both_are_ended_in_the_order_that_was_drawn(monkeypatch: pytest.MonkeyPatch, backwards: bool) -> None:
    asked = answering(monkeypatch, status=WELL, mended=["post@east was down"])
    found = Paired(7)
    assert _round(SITE, FIRST, SECOND, found, backwards=backwards) == ["heal found: post@east was down"]
    ends = [f"chaos end {one.fault.name}-1" for one in (FIRST, SECOND)]
    assert [one for one in asked if one.startswith("chaos end")] == (ends[::-1] if backwards else ends)
    assert found.together == 1


def test_a_second_one_that_is_refused_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, status=WELL, mended=[])
    found = Paired(7)
    same = Demonstrated(FIRST.fault, FIRST.demonstration)
    assert _round(SITE, FIRST, same, found, backwards=False) == []
    assert list(found.refusals.values()) == [f"{FIRST.fault.name} is in force there already"]
    assert found.together == 0


def test_one_without_an_effect_that_was_seen_is_in_force_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, status=WELL, mended=[])
    answer = bench.pairs.order

    def order(site: Site, *words: str) -> str:
        said = answer(site, *words)
        if words[1:2] == (SECOND.fault.name,):
            raise BenchError("no effect observed", INCONCLUSIVE, said)
        return said

    monkeypatch.setattr(bench.pairs, "order", order)
    found = Paired(7)
    assert _round(SITE, FIRST, SECOND, found, backwards=True) == []
    assert [one.partition(",")[0] for one in found.unproved] == [str(SECOND)]
    assert f"chaos end {SECOND.fault.name}-1" in asked
    assert found.together == 1
