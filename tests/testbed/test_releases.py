"""The road of roll-outs: one at a time, and who died on it is in nobody's way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from foundation.failure import Failure
from foundation.state import State
from testbed.releases import Releases

HOLDER = """
import sys
from foundation.state import State
from testbed.releases import Releases
with Releases(State(sys.argv[1])).road("roll-out of 1.1"):
    print("there", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(State(tmp_path))


def test_a_part_that_was_told_nothing_runs_the_site_as_it_is(releases: Releases) -> None:
    assert releases.told("post@east") == ("1.0",)
    releases.tell("post@east", ["1.0", "1.1"])
    assert releases.told("post@east") == ("1.0", "1.1")


def test_one_at_a_time(releases: Releases) -> None:
    assert releases.obstacle() == ""
    with releases.road("roll-out of 1.1"):
        assert "is at a roll-out of 1.1 since" in releases.obstacle()
        with pytest.raises(Failure, match=r"is at a roll-out of 1\.1") as refused, releases.road("roll-back"):
            pass
        assert "failwhale release unlock" in refused.value.next_step
        assert releases.obstacle(), "who was refused has taken nothing away"
    assert releases.obstacle() == ""
    with releases.road("roll-back"):
        pass


def test_who_died_on_it_is_in_nobodys_way(tmp_path: Path, releases: Releases) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"there\n"
    assert "is at a roll-out of 1.1" in releases.obstacle()
    holder.kill()
    holder.communicate()
    assert list((tmp_path / "releases").glob("roll-out.lock")), "it had no time to tidy up"
    assert releases.obstacle() == ""
    with releases.road("roll-back"):
        assert releases.obstacle()


def test_whoever_is_at_it_on_another_machine_is_in_the_way_until_that_is_cleared(releases: Releases) -> None:
    releases.block("releng", "roll-out of 1.2", "build-7")
    with (
        pytest.raises(Failure, match=r"releng on build-7 is at a roll-out of 1\.2"),
        releases.road("roll-back"),
    ):
        pass
    releases.clear()
    with releases.road("roll-back"):
        pass
