"""The layer that every request passes: ids, deadlines, bounds, and what is measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import StreamingResponse

from services.platform import request_ids
from services.platform.calls import deadline
from services.platform.injection.spec import FaultSpec
from services.platform.intake import CROWDED
from services.platform.site import Site

Start = Callable[..., Awaitable[tuple[FastAPI, httpx.AsyncClient]]]

BOUND = 3
"""The fixture's MAX_IN_FLIGHT."""


class Service:
    """A service whose handlers wait until the test lets them go on."""

    def __init__(self) -> None:
        self.router = APIRouter(prefix="/api/v1")
        self.go_on = asyncio.Event()
        self.waiting = 0
        self.router.get("/quick/{word}")(self.quick)
        self.router.get("/slow")(self.slow)
        self.router.get("/stream")(self.stream)

    async def quick(self, word: str) -> dict[str, object]:
        return {"request": request_ids.current.get(), "remaining": min(deadline.remaining(), 1e6)}

    async def slow(self) -> None:
        self.waiting += 1
        await self.go_on.wait()

    async def stream(self) -> StreamingResponse:
        async def events() -> AsyncIterator[bytes]:
            self.waiting += 1
            yield b": open\n\n"
            await self.go_on.wait()

        return StreamingResponse(events(), media_type="text/event-stream")

    async def wait_for(self, waiting: int) -> None:
        async with asyncio.timeout(5):
            while self.waiting < waiting:  # noqa: ASYNC110 - several may wait for several numbers
                await asyncio.sleep(0.001)


@pytest.fixture
def service() -> Service:
    return Service()


def sample(app: FastAPI, name: str, **labels: str) -> float:
    site: Site = app.state.site
    return site.metrics.registry.get_sample_value(name, labels) or 0.0


def measured(app: FastAPI, method: str, route: str, status: int) -> float:
    return sample(
        app,
        "http_server_request_duration_seconds_count",
        http_request_method=method,
        http_route=route,
        http_response_status_code=str(status),
    )


async def test_request_id_is_kept_or_made(start: Start, service: Service) -> None:
    _, client = await start(service.router)
    kept = await client.get("/api/v1/quick/a", headers={"failwhale-request": "abc-1"})
    assert kept.json()["request"] == kept.headers["failwhale-request"] == "abc-1"
    first, second = [(await client.get("/api/v1/quick/a")).headers["failwhale-request"] for _ in range(2)]
    assert len(first) == 16
    assert first != second
    odd = await client.get("/api/v1/quick/a", headers={"failwhale-request": "a b\x7f"})
    assert odd.json()["request"] == odd.headers["failwhale-request"] != "a b\x7f"


async def test_deadline_travels(start: Start, service: Service) -> None:
    _, client = await start(service.router)
    header = {"failwhale-deadline": f"{time.time() + 5:.6f}"}
    assert 4 < (await client.get("/api/v1/quick/a", headers=header)).json()["remaining"] <= 5
    assert (await client.get("/api/v1/quick/a")).json()["remaining"] == 1e6
    nonsense = await client.get("/api/v1/quick/a", headers={"failwhale-deadline": "soon"})
    assert nonsense.json()["remaining"] == 1e6


async def test_what_comes_too_late_is_refused(start: Start, service: Service) -> None:
    app, client = await start(service.router)
    late = {"failwhale-deadline": f"{time.time() - 0.1:.6f}"}
    answer = await client.get("/api/v1/quick/a", headers=late)
    assert (answer.status_code, answer.json()["title"]) == (
        504,
        "The deadline had passed before work began",
    )
    assert sample(app, "http_server_refused_total", reason="late") == 1
    assert measured(app, "GET", "/api/v1/quick/{word}", 504) == 1
    app.state.site.protections.switch("deadlines", False)
    assert (await client.get("/api/v1/quick/a", headers=late)).status_code == 200


