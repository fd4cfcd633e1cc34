"""Acts as they are written, and what is said of those that are wrong."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import chaos.cli
from driver.acts import PlannedInjection, read
from failwhale.demo import TOUR
from foundation.console import run
from foundation.failure import BASELINE_NOT_MET, USAGE, Failure

WELL = """
acts:
  - title: Two at once
    look-for: nobody can read
    injections:
      - {fault: kill, target: post@east, for: 4s}
      - at: 500ms
        fault: latency
        target: post:all
        from: frontend@east
        parameters: {delay: 1200ms, share: 50%}
        for: 1m
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "acts.yaml"


def test_what_is_written_is_asked_for(file: Path) -> None:
    file.write_text(WELL)
    (act,) = read(file)
    assert (act.title, act.look_for) == ("Two at once", "nobody can read")
    kill, latency = act.injections
    assert (kill.begins, latency.begins) == (0.0, 0.5)
    request = latency.request()
    assert (request.fault, request.target, request.seconds) == ("latency", "post:all", 60.0)
    assert request.parameters == {"delay": 1.2, "share": 0.5}
    assert (kill.request().from_selector, request.from_selector) == (None, "frontend@east")
    assert latency.command(detach=True) == (
        "failwhale chaos latency post:all --delay 1200ms --share 50% --from frontend@east --for 1m --detach"
    )


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("look-for:", "look-fro:", r"acts\[0\].look-fro is not known: title, look-for, injections, release"),
        ("    look-for: nobody can read\n", "", r"acts\[0\].look-for is missing"),
        ("4s", "4", r"acts\[0\].injections\[0\].for must be text, not 4"),
        ("4s", "four", r"acts\[0\].injections\[0\].for: 'four' is not a duration: write it like"),
        ("500ms", "-1s", r"acts\[0\].injections\[1\].at: '-1s' is not a duration"),
        ("kill", "kil", r"acts\[0\].injections\[0\].fault: no fault is named 'kil'"),
        ("50%", "half", r"acts\[0\].injections\[1\].parameters: share: 'half' is not a share: write it like"),
        ("50%", "200%", r"acts\[0\].injections\[1\].parameters: share: '200%' is not a share"),
        ("delay:", "delai:", r"acts\[0\].injections\[1\].parameters: latency has no parameter 'delai'"),
        ("acts:", "act:", r"act is not known: acts"),
        ("acts:", "{", "while parsing"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_its_key(file: Path, right: str, wrong: str, said: str) -> None:
    assert right in WELL
    file.write_text(WELL.replace(right, wrong, 1))
    with pytest.raises(Failure, match=f"acts.yaml: (?s:.*){said}") as raised:
        read(file)
    assert raised.value.code == USAGE


RELEASE = "release: {version: 1.2-slow, target: 'post:all', for: 4s}"


@pytest.mark.parametrize(
    "done", ["injections: []", f"{RELEASE}, injections: [{{fault: kill, target: post@east, for: 4s}}]"]
)
def test_an_act_breaks_something_by_faults_or_by_a_release(file: Path, done: str) -> None:
    file.write_text(f"acts:\n  - {{title: Calm, look-for: nothing, {done}}}\n")
    with pytest.raises(Failure, match=r"acts\[0\] needs either injections or a release"):
        read(file)


def test_a_release_is_rolled_out_and_back(file: Path) -> None:
    file.write_text(f"acts:\n  - {{title: Bad code, look-for: errors, {RELEASE}}}\n")
    (act,) = read(file)
    assert act.release is not None
    assert act.release.commands == (
        "failwhale release roll-out 1.2-slow post:all",
        "failwhale release roll-back post:all",
    )


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("1.2-slow", "1.2-slwo", r"acts\[0\].release.version: no release is named '1.2-slwo'"),
        ("4s", "for ever", r"acts\[0\].release.for: 'for ever' is not a duration"),
    ],
)
def test_a_mistake_in_a_release_is_named(file: Path, right: str, wrong: str, said: str) -> None:
    release = RELEASE.replace(right, wrong)
    file.write_text(f"acts:\n  - {{title: Bad code, look-for: errors, {release}}}\n")
    with pytest.raises(Failure, match=said):
        read(file)


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(Failure, match=r"acts\.yaml"):
        read(file)


@pytest.mark.parametrize("injection", [one for act in TOUR for one in act.injections], ids=str)
def test_what_the_tour_shows_can_be_typed(
    injection: PlannedInjection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Up to where the command looks for a site."""
    program, verb, *words = shlex.split(injection.command(detach=True))
    assert (program, verb) == ("failwhale", "chaos")
    code = run(chaos.cli.commands(), "failwhale chaos", [*words, "--state", str(tmp_path)])
    assert code == BASELINE_NOT_MET
    assert "there is no site in" in capsys.readouterr().err


def test_the_tour_has_nine_acts_and_ends_with_a_failover_that_does_not_come() -> None:
    assert len(TOUR) == 9
    assert [one.fault for one in TOUR[-1].injections] == ["replica-barred", "kill"]
