"""What an acknowledgement is worth, measured on a real site whose primary is killed under load."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from site_under_test import Site


@pytest.mark.long("a site of its own, and two losses on it")
@pytest.mark.parametrize("runtime", ["processes"], indirect=True)
def test_what_is_gone_was_said_not_to_be_replicated(new_site: Callable[[], Site]) -> None:
    site = new_site()
    words = ("reported", "--people=25", f"--state={site.state}")
    done = site.run("drill", "durability", *words, "--json", timeout=300)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert row["mode"] == "reported"
    assert 0 < row["post"]["p50"] <= row["post"]["p90"]
    in_step, behind = row["losses"]
    for loss in (in_step, behind):
        assert loss["unknown"] == []
        assert loss["acknowledged"] > 0
        assert loss["lost"]["although_replicated"] == 0
        assert loss["failed"]["mean"] > 0, "nobody can write while there is no primary"
    assert behind["lost"]["as_announced"] > 0, "what was written while the replica stood still"
    assert not site.state.exists(), "it was taken down"
