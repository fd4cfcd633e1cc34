"""block and unblock: what is a source, which one stands out, and when it is refused."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from foundation.failure import USAGE, Failure
from operations.known import block
from testbed.configuration import INITIAL, Change
from testbed.control import Answer, Unreachable


@pytest.fixture
def configured(site: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A configuration that is in force at once, but for the parts in `late`; `failures` is what edges say."""
    configured = SimpleNamespace(documents=[INITIAL], late=[], failures={})

    def apply(state: Any, make: Any) -> Change:
        former = configured.documents[-1]
        configured.documents.append(make(former, former.version + 1))
        missing = dict.fromkeys(configured.late, "does not answer")
        return Change(former, configured.documents[-1], "store", 0.0, missing=missing)

    def control(part: Any) -> Any:
        def ask(method: str, path: str) -> Answer:
            if part.name not in configured.failures:
                raise Unreachable
            rows = [
                {"address": address, "failures": count}
                for address, count in configured.failures[part.name].items()
            ]
            return Answer(200, json.dumps({"seconds": 10, "sources": rows}).encode())

        return SimpleNamespace(ask=ask)

    monkeypatch.setattr(block, "apply", apply)
    site.configuration = SimpleNamespace(newest=lambda: configured.documents[-1])
    site.control = control
    site.has_account = lambda handle: handle == "eve"
    return configured


def blocked(configured: Any) -> dict[str, Any]:
    return dict(configured.documents[-1].values)


def test_a_source_is_blocked_until_it_is_let_in_again(do: Any, configured: Any) -> None:
    done = do("block", "address:192.0.2.7", "it guesses")
    assert done.said == "address:192.0.2.7 is let in no more; again: failwhale ops unblock address:192.0.2.7"
    assert done.parts == ("frontend@east", "frontend@west")
    do("block", "account:Eve")
    assert blocked(configured) == {"blocked.addresses": ["192.0.2.7"], "blocked.accounts": ["eve"]}
    assert (configured.documents[1].by, configured.documents[1].reason) == ("anna", "it guesses")
    with pytest.raises(Failure, match="account:eve is blocked already"):
        do("block", "account:eve")
    assert do("unblock", "address:192.0.2.7").said == "address:192.0.2.7 is let in again"
    with pytest.raises(Failure, match="is not blocked"):
        do("unblock", "address:192.0.2.7")
    assert blocked(configured) == {"blocked.accounts": ["eve"]}


def test_an_account_that_there_is_not_is_named(do: Any, configured: Any) -> None:
    with pytest.raises(Failure, match="nobody has the handle 'adam'"):
        do("block", "account:Adam")
    assert blocked(configured) == {}


def test_the_busiest_is_the_one_that_stands_out_at_both_edges(do: Any, configured: Any) -> None:
    configured.failures = {"frontend@east": {"::1": 3, "192.0.2.7": 7}, "frontend@west": {"192.0.2.7": 8}}
    assert "address:192.0.2.7 is let in no more" in do("block", "busiest").said
    configured.failures = {"frontend@west": {"192.0.2.9": 9}}
    with pytest.raises(Failure, match=r"no source stands out .* most are from 192\.0\.2\.9, 9"):
        do("block", "busiest")
    configured.failures = {}
    with pytest.raises(Failure, match=r"no source stands out by the logins that fail$"):
        do("block", "busiest")


@pytest.mark.parametrize("target", ["192.0.2.7", "address:home", "account:", "client:page"])
def test_what_is_no_source_is_refused(do: Any, configured: Any, target: str) -> None:
    with pytest.raises(Failure) as refusal:
        do("block", target)
    assert refusal.value.code == USAGE
    with pytest.raises(Failure):
        do("unblock", "busiest")
    assert configured.documents == [INITIAL]


def test_an_edge_that_does_not_go_by_it_is_named(do: Any, configured: Any) -> None:
    configured.late += ["notify@east", "frontend@west"]
    with pytest.raises(Failure, match=r"^frontend@west does not go by it: does not answer"):
        do("block", "account:eve")
