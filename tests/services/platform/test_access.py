"""Who may do what at the store: asked of real servers, with the users that genesis gives them."""

from __future__ import annotations

import pytest
import redis

from services.platform import access


def ask(sentinels, server, user: str | None, command: str) -> str:
    """`done`, `refused` for want of a right, or the error."""
    password = sentinels.passwords[user] if user else None
    client = redis.Redis(port=server.port, username=user, password=password, socket_timeout=2)
    with client:
        try:
            client.execute_command(*command.split(" "))
        except redis.exceptions.NoPermissionError:
            return "refused"
        except redis.exceptions.ResponseError as error:
            # From within a script the error has another class.
            return "refused" if "ACL failure" in str(error) or "permissions" in str(error) else str(error)
    return "done"


ADMINISTRATION = (
    "FLUSHALL",
    "CONFIG GET dir",
    "CONFIG SET dir /tmp",
    "REPLICAOF NO ONE",
    "SHUTDOWN",
    "ACL LIST",
    "ACL SETUSER service +@all",
    "CLIENT KILL TYPE normal",
    "MONITOR",
    "KEYS *",
    "SCRIPT FLUSH",
    "FAILOVER",
)
DATA = ("GET a", "SET a b", "XADD events * a b", "PUBLISH channel x", "EVAL return 0")


@pytest.mark.parametrize("command", [*DATA, *ADMINISTRATION, "INFO", "ROLE", "PSYNC ? -1"])
def test_whoever_has_no_password_may_do_nothing(sentinels, command):
    assert ask(sentinels, sentinels.pair.primary, None, command) == "refused"


def test_whoever_has_no_password_may_see_whether_it_is_alive(sentinels):
    for server in (sentinels.pair.primary, sentinels.pair.replica, *sentinels.servers):
        assert ask(sentinels, server, None, "PING") == "done"


BUT_CHAOS = (access.SERVICE, access.MAINTENANCE, access.REPLICATION, access.SENTINEL)


@pytest.mark.parametrize("user", BUT_CHAOS)
@pytest.mark.parametrize("command", ["FLUSHALL", "SHUTDOWN", "ACL LIST", "CONFIG GET dir"])
def test_nobody_but_chaos_may_stop_or_empty_a_server(sentinels, user, command):
    assert ask(sentinels, sentinels.pair.primary, user, command) == "refused"


@pytest.mark.parametrize("command", [one for one in ADMINISTRATION if not one.startswith("REPLICAOF")])
def test_maintenance_may_neither_configure_nor_stop_a_server(sentinels, command):
    assert ask(sentinels, sentinels.pair.primary, access.MAINTENANCE, command) == "refused"


@pytest.mark.parametrize("command", [*DATA, "INFO memory", "ROLE", "REPLCONF capa eof"])
def test_maintenance_reads_and_writes_and_asks_for_sizes(sentinels, command):
    assert ask(sentinels, sentinels.pair.primary, access.MAINTENANCE, command) == "done"


@pytest.mark.parametrize("command", ADMINISTRATION)
def test_a_service_may_neither_configure_nor_stop_a_server(sentinels, command):
    assert ask(sentinels, sentinels.pair.primary, access.SERVICE, command) == "refused"


@pytest.mark.parametrize("command", ["GET a", "SET a b", "PUBLISH channel x", "ROLE", "WAIT 0 1"])
def test_a_service_reads_and_writes(sentinels, command):
    assert ask(sentinels, sentinels.pair.primary, access.SERVICE, command) == "done"


def test_a_script_may_do_no_more_than_who_runs_it(sentinels):
    with redis.Redis(
        port=sentinels.pair.primary.port, username=access.SERVICE, password=sentinels.access.password
    ) as client:
        assert client.eval("return redis.call('SET', 'a', 'b')", 0)
        with pytest.raises(redis.exceptions.ResponseError):
            client.eval("return redis.call('FLUSHALL')", 0)
        assert client.get("a") == b"b"


@pytest.mark.parametrize("user", [access.REPLICATION, access.SENTINEL])
@pytest.mark.parametrize("command", ["GET a", "SET a b", "EVAL return 0"])
def test_stores_and_sentinels_do_not_ask_each_other_for_data(sentinels, user, command):
    assert ask(sentinels, sentinels.pair.primary, user, command) == "refused"


@pytest.mark.parametrize("user", [None, *BUT_CHAOS])
@pytest.mark.parametrize(
    "command",
    [
        "SENTINEL FAILOVER failwhale",
        "SENTINEL RESET *",
        "SENTINEL REMOVE failwhale",
        "SENTINEL CONFIG GET *",
        "SHUTDOWN",
    ],
)
def test_nobody_but_chaos_has_sentinels_promote_or_forget(sentinels, user, command):
    assert ask(sentinels, sentinels.servers[0], user, command) == "refused"


@pytest.mark.parametrize(
    ("user", "command"),
    [
        (access.SERVICE, "SENTINEL MASTER failwhale"),
        (access.SERVICE, "SENTINEL REPLICAS failwhale"),
        (access.REPLICATION, "SENTINEL MASTER failwhale"),
        (access.CHAOS, "SENTINEL MASTERS"),
    ],
)
def test_sentinels_tell_whom_they_take_for_the_primary(sentinels, user, command):
    assert ask(sentinels, sentinels.servers[0], user, command) == "done"


def test_chaos_may_do_everything(sentinels):
    assert ask(sentinels, sentinels.pair.primary, access.CHAOS, "CONFIG GET dir") == "done"
