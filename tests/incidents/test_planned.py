"""What incidents do, as it is written: asked of the controller, and typed by a person."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import chaos.cli
from foundation.console import run
from foundation.failure import BASELINE_NOT_MET, Failure
from incidents.incident import HOLD
from incidents.planned import PlannedInjection, PlannedRelease
from incidents.reading import catalogue, file_of, read


def test_what_is_written_is_asked_for() -> None:
    parameters = {"delay": "1200ms", "share": "50%"}
    latency = PlannedInjection("latency", "post:all", "1m", parameters, "frontend@east", at="500ms")
    assert latency.begins == 0.5
    request = latency.request()
    assert (request.fault, request.target, request.seconds) == ("latency", "post:all", 60.0)
    assert request.parameters == {"delay": 1.2, "share": 0.5}
    assert request.from_selector == "frontend@east"
    assert latency.command(detach=True) == (
        "failwhale chaos latency post:all --delay 1200ms --share 50% --from frontend@east --for 1m --detach"
    )


def test_without_a_time_it_begins_at_once_and_for_all_callers() -> None:
    kill = PlannedInjection("kill", "post@east", "4s")
    assert kill.begins == 0.0
    assert kill.request().from_selector is None
    assert kill.command() == "failwhale chaos kill post@east --for 4s"


@pytest.mark.parametrize(
    ("fault", "lasts", "parameters", "said"),
    [
        ("kil", "4s", {}, "no fault is named 'kil'"),
        ("latency", "4s", {"delai": "1s"}, "latency has no parameter 'delai'"),
        ("latency", "4s", {"share": "200%"}, "share: '200%' is not a share"),
    ],
)
def test_what_nobody_could_ask_for_is_named(
    fault: str, lasts: str, parameters: dict[str, str], said: str
) -> None:
    with pytest.raises(Failure, match=said):
        PlannedInjection(fault, "post@east", lasts, parameters).request()


def test_a_release_is_rolled_out_and_back() -> None:
    assert PlannedRelease("1.2-slow", "post:all", "4s").commands == (
        "failwhale release roll-out 1.2-slow post:all",
        "failwhale release roll-back post:all",
    )


@pytest.mark.parametrize("name", catalogue())
def test_what_an_incident_shows_can_be_typed(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Up to where the command looks for a site."""
    for injection in read(file_of(name)).injections:
        program, verb, *words = shlex.split(injection.command(detach=True))
        assert (program, verb) == ("failwhale", "chaos")
        code = run(chaos.cli.commands(), "failwhale chaos", [*words, "--state", str(tmp_path)])
        assert code == BASELINE_NOT_MET
        assert "there is no site in" in capsys.readouterr().err


def test_with_a_fix_all_lasts_longer_but_for_what_ends_by_itself() -> None:
    edge, room = read(file_of("failback-stampede")).prolonged().injections
    assert (edge.fault, edge.lasts) == ("kill", "4s")
    assert (room.fault, room.lasts) == ("edge-too-small", HOLD)
