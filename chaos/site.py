"""The site as chaos reaches it: its parts, what carries them, their control endpoints, their health.

Faults see the site only through this class, which is what makes them testable without one.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chaos.control import Control, Unreachable, operators_tls
from chaos.inventory import Inventory, Part
from chaos.runtimes import Runtime, runtime_of
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
        """Whether the part can do its work. A store is the one primary, or a replica with its link up."""
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

    def store_role(self, part: Part) -> str | None:
        """`primary` or `replica`, as the store itself says now; None when it does not answer."""
        answer = self._redis_says(part, "ROLE")
        return _ROLES.get(answer[0].decode()) if answer else None

    def store_roles(self) -> dict[str, str]:
        """The role of each store that answers, by the name of its part."""
        roles = {part.name: self.store_role(part) for part in self.inventory.parts if part.service == "store"}
        return {name: role for name, role in roles.items() if role is not None}

    def hold_writes(self, seconds: float) -> None:
        """Let every primary take no write until it is demoted, but for so many seconds at most."""
        for part in self.inventory.parts:
            if part.service == "store" and self.store_role(part) == "primary":
                self._redis_says(part, "CLIENT", "PAUSE", str(int(seconds * 1000)), "WRITE")

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
        host, port = primary.address()
        for part in self.inventory.parts:
            if part.service == "store" and part != primary and self.store_role(part) == "primary":
                self._redis_says(part, "REPLICAOF", host, str(port))

    def welcome_back(self, part: Part) -> None:
        """A store that was away may still believe to be the primary: it gives way to who was promoted since.
        With any other part there is nothing to do.
        """
        if part.service == "store" and (primary := self.last_promoted()):
            self.demote_others(primary)

    def last_promoted(self) -> Part | None:
        """The store that was made the primary last, as the sentinels know; None when none answers.

        A sentinel that was cut off may still name the one before, so the latest epoch counts. The address is
        asked for by itself: beside the epoch of a promotion that is not quite over, the old one is listed.
        """
        latest = -1
        found = None
        for sentinel, known in self._sentinels():
            named = self._redis_says(sentinel, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", known[b"name"])
            address = b":".join(named or ()).decode()
            epoch = int(known[b"config-epoch"])
            for part in self.inventory.parts:
                if part.service == "store" and address in part.addresses.values() and epoch > latest:
                    latest, found = epoch, part
        return found

    def _sentinels(self) -> Iterator[tuple[Part, dict[bytes, bytes]]]:
        """Each sentinel that answers, with what it knows of the primary."""
        for part in self.inventory.parts:
            if part.service == "sentinel" and (masters := self._redis_says(part, "SENTINEL", "MASTERS")):
                yield part, dict(zip(masters[0][::2], masters[0][1::2], strict=True))

    def _store_is_ready(self, part: Part) -> bool:
        role = self._redis_says(part, "ROLE")
        if not role:
            return False
        if role[0] == b"master":  # one that was away may believe for a moment that it still is
            return list(self.store_roles().values()).count("primary") == 1
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