async def test_who_comes_when_half_of_the_places_are_taken_is_told(start: Start, service: Service) -> None:
    found: list[float] = []

    @service.router.get("/crowded")
    async def crowded(request: Request) -> None:
        found.append(request.scope.get(CROWDED, 0.0))

    _, client = await start(service.router)
    await client.get("/api/v1/crowded")
    async with asyncio.TaskGroup() as tasks:
        for number in range(1, BOUND):
            tasks.create_task(client.get("/api/v1/slow"))
            await service.wait_for(number)
        await client.get("/api/v1/crowded")
        service.go_on.set()
    assert found == [0.0, (BOUND - 1) / BOUND]


async def test_what_is_too_much_is_refused_at_once(start: Start, service: Service) -> None:
    app, client = await start(service.router)
    async with asyncio.TaskGroup() as tasks:
        slow = [tasks.create_task(client.get("/api/v1/slow")) for _ in range(BOUND)]
        await service.wait_for(BOUND)
        assert sample(app, "http_server_active_requests") == BOUND
        refused = await client.get("/api/v1/slow")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["type"].endswith("/overloaded")
        assert sample(app, "http_server_refused_total", reason="shed") == 1
        assert (await client.get("/-/health")).status_code == 200, "control endpoints are not bounded"

        app.state.site.protections.switch("shedding", False)
        beyond = tasks.create_task(client.get("/api/v1/slow"))
        await service.wait_for(BOUND + 1)
        service.go_on.set()
    assert {task.result().status_code for task in [*slow, beyond]} == {200}
    assert sample(app, "http_server_active_requests") == 0
    assert measured(app, "GET", "/api/v1/slow", 503) == 1
    assert measured(app, "GET", "/api/v1/slow", 200) == BOUND + 1


async def test_streams_take_no_place_from_requests(start: Start, service: Service) -> None:
    app, client = await start(service.router)
    async with asyncio.TaskGroup() as tasks:
        streams = []
        for number in range(BOUND + 1):
            streams.append(tasks.create_task(client.get("/api/v1/stream")))
            await service.wait_for(number + 1)
        assert sample(app, "http_server_active_streams") == BOUND + 1
        assert sample(app, "http_server_active_requests") == 0
        assert (await client.get("/api/v1/quick/a")).status_code == 200
        service.go_on.set()
    assert all(stream.result().text == ": open\n\n" for stream in streams)
    assert sample(app, "http_server_active_streams") == 0
    assert measured(app, "GET", "/api/v1/stream", 200) == BOUND + 1


async def test_a_place_is_given_back_when_the_client_goes(start: Start, service: Service) -> None:
    app, client = await start(service.router)
    request = asyncio.create_task(client.get("/api/v1/slow"))
    await service.wait_for(1)
    request.cancel()
    await asyncio.wait([request])
    assert sample(app, "http_server_active_requests") == 0
    assert measured(app, "GET", "/api/v1/slow", 499) == 1


async def test_labels_are_templates_only(start: Start, service: Service) -> None:
    app, client = await start(service.router)
    for word in ("a", "b", "c"):
        await client.get(f"/api/v1/quick/{word}")
        await client.get(f"/nowhere/{word}")
        await client.request("BREW", f"/api/v1/quick/{word}")
    await client.get("/metrics")
    assert measured(app, "GET", "/api/v1/quick/{word}", 200) == 3
    assert measured(app, "GET", "(none)", 404) == 3
    assert measured(app, "_OTHER", "/api/v1/quick/{word}", 405) == 3
    exposed = (await client.get("/metrics")).text
    assert "nowhere" not in exposed
    assert 'http_route="/metrics"' not in exposed, "control endpoints are not measured"


async def test_a_layer_below_may_answer_without_a_route(start: Start) -> None:
    app, client = await start(more_routes=[("GET", "/api/v1/passed/{id}")])
    app.state.site.faults.put("f", FaultSpec(kind="errors", seconds=10, route="GET /api/v1/passed/{id}"))
    assert (await client.get("/api/v1/passed/1")).status_code == 500
    assert measured(app, "GET", "/api/v1/passed/{id}", 500) == 1
