"""Whatever the OpenAPI documents allow or forbid gets an answer that they describe; never a 5xx."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from services.platform import access
from services.platform.settings import Address, Settings

DOMAINS = ["auth", "post", "retweet", "timeline", "notify"]
ANN, BOB = (11, "ann"), (12, "Bob")
EXISTING = {"id": "5", "name": "Bob"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]

few = settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(params=DOMAINS)
def app(request, sentinels, tmp_path) -> Iterator[FastAPI]:
    """One domain's service, on a store with two accounts and a post. It is started by the first request."""
    redis = sentinels.pair.primary.client
    redis.flushall()
    for number, name in (ANN, BOB):
        redis.hset(f"account:{number}", mapping={"name": name, "protected": 0})
        redis.set(f"handle:{name.lower()}", number)
    post = {
        "id": "5",
        "author": {"id": "12", "name": "Bob"},
        "text": "t",
        "created": "2026-01-01T00:00:00.000000Z",
        "mentions": [],
    }
    redis.hset("post:5", mapping={"body": json.dumps(post)[:-1], "author": 12, "likes": 0, "retweets": 0})
    redis.zadd("home:11", {"5": 5, "5:12": 6})
    redis.zadd("posts:12", {"5": 5})
    (tmp_path / "session-keys.json").write_text(json.dumps({"current": "one", "keys": {"one": "s" * 40}}))
    (tmp_path / access.FILE).write_text(sentinels.access.password)
    application = import_module(f"services.{request.param}.__main__").application
    where = Address("127.0.0.1", 0)
    app = application(
        Settings(request.param, where, tmp_path, tmp_path, "east", sentinels=sentinels.addresses)
    )
    try:
        yield app
    finally:
        asgi.shutdown_lifespans()


@pytest.mark.parametrize("kind", ["allowed", "allowed on what exists", "forbidden"])
def test_answers_are_as_described(app, kind):
    """As somebody who is signed in. The live stream never ends and has tests of its own."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", app).exclude(path_regex="/stream$")
    mode = GenerationMode.NEGATIVE if kind == "forbidden" else GenerationMode.POSITIVE
    checks = [*CHECKS, negative_data_rejection] if kind == "forbidden" else CHECKS
    signed_in = {"failwhale-user": str(ANN[0]), "failwhale-name": ANN[1]}
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        names = [parameter.name for parameter in operation.path_parameters]
        if kind == "allowed on what exists" and not names:
            continue
        chosen = {name: EXISTING[name] for name in names} if kind == "allowed on what exists" else None

        @few
        @given(case=operation.as_strategy(generation_mode=mode, path_parameters=chosen))
        def ask(case):
            nonlocal tried
            tried += 1
            case.call_and_validate(headers=signed_in, checks=checks)

        ask()
    assert tried or kind != "allowed"
