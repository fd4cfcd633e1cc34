"""What chaos takes out of a store, or makes wrong in it, is put back to the letter; seen at a real server."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
import redis

from services.platform import access, keys
from services.post.record import body, head
from testbed.inventory import Part
from testbed.store_contents import StoreContents
from testbed.stores import Refused

PART = Part("store@east", "store", "east", "store-east", "1", {"1": "127.0.0.1:1"}, "store")
TEXTS = (
    "The whale is fine.",
    'A "quoted" oil\\ion, and \\"',
    "ends with a backslash \\",
    "für die Wale: 🐋 \n io",
    "",
)


class Contents(StoreContents):
    services_password = "password-of-service"

    def __init__(self, server: Any) -> None:
        self.server = server

    def redis(self, part: Part, patience: float = 1.0) -> redis.Redis:
        access_of = self.server.client.connection_pool.connection_kwargs
        client = redis.Redis(
            port=self.server.port,
            username=access_of["username"],
            password=access_of["password"],
            protocol=2,
        )
        client.response_callbacks.clear()
        return client

    def ask_redis(self, part: Part, *command: str | bytes, patience: float = 1.0) -> Any:
        try:
            with self.redis(part) as client:
                return client.execute_command(*command)
        except (redis.ResponseError, redis.AuthenticationError) as error:
            return Refused(error)

    def accepts_connections(self, part: Part) -> bool:
        socket.create_connection(self.server.address, 1).close()
        return True


@pytest.fixture
def server(redis_pair: Any) -> Any:
    redis_pair.primary.client.flushall()
    return redis_pair.primary


@pytest.fixture
def contents(server: Any) -> Contents:
    return Contents(server)


def make_posts(server: Any) -> list[str]:
    for identifier, text in enumerate(TEXTS, start=1):
        stored = body(head(identifier, 7, "ahab", text, "2026-01-01T00:00:00Z"), ["ishmael"])
        server.client.hset(keys.post(identifier), mapping={"body": stored, "author": 7})
    return [keys.post(identifier) for identifier in range(1, len(TEXTS) + 1)]


def bodies(server: Any, posts: list[str]) -> list[str]:
    return [server.client.hget(post, "body").decode() for post in posts]


def test_a_wrong_text_is_json_and_becomes_its_own_again(server: Any, contents: Contents) -> None:
    posts = make_posts(server)
    before = bodies(server, posts)
    contents.corrupt_posts(PART, posts)
    wrong = [json.loads(one + "}")["text"] for one in bodies(server, posts)]
    swapped = [text.translate(str.maketrans("io", "oi")) for text in TEXTS]
    assert wrong == swapped
    others = [{**json.loads(one + "}"), "text": ""} for one in before]
    assert [{**json.loads(one + "}"), "text": ""} for one in bodies(server, posts)] == others
    assert contents.wrong_posts(PART) == (4, len(TEXTS))
    contents.corrupt_posts(PART, posts)  # what is wrong already is not made right by being hit again
    assert contents.wrong_posts(PART) == (4, len(TEXTS))
    server.client.delete(posts[0])
    contents.mend_posts(PART)
    assert contents.corrupted_posts(PART) == 0
    assert not server.client.exists(posts[0])
    assert bodies(server, posts[1:]) == before[1:]


def test_a_home_that_expired_has_again_what_was_in_it_and_what_came_meanwhile(
    server: Any, contents: Contents
) -> None:
    client = server.client
    make_posts(server)
    for account in (1, 2):
        client.zadd(keys.home(account), {"1": 1, "2": 2, "3:9": 3, "4:8": 4})
        client.sadd(keys.following(account), 7, 9, 8)
    client.zadd(keys.posts(7), {"1": 1, "2": 2})
    contents.empty_homes(PART, 1.0)
    assert contents.emptied_homes(PART) == 2
    assert contents.cold_homes(PART) == (2, 2)
    assert not client.exists(keys.home(1), keys.home(2))
    client.zadd(keys.home(1), {"5": 5})
    client.srem(keys.following(1), 8)
    contents.empty_homes(PART, 1.0)  # again, by a controller that does not know how far the first one came
    client.zadd(keys.home(2), {"5": 5})
    contents.refill_homes(PART)
    assert client.zrange(keys.home(1), 0, -1, withscores=True) == [
        (b"1", 1),
        (b"2", 2),
        (b"3:9", 3),
        (b"5", 5),
    ]
    assert client.zrange(keys.home(2), 0, -1) == [b"1", b"2", b"3:9", b"4:8", b"5"]
    assert contents.emptied_homes(PART) == 0
    assert client.keys("emptied*") == []


def test_a_home_is_warm_when_nobody_misses_anything_in_it(server: Any, contents: Contents) -> None:
    client = server.client
    make_posts(server)
    client.zadd(keys.home(1), {"1:7": 1, "2:7": 2, "3:9": 3, "4:8": 4})
    client.sadd(keys.following(1), 7, 9)
    for account, member in ((7, "2:7"), (8, "4:8"), (9, "3:9")):  # the retweet of 1 was undone
        client.zadd(keys.posts(account), {member: 1})
    contents.empty_homes(PART, 1.0)
    client.zadd(keys.home(1), {"2:7": 2})
    assert contents.cold_homes(PART) == (1, 1)
    client.sadd(keys.CELEBRITIES, 9)  # whose posts are merged at read; and 8 is not followed any more
    assert contents.cold_homes(PART) == (0, 1)


def test_posts_that_were_lost_are_there_again(server: Any, contents: Contents) -> None:
    posts = make_posts(server)
    before = bodies(server, posts)
    contents.lose_all_posts(PART)
    contents.lose_all_posts(PART)
    assert contents.lost_posts(PART) == len(TEXTS)
    assert not server.client.exists(*posts)
    server.client.hset("post:99", mapping={"body": "{", "author": 7})
    contents.lose_posts(PART, ["post:99", "post:98"])
    assert contents.lost_posts(PART) == len(TEXTS) + 1
    contents.return_posts(PART)
    assert bodies(server, posts) == before
    assert server.client.exists("post:99") == 1
    contents.lose_posts(
        PART, posts
    )  # somebody has given the store back what it had, so the script is stopped
    assert server.client.keys("lost*") == []


def test_who_is_connected_goes_on_with_a_former_password(server: Any, contents: Contents) -> None:
    service = redis.Redis(port=server.port, username=access.SERVICE, password=contents.services_password)
    assert service.ping()
    assert not contents.is_password_rotated(PART)
    contents.rotate_password(PART)
    try:
        assert service.ping()
        assert contents.connections_of_services(PART) >= 1
        assert contents.is_password_rotated(PART)
    finally:
        contents.give_password_back(PART)
    assert not contents.is_password_rotated(PART)


def test_who_was_ended_cannot_come_back_while_there_is_a_crowd(server: Any, contents: Contents) -> None:
    service = redis.Redis(port=server.port, username=access.SERVICE, password=contents.services_password)
    assert service.ping()
    crowd = contents.crowd_out(Part(**{**vars(PART), "addresses": {"1": str(server.address)}}), 20, 1.0)
    try:
        with pytest.raises(redis.ConnectionError):
            service.ping()
        with pytest.raises(redis.ConnectionError):
            server.client.ping()
    finally:
        for connection in crowd:
            connection.close()
    contents.give_back(PART, "maxclients", "1000")
    assert service.ping()
