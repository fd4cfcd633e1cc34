"""The primary store dies under load: the replica is promoted, no acknowledged post is lost or doubled, and no
like, retweet, follow, protection or end of a session comes undone."""

import json

from site_under_test import Site, wait_until


def test_no_acknowledged_post_is_lost(site: Site) -> None:
    old = site.primary()
    before = site.replicated()
    people = ("--people", "40", "--for", "20s", "--check")
    with site.running("load", "steady", *people, "--json", "--quiet") as load:
        wait_until(lambda: site.replicated() > before + 3, 30, "posts that must survive the primary")
        promised = site.replicated() - before
        fault = site.json("chaos", "kill", "store:primary", "--for", "8s", "--detach")
        assert [row["target"] for row in fault["targets"]] == [old]
        assert fault["verified"] is True
        wait_until(lambda: site.primary() not in ("", old), 10, "a promotion")
        promoted = site.acknowledged()
        wait_until(lambda: site.acknowledged() > promoted, 10, "posts acknowledged by the new primary")
        output, _ = load.communicate(timeout=120)
        assert load.returncode == 0, output
    verdict = json.loads(output)["checker"]
    assert verdict["holds"] is True
    assert verdict["replicated"] >= promised
    assert verdict["acknowledged"] > 5
    assert verdict["changes"] > 5
    assert (verdict["lost"], verdict["duplicated"], verdict["returned"]) == ([], [], [])
    site.wait_green(30)
