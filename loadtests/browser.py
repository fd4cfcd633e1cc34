"""How a person reaches the site: HTTPS to either edge, and an honest word for all that can go wrong."""

from __future__ import annotations

import errno
import json
import socket
import ssl
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from locust.contrib.fasthttp import FastHttpSession, LocustBadStatusCode

from loadtests.outcome import (
    BROKEN,
    HANDSHAKE,
    REFUSED,
    SHED,
    THROTTLED,
    TIMEOUT,
    WRONG_CONTENT,
    Check,
    Outcome,
)
from loadtests.tally import Tally

ANSWER_WITHIN = 10.0
CONNECT_WITHIN = 5.0

_REPLICATED = {"true": True, "false": False}


class LoadError(Exception):
    """What Locust's own tables show for a request that was not good."""


@lru_cache
def trust_only(ca: Path) -> Callable[..., ssl.SSLContext]:
    """What FastHttpUser wants as `ssl_context_factory`: one context for all, because making one is dear.

    The client offers the system's CAs (`cafile`), and would add them by itself to a context whose factory
    does not take them.
    """
    context = ssl.create_default_context(cafile=str(ca))
    return lambda cafile=None: context


class Browser:
    """Sends requests over one Locust session, counts them, and reports them to Locust."""

    def __init__(self, session: FastHttpSession, edges: Mapping[str, str], tally: Tally) -> None:
        self._session = session
        self._edges = edges
        self._tally = tally
        session.client.cookiejar = None
        for address in edges.values():
            # The client would repeat a request on every kept connection that turns out to be dead. A browser
            # does so once, on a new one.
            session.client.clientpool.get_client(address)._connection_pool.size = 0

    def ask(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        first: str,
        expect: Collection[int],
        check: Check | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        since: float | None = None,
    ) -> Outcome:
        """One request, to the edge `first` or, where no connection comes about, at once to the other.

        Latency counts from `since` (time.perf_counter()), by default from now, over both attempts. The
        answer is good when its status is in `expect` and `check` finds nothing wrong.
        """
        began = time.perf_counter() if since is None else since
        self._tally.begin()
        response = self._first_that_connects(method, path, operation, first, body, headers)
        with response:
            answer, detail = self._judge(response, expect, check)
            latency = time.perf_counter() - began
            response.request_meta["response_time"] = latency * 1000
            if answer.error:
                response.failure(LoadError(f"{answer.error} {detail}".strip()))
            else:
                response.success()
        self._tally.end(operation, latency, answer.error, answered=answer.status > 0)
        return answer

    def _first_that_connects(
        self,
        method: str,
        path: str,
        operation: str,
        first: str,
        body: object,
        headers: Mapping[str, str] | None,
    ) -> Any:
        response: Any = None
        for address in self._in_order(first):
            response = self._session.request(
                method,
                address + path,
                name=operation,
                json=body,
                headers=dict(headers or {}),
                catch_response=True,
                allow_redirects=True,
            )
            if not _is_out_of_reach(_failure(response)):
                break
        return response

    def _in_order(self, first: str) -> Sequence[str]:
        others = [address for place, address in self._edges.items() if place != first]
        return [self._edges[first], *others]

    def _judge(self, response: Any, expect: Collection[int], check: Check | None) -> tuple[Outcome, str]:
        status = int(response.status_code)
        failure = _failure(response)
        if failure is not None:
            # Also when a status had arrived: an answer that was cut off is none.
            return Outcome(0, None, _kind_of(failure)), str(failure)[:120]
        if status not in expect:
            retry_after = _seconds(response.headers.get("retry-after"))
            return Outcome(status, None, _refusal(status, retry_after), retry_after), ""
        replicated = _REPLICATED.get(response.headers.get("failwhale-replicated"))
        if status == 204:
            return Outcome(status, None, "", replicated=replicated), ""
        try:
            content = json.loads(response.content)
            wrong = check(content) if check else ""
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            content, wrong = None, f"not what was agreed: {error!r}"
        return Outcome(status, content, WRONG_CONTENT if wrong else "", replicated=replicated), wrong[:120]


def _failure(response: Any) -> BaseException | None:
    """What kept an answer from arriving whole, without the wrappers of the client; None when it did."""
    error = response.request_meta["exception"]
    if error is None or isinstance(error, LocustBadStatusCode):
        # An error with a status code is only the client's opinion of the status.
        return None
    return getattr(error, "original", None) or error  # type: ignore[no-any-return]


def _is_out_of_reach(failure: BaseException | None) -> bool:
    """Whether nobody took the connection. A container that is dead or cut off has not even a name."""
    if isinstance(failure, (ConnectionRefusedError, socket.gaierror)):
        return True
    return isinstance(failure, OSError) and failure.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH)


def _kind_of(failure: BaseException) -> str:
    if _is_out_of_reach(failure):
        return REFUSED
    if isinstance(failure, TimeoutError):
        return TIMEOUT
    if isinstance(failure, ssl.SSLError):
        return HANDSHAKE
    return BROKEN


def _refusal(status: int, retry_after: float) -> str:
    """Being asked to come back later is a kind of its own: the site protects itself."""
    if retry_after and status in (429, 503):
        return THROTTLED if status == 429 else SHED
    return f"status-{status}"


def _seconds(retry_after: str | None) -> float:
    """A Retry-After header in seconds, at most a minute; a date counts as one second."""
    if not retry_after:
        return 0.0
    try:
        return min(60.0, max(0.1, float(retry_after)))
    except ValueError:
        return 1.0
