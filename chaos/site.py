"""The site as chaos reaches it: its parts, what carries them, their control endpoints, their health.

Faults see the site only through this class, which is what makes them testable without one.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chaos import sentinels
from chaos.control import Control, Unreachable, operators_tls
from chaos.inventory import Inventory, Part
from chaos.runtimes import Runtime, runtime_of
from chaos.sentinels import Opinion, Replica
from failwhale.failure import Failure
from failwhale.state import State

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["Site", "Unreachable"]

HEALTH_TIMEOUT = 0.5
"""Seconds. A part that needs longer to say that it is alive counts as one that does not answer."""

_PAGES = ("GET /", "GET /docs", "GET /static/{name}", "GET /api/v1/openapi.json")
"""What the front end answers besides the API that its document describes."""

_FOREIGN = {"prometheus": None, "grafana": "/api/health", "locust": "/"}
"""Parts that speak plain HTTP, and what they are asked, if it is always the same."""

_ROLES = {"master": "primary", "slave": "replica"}


class Site:
    """One running site."""

    def __init__(self, state: State) -> None:
        """Raises Failure when there is no site in this state folder."""
        self._state = state
        self.inventory = Inventory.of(state)
        self.runtime: Runtime = runtime_of(state)

    # --- reaching a part ---

    def control(self, part: Part, timeout: float = 2.0) -> Control:
        """The control endpoints of a part, asked with the site's token."""
        host, port = part.address()
        return Control(host, port, self._tls, self._state.token, timeout)

    def entrance(self, part: Part, timeout: float) -> Control:
        """Where the requests that the part serves come in, without the token."""
        if part.service == "frontend" and part.place is not None:
            edge = urlsplit(self.inventory.edges[part.place])
            assert edge.hostname is not None
            return Control(edge.hostname, edge.port or 443, self._tls, timeout=timeout)
        host, port = part.address()
        return Control(host, port, self._tls, timeout=timeout)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        try:
            return operators_tls(self._state)
        except OSError as error:
            raise Failure(
                f"the operators' certificate cannot be read: {error}", "start the site: failwhale up"
            ) from None

    def accepts_connections(self, part: Part) -> bool:
        """Whether anybody listens at the part's address."""
        try:
            socket.create_connection(part.address(), HEALTH_TIMEOUT).close()
        except OSError:
            return False
        return True

    def routes(self, part: Part) -> tuple[str, ...] | None:
        """The operations that a service answers, such as `POST /api/v1/posts`; None when it cannot say."""
        path = "/api/v1/openapi.json" if part.service == "frontend" else "/openapi.json"
        try:
            answer = self.control(part, HEALTH_TIMEOUT).ask("GET", path)
            paths = answer.json()["paths"] if answer.status == 200 else None
        except (Unreachable, ValueError, KeyError):
            return None
        if paths is None:
            return None
        routes = [f"{method.upper()} {path}" for path, operations in paths.items() for method in operations]
        return (*routes, *_PAGES) if part.service == "frontend" else tuple(routes)

    # --- health ---

    def answers(self, part: Part) -> bool:
        """Whether the part is alive: it answers at all, within half a second."""
        return self._asks_well(part, "/-/health", "/-/healthy")

    def ready(self, part: Part) -> bool:
        """Whether the part can do its work. A store is a replica with its link up, or the one primary, to
        which the sentinels lead the services and which takes writes."""
        if part.service == "store":
            return self._store_is_ready(part)
        return self._asks_well(part, "/-/ready", "/-/ready")

    def _asks_well(self, part: Part, ours: str, of_prometheus: str) -> bool:
        if part.service in ("store", "sentinel"):
            return bool(self._redis_says(part, "PING") == b"PONG")
        if part.service == "link":
            return _does_something(part.address())
        try:
            if part.service in _FOREIGN:
                control = Control(*part.address(), tls=None, timeout=HEALTH_TIMEOUT)
                path = _FOREIGN[part.service] or of_prometheus
            else:
                control, path = self.control(part, HEALTH_TIMEOUT), ours
            answer = control.ask("GET", path)
        except Unreachable:
            return False
        return answer.status == 200

    # --- the store ---

    @property
    def stores(self) -> list[Part]:
        """The pair: a primary and its replica, or what is left of it."""
        return [part for part in self.inventory.parts if part.service == "store"]

    def store_role(self, part: Part) -> str | None:
        """`primary` or `replica`, as the store itself says now; None when it does not answer."""
        answer = self._redis_says(part, "ROLE")
        return _ROLES.get(answer[0].decode()) if answer else None

    def store_roles(self) -> dict[str, str]:
        """The role of each store that answers, by the name of its part."""
        roles = {part.name: self.store_role(part) for part in self.stores}
        return {name: role for name, role in roles.items() if role is not None}

    def hold_writes(self, seconds: float) -> None:
        """Let every primary take no write until it is demoted, but for so many seconds at most."""
        for part in self.stores:
            if self.store_role(part) == "primary":
                self._redis_says(part, "CLIENT", "PAUSE", str(int(seconds * 1000)), "WRITE")

    def release_writes(self, part: Part) -> None:
        """Let a store take writes again that were held."""
        self._redis_says(part, "CLIENT", "UNPAUSE")

    def takes_writes(self, part: Part) -> bool:
        """Whether a store does a write now. The one that is asked for changes nothing."""
        return isinstance(self._redis_says(part, "DEL", "failwhale:no-such-key"), int)

    def lags(self, part: Part) -> bool:
        """Whether a replica stands still at less than the primary has written. It takes a tenth of a second
        to tell: one that follows is not behind for so long."""
        behind = self._offset(part)
        primary = next((one for one in self.stores if self.store_role(one) == "primary"), None)
        written = self._offset(primary) if primary else None
        if behind is None or written is None or primary == part or behind >= written:
            return False
        time.sleep(0.1)
        return self._offset(part) == behind

    def _offset(self, part: Part) -> int | None:
        """How far the stream of writes is that a store has made, or has followed."""
        role = self._redis_says(part, "ROLE")
        return None if not role else int(role[1] if role[0] == b"master" else role[4])

    def ask_failover(self) -> None:
        """Have Sentinel promote the replica. Raises Failure when no sentinel agrees."""
        refusals = []
        for part, known in self._sentinels():
            answer = self._redis_says(part, "SENTINEL", "FAILOVER", known[b"name"])
            if answer == b"OK":
                return
            refusals.append(part.name)
        raise Failure(
            f"no sentinel begins a failover; asked: {', '.join(refusals) or 'none, as none answers'}"
        )

    def demote_others(self, primary: Part) -> None:
        """Make every other store that still believes to be the primary a replica of this one.

        Sentinel would do it, but it waits for eight seconds first.
        """
        for part in self.stores:
            if part != primary and self.store_role(part) == "primary":
                self._demote(part, primary)

    def _demote(self, part: Part, primary: Part) -> None:
        """Writes that were held are released with it. Until then it does not answer the sentinels either, who
        publish through it, and a store that is silent to them is not promoted."""
        host, port = primary.address()
        self._redis_says(part, "REPLICAOF", host, str(port))
        self.release_writes(part)

    def welcome_back(self, part: Part) -> None:
        """A store that was away may still believe to be the primary: it gives way to who was promoted since.
        With any other part there is nothing to do.
        """
        if part.service != "store" or self.store_role(part) != "primary":
            return
        primary = self.last_promoted()
        if primary is not None and primary != part:
            self._demote(part, primary)

    def last_promoted(self) -> Part | None:
        """The store that was made the primary last, as the sentinels know; None when none answers.

        A sentinel that was cut off may still name the one before, so the latest epoch counts. The address is
        asked for by itself: beside the epoch of a promotion that is not quite over, the old one is listed.
        """
        latest = -1
        found = None
        for sentinel, known in self._sentinels():
            named = self._named_by(sentinel, known)
            epoch = int(known[b"config-epoch"])
            if named is not None and epoch > latest:
                latest, found = epoch, named
        return found

    def agreed_primary(self) -> Part | None:
        """The store to which every sentinel leads the services, or None: they disagree, are too few, or about
        to promote another."""
        return sentinels.agreed_primary(*self._opinions())

    def failover_hindrance(self) -> str:
        """Why no replica would be promoted if the primary died now; empty when one would."""
        return sentinels.hindrance(*self._opinions())

    def _opinions(self) -> tuple[list[Opinion], int]:
        """What the sentinels that answer say, and how many there are."""
        opinions = []
        for part, known in self._sentinels():
            rows = self._redis_says(part, "SENTINEL", "REPLICAS", known[b"name"]) or []
            opinions.append(
                Opinion(
                    part.name,
                    self._named_by(part, known),
                    int(known[b"config-epoch"]),
                    b"failover_in_progress" in known.get(b"flags", b"").split(b","),
                    tuple(self._replica_of(_fields(row)) for row in rows),
                )
            )
        return opinions, sum(part.service == "sentinel" for part in self.inventory.parts)

    def _replica_of(self, fields: dict[bytes, bytes]) -> Replica:
        row = {key.decode(): value.decode() for key, value in fields.items()}
        part = self._store_at(f"{row['ip']}:{row['port']}")
        return sentinels.replica_of(row, part.name if part else f"{row['ip']}:{row['port']}")

    def _named_by(self, sentinel: Part, known: dict[bytes, bytes]) -> Part | None:
        named = self._redis_says(sentinel, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", known[b"name"])
        return self._store_at(b":".join(named or ()).decode())

    def _store_at(self, address: str) -> Part | None:
        return next((part for part in self.stores if address in part.addresses.values()), None)

    def _sentinels(self) -> Iterator[tuple[Part, dict[bytes, bytes]]]:
        """Each sentinel that answers, with what it knows of the primary."""
        for part in self.inventory.parts:
            if part.service == "sentinel" and (masters := self._redis_says(part, "SENTINEL", "MASTERS")):
                yield part, _fields(masters[0])

    def _store_is_ready(self, part: Part) -> bool:
        role = self._redis_says(part, "ROLE")
        if not role:
            return False
        if role[0] == b"master":  # one that was away may believe for a moment that it still is
            one = list(self.store_roles().values()).count("primary") == 1
            return one and self.agreed_primary() == part and self.takes_writes(part)
        return bool(role[3] == b"connected")

    def _redis_says(self, part: Part, *command: str | bytes) -> Any:
        """The raw answer of a Redis or Sentinel; None when there is none, also when it is an error."""
        from redis.exceptions import RedisError

        host, port = part.address()
        redis: Redis = _redis(host, port)
        try:
            return redis.execute_command(*command)  # type: ignore[no-untyped-call]
        except RedisError:
            return None
        finally:
            redis.close()


def _fields(flat: list[bytes]) -> dict[bytes, bytes]:
    """Names and values from the list in which a sentinel sends them."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _does_something(address: tuple[str, int]) -> bool:
    """Whether a line relays what it is sent, or ends the connection since nobody is at its other end.

    The system accepts connections for a frozen one, too.
    """
    try:
        with socket.create_connection(address, HEALTH_TIMEOUT) as connection:
            connection.sendall(b"PING\r\n")
            connection.recv(64)
    except ConnectionRefusedError:
        return False
    except ConnectionError:  # ended after it was accepted
        return True
    except OSError:
        return False
    return True


def _redis(host: str, port: int) -> Redis:
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    redis = Redis(
        host=host,
        port=port,
        socket_timeout=HEALTH_TIMEOUT,
        socket_connect_timeout=HEALTH_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
    redis.response_callbacks.clear()  # answers as they are on the wire; not the library's view of them
    return redis
