"""Injection points verified at a real service: its server, mutual TLS, its real layer before a route."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import APIRouter
from site_files import record, write_site

import chaos.faults.calls.injection_point
from chaos.catalogue import fault_named
from chaos.fault import Injection, Proof
from chaos.target import at
from foundation.failure import Failure
from foundation.state import State
from services.frontend.app import front_end
from services.platform import genesis
from services.platform.app import build
from services.platform.injection.applied import AppliedFault
from services.platform.intake import Intake
from services.platform.problems import Problem
from services.platform.serve import Server
from services.platform.settings import Address, Settings
from services.platform.store import Store
from services.platform.tls import credentials_of
from testbed.control import Control, Unreachable
from testbed.endpoints import Endpoints
from testbed.site import Site

router = APIRouter()


@router.get("/api/v1/posts/{identifier}")
async def read(identifier: str) -> str:
    raise Problem(404, "unknown-post", "There is no such post")


class NoStore:
    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def ready(self) -> bool:
        return True

    async def query(self, *_: object) -> list[bytes]:
        return []

    def channel(self, **_: object) -> object:
        raise ConnectionError("there is no store")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A site of one part that runs, and of two that call it."""
    state = State(tmp_path)
    genesis.make_certificates(state.pki, ["post-east", "frontend-east", "frontend-west"])
    state.secrets.mkdir()
    (state.secrets / "token").write_text("control-token\n")
    settings = Settings(
        service="post",
        place="east",
        listen=Address("127.0.0.1", 0),
        pki=state.pki,
        secrets=state.secrets,
    )
    app = build(settings, [router], store=cast(Store, NoStore()))
    async with app.router.lifespan_context(app):
        credentials = credentials_of(settings)
        server = Server(app, credentials)
        await server.start()
        try:
            at = await server.listen(app, Address("127.0.0.1", 0), credentials.internal)
            callers = [record(f"frontend@{place}") for place in ("east", "west")]
            write_site(state, [record("post@east", {"8000": str(at)}), *callers])
            yield cast(Site, Endpoints(state))
        finally:
            await server.stop()


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Site]:
    """A site of one front end, with its public listener and nothing behind it."""
    state = State(tmp_path)
    genesis.make_certificates(state.pki, ["frontend-east"])
    genesis.make_secrets(state.secrets)
    settings = Settings(
        service="frontend",
        place="east",
        listen=Address("127.0.0.1", 0),
        pki=state.pki,
        secrets=state.secrets,
    )
    front = front_end(settings, store=cast(Store, NoStore()))
    async with front.internal.router.lifespan_context(front.internal):
        credentials = credentials_of(settings)
        server = Server(front.internal, credentials)
        await server.start()
        try:
            nearby = Address("127.0.0.1", 0)
            inside = await server.listen(front.internal, nearby, credentials.internal)
            public = await server.listen(front.public, nearby, credentials.public, front.clients)
            parts = [record("frontend@east", {"8000": str(inside)})]
            write_site(state, parts, edges={"east": f"https://{public}"})
            yield cast(Site, Endpoints(state))
        finally:
            await server.stop()


async def proof_of(
    site: Site, name: str, callers: tuple[str, ...] = (), part: str = "post@east", **parameters: Any
) -> Proof:
    fault, target = fault_named(name), site.inventory.part(part)
    injection = Injection(f"{name}-1", at(target, callers), fault.check(parameters), 10.0)
    await asyncio.to_thread(fault.apply, site, injection)
    proof = await asyncio.to_thread(fault.verify, site, injection)
    await asyncio.to_thread(fault.revert, site, injection)
    assert (await asyncio.to_thread(fault.verify_reverted, site, injection)).verdict is True
    return proof


