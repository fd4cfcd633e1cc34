"""What an engineer on call does ends what was broken, before its time, and the history says who ended it."""

from __future__ import annotations

import shlex

import pytest
from site_under_test import Site, wait_until

AGAIN = pytest.mark.long("the short run tries others of the same kind")
PAIRS = [
    ("kill retweet:all", ["start retweet:all"]),
    pytest.param("pause retweet:all", ["restart retweet:all --at-once"], marks=AGAIN),
    pytest.param("errors retweet:all", ["restart retweet:all"], marks=AGAIN),
    ("certificate-expired frontend@east", ["renew frontend@east"]),
    pytest.param("certificate-half-rotated auth:all", ["renew auth:all"], marks=AGAIN),
    ("consumer-stopped notify:all", ["resume notify:all"]),
    pytest.param("poison-event notify:all", ["skip notify:all"], marks=AGAIN),
    pytest.param("job-stuck maintenance:all --job trim-data", ["resume trim-data"], marks=AGAIN),
    ("counters-wrong maintenance:all", ["restart maintenance:all", "reconcile"]),
    pytest.param("keys-expire store:primary", ["warm-homes"], marks=AGAIN),
    pytest.param("replica-barred store:replica", ["unbar"], marks=AGAIN),
    pytest.param("replication-cut store:replica", ["re-attach"], marks=AGAIN),
    pytest.param("memory-full store:primary", ["lift-memory-limit"], marks=AGAIN),
    ("disk-full store:primary", ["free-disk store:all"]),
    pytest.param("password-rotated store:all", ["tell-password"], marks=AGAIN),
    ("token-key-lost site", ["restore-token-key"]),
    pytest.param("token-key-mismatch frontend:all", ["restore-token-key frontend:all"], marks=AGAIN),
    pytest.param("clock-skew auth:all", ["sync-clock auth:all"], marks=AGAIN),
]

ON_PROCESSES = pytest.mark.parametrize("runtime", ["processes"], indirect=True)


@ON_PROCESSES
@pytest.mark.parametrize(("fault", "operations"), PAIRS, ids=lambda one: one if isinstance(one, str) else "")
def test_an_operation_ends_what_a_fault_broke(site: Site, fault: str, operations: list[str]) -> None:
    begun = site.json("chaos", *shlex.split(fault), "--for=110s", "--detach")
    assert begun["verified"] is True
    for operation in operations:
        done = site.json("ops", *shlex.split(operation), "--reason=it was broken")
        assert done["said"]

    def over() -> bool:
        return all(row["id"] != begun["id"] for row in site.active())

    wait_until(over, 40, f"the end of {begun['id']}")
    (row,) = [row for row in site.history() if row["id"] == begun["id"]]
    assert (row["phase"], row["ended_by"]) == ("ceased", "operator")
    site.wait_green()
    told = [record for record in site.ledger() if record.get("id") == done["id"]]
    assert [record["kind"] for record in told] == ["operation.begun", "operation.done"]
    assert told[-1]["reason"] == "it was broken"


@ON_PROCESSES
def test_the_primary_is_changed_in_good_order_and_a_dead_replica_is_a_reason_not_to(site: Site) -> None:
    old = site.primary()
    assert "in good order" in site.json("ops", "failover")["said"]
    assert site.primary() not in (old, "")
    site.ok("ops", "stop", old)
    refused = site.run("ops", "failover")
    assert refused.returncode == 1
    assert refused.stderr.startswith("failwhale: no replica of the store answers")
    assert f"failwhale ops start {old}" in refused.stderr
    site.ok("ops", "start", old)
    site.wait_green()


@ON_PROCESSES
def test_a_backup_is_put_back_and_what_was_written_since_is_lost(site: Site) -> None:
    def signed_up(name: str) -> int:
        with site.client() as nobody:
            person = {"name": name, "password": "correct horse battery"}
            return nobody.post("/api/v1/accounts", json=person).status_code

    assert signed_up("before") == 201
    site.ok("ops", "resume", "back-up-store")
    assert signed_up("since") == 201
    refused = site.run("ops", "restore-backup", "--lose-at-most=1ms")
    assert refused.returncode == 1
    assert "no more than 1ms may be lost" in refused.stderr
    lost = site.json("chaos", "posts-lost", "store:primary", "--for=110s", "--detach")
    done = site.json("ops", "restore-backup", "--reason=the data is gone")
    assert "what was written in the last" in done["said"]
    assert (signed_up("before"), signed_up("since")) == (409, 201)
    wait_until(lambda: not site.active(), 40, f"the end of {lost['id']}")
    (row,) = [row for row in site.history() if row["id"] == lost["id"]]
    assert (row["phase"], row["ended_by"]) == ("ceased", "operator")
    site.wait_green(40)


@ON_PROCESSES
def test_a_source_that_is_blocked_is_not_let_in_at_either_edge(site: Site) -> None:
    person = {"name": "guesser", "password": "correct horse battery"}
    with site.client() as nobody:
        token = nobody.post("/api/v1/accounts", json=person).json()["token"]
        for _ in range(12):
            wrong = nobody.post("/api/v1/sessions", json={**person, "password": "a guess"})
            assert wrong.status_code == 401
    site.ok("ops", "block", "account:guesser")
    for place in ("east", "west"):
        with site.client(place, token) as guesser:
            assert guesser.get("/api/v1/timelines/home").status_code == 403
    assert site.run("ops", "block", "account:guesser").returncode == 1
    site.ok("ops", "unblock", "account:guesser")
    with site.client("west", token) as guesser:
        assert guesser.get("/api/v1/timelines/home").status_code == 200
    site.wait_green()
