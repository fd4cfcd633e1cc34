"""What keeps an experiment from going too far: noise that hurts nobody, a stop condition, the kill switch."""

import json
import time

import pytest
from site_under_test import Site, wait_until

from foundation.clock import parse, stamp

NOISE_SECONDS = 20
MOST_BLOCK_SECONDS = {"processes": 2.0, "docker": 5.0}
"""The command's own start included. A machine that does nothing else needs half of it."""


@pytest.mark.long("noise goes on for a while")
def test_noise_hurts_nobody_and_the_same_seed_draws_the_same(site: Site) -> None:
    site.wait_green()
    began = stamp(time.time())
    words = ("chaos", "noise", "--seed", "7", "--every", "2s", "--for", f"{NOISE_SECONDS}s")
    rows = [json.loads(line) for line in site.ok(*words, "--json").splitlines()]
    assert len(rows) >= 4
    assert {row["reason"] for row in rows} == {"noise of seed 7"}
    assert all(row["verified"] and row["phase"] == "reverted" for row in rows)
    assert [row for row in site.json("outages") if row["start"] >= began] == []


def test_a_stop_condition_ends_a_fault_long_before_its_limit(site: Site) -> None:
    site.wait_green()
    began = time.monotonic()
    words = ("chaos", "errors", "retweet:all", "--for", "5m", "--stop-when", "down >= 1 journey")
    stopped = site.run(*words)
    assert stopped.returncode == 1
    assert "ended early by its stop condition: retweet" in stopped.stderr
    assert time.monotonic() - began < 60
    site.wait_green()


def test_block_has_everything_undone_at_once(site: Site) -> None:
    site.wait_green()
    hit = ("latency timeline@east", "errors retweet@west", "pause post@east", "kill notify@west")
    for words in hit:
        site.json("chaos", *words.split(), "--for", "2m", "--detach")
    began = stamp(time.time())
    site.ok("chaos", "block")
    try:
        rows = [row for row in site.json("chaos", "history") if row["ended_by"] == "block"]
        assert len(rows) == len(hit)
        undone = max(row["times"]["reverted"] for row in rows)
        assert parse(undone) - parse(began) < MOST_BLOCK_SECONDS[site.runtime]
        refused = site.run("chaos", "kill", "post@east")
        assert (refused.returncode, "faults are blocked" in refused.stderr) == (1, True)
    finally:
        site.ok("chaos", "unblock")
    wait_until(lambda: site.active() == [], 5, "nothing in force")
    site.wait_green()
