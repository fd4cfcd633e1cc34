"""What the handlers of a service need, in one object."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any

from fastapi import Depends, Request

from services.platform.calls import Caller, Reached
from services.platform.configuration.document import Document
from services.platform.configuration.reader import Configuration
from services.platform.events.consumer import Consumer, consume
from services.platform.injection.applied import AppliedFault
from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import OF_ROADS
from services.platform.metrics import Metrics
from services.platform.protections import PROTECTIONS, Protections
from services.platform.revocations import Revocations
from services.platform.settings import Address, Settings
from services.platform.store import Store
from services.platform.tasks import cancel_all
from services.platform.tls import credentials_of
from services.platform.tokens import SessionKeys

logger = logging.getLogger(__name__)

CHECK_SECONDS = 0.6
"""How long a readiness check may take."""


class Site:
    """`app.state.site`, or `site: SiteDep` in a handler."""

    def __init__(self, settings: Settings, store: Store, faults: InjectionPoints | None = None) -> None:
        """`faults`: the injection points that the store's connections have, too."""
        self.settings = settings
        self.store = store
        self.metrics = Metrics(settings)
        self.faults = faults or InjectionPoints()
        self.faults.on_hit = self.metrics.injection_point_hit
        self.protections = Protections(on_change=self.metrics.protection_enabled)
        credentials = credentials_of(settings)
        self.calls: Mapping[str, Caller] = {
            service: Caller(
                service,
                replicas,
                settings.place,
                lambda: credentials.client,
                self.protections,
                self.metrics,
                faults=self.faults,
            )
            for service, replicas in settings.calls.items()
        }
        """One caller for each service that a CALLS_... setting names."""
        self.configuration = Configuration(store, self.metrics.configuration_version)
        self.configuration.follow(self._apply)
        self.revocations = Revocations(store)
        """Knows what is revoked only where the app was built with `sessions=True`."""
        self.ready_checks: dict[str, Callable[[], Awaitable[bool]]] = {"store": store.ready}
        """By what they are about: whether it can do its work; asked by GET /-/ready."""
        self._background: set[asyncio.Task[None]] = set()
        self._failed: list[str] = []

        for kind in OF_ROADS:
            self.faults.on(kind, self._let_connections_go)
        self.faults.on("connections-exhausted", self._exhaust_connections)

    async def _let_connections_go(self, applied: AppliedFault) -> None:
        """Else who has connections would not feel for a long time that none can be made."""
        beyond = applied.fault.beyond
        for caller in self.calls.values():
            caller.let_go(beyond)
        if not beyond:
            await self.store.let_go("its name is to be looked up again")

    async def _exhaust_connections(self, applied: AppliedFault) -> None:
        with ExitStack() as taken:
            for service, caller in self.calls.items():
                if applied.fault.to in (None, service):
                    taken.enter_context(caller.exhausted())
            await applied.ended.wait()

    async def reach(self) -> dict[str, Reached]:
        """What a new connection from here to each part that it calls gets now, and to the store."""
        calls = asyncio.gather(*(caller.reach() for caller in self.calls.values()))
        called, store = await asyncio.gather(calls, self.store.reach())
        return {name: reached for one in called for name, reached in one.items()} | {"store": store}

    def _apply(self, document: Document) -> None:
        """What every part goes by."""
        for name in PROTECTIONS:
            self.protections.configure(name, bool(document.value(f"protections.{name}")))
        for service, caller in self.calls.items():
            stays = [
                replica
                for replica in caller.replicas
                if not document.values.get(f"drained.{service}.{replica.place}")
            ]
            caller.lead_to(
                [
                    replace(replica, address=Address.parse(address))
                    if (address := document.values.get(f"addresses.{service}.{replica.place}"))
                    else replica
                    for replica in stays or caller.replicas
                ]
            )

    @cached_property
    def session_keys(self) -> SessionKeys:
        """The keys that sign sessions, read at first use. Raises KeysError."""
        return SessionKeys(self.settings.secrets)

    def run_in_background(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run `work` until the service stops. When it fails that is logged, and the service is not ready."""
        task = asyncio.create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._background_ended)

    def consume(self, consumer: Consumer) -> None:
        """Let a consumer handle events until the service stops, as this part's member of its group."""
        work = consume(consumer, self.store, self.settings.name, self.metrics, self.faults)
        self.run_in_background(work, f"consumer {consumer.group}")

    async def stop_background(self) -> None:
        """Cancel what runs in the background and wait until it has ended."""
        await cancel_all(list(self._background))

    async def reasons_not_ready(self) -> list[str]:
        """Why this service cannot serve; empty when it can."""
        if self.faults.of("never-ready"):
            return ["it is told to say no"]
        answers = await asyncio.gather(*map(_passes, self.ready_checks.values()))
        failed = [name for name, passed in zip(self.ready_checks, answers, strict=True) if not passed]
        return [f"{name} cannot be used" for name in failed] + [f"{name} has ended" for name in self._failed]

    def _background_ended(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed.append(task.get_name())
            logger.error("%s failed", task.get_name(), exc_info=error)


async def _passes(check: Callable[[], Awaitable[bool]]) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except Exception:
        return False


def held(name: str) -> Any:
    """For a handler's argument: what the application keeps in `app.state` by this name."""

    async def get(request: Request) -> Any:
        return getattr(request.app.state, name)

    return Depends(get)


SiteDep = Annotated[Site, held("site")]
