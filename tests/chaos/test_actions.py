"""The experiment for the Chaos Toolkit in docs/ asks for what there is."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from chaos.catalogue import fault_named

EXPERIMENT = json.loads((Path(__file__).parents[2] / "docs" / "chaostoolkit.json").read_text())
STEPS: list[dict[str, Any]] = [
    *EXPERIMENT["steady-state-hypothesis"]["probes"],
    *EXPERIMENT["method"],
    *EXPERIMENT["rollbacks"],
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: str(step["name"]))
def test_every_step_calls_a_function_that_takes_its_arguments(step: dict[str, Any]) -> None:
    provider = step["provider"]
    function = getattr(importlib.import_module(provider["module"]), provider["func"])
    inspect.signature(function).bind(**provider.get("arguments", {}))


def test_its_fault_can_be_done_to_its_target() -> None:
    (action,) = EXPERIMENT["method"]
    wanted = action["provider"]["arguments"]
    service, _, _ = wanted["target"].partition("@")
    assert service in fault_named(wanted["fault"]).targets
