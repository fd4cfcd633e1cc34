"""What `up` says when a site on Docker does not come up."""

from __future__ import annotations

from pathlib import Path

import pytest

from foundation.failure import Failure
from foundation.state import State
from testbed.runtimes.docker import lifecycle
from testbed.runtimes.docker.host import Explained
from testbed.runtimes.docker.lifecycle import told_how_to_stop

UNHEALTHY = ("see: docker logs p-1", "stop what runs: failwhale down, or docker compose down")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(lifecycle, "is_up", lambda state: request.param)


@pytest.mark.parametrize(
    ("runs", "was_up", "step", "told"),
    [
        (True, False, "free it", "free it; stop what runs: failwhale down --state {}"),
        (True, False, "", "stop what runs: failwhale down --state {}"),
        (True, False, UNHEALTHY, "see: docker logs p-1; stop what runs: failwhale down --state {}"),
        (False, False, "free it", "free it"),
        (True, True, "free it", "free it"),
        (True, True, UNHEALTHY, "; ".join(UNHEALTHY)),
    ],
    indirect=["runs"],
)
@pytest.mark.usefixtures("runs")
def test_a_start_that_failed_half_way_says_how_to_stop_the_other_half(
    tmp_path: Path, was_up: bool, step: str | tuple[str, ...], told: str
) -> None:
    with pytest.raises(Failure) as failure, told_how_to_stop(State(tmp_path), was_up):
        raise (
            Failure("port 1 is taken", step, 4)
            if isinstance(step, str)
            else Explained("port 1 is taken", step, 4)
        )
    raised = failure.value
    assert (raised.message, raised.next_step, raised.code) == ("port 1 is taken", told.format(tmp_path), 4)


@pytest.mark.parametrize(("runs", "was_up"), [(True, False), (False, False), (True, True)], indirect=["runs"])
@pytest.mark.usefixtures("runs")
def test_also_where_the_cause_was_shown_on_the_terminal(
    tmp_path: Path, was_up: bool, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit), told_how_to_stop(State(tmp_path), was_up):
        raise SystemExit(1)
    told = lifecycle.is_up(State(tmp_path)) and not was_up
    expected = f"  stop what runs: failwhale down --state {tmp_path}\n" if told else ""
    assert capsys.readouterr().err == expected
