"""A state folder without room: nothing begins, all that was begun ends, and then the record is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from on_processes import OnProcesses
from site_under_test import wait_until
from small_disks import fill

from chaos.client import Client
from foundation.ledger import Ledger
from foundation.state import State

FAULTS = {"kill": "post@east", "pause": "notify@west", "errors": "retweet@east"}
SECONDS = 12
"""How long the faults last: all are verified, and the disk is full, long before."""


@pytest.mark.long("three faults last until their limits")
@pytest.mark.parametrize("runtime", ["processes"], indirect=True)
def test_three_faults_end_in_time_on_a_full_disk_and_the_record_is_whole_afterwards(
    runtime: str, small_disk: Path
) -> None:
    site = OnProcesses(small_disk / "state")
    try:
        site.ok("up", "--quiet", "--without", "prometheus")
        for fault, part in FAULTS.items():
            site.ok("chaos", fault, part, "--for", f"{SECONDS}s", "--detach")
        controller = Client(State(site.state))
        fill(small_disk)
        assert all(one["phase"] == "verified" for one in controller.faults())

        refused = site.run("chaos", "kill", "auth@east", "--for", "5s")
        assert refused.returncode == 1, refused.stderr
        assert "cannot be written down" in refused.stderr
        assert site.json("status")["full"] is True
        assert site.life("auth@east")

        def all_reverted() -> bool:
            fill(small_disk)
            return all(one["phase"] == "reverted" for one in controller.faults())

        wait_until(all_reverted, SECONDS + 10, "every fault undone although the disk is full")
        chaos = site.as_chaos_sees_it()
        for name in FAULTS.values():
            # Ready it is not: Redis takes no write and answers no PING while it cannot write its own log.
            assert chaos.runtime.is_running(name)
            assert not chaos.runtime.is_paused(name)
            part = chaos.inventory.part(name)
            wait_until(lambda part=part: chaos.answers(part), 10, f"{name} answers")
            assert chaos.control(part).ask("GET", "/-/faults").json() == []
        assert sorted(files_with(site.state, b'"event":"requested"')) == ["journal.ndjson"]

        (small_disk / "ballast").unlink()
        wait_until(lambda: site.active() == [], 10, "their ends written down")
        assert sorted(files_with(site.state, b'"event":"reverted"')) == ["journal.ndjson"]
        wait_until(lambda: told_reverted(site) == set(FAULTS), 10, "their ends told in the ledger")
        assert site.json("status")["full"] is False
        site.wait_green(30)
        site.ok("chaos", "kill", "auth@east", "--for", "1s")
    finally:
        site.run("down", "--purge")
        left = site.remove_leftovers()
    assert left == []


def told_reverted(site: OnProcesses) -> set[str]:
    """The faults whose end is in the ledger; its own reader skips a line that was torn for want of room."""
    records = Ledger(site.state / "record" / "ledger.ndjson").read()
    return {record["name"] for record in records if record["kind"] == "fault.reverted"}


def files_with(folder: Path, words: bytes) -> Iterator[str]:
    """The names of the files that contain these words."""
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root) / name
            if path.is_file() and words in path.read_bytes():
                yield name
