"""What a part goes by: the newest document that it has read or was handed, whatever happens to the source."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.frontend.options import Options
from services.platform import keys
from services.platform.configuration.document import INITIAL, Document
from services.platform.configuration.reader import Configuration
from services.platform.configuration.schema import KEYS, LIMITS
from services.platform.configuration.values import spell
from services.platform.store import Store
from services.platform.tasks import cancel_all


def version(number: int, **values: Any) -> Document:
    named = {name.replace("__", ".").replace("_", "-"): value for name, value in values.items()}
    return Document(number, "2026-01-31T12:00:00Z", "ann", None, named)


@asynccontextmanager
async def looking(*parts: Configuration) -> AsyncIterator[None]:
    """As services do while they run."""
    tasks = [asyncio.create_task(part.look_always()) for part in parts]
    try:
        yield
    finally:
        await cancel_all(tasks)


async def becomes_true(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what happens in another task has no event
            await asyncio.sleep(0.005)


@pytest.fixture
def redis(store: Store, sentinels: Any) -> Any:
    return sentinels.pair.primary.client


def write(redis: Any, document: Document) -> None:
    redis.xadd(keys.CONFIGURATION, {"document": document.text()}, id=f"{document.version}-0")


async def test_every_part_goes_by_what_the_store_has(store: Store, redis: Any) -> None:
    parts = [Configuration(store), Configuration(store)]
    seen: list[Any] = []
    parts[0].follow(lambda document: seen.append(document.value("plans.own.access")))
    async with looking(*parts):
        await asyncio.gather(*(part.wait_until_known(5) for part in parts))
        assert [part.current for part in parts] == [INITIAL, INITIAL]
        write(redis, version(1, plans__own__access="read"))
        await becomes_true(lambda: all(part.current.version == 1 for part in parts))
        write(redis, version(2, plans__own__access="none"))
        await becomes_true(lambda: all(part.current.version == 2 for part in parts))
    assert seen == ["read-write", "read", "none"]
    assert parts[0].former == version(1, plans__own__access="read")


async def test_what_was_read_stays_while_the_source_is_away(store: Store, redis: Any) -> None:
    part = Configuration(store)
    write(redis, version(1, plans__own__access="read"))
    async with looking(part):
        await becomes_true(lambda: part.current.version == 1)
        redis.execute_command("ACL", "SETUSER", "service", "-xrevrange")
        try:
            write(redis, version(2, plans__own__access="none"))
            await becomes_true(lambda: part.unread_seconds is not None and part.unread_seconds > 1)
            assert part.value("plans.own.access") == "read"
        finally:
            redis.execute_command("ACL", "SETUSER", "service", "+xrevrange")
        await becomes_true(lambda: part.value("plans.own.access") == "none")


async def test_a_part_gives_the_source_what_it_was_handed(store: Store, redis: Any) -> None:
    part, other = Configuration(store), Configuration(store)
    async with looking(part, other):
        part.take(version(3, flags__second_factor=False))
        await becomes_true(lambda: other.current.version == 3)
    ((identifier, fields),) = redis.xrange(keys.CONFIGURATION)
    assert (identifier, Document.parse(fields[b"document"])) == (b"3-0", part.current)


def test_no_part_goes_back_to_an_older_version() -> None:
    part = Configuration(store=None)  # type: ignore[arg-type]  # nothing is read
    part.take(version(4))
    part.take(version(3))
    part.take(version(4, plans__own__access="none"))
    assert part.current == version(4)


def test_a_document_that_cannot_be_used_is_refused_and_the_one_before_is_applied_again() -> None:
    part = Configuration(store=None)  # type: ignore[arg-type]  # nothing is read
    applied: list[int] = []

    def picky(document: Document) -> None:
        if document.version == 2:
            raise ValueError("not this one")

    part.follow(lambda document: applied.append(document.version))
    part.follow(picky)
    part.take(version(1))
    part.take(version(2))
    assert (applied, part.current.version) == ([0, 1, 2, 1], 1)
    assert part.refused == "version 2 cannot be used: not this one"
    part.take(version(3))
    assert (part.current.version, part.refused) == (3, "")


async def test_what_is_no_document_is_refused(store: Store, redis: Any) -> None:
    part = Configuration(store)
    redis.xadd(keys.CONFIGURATION, {"document": '{"schema": 99}'}, id="1-0")
    async with looking(part):
        await becomes_true(lambda: part.refused)
        write(redis, version(2))
        await becomes_true(lambda: part.current.version == 2)


def test_a_document_says_what_it_changes_and_survives_being_sent() -> None:
    before = version(1, plans__own__access="read", clients__app="free")
    after = Document(2, "x", "bob", "why", {"plans.own.access": "read", "flags.second-factor": False}, True)
    assert after.changes_since(before) == {
        "clients.app": ("free", "own"),
        "flags.second-factor": (True, False),
    }
    assert Document.parse(after.text()) == after
    for text in ("[]", "{}", "nonsense", json.dumps({"schema": 1}), '{"schema": 1, "version": 1, "more": 2}'):
        with pytest.raises(ValueError, match=r"document|Expecting"):
            Document.parse(text)


@pytest.mark.parametrize("name", KEYS)
def test_each_default_is_allowed(name: str) -> None:
    key = KEYS[name]
    written = spell(key.default) if key.default != "" else ""
    assert key.kind.read(written) == key.default


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("clients.page", "gold"),
        ("plans.own.session-rate", "0"),
        ("plans.own.session-rate", "nan"),
        ("plans.own.session-burst", "1.5"),
        ("flags.second-factor", "maybe"),
        ("post.blocked-patterns", '["("]'),
        ("post.blocked-patterns", json.dumps(["x"] * 201)),
        ("post.blocked-patterns", '{"a": 1}'),
        ("addresses.auth.east", "nowhere"),
    ],
)
def test_what_is_not_allowed_is_no_value(name: str, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - what is wanted instead is told by who asks
        KEYS[name].kind.read(text)


def test_without_configuration_limits_are_those_of_the_environment() -> None:
    options = Options()
    own = {name: KEYS[name].default for name in LIMITS}
    for plan in ("own", "free"):
        assert own[f"plans.{plan}.session-rate"] == options.session_rate
        assert own[f"plans.{plan}.session-burst"] == options.session_burst
    for name in ("address", "repeat"):
        assert own[f"limits.{name}-rate"] == getattr(options, f"{name}_rate")
        assert own[f"limits.{name}-burst"] == getattr(options, f"{name}_burst")
