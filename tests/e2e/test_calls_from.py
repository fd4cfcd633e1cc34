"""Errors for the calls of one front end: its users are hurt, and those of the other are not."""

from site_under_test import Site, wait_until

HIT, SPARED = "east", "west"
ASKED = 10


def statuses(site: Site, place: str) -> set[int]:
    """What users of one edge get when they ask for a post that does not exist."""
    with site.client(place) as client:
        return {client.get("/api/v1/posts/1").status_code for _ in range(ASKED)}


def test_only_the_calls_of_one_caller_are_hurt(site: Site) -> None:
    refused = site.run("chaos", "errors", "post:all", "--from", "timeline@east")
    assert refused.returncode == 2
    assert "these do: frontend@east, frontend@west" in refused.stderr
    assert statuses(site, HIT) == statuses(site, SPARED) == {404}
    words = ("chaos", "errors", "post:all", "--from", f"frontend@{HIT}", "--for", "1m", "--detach")
    begun = site.json(*words)
    assert begun["verified"] is True
    assert begun["callers"] == [f"frontend@{HIT}"]
    for one in begun["targets"]:
        said = f"500, sent as frontend@{HIT}; one sent as frontend@{SPARED} is spared"
        assert one["evidence"].endswith(said)
    assert (statuses(site, HIT), statuses(site, SPARED)) == ({500}, {404})
    site.ok("chaos", "heal")
    wait_until(lambda: statuses(site, HIT) == {404}, 5, "the users of the edge well again")
    (requested, _) = [
        line for line in site.ledger() if line["kind"] == "fault.requested" and line["fault"] == begun["id"]
    ]
    assert (requested["from_selector"], requested["callers"]) == (f"frontend@{HIT}", [f"frontend@{HIT}"])
    site.wait_green()
