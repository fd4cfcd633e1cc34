"""The primary store dies under load: the replica is promoted and no acknowledged post is lost or doubled."""

from site_under_test import Site, wait_until


def primary(site: Site) -> str:
    rows = site.json("status")["parts"]
    return str(*[row["name"] for row in rows if row["service"] == "store" and row["role"] == "primary"])


def test_no_acknowledged_post_is_lost(site: Site) -> None:
    old = primary(site)
    load = site.start("load", "steady", "--people", "20", "--for", "20s", "--check", "--json")
    try:
        wait_until(lambda: (site.state / "record" / "acknowledged.ndjson").exists(), 20, "acknowledged posts")
        fault = site.json("chaos", "kill", "store:primary", "--for", "12s", "--detach")
        assert fault["target"] == old
        assert fault["proved"] is True
        wait_until(lambda: primary(site) not in ("", old), 10, "a promotion")
        output, _ = load.communicate(timeout=120)
        assert load.returncode == 0, output
    finally:
        load.kill()
        load.wait()
    site.wait_green(30)