KINDS = [
    ("errors", {"status": 404}, "answered a request of our own with 404"),
    ("errors", {"users": 0.001}, "answered a request of our own with 500"),
    ("latency", {"delay": 0.2}, "answered a request of our own after"),
    ("latency", {"delay": 0.2, "jitter": 0.1}, "answered a request of our own after"),
    ("latency", {"delay": 0.1, "tail": 0.3, "draws": 7}, "answered a request of our own after"),
    ("latency", {"delay": 20.0}, "has not answered a request of our own for"),
    ("black-hole", {}, "did not answer a request of our own within"),
    ("reset", {}, "reset the connection of a request of our own"),
    ("slow-drip", {"rate": 5}, "bytes of an answer after 0."),
    ("slow-drip", {"rate": 1000}, "s for an answer of 1"),
    ("truncated", {"keep": 0.9}, "bytes that break off"),
    ("truncated", {"keep": 1.0}, "bytes that break off"),
    ("corrupted", {"every": 100_000}, "bytes that are no text"),
    ("aborted", {}, "bytes of an answer, and ended the connection"),
    ("wrong-headers", {}, "answered a request of our own with content-type: text/plain"),
    ("wrong-headers", {"value": ""}, "answered a request of our own with no content-type"),
    ("wrong-headers", {"header": "cache-control", "value": "public"}, "with cache-control: public"),
    ("duplicated", {}, "has carried out a request of our own 2 times"),
    ("duplicated", {"route": "POST /api/v1/posts"}, "has carried out a request of our own 2 times"),
]


@pytest.mark.parametrize(("name", "parameters", "said"), KINDS)
async def test_a_real_service_that_is_hurt_is_seen_to_be(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str, parameters: Any, said: str
) -> None:
    monkeypatch.setattr(chaos.faults.calls.injection_point, "_SILENCE", 0.5)
    proof = await proof_of(site, name, **parameters)
    assert proof.verdict is True, proof
    assert said in proof.evidence


@pytest.mark.parametrize(
    "name",
    [
        "errors",
        "latency",
        "black-hole",
        "reset",
        "slow-drip",
        "truncated",
        "corrupted",
        "aborted",
        "duplicated",
    ],
)
async def test_a_share_of_the_users_of_an_edge_is_seen_to_be_hurt(
    edge: Site, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """An edge knows its users by their sessions, whatever headers say."""
    monkeypatch.setattr(chaos.faults.calls.injection_point, "_SILENCE", 0.5)
    proof = await proof_of(edge, name, part="frontend@east", users=0.2)
    assert proof.verdict is True, proof


@pytest.mark.parametrize(
    ("name", "parameters"), [("errors", {}), ("latency", {"delay": 0.2}), ("black-hole", {"users": 1.0})]
)
@pytest.mark.parametrize(
    ("callers", "spared"),
    [
        (("frontend@west",), "frontend@east"),
        (("frontend@east", "frontend@west"), "the controller"),
    ],
)
async def test_a_real_service_knows_its_callers_and_hurts_those_that_are_meant(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    parameters: Any,
    callers: tuple[str, ...],
    spared: str,
) -> None:
    monkeypatch.setattr(chaos.faults.calls.injection_point, "_SILENCE", 0.5)
    proof = await proof_of(site, name, callers, **parameters)
    assert proof.verdict is True, proof
    assert proof.evidence.endswith(f", sent as {callers[0]}; one sent as {spared} is spared")


async def test_a_real_service_that_does_not_know_its_callers_is_found_out(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AppliedFault, "hits_request", lambda *_: True)
    proof = await proof_of(site, "errors", ("frontend@east",))
    assert proof.verdict is False
    assert "one sent as frontend@west is hurt, too" in proof.evidence


async def test_whose_certificate_cannot_be_read_cannot_be_pretended_to_be(site: Site) -> None:
    for file in site._state.pki.glob("frontend-east.*"):
        file.unlink()
    with pytest.raises(Failure, match="the certificate of frontend@east cannot be read"):
        await proof_of(site, "errors", ("frontend@east",))


@pytest.mark.parametrize("name", ["errors", "latency", "black-hole"])
async def test_a_real_service_that_only_counts_is_not(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async def go_on(*_: Any) -> bool:
        return True

    monkeypatch.setattr(chaos.faults.calls.injection_point, "_SILENCE", 0.5)
    monkeypatch.setattr(Intake, "_survives", go_on)
    proof = await proof_of(site, name)
    assert proof.verdict is False, proof
    assert "counts a request of our own as hurt, and answered it as ever" in proof.evidence


async def test_nobody_there_is_no_silence(site: Site) -> None:
    gone = Control("127.0.0.1", 1, None)
    with pytest.raises(Unreachable) as raised:
        await asyncio.to_thread(gone.ask, "GET", "/")
    assert type(raised.value) is Unreachable
