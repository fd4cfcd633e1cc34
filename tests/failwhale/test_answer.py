"""What an injection ends with: whom it hurt, what was so before, what nobody could see."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from chaos.fault_rows import FaultRow
from driver.driver import Driver
from failwhale.answer import felt_of, recovery_of, undone_at
from failwhale.fault_history import _spell_end
from foundation.clock import stamp
from foundation.ledger import Ledger
from foundation.state import State

T = 1_700_000_000.0


def at(second: float) -> str:
    return stamp(T + second)


def fault(
    name: str = "kill", target: str = "post@east", begun: float = 100.0, over: float = 105.0
) -> FaultRow:
    times = {"requested": at(begun), "applied": at(begun + 0.1), "reverting": at(over), "ceased": None}
    row = {"id": "x-1", "fault": name, "times": times, "targets": [{"target": target, "times": times}]}
    return cast(FaultRow, row)


def outage(journey: str, start: float, end: float) -> dict[str, Any]:
    return {
        "kind": "outage.closed",
        "at": at(end),
        "journey": journey,
        "type": "down",
        "start": at(start),
        "end": at(end),
        "attempts": 5,
        "failed": 4,
        "error": "refused",
    }


def told(folder: Path, row: FaultRow, *records: dict[str, Any]) -> list[str]:
    """What is said of this fault where these are the records of the run beside its own."""
    of_it = {"fault": "x-1", "name": "kill", "target": "post@east", "parameters": {}, "hurts": ["post"]}
    lines = [
        {"kind": "prober.started", "at": at(0)},
        {"kind": "fault.requested", "at": at(100), "until": at(105), **of_it},
        {"kind": "fault.applied", "at": at(100.1), "until": at(105), **of_it},
        {"kind": "fault.reverted", "at": at(105.2), **of_it},
        *records,
    ]
    state = State(folder)
    state.ledger.parent.mkdir(parents=True)
    ledger = Ledger(state.ledger)
    for line in sorted(lines, key=lambda line: str(line["at"])):
        ledger.append(**line)
    return felt_of(Driver(state), row["id"], T + 100, until=undone_at(row))


def test_what_was_down_before_the_fault_is_not_its_deed(tmp_path: Path) -> None:
    assert told(tmp_path, fault(), outage("post", 20, 111)) == ["[dim]post was down already, for 1m20s[/dim]"]


def test_what_came_with_it_is_told_beside_what_was_before(tmp_path: Path) -> None:
    lines = told(tmp_path, fault(), outage("post", 90, 100.5), outage("post", 102, 103))
    assert lines == ["[red]post down for 1s[/]", "[dim]post was down already, for 10s[/dim]"]


def test_the_attempt_that_fails_of_it_may_have_begun_before_it(tmp_path: Path) -> None:
    assert told(tmp_path, fault(), outage("post", 99.5, 103)) == ["[red]post down for 3.5s[/]"]


def test_where_nobody_looked_nobody_is_said_to_be_well(tmp_path: Path) -> None:
    gap = {"kind": "prober.gap", "at": at(105), "start": at(100), "end": at(105)}
    lines = told(tmp_path, fault(target="prober"), gap)
    assert lines == ["[yellow]Nobody could say: no data for 5s.[/yellow]"]


@pytest.mark.parametrize(
    ("gap_ends", "said"), [(102.0, ["[dim]no data for 2s meanwhile[/dim]"]), (100.5, [])]
)
def test_a_short_time_without_data_is_told_beside_the_rest(
    tmp_path: Path, gap_ends: float, said: list[str]
) -> None:
    gap = {"kind": "prober.stalled", "at": at(103), "start": at(100), "end": at(gap_ends)}
    assert told(tmp_path, fault(), gap) == ["[green]Nobody noticed.[/green]", *said]


def test_what_happens_once_is_not_said_to_be_undone() -> None:
    assert recovery_of(fault(), T + 107) == "All well again 2s after the fault was undone."
    promoted = fault("promote", "store@west", begun=100.0, over=102.0)
    assert recovery_of(promoted, T + 103.1) == "All well again 3s after promote was done."


def test_the_history_says_when_it_ended_and_when_it_was_undone() -> None:
    times = {"unknown": None, "ceased": None, "reverting": at(105), "reverted": at(116)}
    row: Any = {"ended_by": "limit", "times": times}
    assert _spell_end(row) == "ended by limit at 22:15:05, undone at 22:15:16"
    assert _spell_end(row | {"times": times | {"reverted": None}}).endswith(", not undone yet")
