"""What an acknowledgement is worth, measured on real sites whose primary is killed under load."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from site_under_test import Site


@pytest.mark.long("a site of its own in two modes, and two losses on each")
@pytest.mark.parametrize("runtime", ["processes"], indirect=True)
def test_what_is_gone_was_said_not_to_be_replicated(new_site: Callable[[], Site]) -> None:
    site = new_site()
    done = site.run(
        "drill",
        "durability",
        "off",
        "required",
        "--people=25",
        f"--state={site.state}",
        "--json",
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["mode"] for row in rows] == ["off", "required"]
    for row in rows:
        assert 0 < row["post"]["p50"] <= row["post"]["p90"]
        assert [loss["loss"] for loss in row["losses"]] == ["primary", "primary-replica-behind"]
        for loss in row["losses"]:
            assert loss["unknown"] == []
            assert loss["acknowledged"] > 0
            assert loss["lost"]["although_replicated"] == 0
            assert loss["failed"]["mean"] > 0, "nobody can write while there is no primary"
    off, required = (row["losses"][1] for row in rows)
    assert off["lost"]["as_announced"] > 0, "what was written while the replica stood still"
    assert required["lost"]["as_announced"] == 0
    assert not site.state.exists(), "it was taken down"
