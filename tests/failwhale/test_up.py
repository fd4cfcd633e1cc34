"""What `up` shows and tells, on whatever runtime."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from failwhale.outlook import show
from failwhale.up import Told, _tell_of_faults
from foundation.failure import Failure
from foundation.progress import Progress
from testbed.runtimes.lifecycle import Moved, PlannedPart
from testbed.sitefile import LeftOut


@dataclass
class Outlook:
    parts: list[PlannedPart]
    left_out: list[LeftOut] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    set_aside: list[tuple[str, str]] | None = None
    project: str | None = None


PROCESSES = Outlook(
    [PlannedPart(name="post@east", command=("python", "-m", "post"), addresses={"8000": "127.0.0.1:20001"})],
    [LeftOut("grafana", "runs in containers only")],
    [Moved("metrics", 9090, "127.0.0.1:20002")],
    set_aside=[("post-east", "image"), ("post-west", "image")],
)
CONTAINERS = Outlook(
    [PlannedPart(name="post@east", image="failwhale:1.0", addresses=("127.0.0.1:8443",))],
    [LeftOut("grafana", "as you said")],
    project="failwhale",
)


def test_a_dry_run_on_processes(capsys: pytest.CaptureFixture[str]) -> None:
    show(PROCESSES, as_json=False)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "part command addresses",
        "post@east python -m post 127.0.0.1:20001",
        "without grafana: runs in containers only",
        "metrics at 127.0.0.1:20002: port 9090 is taken",
        "ignored, since it only means something to containers: image",
    ]
    show(PROCESSES, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "parts": [
            {
                "name": "post@east",
                "command": ["python", "-m", "post"],
                "addresses": {"8000": "127.0.0.1:20001"},
            }
        ],
        "left_out": [{"part": "grafana", "reason": "runs in containers only"}],
        "set_aside": [{"service": "post-east", "key": "image"}, {"service": "post-west", "key": "image"}],
    }


def test_a_dry_run_on_docker(capsys: pytest.CaptureFixture[str]) -> None:
    show(CONTAINERS, as_json=False)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "part image addresses",
        "post@east failwhale:1.0 127.0.0.1:8443",
        "without grafana: as you said",
        "as the Compose project failwhale",
    ]
    show(CONTAINERS, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "project": "failwhale",
        "parts": [{"name": "post@east", "image": "failwhale:1.0", "addresses": ["127.0.0.1:8443"]}],
        "left_out": [{"part": "grafana", "reason": "as you said"}],
    }


class Driven:
    """A site with faults in force, or one that can only be driven elsewhere."""

    def __init__(self, rows: list[dict[str, str]] | None) -> None:
        self._rows = rows

    def active(self) -> list[dict[str, str]]:
        if self._rows is None:
            raise Failure("the site is on Docker")
        return self._rows


def test_what_may_keep_a_start_waiting_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"id": "kill-1", "target": "retweet:all", "until": "2026-11-26T19:40:00.5Z"}
    for rows in ([row], [], None):
        _tell_of_faults(Driven(rows), Progress(quiet=False))  # type: ignore[arg-type]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("kill-1 is in force on retweet:all until 19:40:00 UTC")
    assert "failwhale chaos heal" in line


def test_what_is_told_of_a_start(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told(Progress(quiet=False))
    told.already_up([])
    told.already_up(["post@east", "prober"])
    told.left_out(LeftOut("grafana", "as you said"))
    told.left_out(LeftOut("grafana", "no registry is reached", "the site is complete without it"))
    told.moved(Moved("metrics", 9090, "127.0.0.1:20002"))
    assert capsys.readouterr().err.splitlines() == [
        "the site is up already",
        "the site is up already; starting post@east, prober",
        "without grafana: no registry is reached; the site is complete without it",
        "metrics is at 127.0.0.1:20002: port 9090 is taken",
    ]
    told.ready()
    told.green()
    ready, green = capsys.readouterr().err.splitlines()
    assert ready.startswith("all parts ready after ")
    assert green.startswith("all journeys green after ")
