"""What benches draw are commands that a person could type."""

from __future__ import annotations

import shlex

import pytest

from bench.faults import lasting_faults
from failwhale.typed import check_command


@pytest.mark.parametrize("runtime", ["processes", "docker"])
def test_what_is_drawn_can_be_typed(runtime: str) -> None:
    drawn = list(lasting_faults(runtime))
    assert len(drawn) >= 70
    for one in {one.fault.family: one for one in drawn}.values():
        check_command(shlex.join(["failwhale", *one.words(1.5), "--detach"]))
