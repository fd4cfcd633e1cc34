"""What the marks of a fault's progress add up to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaos.journal import PartProgress
from chaos.phase import Phase

APPLIED = PartProgress(applied=1.0)
VERIFIED = replace(APPLIED, verified=True)


@pytest.mark.parametrize(
    ("progress", "phase"),
    [
        (PartProgress(), Phase.REQUESTED),
        (PartProgress(failed="it could not be done"), Phase.REQUESTED),
        (APPLIED, Phase.APPLIED),
        (replace(APPLIED, verified=False), Phase.APPLIED),
        (VERIFIED, Phase.VERIFIED),
        (replace(VERIFIED, ceased=2.0), Phase.REVERTING),
        (replace(VERIFIED, reverting=2.0), Phase.REVERTING),
        (replace(VERIFIED, reverting=2.0, reverted=4.0), Phase.REVERTED),
        (replace(VERIFIED, ceased=2.0, reverting=3.0, reverted=4.0), Phase.CEASED),
        (replace(VERIFIED, reverting=2.0, unknown=4.0), Phase.UNKNOWN),
        (replace(VERIFIED, unknown=4.0), Phase.UNKNOWN),
    ],
)
def test_a_phase_is_told_by_the_last_mark(progress: PartProgress, phase: Phase) -> None:
    assert progress.phase is phase


def test_what_is_over_settled_and_may_hurt() -> None:
    assert {phase for phase in Phase if phase.is_over} == {Phase.REVERTED, Phase.CEASED}
    assert {phase for phase in Phase if phase.is_settled} == {Phase.REVERTED, Phase.CEASED, Phase.UNKNOWN}
    hurting = {Phase.REQUESTED, Phase.APPLIED, Phase.VERIFIED, Phase.UNKNOWN}
    assert {phase for phase in Phase if phase.may_hurt} == hurting
