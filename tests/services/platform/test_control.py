"""The control endpoints, as chaos and the supervisor use them."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from services.platform.app import ControlToken
from services.platform.configuration.document import Document
from services.platform.protections import PROTECTIONS
from services.platform.settings import Settings
from services.platform.site import Site

Start = Callable[..., Awaitable[tuple[FastAPI, httpx.AsyncClient]]]

CONTROL = {"authorization": "Bearer control-token"}


@pytest.fixture
async def client(start: Start) -> httpx.AsyncClient:
    _, client = await start()
    client.headers.update(CONTROL)
    return client


async def fails() -> bool:
    raise OSError("no")


async def test_health_and_ready_mean_different_things(start: Start) -> None:
    app, client = await start()
    site: Site = app.state.site
    assert (await client.get("/-/ready")).json() == {"status": "ready"}
    site.ready_checks["auth"] = fails
    answer = await client.get("/-/ready")
    assert (answer.status_code, answer.json()["detail"]) == (503, "auth cannot be used")
    assert (await client.get("/-/health")).status_code == 200


async def test_not_ready_when_background_work_failed(start: Start) -> None:
    app, client = await start()
    site: Site = app.state.site

    async def work() -> None:
        raise RuntimeError("oh")

    site.run_in_background(work(), "fan-out")
    answers = [await client.get("/-/ready") for _ in range(3)]
    assert (answers[-1].status_code, answers[-1].json()["detail"]) == (503, "fan-out has ended")


GUARDED = [
    ("GET", "/-/info"),
    ("GET", "/-/faults"),
    ("PUT", "/-/faults/f"),
    ("DELETE", "/-/faults/f"),
    ("POST", "/-/set-right/clock"),
    ("GET", "/-/protections"),
    ("PUT", "/-/protections/retries"),
    ("POST", "/-/import"),
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer wrong", "Basic control-token", "Bearer é"])
async def test_needs_the_token(start: Start, method: str, path: str, given: str | None) -> None:
    imports = APIRouter()

    @imports.post("/-/import", dependencies=[ControlToken])
    async def bulk() -> None: ...

    _, client = await start(imports)
    headers = {} if given is None else {"authorization": given.encode()}
    answer = await client.request(method, path, headers=headers, json={})
    assert answer.status_code == 401
    assert answer.json()["type"].endswith("/control-token-needed")
    assert (await client.request(method, path, headers=CONTROL, json={})).status_code in (200, 422)


async def test_without_a_token_on_disk_nobody_gets_in(start: Start, settings: Settings) -> None:
    _, client = await start()
    for content in (None, ""):
        (settings.secrets / "token").unlink() if content is None else (settings.secrets / "token").write_text(
            content
        )
        assert (await client.get("/-/info", headers={"authorization": "Bearer "})).status_code == 401


async def test_info(client: httpx.AsyncClient) -> None:
    expected = {"service": "post", "place": "east", "release": "dev", "pid": os.getpid()}
    on = dict.fromkeys(PROTECTIONS, True)
    told = (await client.get("/-/info")).json()
    assert told == {**expected, "protections": on, "configuration": 0}


async def test_a_document_of_the_configuration_is_handed_over_and_shown(client: httpx.AsyncClient) -> None:
    document = Document(3, by="ann", values={"protections.retries": False})
    handed = await client.put("/-/configuration", json={"document": document.text()})
    assert handed.status_code == 200
    shown = (await client.get("/-/configuration")).json()
    assert (shown["version"], shown["refused"]) == (3, "")
    assert Document.parse(shown["document"]) == document
    assert Document.parse(shown["former"]).version == 0
    assert (await client.get("/-/protections")).json()["retries"] is False
    assert (await client.put("/-/configuration", json={"document": "[]"})).status_code == 422


async def test_what_was_switched_here_stays_until_its_key_is_changed(client: httpx.AsyncClient) -> None:
    await client.put("/-/protections/retries", json={"on": False})
    for version, values, retries in [
        (1, {"flags.second-factor": False}, False),
        (2, {"protections.retries": False}, False),
        (3, {}, True),
    ]:
        document = Document(version, values=values)
        await client.put("/-/configuration", json={"document": document.text()})
        assert (await client.get("/-/protections")).json()["retries"] is retries


async def test_life_of_a_fault(client: httpx.AsyncClient) -> None:
    fault = {
        "kind": "latency",
        "seconds": 10.0,
        "share": 0.2,
        "users": None,
        "route": "/api/v1/posts",
        "delay": 2.0,
    }
    put = await client.put("/-/faults/f-1", json=fault)
    assert put.status_code == 200
    (listed,) = (await client.get("/-/faults")).json()
    assert listed | fault == listed
    assert (listed["id"], listed["hits"]) == ("f-1", 0)
    assert 9 < listed["remaining"] <= 10
    assert (await client.delete("/-/faults/f-1")).json() == {"id": "f-1", "removed": True, "hits": 0}
    assert (await client.delete("/-/faults/f-1")).json() == {"id": "f-1", "removed": False, "hits": 0}
    assert (await client.get("/-/faults")).json() == []


@pytest.mark.parametrize(
    ("what", "kind", "more"),
    [
        ("clock", "clock-skew", {"ahead": 60}),
        ("token-key", "token-key-mismatch", {}),
        ("consumers", "consumer-stopped", {}),
        ("consumers", "event-log-trimmed", {}),
    ],
)
async def test_what_an_engineer_sets_right_is_over_and_nothing_else(
    client: httpx.AsyncClient, what: str, kind: str, more: dict[str, Any]
) -> None:
    await client.put("/-/faults/meant", json={"kind": kind, "seconds": 60, **more})
    await client.put("/-/faults/other", json={"kind": "errors", "seconds": 60, "share": 0})
    answer = await client.post(f"/-/set-right/{what}")
    assert (answer.status_code, answer.json()) == (200, {"set_right": what})
    assert [one["id"] for one in (await client.get("/-/faults")).json()] == ["other"]


async def test_what_cannot_be_set_right(client: httpx.AsyncClient) -> None:
    answer = await client.post("/-/set-right/everything")
    assert (answer.status_code, answer.json()["type"][-20:]) == (404, "nothing-to-set-right")


@pytest.mark.parametrize(
    "wrong", [{"kind": "meteor"}, {"seconds": -1}, {"share": 7}, {"colour": "red"}, {"seconds": "1e999"}]
)
async def test_what_is_no_fault(client: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    answer = await client.put("/-/faults/f", json={"kind": "errors", "seconds": 1} | wrong)
    assert (answer.status_code, answer.json()["type"][-15:]) == (422, "invalid-request")


async def test_not_without_end(client: httpx.AsyncClient) -> None:
    fault = {"kind": "errors", "seconds": 60, "share": 0}
    statuses = [(await client.put(f"/-/faults/{number}", json=fault)).status_code for number in range(33)]
    assert statuses == [200] * 32 + [409]
    assert (await client.put("/-/faults/0", json=fault)).status_code == 200


async def test_protections(client: httpx.AsyncClient) -> None:
    on = {"deadlines": True, "retries": True, "ejection": True, "shedding": True}
    assert (await client.get("/-/protections")).json() == on
    assert (await client.put("/-/protections/retries", json={"on": False})).json() == on | {"retries": False}
    exposed = (await client.get("/metrics")).text
    assert 'protection_enabled{protection="retries"} 0.0' in exposed
    assert 'protection_enabled{protection="ejection"} 1.0' in exposed
    unknown = await client.put("/-/protections/hope", json={"on": False})
    assert (unknown.status_code, unknown.json()["type"].rpartition("/")[2]) == (404, "unknown-protection")
    assert (await client.put("/-/protections/retries", json={"on": "perhaps"})).status_code == 422
