"""What a store is made to bear, and how it fares: slow commands, idle connections, questions in vain, or
about one thing only."""

from __future__ import annotations

import random
import socket
import time
from abc import abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, Any

from foundation.failure import Failure
from services.platform import keys
from services.platform.access import MAINTENANCE, SERVICE
from testbed.inventory import Part
from testbed.stores import ANSWERS_WITHIN, Stores

if TYPE_CHECKING:
    from redis import Redis

MAXCLIENTS = "maxclients"
USUAL_MAXCLIENTS = "1000"
"""As services/store/redis.sh has it."""

_STANDS_STILL = """
local function now() local time = redis.call('TIME') return time[1] + time[2] / 1e6 end
local done, turns = now() + ARGV[1], 0
repeat turns = turns + 1 until now() >= done or turns > 1e7 * ARGV[1]
"""
"""A slow command: it takes so many seconds, and ends where its clock stands still, too."""

_FIELDS_OF_A_POST = ("body", "likes", "retweets", "author")
"""What the site asks of a post."""


class StoreLoads(Stores):
    """Of one site."""

    @abstractmethod
    def redis(self, part: Part, patience: float = ANSWERS_WITHIN) -> Redis:
        """A client of a Redis or Sentinel with one connection, whose answers are as they are on the wire; for
        `with`. Raises Failure when there are no passwords yet."""

    # --- a slow command ---

    def block(self, part: Part, seconds: float) -> None:
        """Have a store do a command that takes so long; returns after it."""
        self.ask_redis(part, "EVAL_RO", _STANDS_STILL, "0", str(seconds), patience=2 * seconds + 1)

    def longest_wait(self, part: Part, seconds: float, enough: float) -> float:
        """For how many seconds a store let a request of our own wait at most, of those of the next seconds;
        none is sent after one that waited long enough."""
        longest, end = 0.0, time.monotonic() + seconds
        while longest < enough and time.monotonic() < end:
            began = time.monotonic()
            self.ask_redis(part, "PING", patience=2 * enough)
            longest = max(longest, time.monotonic() - began)
        return longest

    # --- connections ---

    def crowd(self, part: Part, most: int) -> list[socket.socket]:
        """New idle connections to a store: as many as it takes, so many at most."""
        taken: list[socket.socket] = []
        while len(taken) < most and (connection := _taken(part)) is not None:
            taken.append(connection)
        return taken

    def crowd_out(self, part: Part, most: int, ended: float) -> list[socket.socket]:
        """The same, once it takes no more than these; then this share of the services' connections is ended,
        and there is room for no other instead. Raises Failure when it refuses."""
        from redis.exceptions import RedisError

        crowd: list[socket.socket] = []
        try:
            with self.redis(part) as redis:
                limit = len(_clients(redis)) + most
                redis.execute_command("CONFIG", "SET", MAXCLIENTS, limit)
                crowd = self.crowd(part, most)
                services = _of_services(_clients(redis))
                hit = random.sample(services, round(len(services) * ended))
                left = limit - len(hit) - 1  # without them, and without us
                redis.execute_command("CONFIG", "SET", MAXCLIENTS, left)
                for identifier in hit:
                    redis.execute_command("CLIENT", "KILL", "ID", identifier)
        except RedisError as error:
            for connection in crowd:
                connection.close()
            raise Failure(f"{part.name} goes on taking connections: {error}") from None
        return crowd

    def connections_of_services(self, part: Part) -> int:
        """How many a store has."""
        from redis.exceptions import RedisError

        try:
            with self.redis(part) as redis:
                return len(_of_services(_clients(redis)))
        except RedisError:
            return 0

    def refuses_connections(self, part: Part) -> bool:
        """Whether a store takes no more connections."""
        connection = _taken(part)
        if connection is not None:
            connection.close()
        return connection is None and self.accepts_connections(part)

    @abstractmethod
    def accepts_connections(self, part: Part) -> bool:
        """Whether anybody listens at the part's address."""

    # --- questions ---

    def ask_in_vain(self, part: Part, times: int) -> None:
        """Ask a store for posts that there are not."""
        self._ask_for(part, [keys.post(random.randrange(1, 2**20)) for _ in range(times)])

    def ask_for_one(self, part: Part, key: str, times: int) -> None:
        """Ask a store for the same post so many times."""
        self._ask_for(part, [key] * times)

    def _ask_for(self, part: Part, posts: list[str]) -> None:
        from redis.exceptions import RedisError

        try:
            with self.redis(part) as redis, redis.pipeline(transaction=False) as pipeline:
                for post in posts:
                    pipeline.execute_command("HMGET", post, *_FIELDS_OF_A_POST)
                pipeline.execute()
        except RedisError as error:
            raise Failure(f"{part.name} cannot be asked: {error}") from None

    def newest_posts(self, part: Part, most: int) -> list[str]:
        """The keys of posts that were made last, the newest first."""
        said = self._redis_says(part, "XREVRANGE", keys.EVENTS, "+", "-", "COUNT", str(10 * most)) or ()
        events = [dict(zip(fields[::2], fields[1::2], strict=True)) for _, fields in said]
        made = [keys.post(int(one[b"id"])) for one in events if one[b"type"] == b"post.created"]
        return made[:most]

    def in_vain(self, part: Part, seconds: float) -> float:
        """Of what is looked for in a store in the next seconds, the share that is not there."""
        before = self._looked_for(part)
        time.sleep(seconds)
        found, missed = (after - then for after, then in zip(self._looked_for(part), before, strict=True))
        return missed / max(1, found + missed)

    def _looked_for(self, part: Part) -> tuple[int, int]:
        """How much was found in a store so far, and how much was not."""
        lines = (self._redis_says(part, "INFO", "stats") or b"").decode().splitlines()
        said = dict(line.partition(":")[::2] for line in lines)
        return int(said.get("keyspace_hits", 0)), int(said.get("keyspace_misses", 0))

    def most_asked(self, part: Part, commands: int) -> tuple[str, float]:
        """What most of the next commands are about that a store does, and their share."""
        from redis.exceptions import RedisError

        seen: Counter[str] = Counter()
        try:
            with self.redis(part) as redis, redis.monitor() as monitor:
                for _ in range(commands):
                    words = str(monitor.next_command()["command"]).split()
                    seen[words[1] if len(words) > 1 else ""] += 1
        except RedisError:
            return "", 0.0
        (about, times), *_ = seen.most_common(1)
        return about, times / commands


def _taken(part: Part) -> socket.socket | None:
    """A connection to a store that it has taken."""
    try:
        connection = socket.create_connection(part.address(), ANSWERS_WITHIN)
    except OSError:
        return None
    try:
        connection.sendall(b"PING\r\n")
        if connection.recv(64).startswith(b"+"):
            return connection
    except OSError:
        pass
    connection.close()
    return None


def _clients(redis: Redis) -> list[dict[str, str]]:
    """Those that a store has, as it lists them."""
    said: Any = redis.execute_command("CLIENT", "LIST")  # type: ignore[no-untyped-call]
    return [dict(field.partition("=")[::2] for field in line.split()) for line in said.decode().splitlines()]


def _of_services(clients: list[dict[str, str]]) -> list[str]:
    """The ids of those that are services."""
    return [one["id"] for one in clients if one["user"] in (SERVICE, MAINTENANCE)]
