"""Real processes in a state folder on a disk that is really full: leases are kept, the record is right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_disks import fill
from toys import Toys, wait_until

from foundation.state import State
from testbed.runtimes.processes.record import read_leases


@pytest.fixture
def toys(small_disk: Path) -> Iterator[Toys]:
    toys = Toys(State(small_disk / "site"))
    yield toys
    toys.kill_everything()


def test_leases_are_kept_on_a_full_disk_and_what_runs_is_told_rightly(toys: Toys, small_disk: Path) -> None:
    runtime = toys.up()
    before = toys.pid("toy@east")
    runtime.arm("a", "toy@east", "start", 1.5)
    runtime.kill("toy@east")
    runtime.arm("b", "toy@west", "resume", 1.5)
    runtime.pause("toy@west")
    fill(small_disk)
    assert not runtime.is_running("toy@east")

    def undone() -> bool:
        fill(small_disk)
        return runtime.is_running("toy@east") and not runtime.is_paused("toy@west")

    wait_until(undone, "both undone by their leases", 20)
    assert toys.answer("toy@west") == toys.pid("toy@west")
    wait_until(lambda: toys.phases()["toy@east"] == "ready", "started again")
    assert toys.answer("toy@east") == toys.pid("toy@east") != before
    assert read_leases(toys.state.run) == {}
    runtime.kill("toy@west")
    assert not runtime.is_running("toy@west")
    runtime.start("toy@west")
    assert runtime.is_running("toy@west")
    (small_disk / "ballast").unlink()
    toys.wait_ready()


def test_a_new_supervisor_takes_up_what_runs_although_the_disk_is_full(toys: Toys, small_disk: Path) -> None:
    runtime = toys.up()
    runtime.arm("a", "toy@east", "start", 1.0)
    runtime.kill("toy@east")
    pid = toys.pid("toy@west")
    fill(small_disk)
    toys.kill_supervisor()
    runtime.progress()
    wait_until(lambda: runtime.is_running("toy@east"), "started by the lease of the dead supervisor", 20)
    assert toys.pid("toy@west") == pid
    assert toys.answer("toy@west") == pid
    (small_disk / "ballast").unlink()
    wait_until(lambda: toys.supervisor().is_alive(), "it names itself as soon as there is room")
