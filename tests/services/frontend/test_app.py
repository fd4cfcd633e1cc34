"""The two listeners: what is on the internal one, and what keeps the front end in service."""

from __future__ import annotations

import httpx

from .conftest import Front


async def internal(front: Front, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(front.internal)
    async with httpx.AsyncClient(transport=transport, base_url="https://frontend-east") as client:
        return await client.get(path, headers=headers)


async def test_a_store_that_is_down_does_not_take_the_front_end_out_of_service(front: Front) -> None:
    assert not await front.site.store.ready()
    assert (await internal(front, "/-/ready")).status_code == 200
    assert (await front.http.get("/")).status_code == 200


async def test_control_and_metrics_are_on_the_internal_listener(front: Front) -> None:
    info = await internal(front, "/-/info", authorization="Bearer control-token")
    assert info.json()["service"] == "frontend"
    await front.http.get("/api/v1/posts/1")
    metrics = await internal(front, "/metrics")
    assert 'http_route="/api/v1/posts/{id}"' in metrics.text


async def test_a_faulty_token_is_no_matter_of_the_internal_listener(front: Front) -> None:
    answer = await internal(front, "/-/health", authorization="Bearer nonsense")
    assert answer.status_code == 200
