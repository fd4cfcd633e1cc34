"""Who guesses passwords goes on until the edge lets them in no more, and then gives up."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest

from chaos.catalogue import fault_named
from chaos.fault import Injection
from chaos.target import at
from foundation.failure import Failure
from testbed.control import Answer, Unreachable
from testbed.strangers import Stranger, failed_logins

BLOCKED = Answer(403, json.dumps({"type": "https://x.invalid/blocked"}).encode())
WRONG = Answer(401, json.dumps({"type": "https://x.invalid/wrong-credentials"}).encode())


@pytest.fixture
def edge(parts: Any) -> Any:
    return next(part for part in parts if part.name == "frontend@east")


@pytest.fixture
def site() -> Any:
    """An edge that answers each login with `answer`, and has counted those of the stranger."""
    site = SimpleNamespace(answer=WRONG, tried=[], sources=set())

    def entrance(part: Any, timeout: float, source: str) -> Any:
        def ask(method: str, path: str, body: Any) -> Answer:
            if site.answer is None:
                raise Unreachable
            site.tried.append(body["name"])
            return site.answer

        site.sources.add(source)
        return SimpleNamespace(ask=ask)

    def control(part: Any) -> Any:
        rows = [{"address": "127.1.2.3", "failures": len(site.tried)}]
        return SimpleNamespace(ask=lambda *_: Answer(200, json.dumps({"sources": rows}).encode()))

    site.entrance, site.control = entrance, control
    return site


def test_it_ends_when_the_source_is_blocked(site: Any, edge: Any) -> None:
    fault = fault_named("passwords-guessed")
    injection = Injection("guess-1", at(edge), fault.check({"rate": 50}), 60.0)
    fault.apply(site, injection)
    try:
        until(lambda: fault.verify(site, injection).verdict)
        assert fault.verify_reverted(site, injection).verdict is False
        assert len(set(site.tried)) == len(site.tried), "each handle once"
        site.answer = BLOCKED
        until(lambda: fault.verify_reverted(site, injection).verdict)
        assert fault.verify(site, injection).verdict is False
        site.answer = WRONG  # the address is free again, and nobody comes back
        tried = len(site.tried)
        fault.sustain(site, injection)
        time.sleep(0.1)
        assert len(site.tried) == tried
    finally:
        fault.revert(site, injection)
    assert len(site.sources) == 1


def test_an_edge_that_is_silent_is_a_failure_and_no_block(site: Any, edge: Any) -> None:
    stranger = Stranger(site, edge)
    site.answer = None
    with pytest.raises(Failure, match="frontend@east does not answer"):
        stranger.log_in("ann", "a guess")
    assert not stranger.is_blocked
    site.control = lambda part: SimpleNamespace(ask=lambda *_: Answer(404, b"{}"))
    with pytest.raises(Unreachable, match="does not say from where logins fail"):
        failed_logins(site, edge)


def until(condition: Any) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
