"""Two data centres: either edge alone serves everything."""

import pytest
from site_under_test import Site, wait_until


def use_everything(site: Site, place: str, name: str) -> None:
    """One person's day on one edge: every service is used and answers what it should."""
    friend = f"{name}_f"
    with site.client(place) as nobody:
        tokens = {
            handle: nobody.post(
                "/api/v1/accounts", json={"name": handle, "password": "correct horse battery"}
            ).json()["token"]
            for handle in (name, friend)
        }
        logged_in = nobody.post("/api/v1/sessions", json={"name": name, "password": "correct horse battery"})
        assert logged_in.status_code == 200
        assert "failwhale" in nobody.get("/").text
    with site.client(place, tokens[name]) as me, site.client(place, tokens[friend]) as other:
        assert other.put(f"/api/v1/users/{name}/follow").json()["state"] == "following"
        created = me.post("/api/v1/posts", json={"text": f"hello @{friend}"})
        assert created.status_code == 201
        post = created.json()["id"]
        assert me.get(f"/api/v1/posts/{post}").json()["text"] == f"hello @{friend}"
        assert other.put(f"/api/v1/posts/{post}/like").status_code == 204
        assert other.put(f"/api/v1/posts/{post}/retweet").status_code == 200

        def home() -> list[str]:
            return [item["id"] for item in other.get("/api/v1/timelines/home").json()["items"]]

        def kinds() -> set[str]:
            return {item["kind"] for item in me.get("/api/v1/notifications").json()["items"]}

        wait_until(lambda: home() == [post], 5, "the post on the follower's home timeline, once")
        wait_until(lambda: kinds() == {"follow", "like", "retweet"}, 5, "the notifications of what was done")


@pytest.mark.parametrize(("alone", "lost"), [("east", "west"), ("west", "east")])
def test_either_edge_alone_serves_everything(site: Site, alone: str, lost: str) -> None:
    site.ok("chaos", "kill", f"frontend@{lost}", "--for", "60s", "--detach")
    use_everything(site, alone, f"only_{alone}")
    site.ok("chaos", "heal")
    site.wait_green()
