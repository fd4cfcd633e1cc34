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
from services.platform import genesis
from services.platform.app import build
from services.platform.injection_points import AppliedFault
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


async def proof_of(site: Site, name: str, callers: tuple[str, ...] = (), **parameters: Any) -> Proof:
    fault, post = fault_named(name), site.inventory.part("post@east")
    injection = Injection(f"{name}-1", at(post, callers), fault.check(parameters), 10.0)
    await asyncio.to_thread(fault.apply, site, injection)
    for _ in range(10):  # a share of the users is met by chance: nobody of it in forty probes is one in 2**40
        proof = await asyncio.to_thread(fault.verify, site, injection)
        if proof.verdict is not None:
            break
    await asyncio.to_thread(fault.revert, site, injection)
    assert (await asyncio.to_thread(fault.verify_reverted, site, injection)).verdict is True
    return proof


KINDS = [
    ("errors", {"status": 404}, "answered a request of our own with 404"),
    ("errors", {"users": 0.5}, "answered a request of our own with 500"),
    ("latency", {"delay": 0.2}, "answered a request of our own after"),
    ("latency", {"delay": 20.0}, "has not answered a request of our own for"),
    ("blackhole", {}, "did not answer a request of our own within"),
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
    ("name", "parameters"), [("errors", {}), ("latency", {"delay": 0.2}), ("blackhole", {"users": 1.0})]
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


@pytest.mark.parametrize("name", ["errors", "latency", "blackhole"])
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
